"""One scenario on one bench: run, read back, judged."""

from __future__ import annotations

import asyncio
import json
import time as wall
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from plant_models.integrate import PlantDiverged
from plant_models.plant import Plant
from plant_models.site import load_site
from twin.embedded import site_devices
from twin.hil_bench.bench import BenchError, BenchSite, NotOnThisBench, Run
from twin.hil_bench.controller_side import controller_columns, known_alarms
from twin.hil_bench.course import make_course
from twin.hil_bench.evaluate import Traces, check, find
from twin.hil_bench.expression import ExpressionError
from twin.hil_bench.plant_side import plant_columns
from twin.hil_bench.scenario import EXTERNAL, Bench, HilScenario, HilScenarioError
from twin.hil_bench.verdict import Outcome, judge
from twin.journal import Journal

LATE = ("plant_late_s", "controller_late_s")
"""figures of a run: by how much the bench itself was late at most, s of the plant's time"""


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
