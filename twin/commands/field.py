"""`heatloop run` and `heatloop hil`: equipment over Modbus, real or emulated."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from twin.console import console, print_json, print_table

if TYPE_CHECKING:
    from twin.runtime import Cycle

FIELD_STEP = 5.0
"""s of plant time: fine beside the devices' watchdogs of a minute"""
LONG = 30.0
"""days of inputs that `hil serve` and `run` prepare"""

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="A shipped site, a site file, or a scenario file.")]
PortOption = Annotated[
    int | None, typer.Option(help="First TCP port of the site's devices, in place of the site file's.",
                             show_default="the site's")
]  # fmt: skip
SpeedOption = Annotated[float, typer.Option(min=0.1, help="Plant seconds per second.")]
ControllerOption = Annotated[
    str | None, typer.Option("--controller", "-c", help="fixed, sequences or mpc.",
                             show_default="the scenario's, or sequences")
]  # fmt: skip
SecondsOption = Annotated[
    float | None, typer.Option(help="End after so many seconds of plant time.", show_default="until Ctrl-C")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the scenario's data.", show_default=False)]

hil = typer.Typer(help="Hardware in the loop: an emulated plant behind Modbus servers.", no_args_is_help=True)


@hil.command("serve")
def serve(
    site: SiteArgument,
    port: PortOption = None,
    speed: SpeedOption = 1.0,
    seconds: SecondsOption = None,
    data: DataOption = None,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM file: certificate of the emulated devices, for a site on TLS.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file: its key.")] = None,
    authority: Annotated[Path | None, typer.Option(help="PEM file: authority of those who may connect.")] = None,
) -> None:
    """Run a plant in scaled real time behind Modbus TCP servers on 127.0.0.1, one device per machine.

    Whatever speaks Modbus can read and write it: heatloop run SITE, a PLC, mbpoll.
    """
    from hil.modbus.tls import Identity
    from twin.embedded import serve as serve_plant

    files = (certificate, key, authority)
    if any(files) and not all(files):
        raise typer.BadParameter("--certificate, --key and --authority belong together")
    identity = Identity(*(file for file in files if file is not None)) if all(files) else None
    scenario = _scenario(site, "fixed")
    out = console()

    def ready(emulator: Any) -> None:
        out.print(f"{scenario.site}: {len(emulator.devices)} Modbus devices on 127.0.0.1, {speed:g} x real time. "
                  "Ctrl-C ends.")  # fmt: skip

    _until_interrupt(
        serve_plant(
            scenario, speed=speed, port=port, data_dir=data, duration=seconds, identity=identity, on_ready=ready
        )
    )


@hil.command("demo")
def demo(
    site: SiteArgument = "bench_loop",
    controller: ControllerOption = None,
    seconds: Annotated[float, typer.Option(min=120.0, help="Plant time before the first fault.")] = 1200.0,
    speed: SpeedOption = 60.0,
    port: PortOption = None,
    journal: Annotated[Path, typer.Option(help="The journal, a new SQLite file.")] = Path("out/hil/journal.sqlite"),
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON, for scripts.")] = False,
) -> None:
    """Show it: plant and controller as two processes joined by sockets; each is killed once.

    Exit code 0 if all was shown: the controller runs the plant, waits and alarms when the plant is gone, and the
    plant falls back to safe set-points when the controller is gone.
    """
    from twin.hil_demo import demo as run_demo
    from twin.results import make_folder

    make_folder(journal.parent)
    out = console(stderr=True)
    result = asyncio.run(
        run_demo(_scenario(site, controller), journal=_fresh(journal), speed=speed, seconds=seconds, port=port,
                 say=out.print)
    )  # fmt: skip
    if as_json:
        print_json({f.claim: {"shown": f.shown, "evidence": f.evidence} for f in result.findings})
    else:
        rows = [("yes" if f.shown else "NO", f.claim, f.evidence) for f in result.findings]
        print_table("", ("shown", "claim", "evidence"), rows)
        console().print(f"journal: {result.journal}")
    raise typer.Exit(0 if result.ok else 1)


def run(
    site: SiteArgument,
    controller: ControllerOption = None,
    mode: Annotated[
        Literal["off", "shadow", "advisory", "auto"] | None,
        typer.Option(
            help="off: watch; shadow: decide and journal, write nothing; advisory: write overrides alone.",
            show_default="the journal's last, or auto",
        ),
    ] = None,
    port: PortOption = None,
    journal: Annotated[Path, typer.Option(help="The journal, an SQLite file; it is continued.")] = Path(
        "out/run/journal.sqlite"
    ),
    seconds: SecondsOption = None,
    emulated: Annotated[
        bool, typer.Option("--emulated/--real", help="Take the time from the emulated plant, or from this machine.")
    ] = True,
    data: DataOption = None,
    check: Annotated[bool, typer.Option("--check", help="Check the devices, write nothing, end.")] = False,
    alarms: Annotated[
        Path | None, typer.Option(help="YAML file of the site's alarms.", show_default="the chips' limits")
    ] = None,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds of plant time between two scans.")] = 10.0,
    metrics_port: Annotated[
        int | None, typer.Option(help="Figures for Prometheus at this port of 127.0.0.1.", show_default=False)
    ] = None,
    log: Annotated[Literal["none", "text", "json"], typer.Option(help="Events as log lines on stderr.")] = "none",
) -> None:
    """Run a controller on a site's equipment over Modbus: scan, decide, guard, write, read back, journal.

    Start the plant first: heatloop hil serve SITE. Nothing is written before one complete good scan and the
    commissioning check. See also: heatloop override, alarms, mode, journal.
    """
    from hil.clock import RealClock
    from twin.embedded import Embedded
    from twin.journal import Journal
    from twin.operation.alarms import load_rules
    from twin.operation.logs import make_log
    from twin.operation.single import only_one
    from twin.results import make_folder

    if not check:
        make_folder(journal.parent)
    embedded = Embedded(_scenario(site, controller), port=port, data_dir=data)
    clock = None if emulated else RealClock()
    if check:
        _show_check(_until_interrupt(embedded.check(clock=clock)))
    rules = None if alarms is None else load_rules(alarms)
    with only_one(journal), Journal(journal) as book, console().status("connecting ...") as status:
        counts = _until_interrupt(
            embedded.run(
                book, clock=clock, mode=mode, duration=seconds, scan_interval=interval, rules=rules,
                log=make_log(log, site=embedded.plant.site.name), metrics_port=metrics_port,
                on_cycle=lambda cycle: status.update(_line(cycle)),
            )
        )  # fmt: skip
    if counts is not None:
        console().print(f"{counts.scans} scans, {counts.decisions} decisions, {counts.written} set-points written")
    console().print(f"journal: {journal}")


def _show_check(findings: Any) -> None:
    """The commissioning check as a table; ends with exit code 0 if the loop would write, 1 if not."""
    found = findings or []
    print_table("", ("verdict", "device", "what", "text"), [(f.verdict, f.device, f.what, f.text) for f in found])
    wrong = sum(1 for f in found if f.verdict == "fail")
    console().print(f"{wrong} of {len(found)} findings forbid writing" if wrong else "nothing forbids writing")
    raise typer.Exit(1 if wrong or not found else 0)


def _scenario(site: str, controller: str | None) -> Any:
    """The scenario, at a step fit for devices; a plain site, or a file that states no length, gets a long one."""
    from twin.scenario import load_scenario

    scenario = load_scenario(site, {"controller": controller, "step": f"{FIELD_STEP} s"})
    return scenario if "days" in scenario.model_fields_set else scenario.model_copy(update={"days": LONG})


def _fresh(journal: Path) -> Path:
    """A journal that is not there yet, so that a demonstration starts with an empty one."""
    number, path = 1, journal
    while path.exists():
        number += 1
        path = journal.with_stem(f"{journal.stem}-{number}")
    return path


def _until_interrupt(work: Coroutine[Any, Any, Any]) -> Any:
    """The result, or None when the user has had enough."""
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(work)
    return None


def _line(cycle: Cycle) -> str:
    """The present state in one line."""
    alarms = f", {len(cycle.alarms)} alarms: {next(iter(cycle.alarms.values()))}" if cycle.alarms else ""
    return f"{cycle.mode}, {cycle.state}, {cycle.counts.scans} scans, {cycle.counts.written} set-points written{alarms}"
