"""One scenario on one bench: run, read back, judged."""

from __future__ import annotations

import asyncio
import json
import time as wall
from collections.abc import Callable, Coroutine, Mapping, Sequence
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
LATE = ("plant_late_s", "controller_late_s")
"""figures of a run: by how much the bench itself was late at most, s of the plant's time"""

COMMANDS_ARE_OURS = "commands are given to our controller; leave them out for somebody else's, or reset at the machine"


@dataclass(slots=True)
class Run:
    """What a bench recorded: times (s since the start), values by name, figures of the run itself."""

    times: NDArray[np.float64] = field(repr=False)  # asyncio.run makes the repr of what its task returns
    values: dict[str, NDArray[np.float64]] = field(repr=False)
    figures: dict[str, float] = field(default_factory=dict)
    start: float | None = None
    """s, POSIX, where it is not the scenario's"""


class BenchError(RuntimeError):
    """A bench that did not do its part; the message says which."""


class NotOnThisBench(RuntimeError):
    """A scenario that asks for what a bench cannot do; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class BenchSite:
    """A site that scenarios run on: its plant, its devices, and everything that expectations can ask for."""

    plant: Plant
    devices: tuple[BoundDevice, ...]
    columns: dict[str, Column]


class Sites:
    """The sites of several scenarios, each built once. They hold no state of a run."""

    def __init__(self) -> None:
        self._built: dict[str, BenchSite] = {}

    def of(self, scenario: HilScenario) -> BenchSite:
        """The scenario's site. Raises what is wrong with it or with its devices."""
        return self.at(scenario.site, scenario.overrides)

    def at(self, site: str, overrides: Mapping[str, Any] | None = None) -> BenchSite:
        """A site by its name or its file. Raises what is wrong with it or with its devices."""
        key = json.dumps([site, overrides], default=str)
        if key not in self._built:
            plant = Plant(load_site(site, dict(overrides or {})))
            devices = site_devices(plant)
            columns = plant_columns(plant, devices) | controller_columns(plant, devices)
            self._built[key] = BenchSite(plant, devices, columns)
        return self._built[key]


def prepare(scenario: HilScenario, sites: Sites | None = None) -> BenchSite:
    """The scenario's site; checks the scenario against it.

    Raises HilScenarioError for a fault, stimulus or expectation that does not fit the site.
    """
    site = (sites or Sites()).of(scenario)
    make_course(scenario, site.plant, site.devices)
    for expectation in scenario.expect:
        try:
            check(expectation.node, site.columns)
        except ExpressionError as error:
            raise HilScenarioError(f"{scenario.name}: expect: {expectation.text}: {error}") from None
    for pattern in scenario.plot:
        try:
            find(pattern, site.columns)
        except ExpressionError as error:
            raise HilScenarioError(f"{scenario.name}: plot: {error}") from None
    return site


def seen_signals(scenario: HilScenario, devices: Sequence[BoundDevice]) -> list[str]:
    """Signals whose received values expectations or plots ask for."""
    patterns = [p for e in scenario.expect for p in names(parse(e.text))] + list(scenario.plot)
    known = {f"{SEEN}{name}": 0 for device in devices for name in device.points}
    found = {name for p in patterns if p.startswith(SEEN) for name in find(p, known)}
    return sorted(name.removeprefix(SEEN) for name in found)


def perform(scenario: HilScenario, bench: Bench, journal: Path | None = None, sites: Sites | None = None) -> Outcome:
    """Runs and judges a scenario; ``journal`` is a new SQLite file, or none is kept. Raises HilScenarioError.

    ``sites`` keeps what several scenarios of one site share.
    """
    site = prepare(scenario, sites)
    outcome = Outcome(scenario, bench)
    if scenario.controller == EXTERNAL and bench == "lockstep":
        outcome.skipped = "a controller of somebody else's cannot be moved in lock-step; use --bench sockets or rig"
        return outcome
    began, worked = wall.perf_counter(), wall.process_time()
    with Journal(journal or ":memory:") as book:
        try:
            run = asyncio.run(_bench(bench)(scenario, site, book))
        except (PlantDiverged, BenchError) as error:
            outcome.error = str(error)
            outcome.wall_s = wall.perf_counter() - began
            return outcome
        except NotOnThisBench as error:
            outcome.skipped = str(error)
            return outcome
        start = scenario.start.timestamp() if run.start is None else run.start
        outcome.events = [(e.time - start, e.kind, e.source, e.message) for e in book.events()]
    absent = dict.fromkeys(known_alarms(site.devices), 0.0) if "runtime.state" in run.values else {}
    outcome.traces = Traces(run.times, run.values, site.columns, absent)
    outcome.verdicts = [judge(expectation, outcome.traces) for expectation in scenario.expect]
    outcome.wall_s = wall.perf_counter() - began
    outcome.figures = {"cpu_s": wall.process_time() - worked, "speed": scenario.speed} | run.figures
    late = max(run.figures.get(name, 0.0) for name in LATE)
    if late > scenario.scan:
        outcome.slow = True
        outcome.error = (
            f"the bench came {late:.0f} s of the plant's time late, more than a scan of {scenario.scan:g} s: times "
            "cannot be judged; lower the scenario's speed, run fewer at once (--jobs), or free the machine"
        )
    return outcome


def _bench(bench: Bench) -> Callable[[HilScenario, BenchSite, Journal], Coroutine[Any, Any, Run]]:
    """Loaded when asked for, as they load what they need."""
    if bench == "lockstep":
        from twin.hil_bench import lockstep

        return lockstep.run
    if bench == "sockets":
        from twin.hil_bench import sockets

        return sockets.run
    from twin.hil_bench import rig

    return rig.run
