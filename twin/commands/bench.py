"""`heatloop hil test` and `heatloop hil faults`: scenarios in, verdicts out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twin.console import console, print_json, print_table

if TYPE_CHECKING:
    from twin.hil_bench.scenario import HilScenario
    from twin.hil_bench.verdict import Outcome

FAILED = 1


def run_tests(
    scenarios: Annotated[
        list[str] | None, typer.Argument(metavar="SCENARIO...", help="Scenario files, or names of the library.")
    ] = None,
    library: Annotated[bool, typer.Option("--library", help="All scenarios that come with heatloop.")] = False,
    bench: Annotated[
        Literal["lockstep", "sockets", "rig"] | None,
        typer.Option(help="What they run on.", show_default="the scenario's"),
    ] = None,
    controller: Annotated[
        str | None, typer.Option("--controller", "-c", help="In place of the scenarios'; external: your own.",
                                 show_default="the scenarios'")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write reports, traces, journals and the requirement matrix to this folder.",
                                  show_default=False)
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Scenarios at the same time.",
                                 show_default="a core one, over sockets three; on a rig one")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Verdicts as JSON, for scripts.")] = False,
) -> None:  # fmt: skip
    """Test a controller: run scenarios with faults against a plant and judge what was expected of it.

    Exit code 0 if all passed, 1 if a verdict failed, 2 if something handed in cannot be used.
    """
    from twin.hil_bench.batch import jobs_of, perform_all
    from twin.hil_bench.output import write_junit, write_summary
    from twin.hil_bench.run import Sites, prepare

    chosen, sites = _chosen(scenarios or [], library, controller), Sites()
    for scenario in chosen:
        prepare(scenario, sites)
    outcomes = perform_all(chosen, bench, out, jobs or jobs_of(chosen, bench), lambda o: None if as_json else _tell(o))
    if junit is not None:
        write_junit(junit, outcomes)
    if out is not None:
        write_summary(out, outcomes)
    if as_json:
        print_json([_summary(outcome) for outcome in outcomes])
    elif not all(o.refused for o in outcomes):
        count = {s: sum(o.status == s for o in outcomes) for s in ("passed", "failed", "skipped")}
        said = f"{len(outcomes)} scenarios: {count['passed']} passed, {count['failed']} failed"
        console().print(said + (f", {count['skipped']} not judged" if count["skipped"] else ""))
    _raise(outcomes)
    raise typer.Exit(FAILED if any(o.status == "failed" for o in outcomes) else 0)


def _raise(outcomes: list[Outcome]) -> None:
    """What was no verdict: UserError for what could not be used, Defect with the tracebacks where it was ours."""
    from twin.mistakes import Defect, UserError

    wrong = [o for o in outcomes if o.refused or o.trace]
    if not wrong:
        return
    said = "; ".join(f"{o.scenario.name}: {o.error}" for o in wrong)
    traces = "\n".join(o.trace for o in wrong if o.trace)
    raise Defect(f"{said}\n{traces}") if traces else UserError(said)


def faults() -> None:
    """List the faults that a scenario can inject."""
    from hil.faults.clock import TIME_FAULTS
    from hil.faults.schedule import BUS_FAULTS
    from hil.faults.sensor import SENSOR_FAULTS
    from twin.hil_bench.process_faults import PROCESS_FAULTS

    rows = [("process", name, fault.description, ", ".join(fault.effects)) for name, fault in PROCESS_FAULTS.items()]
    rows += [("sensor", name, what, "measured signals") for name, what in SENSOR_FAULTS.items()]
    rows += [("bus", name, what, "devices, or * for a whole line") for name, what in BUS_FAULTS.items()]
    rows += [("time", name, what, "the controller") for name, what in TIME_FAULTS.items()]
    print_table("", ("where", "fault", "what it does", "of"), rows)


def proxy(
    device: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The device, or the gateway, behind the proxy.")],
    fault: Annotated[str, typer.Option(help="What goes wrong: heatloop hil faults, those of the bus.")],
    listen: Annotated[int, typer.Option(min=1, max=65535, help="Port of the proxy.")] = 15502,
    host: Annotated[str, typer.Option(help="Address at which the proxy listens.")] = "127.0.0.1",
    unit: Annotated[list[int] | None, typer.Option(help="Units that are hit.", show_default="all")] = None,
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the replies that are hit.")] = 1.0,
    delay: Annotated[float, typer.Option(min=0.0, help="bus_delay: seconds.")] = 0.2,
    code: Annotated[int, typer.Option(help="bus_exception: the exception code.")] = 4,
    start: Annotated[float, typer.Option("--from", min=0.0, help="Seconds until the fault begins.")] = 0.0,
    lasts: Annotated[
        float | None, typer.Option("--for", min=0.0, help="Seconds that the fault lasts.", show_default="for ever")
    ] = None,
) -> None:
    """Pass Modbus TCP on to a device, with a fault in it, until Ctrl-C."""
    import asyncio
    import contextlib
    import math
    import time

    from hil.faults.proxy import FaultProxy
    from hil.faults.schedule import BusFault, BusFaults
    from twin.mistakes import UserError

    where, _, port = device.rpartition(":")
    if not where or not port.isdigit():
        raise UserError(f"{device!r} is no HOST:PORT, such as 192.168.1.20:502")
    try:
        end = math.inf if lasts is None else start + lasts
        chosen = BusFault(fault, start, end, frozenset(unit or ()), share, delay, code)
    except ValueError as error:
        raise UserError(str(error)) from None

    async def serve() -> None:
        begun = time.monotonic()
        spoiler = FaultProxy(host, listen, (where, int(port)), BusFaults([chosen]), lambda: time.monotonic() - begun)
        await spoiler.start()
        console().print(f"{host}:{listen} passes to {device} with {fault}. Ctrl-C ends.")
        try:
            await asyncio.Event().wait()
        finally:
            await spoiler.stop()
            seen = spoiler.traffic
            console().print(f"{seen.requests} requests, {seen.replies} replies, {seen.spoilt} spoilt")

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


def _chosen(asked: list[str], everything: bool, controller: str | None) -> list[HilScenario]:
    import difflib

    from twin.hil_bench.scenario import HilScenarioError, library, load_hil_scenario, with_controller

    shipped = {path.stem: path for path in library()}
    paths = list(shipped.values()) if everything else []
    for name in asked:
        path = Path(name)
        if not path.is_file() and name not in shipped:
            near = difflib.get_close_matches(name, shipped, n=3, cutoff=0.4)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise HilScenarioError(f"no scenario {name!r}: neither a file nor one of the library{hint}")
        paths.append(path if path.is_file() else shipped[name])
    if not paths:
        raise HilScenarioError("no scenario given: name files or scenarios of the library, or add --library")
    found = [load_hil_scenario(path) for path in paths]
    return [with_controller(s, controller) for s in found] if controller else found


def _tell(outcome: Outcome) -> None:
    from rich.markup import escape

    if outcome.refused:
        return  # told at the end, as a mistake
    out = console()
    colour = {"passed": "green", "failed": "red", "skipped": "yellow"}[outcome.status]
    out.print(f"[{colour}]{outcome.status:<7}[/] {outcome.scenario.name}  {escape(outcome.scenario.title)}  "
              f"{outcome.wall_s:.1f} s")  # fmt: skip
    for text in (outcome.error, outcome.skipped):
        if text:
            out.print(f"        {escape(text)}")
    for verdict in outcome.verdicts:
        if verdict.status != "passed":
            ids = " ".join(verdict.expectation.requirement)
            out.print(f"        {verdict.status} {escape(f'{ids} {verdict.expectation}')}: {escape(verdict.evidence)}")


def _summary(outcome: Outcome) -> dict[str, object]:
    return {
        "scenario": outcome.scenario.name, "title": outcome.scenario.title, "bench": outcome.bench,
        "status": outcome.status, "error": outcome.error, "skipped": outcome.skipped, "wall_s": outcome.wall_s,
        "figures": outcome.figures,
        "verdicts": [
            {"expectation": str(v.expectation), "requirements": list(v.expectation.requirement), "status": v.status,
             "evidence": v.evidence}
            for v in outcome.verdicts
        ],
    }  # fmt: skip
