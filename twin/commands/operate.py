"""`heatloop override`, `command`, `alarms`, `mode` and `journal`: what operators ask of a loop, and what it did.

The commands leave orders in the loop's journal; the loop takes them up at its next turn and answers there.
"""

from __future__ import annotations

import getpass
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from twin.console import console, print_json, print_table
from twin.mistakes import UserError

if TYPE_CHECKING:
    from plant_models.signals import Signal
    from twin.journal import Journal

JOURNAL = Path("out/run/journal.sqlite")
PATIENCE = 15.0
"""s of the wall clock that a command waits for the loop's answer: more than a turn takes"""

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="A shipped site, or a site file.")]
JournalOption = Annotated[Path, typer.Option(help="The journal of the running loop.")]
ForOption = Annotated[str | None, typer.Option("--for", help="How long, such as 2h or '45 min'.", show_default=False)]
ReasonOption = Annotated[str, typer.Option(help="Why; it is shown and journaled.")]
WhoOption = Annotated[str | None, typer.Option(help="Who asks.", show_default="the user's name here")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]


def override(
    site: SiteArgument,
    signal: Annotated[str | None, typer.Argument(help="A set-point, such as dry_cooler.T_leaving_set.")] = None,
    value: Annotated[str | None, typer.Argument(help="Its value with its unit, such as '30 degC' or 0.8.")] = None,
    for_: ForOption = None,
    reason: ReasonOption = "",
    cancel: Annotated[bool, typer.Option("--cancel", help="End the override of SIGNAL.")] = False,
    who: WhoOption = None,
    journal: JournalOption = JOURNAL,
    as_json: JsonOption = False,
) -> None:
    """Put a set-point by hand, for a time and for a reason; without SIGNAL, list the overrides in force.

    An override goes before the controller and behind the envelope. It moves no faster than the equipment allows,
    survives a restart, and ends by itself.
    """
    with _journal(site, journal) as book:
        if signal is None:
            _list_overrides(book, as_json)
        elif cancel:
            _order(book, who, "cancel", {"signal": signal})
        elif value is None or for_ is None or not reason.strip():
            raise UserError(f"override of {signal}: give a value, --for how long and --reason why, or --cancel")
        else:
            known = _setpoint(site, signal)
            number = _quantity(value, known)
            from twin.operation.desk import check_override

            check_override({signal: known}, signal, number)
            body = {"signal": signal, "value": number, "seconds": _seconds(for_), "reason": reason}
            _order(book, who, "override", body)


def alarms(
    site: SiteArgument,
    acknowledge: Annotated[
        str | None, typer.Option("--acknowledge", "-a", help="Acknowledge an alarm, or all.", metavar="ALARM")
    ] = None,
    shelve: Annotated[str | None, typer.Option(help="Put an alarm aside, --for a time.", metavar="ALARM")] = None,
    unshelve: Annotated[str | None, typer.Option(help="Take it back.", metavar="ALARM")] = None,
    take_out: Annotated[str | None, typer.Option(help="Out of service, for maintenance.", metavar="ALARM")] = None,
    put_back: Annotated[str | None, typer.Option(help="Back into service.", metavar="ALARM")] = None,
    for_: ForOption = None,
    reason: ReasonOption = "",
    history: Annotated[bool, typer.Option("--history", help="All transitions in place of the present.")] = False,
    who: WhoOption = None,
    journal: JournalOption = JOURNAL,
    as_json: JsonOption = False,
) -> None:
    """Show the alarms that are not normal, most urgent first; acknowledge, shelve or take one out of service."""
    asked: dict[str, str] = {
        kind: name
        for kind, name in (("acknowledge", acknowledge), ("shelve", shelve), ("unshelve", unshelve),
                           ("take_out", take_out), ("put_back", put_back))
        if name is not None
    }  # fmt: skip
    if len(asked) > 1:
        raise UserError(f"one at a time: {', '.join(asked)}")
    with _journal(site, journal) as book:
        if not asked:
            _list_alarms(book, history, as_json)
            return
        ((kind, name),) = asked.items()
        body: dict[str, Any] = {"alarm": name}
        if kind in ("shelve", "take_out"):
            if not reason.strip():
                raise UserError(f"alarm {name}: give a --reason")
            body["reason"] = reason
        if kind == "shelve":
            if for_ is None:
                raise UserError(f"alarm {name}: shelved --for how long? (without an end: --take-out)")
            body["seconds"] = _seconds(for_)
        _order(book, who, kind, body)


def command(
    site: SiteArgument,
    device: Annotated[str, typer.Argument(help="A device of the site, such as cdu.07.")],
    name: Annotated[str | None, typer.Argument(help="Its command.", show_default="reset of its trips")] = None,
    value: Annotated[str | None, typer.Argument(help="Which, where the command has several values.")] = None,
    reason: ReasonOption = "",
    who: WhoOption = None,
    journal: JournalOption = JOURNAL,
) -> None:
    """Give a device a command once, such as the reset of a trip whose cause has been found.

    heatloop map show MAP lists a device's commands. The journal says what came of it.
    """
    if not reason.strip():
        raise UserError(f"command to {device}: give a --reason")
    with _journal(site, journal) as book:
        _order(book, who, "command", {"device": device, "command": name or "", "value": value or "",
                                      "reason": reason})  # fmt: skip


