"""One scenario on one bench: run, read back, judged."""

from __future__ import annotations

import asyncio
import time as wall
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.binding import BoundDevice
from plant_models.integrate import PlantDiverged
from plant_models.plant import Plant
from plant_models.site import load_site
from twin.embedded import site_devices
from twin.hil_bench.controller_side import controller_columns, known_alarms
from twin.hil_bench.course import make_course
from twin.hil_bench.evaluate import Column, Traces, check, find
from twin.hil_bench.expression import ExpressionError, names, parse
from twin.hil_bench.plant_side import plant_columns
from twin.hil_bench.scenario import EXTERNAL, Bench, HilScenario, HilScenarioError
from twin.hil_bench.verdict import Outcome, judge
from twin.journal import Journal

SEEN = "seen."


@dataclass(slots=True)
class Run:
    """What a bench recorded: times (s since the start), values by name, figures of the run itself."""

    times: NDArray[np.float64]
    values: dict[str, NDArray[np.float64]]
    figures: dict[str, float] = field(default_factory=dict)
    start: float | None = None
    """s, POSIX, where it is not the scenario's"""


class NotOnThisBench(RuntimeError):
    """A scenario that asks for what a bench cannot do; the message says what to do instead."""


def prepare(scenario: HilScenario) -> tuple[Plant, tuple[BoundDevice, ...], dict[str, Column]]:
    """The plant, its devices and everything that can be asked for; checks the scenario against them.

    Raises HilScenarioError for a fault, stimulus or expectation that does not fit the site.
    """
    plant = Plant(load_site(scenario.site, scenario.overrides))
    devices = site_devices(plant)
    make_course(scenario, plant, devices)
    columns = plant_columns(plant, devices) | controller_columns(plant, devices)
    for expectation in scenario.expect:
        try:
            check(expectation.node, columns)
        except ExpressionError as error:
            raise HilScenarioError(f"{scenario.name}: expect: {expectation.text}: {error}") from None
    for pattern in scenario.plot:
        try:
            find(pattern, columns)
        except ExpressionError as error:
            raise HilScenarioError(f"{scenario.name}: plot: {error}") from None
    return plant, devices, columns


def seen_signals(scenario: HilScenario, devices: Sequence[BoundDevice]) -> list[str]:
    """Signals whose received values expectations or plots ask for."""
    patterns = [p for e in scenario.expect for p in names(parse(e.text))] + list(scenario.plot)
    known = {f"{SEEN}{name}": 0 for device in devices for name in device.points}
    found = {name for p in patterns if p.startswith(SEEN) for name in find(p, known)}
    return sorted(name.removeprefix(SEEN) for name in found)


def perform(scenario: HilScenario, bench: Bench, journal: Path | None = None) -> Outcome:
    """Runs and judges a scenario; ``journal`` is a new SQLite file, or none is kept. Raises HilScenarioError."""
    _, devices, columns = prepare(scenario)
    outcome = Outcome(scenario, bench)
    if scenario.controller == EXTERNAL and bench == "lockstep":
        outcome.skipped = "a controller of somebody else's cannot be moved in lock-step; use --bench sockets or rig"
        return outcome
    began = wall.perf_counter()
    with Journal(journal or ":memory:") as book:
        try:
            run = asyncio.run(_bench(bench)(scenario, book))
        except PlantDiverged as error:
            outcome.error = str(error)
            outcome.wall_s = wall.perf_counter() - began
            return outcome
        except NotOnThisBench as error:
            outcome.skipped = str(error)
            return outcome
        start = scenario.start.timestamp() if run.start is None else run.start
        outcome.events = [(e.time - start, e.kind, e.source, e.message) for e in book.events()]
    absent = dict.fromkeys(known_alarms(devices), 0.0) if "runtime.state" in run.values else {}
    outcome.traces = Traces(run.times, run.values, columns, absent)
    outcome.verdicts = [judge(expectation, outcome.traces) for expectation in scenario.expect]
    outcome.wall_s, outcome.figures = wall.perf_counter() - began, run.figures
    return outcome


def _bench(bench: Bench) -> Callable[[HilScenario, Journal], Coroutine[Any, Any, Run]]:
    """Loaded when asked for, as they load what they need."""
    if bench == "lockstep":
        from twin.hil_bench import lockstep

        return lockstep.run
    if bench == "sockets":
        from twin.hil_bench import sockets

        return sockets.run
    from twin.hil_bench import rig

    return rig.run
