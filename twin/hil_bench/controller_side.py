"""The controller's side of a bench: our runtime on the devices, and what it saw and noticed, recorded."""

from __future__ import annotations

import time as wall
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from controllers.envelope import Envelope
from controllers.interface import Forecast
from controllers.plant_view import PlantView
from controllers.registry import make_controller
from hil.binding import BoundDevice
from hil.client import FieldClient
from hil.clock import Clock
from hil.modbus.transport import Transport
from plant_models.plant import Plant
from plant_models.signals import Role
from twin.embedded import RULE_BASED
from twin.hil_bench.course import Course
from twin.hil_bench.evaluate import Column
from twin.hil_bench.scenario import HilScenario
from twin.inputs.forecast import IT_LOAD, Q_DEMAND
from twin.journal import Journal
from twin.operation.alarms import chip_rules
from twin.operation.commands import Commands
from twin.operation.commissioning import Commissioning
from twin.operation.heartbeat import Heartbeat
from twin.operation.writes import policy_of
from twin.runtime import Cycle, Runtime
from twin.simulation import FORECAST_STEP

Array = NDArray[np.float64]
STATES = {"waiting": 0.0, "running": 1.0, "holding": 2.0}
FIGURES = ("state", "alarms", "scans", "bad_scans", "decisions", "written", "refreshed", "failed_writes", "held_back",
           "overruns")  # fmt: skip
"""what is recorded of the runtime, as ``runtime.FIGURE``; states are 0 waiting, 1 running, 2 holding"""
AFTERMATH = 60.0
"""s after the start, or a fault of the bus, in which connections are made and devices are checked"""
GENERAL_ALARMS = ("plant", "controller", "controller.late", "controller.plan", "controller.fallback",
                  "controller.value", "controller.envelope", "write", "setpoints", "commissioning")  # fmt: skip


