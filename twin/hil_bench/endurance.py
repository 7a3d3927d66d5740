"""Days of a site with a random fault every hour, and beside them the same plant and faults under perfect control.

Perfect control has no sensor, bus or clock that fails, and it knows of each fault of the process: from its first second
to the end of its hour all that cools is at full power. Before it, the plant is where the same controller has it. For as
long as chips are above their limit under perfect control, the faults of the process force it.
"""

from __future__ import annotations

import random
import time as wall
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from controllers.plant_view import PlantView
from hil.binding import BoundDevice
from hil.clock import Clock
from hil.faults.clock import TIME_FAULTS
from hil.faults.schedule import BUS_FAULTS, EXCEPTION_CODES
from hil.faults.sensor import SENSOR_FAULTS
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import Role
from twin.hil_bench.bench import BenchSite
from twin.hil_bench.controller_side import ControllerSide
from twin.hil_bench.lockstep import LockStep
from twin.hil_bench.plant_side import PlantSide
from twin.hil_bench.process_faults import PROCESS_FAULTS
from twin.hil_bench.scenario import HilScenario
from twin.journal import Journal
from twin.runtime import Counts, Cycle

Array = NDArray[np.float64]
HOUR: Final = 3600.0
SOURCES: Final = ("process", "sensor", "bus", "time")
SIZES: Final[dict[str, tuple[float, float, str]]] = {
    "exchanger_fouled": (10.0, 50.0, "%"), "filter_clogged": (20.0, 70.0, "%"), "leak": (0.05, 1.0, "kg/s"),
    "fan_failure": (30.0, 100.0, "%"), "refrigerant_lost": (10.0, 40.0, "%"), "load_step": (-40.0, 20.0, "%"),
    "heat_wave": (4.0, 12.0, "K"), "sensor_drift": (2.0, 20.0, "K"), "sensor_bias": (-6.0, 6.0, "K"),
    "sensor_spike": (-40.0, 40.0, "K"), "sensor_noise": (0.5, 3.0, "K"), "clock_step": (-3600.0, 3600.0, "s"),
    "clock_jitter": (2.0, 30.0, "s"),
}  # fmt: skip
"""from, to, unit: what drawn faults are between [assumption]"""
LATEST, SHORTEST, LONGEST = 1200.0, 120.0, 1200.0
"""s: faults begin in the first 20 minutes of their hour and last 2 to 20 minutes, so that none meets the next one"""
ROUND: Final = 2700.0
"""s: by then the hour's fault is over, and somebody has reset the machines that it made stop themselves"""
PRECOOLED: Final = 60.0
"""s by which chips get hot later, where a machine stops itself, if all that cools was at full power before: water 10 K
colder, which warms by 10 K a minute without facility water. Perfect control knows beforehand, ours cannot"""
RESPONSE: Final = 2.0
"""scans: a value is as old as a scan, and what is decided on it goes out with the next one"""


def draw(site: BenchSite, name: str, days: float, seed: int) -> HilScenario:
    """A scenario of ``days`` at the site ``name`` with one fault in every hour, the same for the same ``seed``."""
    chance = random.Random(seed)
    drawer = _Drawer(site, chance)
    faults = [drawer.fault(hour * HOUR + chance.uniform(0.0, LATEST)) for hour in range(int(24 * days))]
    loads = "cdu.*.P_it" if len(PlantView(site.plant).cdus) > 1 else "cdu.P_it"
    stimuli: list[dict[str, Any]] = []
    for hour in range(int(24 * days)):  # a summer's day, every day the same: 16 degC at five, 30 degC at five
        warm = 23.0 - 7.0 * np.cos(2.0 * np.pi * ((hour + 1) % 24 - 5.0) / 24.0)
        for signal, value in (("weather.T_dry", warm), ("weather.T_wet", 0.5 * warm + 5.0)):
            stimuli.append({"at": hour * HOUR, "signal": signal, "to": f"{value:.2f} degC", "over": HOUR})
    guarded = [device.name for device in site.devices if device.trips]
    rounds = [{"at": hour * HOUR + ROUND, "act": "reset_at_machine", "of": guarded} for hour in range(int(24 * days))]
    return HilScenario.model_validate(
        {
            "name": f"endurance_{seed}", "title": f"{days:g} days with a fault every hour, seed {seed}", "site": name,
            "duration": days * 24 * HOUR, "step": 10.0, "scan": 20.0, "seed": seed, "faults": faults,
            "conditions": {"weather.T_dry": "18 degC", "weather.T_wet": "14 degC", loads: "75 %"},
            "stimuli": stimuli, "operator": rounds if guarded else [], "expect": [{"eventually": "runtime.state == 1"}],
        }
    )  # fmt: skip