def mode(
    site: SiteArgument,
    word: Annotated[Literal["off", "shadow", "advisory", "auto"] | None, typer.Argument(metavar="MODE")] = None,
    reason: ReasonOption = "",
    who: WhoOption = None,
    journal: JournalOption = JOURNAL,
) -> None:
    """Change the mode of a running loop (off, shadow, advisory, auto); without MODE, say which it is.

    A change is without a bump: set-points go on from what the equipment holds. It survives a restart.
    """
    with _journal(site, journal) as book:
        if word is None:
            kept = book.kept("mode")
            console().print(kept[1] if kept else "no loop has run with this journal yet")
        else:
            _order(book, who, "mode", {"mode": word, "reason": reason})


def journal(
    site: SiteArgument,
    signal: Annotated[str | None, typer.Option(help="Only this set-point.")] = None,
    last: Annotated[str | None, typer.Option(help="Only so long before the newest entry, such as 2h.")] = None,
    events: Annotated[bool, typer.Option("--events", help="What was noticed, in place of what was written.")] = False,
    journal: JournalOption = JOURNAL,
    as_json: JsonOption = False,
) -> None:
    """Show what the loop wrote and what it kept at home: who, why, before, asked, read back."""
    with _journal(site, journal) as book:
        newest = book.newest()
        since = -math.inf if last is None or newest is None else newest - _seconds(last)
        if events:
            rows = [e for e in book.events(since=since) if signal in (None, e.source)]
            if as_json:
                print_json([e._asdict() for e in rows])
            else:
                print_table("", ("time", "kind", "source", "message"),
                            [(_clock(e.time), e.kind, e.source, e.message) for e in rows])  # fmt: skip
            return
        writes = book.writes(signal, since)
        if as_json:
            print_json([w._asdict() for w in writes])
            return
        print_table(
            "", ("time", "set-point", "who", "rank", "before", "asked", "read back", "outcome", "why"),
            [(_clock(w.time), w.signal, w.who, w.rank, _number(w.old), _number(w.new), _number(w.read_back),
              f"{w.status} {w.message}".strip(), w.why) for w in writes],
            right=("before", "asked", "read back"),
        )  # fmt: skip


# --- lists ---


def _list_overrides(book: Journal, as_json: bool) -> None:
    from twin.operation.overrides import Overrides

    live = Overrides(book.overrides()).in_force()
    if as_json:
        print_json([{f: getattr(o, f) for f in ("signal", "value", "since", "until", "who", "reason")} for o in live])
        return
    rows = [(o.signal, _number(o.value), _clock(o.since), _clock(o.until), o.who, o.reason) for o in live]
    print_table("", ("set-point", "value", "since", "until", "who", "reason"), rows)


def _list_alarms(book: Journal, history: bool, as_json: bool) -> None:
    from twin.operation.alarm_state import AlarmState, Priority

    changes = book.alarms(last_only=not history)
    if not history:
        urgent = list(Priority)
        changes = [c for c in changes if c.after is not AlarmState.NORMAL]
        changes.sort(key=lambda c: (-urgent.index(c.priority), c.time))
    fields = ("time", "alarm", "priority", "before", "after", "by", "until", "message")
    if as_json:
        print_json([{f: getattr(c, f) for f in fields} for c in changes])
        return
    rows = [(_clock(c.time), c.alarm, c.priority, c.after, c.by, _clock(c.until), c.message) for c in changes]
    print_table("", ("since", "alarm", "priority", "state", "by", "until", "message"), rows)


# --- orders ---


def _journal(site: str, path: Path) -> Journal:
    """The loop's journal, if it is of this site."""
    from twin.journal import Journal

    book = Journal(path, must_exist=True)
    kept, name = book.kept("site"), _site_name(site)
    if kept is not None and kept[1] != name:
        book.close()
        raise UserError(f"journal {path} is of site {kept[1]}, not of {name}; name another with --journal")
    return book


def _site_name(site: str) -> str:
    from plant_models.site import load_site
    from twin.scenario import load_scenario

    scenario = load_scenario(site, {})
    return load_site(scenario.site, scenario.overrides).name


def _order(book: Journal, who: str | None, kind: str, body: Mapping[str, Any]) -> None:
    """Leaves an order and waits for the loop's answer; exit code 1 if it will not, or nobody answers."""
    number = book.add_order(time.time(), who or getpass.getuser(), kind, body)
    deadline = time.monotonic() + PATIENCE
    while (outcome := book.outcome(number)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    out = console(stderr=True)
    if outcome is None:
        out.print(f"no loop has taken it up within {PATIENCE:g} s; one that starts within ten minutes still will")
        raise typer.Exit(1)
    out.print(outcome.message if outcome.done else f"refused: {outcome.message}", markup=False)
    if not outcome.done:
        raise typer.Exit(1)


def _setpoint(site: str, signal: str) -> Signal:
    from plant_models.plant import Plant
    from plant_models.signals import Role
    from plant_models.site import load_site
    from twin.scenario import load_scenario

    scenario = load_scenario(site, {})
    inputs = Plant(load_site(scenario.site, scenario.overrides)).vocabulary.role(Role.INPUT)
    for known in inputs:
        if known.name == signal:
            return known
    import difflib

    near = difflib.get_close_matches(signal, [s.name for s in inputs], n=3)
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise UserError(f"{signal!r} is no set-point of {site}{hint} (heatloop signals {site} lists them)")


def _quantity(value: str, signal: Signal) -> float:
    from plant_models.units import to_si

    try:
        return (
            to_si(float(value), signal.unit) if signal.unit == "1" and _is_number(value) else to_si(value, signal.unit)
        )
    except ValueError as error:
        raise UserError(f"override of {signal.name}: {error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _seconds(text: str) -> float:
    from plant_models.units import to_si

    try:
        return to_si(text, "s")
    except ValueError as error:
        raise UserError(f"--for, --last: {error}; such as 2h or '45 min'") from None


def _clock(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S") if math.isfinite(when) else ""


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
