"""The plant's side of a bench: the emulated site with its faults, and what it really did, recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hil.binding import BoundDevice
from hil.clock import Clock
from hil.emulator import Emulator
from hil.faults.sensor import SensorFaults
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from twin.hil_bench.course import Course, make_course
from twin.hil_bench.evaluate import Column
from twin.hil_bench.scenario import HilScenario
from twin.recording import is_internal

DEVICE_STATES = {
    "fallen_back": "holds its safe values", "fallbacks": "how often it fell back",
    "tripped": "a hard-wired trip of its own is latched",
}  # fmt: skip
"""what is recorded of every device, as ``device.NAME.STATE``; and of each hard-wired trip whether it is latched, as
``device.NAME.trip.TRIP``"""


class PlantSide:
    """Everything that a scenario makes of a plant and its devices."""

    def __init__(self, scenario: HilScenario, plant: Plant, devices: tuple[BoundDevice, ...], clock: Clock) -> None:
        self.scenario, self.plant, self.devices = scenario, plant, devices
        self.course: Course = make_course(scenario, self.plant, self.devices)
        self.simulator = Simulator(self.plant)
        faults = SensorFaults(self.course.sensors, scenario.seed)
        self.emulator = Emulator(
            self.simulator, self.devices, clock, step=scenario.step, drive=self._drive, on_step=self._note,
            distort=faults.distort if self.course.sensors else None, tell_time=True,
        )  # fmt: skip
        self.names = recorded(self.plant)
        self._read = self.simulator.reader(self.names)
        self._by_hand = list(self.course.by_hand)
        """what nobody has done yet"""
        self._times: list[float] = []
        self._rows: list[NDArray[np.float64]] = []

    def settle(self) -> None:
        """Constant conditions until the plant is steady, then the first row of the record."""
        for name, value in self.course.at(0.0).items():
            self.simulator.set(name, value)
        if self.scenario.settle > 0.0:
            self.simulator.settle(self.scenario.settle)
        self._note(0.0)

    def _drive(self, elapsed: float) -> Mapping[str, float]:
        """Before a step: what somebody does at the machines by now; then what the plant is given."""
        while self._by_hand and self._by_hand[0][0] <= elapsed + 1e-9:
            _, act, device = self._by_hand.pop(0)
            machine = self.emulator.devices[device]
            (machine.restart if act == "power_cycle" else machine.reset_at_machine)()
        return self.course.at(elapsed)

    def _note(self, elapsed: float) -> None:
        states = []
        for device in self.emulator.devices.values():
            states += [float(getattr(device, state)) for state in DEVICE_STATES]
            states += [float(trip in device.wired.thrown) for trip in device.bound.trips]
        self._times.append(elapsed)
        self._rows.append(np.concatenate([self._read(), states]))

    def record(self) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Times (s since the start) and what was recorded, by name."""
        table = np.array(self._rows)
        names = [*self.names, *device_states(self.devices)]
        return np.array(self._times), {name: table[:, i] for i, name in enumerate(names)}


def recorded(plant: Plant) -> list[str]:
    """The signals of the plant that are recorded: all that instruments could show."""
    return [name for name in plant.vocabulary if not is_internal(name)]


def device_states(devices: Sequence[BoundDevice]) -> list[str]:
    """Names of what is recorded of the devices."""
    return [f"device.{d.name}.{state}" for d in devices for state in (*DEVICE_STATES, *(f"trip.{t}" for t in d.trips))]


def plant_columns(plant: Plant, devices: Sequence[BoundDevice]) -> dict[str, Column]:
    """What expectations can ask of the plant's side."""
    columns = {
        name: Column(s.unit, s.upper if math.isfinite(s.upper) else math.inf)
        for name, s in plant.vocabulary.items()
        if not is_internal(name)
    }
    return columns | {name: Column() for name in device_states(devices)}