class _Drawer:
    """What can happen at a site."""

    def __init__(self, site: BenchSite, chance: random.Random) -> None:
        self._chance, self._site = chance, site
        kinds = {name: c.kind for name, c in site.plant.components.items()}
        self._machines = {fault: [n for n, kind in kinds.items() if kind in what.effects]
                          for fault, what in PROCESS_FAULTS.items()}  # fmt: skip
        shown = [s for d in site.devices for s, point in d.points.items() if not point.writable]
        self._units = {s: site.plant.vocabulary[s].unit for s in shown}

    def fault(self, at: float) -> dict[str, Any]:
        """One that begins ``at`` (s since the start)."""
        source = self._chance.choice(SOURCES)
        lasts = self._chance.uniform(SHORTEST, LONGEST)
        drawn: dict[str, Any] = {"at": at, "for": lasts} | getattr(self, f"_{source}")()
        if drawn["fault"] in SIZES:
            low, high, unit = SIZES[drawn["fault"]]
            drawn["size"] = f"{self._chance.uniform(low, high):.3f} {unit}"
        return drawn

    def _process(self) -> dict[str, Any]:
        able = [f for f, machines in self._machines.items() if machines or not PROCESS_FAULTS[f].aimed]
        fault = self._chance.choice(able)
        if not PROCESS_FAULTS[fault].aimed:
            return {"fault": fault}
        machines = self._machines[fault]
        if fault == "load_step":  # jobs run on many racks at once
            first = self._chance.randrange(len(machines))
            return {"fault": fault, "of": machines[first : first + 10]}
        drawn: dict[str, Any] = {"fault": fault, "of": [self._chance.choice(machines)]}
        if fault == "pump_trip" and self._chance.random() < 0.7:
            drawn["count"] = 1
        return drawn

    def _sensor(self) -> dict[str, Any]:
        fault = self._chance.choice(sorted(SENSOR_FAULTS))
        signals = sorted(s for s, unit in self._units.items() if fault not in SIZES or unit == "K")
        first = self._chance.choice(signals)
        if fault != "sensor_swapped":
            return {"fault": fault, "of": [first]}
        same = [s for s in signals if self._units[s] == self._units[first] and s != first]
        return {"fault": fault, "of": [first, self._chance.choice(same)]} if same else {"fault": "sensor_stuck",
                                                                                       "of": [first]}  # fmt: skip

    def _bus(self) -> dict[str, Any]:
        devices = [device.name for device in self._site.devices]
        of = "*" if self._chance.random() < 0.2 else self._chance.choice(devices)
        return {
            "fault": self._chance.choice(sorted(BUS_FAULTS)), "of": of,
            "code": self._chance.choice(EXCEPTION_CODES), "share": self._chance.choice((0.3, 0.6, 1.0)),
            "delay": self._chance.uniform(0.05, 1.0),
        }  # fmt: skip

    def _time(self) -> dict[str, Any]:
        return {"fault": self._chance.choice(sorted(TIME_FAULTS))}


@dataclass(frozen=True, slots=True)
class Spell:
    """A time for which a machine's chips were above their limit: s since the start, s, K above at most."""

    machine: str
    start: float
    length: float
    excess: float