class ControllerSide:
    """Our runtime with the scenario's controller; ``seen`` are the signals whose received values are recorded."""

    def __init__(
        self,
        scenario: HilScenario,
        plant: Plant,
        devices: Sequence[BoundDevice],
        course: Course,
        clock: Clock,
        journal: Journal,
        *,
        start: float,
        seen: Sequence[str] = (),
        connect: Callable[[str, int, float], Transport] | None = None,
        monotonic: Callable[[], float] = wall.monotonic,
        speed: float = 1.0,
    ) -> None:
        self.scenario, self.plant, self.course, self.clock, self.start = scenario, plant, course, clock, start
        controller = make_controller(scenario.controller, plant, scenario.controller_settings)
        self._horizon = controller.forecast_horizon
        self.client = FieldClient(
            devices, clock, timeout=scenario.timeout, connect=connect, monotonic=monotonic, speed=speed,
            scan_interval=scenario.scan,
        )  # fmt: skip
        view, rules_based = PlantView(plant), scenario.controller in RULE_BASED
        self.runtime = Runtime(
            self.client, controller, Envelope(view), journal, clock, forecast=self._forecast,
            fallback=None if rules_based else make_controller(RULE_BASED[0], plant),
            policies={s: policy_of(point) for device in devices for s, point in device.writable.items()},
            vocabulary=plant.vocabulary, rules=chip_rules(view, self.client.signals),
            commission=Commissioning(self.client).check, scan_interval=scenario.scan, on_cycle=self._note,
            heartbeat=lambda alarms: Heartbeat(self.client, alarms, lambda entry: journal.add_writes([entry])),
            commands=Commands(self.client, lambda entry: journal.add_writes([entry])),
        )  # fmt: skip
        self._journal, self._orders = journal, list(course.orders)
        self._seen = list(seen)
        self.true_time: Callable[[], float] = clock.time
        """of the record, where the controller's own clock is wrong"""
        self.longest_turn = 0.0
        """s of the wall clock, of turns that no fault of the bus or of time holds up, nor the start"""
        self._times: list[float] = []
        self._rows: list[list[float]] = []
        self._alarms: list[frozenset[str]] = []

    def _forecast(self, now: float) -> Forecast | None:
        """The present goes on: what a forecast service says that knows nothing of the scenario."""
        if self._horizon <= 0:
            return None
        grid = now + np.arange(0.0, self._horizon + FORECAST_STEP, FORECAST_STEP)
        known = {s.name for s in self.plant.vocabulary.role(Role.DISTURBANCE)}
        present = {n: v for n, v in self.course.at(self.true_time() - self.start).items() if n in known}
        present[IT_LOAD] = sum(v for n, v in present.items() if n.endswith(".P_it"))
        demands = [v for n, v in present.items() if n.endswith(".Q_demand")]
        if demands:
            present.setdefault(Q_DEMAND, sum(demands))
        return Forecast(grid, {name: np.full(len(grid), value) for name, value in present.items()})

    def _note(self, cycle: Cycle) -> None:
        self._operate(self.true_time() - self.start)
        figures = [STATES.get(cycle.state, np.nan), float(len(cycle.alarms))]
        figures += [float(getattr(cycle.counts, name)) for name in FIGURES[2:]]
        seen = [cycle.samples[name].value if cycle.samples[name].good else np.nan for name in self._seen]
        elapsed = self.true_time() - self.start
        if not self._held_up(elapsed):
            self.longest_turn = max(self.longest_turn, cycle.duration)
        self._times.append(elapsed)
        self._rows.append(figures + seen)
        self._alarms.append(frozenset(cycle.alarms))

    def _operate(self, elapsed: float) -> None:
        """Leaves the orders that are due in the journal, as ``heatloop command`` does: the next turn takes them up."""
        while self._orders and self._orders[0].at <= elapsed + 1e-6:
            order = self._orders.pop(0)
            body = {"device": order.device, "command": order.command, "value": order.value, "reason": "scenario"}
            self._journal.add_order(wall.time(), "operator", "command", body)

    def _held_up(self, elapsed: float) -> bool:
        """Whether there is more to do than a turn has, or requests wait for answers that do not come."""
        spans = [(0.0, 0.0), *((f.start, f.end) for f in self.course.time)]  # the start: connections and checks
        spans += [(f.start, f.end) for faults in self.course.bus.values() for f in faults]
        return any(start <= elapsed <= end + AFTERMATH for start, end in spans)

    def record(self, times: Array) -> dict[str, Array]:
        """What was recorded, at ``times`` (s since the start): each as of the last cycle before."""
        names = [*(f"runtime.{name}" for name in FIGURES), *(f"seen.{name}" for name in self._seen)]
        last = np.searchsorted(np.array(self._times), times + 1e-6, side="right") - 1
        before = last < 0
        table = np.array(self._rows) if self._rows else np.zeros((1, len(names)))
        values = {}
        for i, name in enumerate(names):
            column = table[np.maximum(last, 0), i]
            values[name] = np.where(before, np.nan if name.startswith("seen.") else 0.0, column)
        for alarm in frozenset().union(*self._alarms):
            stands = np.array([alarm in alarms for alarms in self._alarms], dtype=float)
            values[f"alarm.{alarm}"] = np.where(before, 0.0, stands[np.maximum(last, 0)])
        return values


def controller_columns(plant: Plant, devices: Sequence[BoundDevice]) -> dict[str, Column]:
    """What expectations can ask of the controller's side."""
    columns = {f"runtime.{name}": Column() for name in FIGURES}
    columns |= {name: Column() for name in known_alarms(devices)}
    measured = {name for device in devices for name in device.points}
    return columns | {f"seen.{name}": Column(plant.vocabulary[name].unit) for name in measured}


def known_alarms(devices: Sequence[BoundDevice]) -> list[str]:
    """Every alarm that the runtime can raise, as ``alarm.NAME``."""
    names = list(GENERAL_ALARMS)
    for device in devices:
        names += [f"{what}.{device.name}" for what in ("device", "heartbeat", "trip")]
        names += [f"signal.{signal}" for signal in device.points]
        names += [f"{what}.{signal}" for signal in device.writable for what in ("write", "budget")]
    return [f"alarm.{name}" for name in names]