@dataclass(slots=True)
class Spells:
    """Notes for how long chips are above their limits."""

    machines: Sequence[str]
    limits: Array
    found: list[Spell] = field(default_factory=list)
    _since: dict[int, tuple[float, float]] = field(default_factory=dict)

    def note(self, elapsed: float, hottest: Array) -> None:
        """The chips' temperatures, K, at a time, s since the start."""
        over = hottest - self.limits
        for i in np.flatnonzero(over > 0.0).tolist():
            since, excess = self._since.get(i, (elapsed, 0.0))
            self._since[i] = since, max(excess, float(over[i]))
        for i in [i for i in self._since if over[i] <= 0.0]:
            since, excess = self._since.pop(i)
            self.found.append(Spell(self.machines[i], since, elapsed - since, excess))

    def longest(self, begin: float, end: float) -> float:
        """s: of the spells that begin in a time."""
        return max((s.length for s in self.found if begin <= s.start < end), default=0.0)


def chips(plant: Plant) -> tuple[list[str], Spells]:
    """The signals of the hottest chips, and a note book for them."""
    names = list(PlantView(plant).cdus)
    signals = [f"{name}.T_gpu_max" for name in names]
    return signals, Spells(names, np.array([plant.vocabulary[s].upper for s in signals]))


class WatchedPlant(PlantSide):
    """Records for how long chips are above their limits, and nothing else: its memory does not grow."""

    def __init__(self, scenario: HilScenario, plant: Plant, devices: tuple[BoundDevice, ...], clock: Clock) -> None:
        super().__init__(scenario, plant, devices, clock)
        signals, self.spells = chips(plant)
        self._chips = self.simulator.reader(signals)
        self.tripped: set[int] = set()
        """hours in which a machine stood by a hard-wired trip"""

    def _note(self, elapsed: float) -> None:
        if any(device.tripped for device in self.emulator.devices.values()):
            self.tripped.add(int(elapsed // HOUR))
        self.spells.note(elapsed, self._chips())


class WatchedController(ControllerSide):
    """Counts the turns of the loop by its state, and records nothing else."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.states: dict[str, int] = {}

    def _note(self, cycle: Cycle) -> None:
        self.states[cycle.state] = self.states.get(cycle.state, 0) + 1


@dataclass(slots=True)
class Endured:
    """What came of it."""

    scenario: HilScenario
    spells: Spells
    forced: Spells
    """under perfect control"""
    counts: Counts
    states: dict[str, int]
    fallbacks: int
    """of all devices"""
    missing: list[str]
    """what the journal lacks"""
    memory: list[tuple[float, float]]
    """h since the start, MB resident"""
    cpu: float
    """s, of the run under the runtime"""
    tripped: set[int]
    """hours in which a machine had stopped itself"""

    def beyond(self) -> list[tuple[float, float, float]]:
        """Hours (number, longest spell, longest forced one; s) in which chips were hot for longer than is forced.

        A spell may be longer by the response of :data:`RESPONSE` scans, and by :data:`PRECOOLED` after a trip.
        """
        allowed = RESPONSE * self.scenario.scan
        hours = [(h, self.spells.longest(h * HOUR, (h + 1) * HOUR), self.forced.longest(h * HOUR, (h + 1) * HOUR))
                 for h in range(int(self.scenario.duration / HOUR))]  # fmt: skip
        return [hour for hour in hours if hour[1] > hour[2] + allowed + PRECOOLED * (hour[0] in self.tripped)]


class FullCooling:
    """A simulator in which, from each of ``times`` (s since the start) to the end of its hour, all that cools does so
    at full power, whatever its set-points are; what was asked meanwhile counts again afterwards."""

    def __init__(self, simulator: Simulator, times: Sequence[float]) -> None:
        self._simulator, self._times = simulator, times
        self._full = full_cooling(simulator.plant)
        self._asked = {name: simulator.get(name) for name in self._full}
        self._elapsed = 0.0

    def set(self, name: str, value: float) -> None:
        """An input, a disturbance or a parameter (SI)."""
        if name in self._full:
            self._asked[name] = value
        else:
            self._simulator.set(name, value)

    def reader(self, names: Sequence[str]) -> Callable[[], Array]:
        """As the simulator's."""
        return self._simulator.reader(names)

    def step(self, dt: float) -> None:
        """Goes on by ``dt`` seconds."""
        on = any(start <= self._elapsed < (start // HOUR + 1.0) * HOUR for start in self._times)
        for name, value in (self._full if on else self._asked).items():
            self._simulator.set(name, value)
        self._elapsed += dt
        self._simulator.step(dt)


class PerfectPlant(WatchedPlant):
    """Everything that cools knows at once of each fault of the process."""

    def __init__(self, scenario: HilScenario, plant: Plant, devices: tuple[BoundDevice, ...], clock: Clock) -> None:
        super().__init__(scenario, plant, devices, clock)
        self.emulator.simulator = FullCooling(self.simulator, [fault.at for fault in scenario.faults])


async def perfect(scenario: HilScenario, site: BenchSite, journal: Path) -> Spells:
    """Times above the limits that the faults of the process force, from where our controller has the plant."""
    of_process = tuple(fault for fault in scenario.faults if fault.fault in PROCESS_FAULTS)
    with Journal(journal) as book:
        bench = LockStep(
            scenario.model_copy(update={"faults": of_process}), site, book, PerfectPlant, WatchedController
        )
        await bench.run()
        assert isinstance(bench.plant, PerfectPlant)  # as asked for
        return bench.plant.spells


def full_cooling(plant: Plant) -> dict[str, float]:
    """Set-points of all that cools at full power: coldest water, all pumps, wet pads. CDUs keep above the dew point."""
    high = ("y_pump", "dp_set", "n_on", "spray")
    low = ("T_supply_set", "T_leaving_set")
    found = {}
    for signal in plant.vocabulary.role(Role.INPUT):
        local = signal.name.rpartition(".")[2]
        if local in high:
            found[signal.name] = signal.upper
        elif local in low:
            found[signal.name] = signal.lower
    return found


async def endure(
    scenario: HilScenario, site: BenchSite, journal: Path, tell: Callable[[float], None] = lambda hour: None
) -> Endured:
    """Runs the scenario in lock-step with everything that is on site, and under perfect control.

    ``journal`` is a new file; ``tell`` hears of every hour that is over.
    """
    memory: list[tuple[float, float]] = []
    began = wall.process_time()
    with Journal(journal) as book:
        bench = LockStep(scenario, site, book, WatchedPlant, WatchedController)
        note = bench.plant.emulator.on_step

        def on_step(elapsed: float) -> None:
            if note is not None:
                note(elapsed)
            if elapsed % HOUR < 0.5 * scenario.step:
                memory.append((elapsed / HOUR, resident()))
                tell(elapsed / HOUR)

        bench.plant.emulator.on_step = on_step
        await bench.run()
        counts, cpu = bench.controller.runtime.counts, wall.process_time() - began
        controller = bench.controller
        assert isinstance(bench.plant, WatchedPlant)  # as asked for
        assert isinstance(controller, WatchedController)
        spells, tripped = bench.plant.spells, bench.plant.tripped
        fallbacks = sum(device.fallbacks for device in bench.plant.emulator.devices.values())
    with Journal(journal, must_exist=True) as book:
        missing = lost(book, counts)
    forced = await perfect(scenario, site, journal.with_suffix(".perfect"))
    return Endured(scenario, spells, forced, counts, controller.states, fallbacks, missing, memory, cpu, tripped)


def lost(journal: Journal, counts: Counts) -> list[str]:
    """What a loop did and its journal, read again from its file, does not hold."""
    writes = [w for w in journal.writes() if ":" not in w.signal]  # set-points; permissions are counted nowhere
    found = {
        "written": sum(w.status == "written" for w in writes),
        "refreshed": sum(w.status == "refreshed" for w in writes),
        "decisions": len(journal.decisions()),
    }
    said = [f"{getattr(counts, name) - number} of {getattr(counts, name)} {name}" for name, number in found.items()
            if number != getattr(counts, name)]  # fmt: skip
    alarms = [change for change in journal.alarms() if change.after == "unacknowledged"]
    if len(alarms) != len(journal.events("alarm")):
        said.append(f"{abs(len(alarms) - len(journal.events('alarm')))} alarms of {len(alarms)} or their events")
    return said


def resident() -> float:
    """MB that this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6
