"""The bench in lock-step: plant, devices and controller in one process, time moved by hand, no socket.

Everything but the wire is what runs on site: registers, watchdogs, the client, the runtime with its envelope and its
journal. The same scenario gives the same run, as fast as it can be computed: nothing runs in a thread of its own, whose
results would come when the machine is ready for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from hil.clock import LockStepClock
from hil.faults.clock import FaultyClock
from hil.faults.schedule import BusFaults
from hil.in_process import InProcessLine
from hil.modbus.transport import Transport
from twin.hil_bench.bench import BenchSite, Run, seen_signals
from twin.hil_bench.controller_side import ControllerSide
from twin.hil_bench.plant_side import PlantSide
from twin.hil_bench.scenario import HilScenario
from twin.journal import Journal


class AtOnce(ThreadPoolExecutor):
    """What is handed to a thread is done before the hand is back."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Calls it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  raised where the result is awaited
            future.set_exception(error)
        return future


class LockStep:
    """A scenario's plant, its devices and our runtime, joined hand to hand; to be made within a running event loop."""

    def __init__(
        self, scenario: HilScenario, site: BenchSite, journal: Journal, plant: type[PlantSide] = PlantSide,
        controller: type[ControllerSide] = ControllerSide,
    ) -> None:  # fmt: skip
        asyncio.get_running_loop().set_default_executor(AtOnce())
        self.scenario, start = scenario, scenario.start.timestamp()
        self._true = LockStepClock(start)
        self.plant = plant(scenario, site.plant, site.devices, self._true)
        self.plant.settle()
        self.plant.emulator.show()
        self._clock = FaultyClock(self._true, start, self.plant.course.time, scenario.seed)

        def line(host: str, port: int, timeout: float) -> Transport:
            units = {d.unit: d for d in self.plant.emulator.devices.values()
                     if (d.bound.device.host, d.bound.device.port) == (host, port)}  # fmt: skip
            faults = BusFaults(self.plant.course.bus.get((host, port), ()), scenario.seed)
            return InProcessLine(units, faults, lambda: self._true.time() - start, timeout)

        self.controller = controller(
            scenario, self.plant.plant, self.plant.devices, self.plant.course, self._clock, journal, start=start,
            connect=line, seen=seen_signals(scenario, self.plant.devices), monotonic=self._true.time,
        )  # fmt: skip
        self.controller.true_time = self._true.time

    async def run(self) -> None:
        """From the start to the end. Raises what plants and devices raise."""
        emulator, scenario, side = self.plant.emulator, self.scenario, self.controller
        await side.client.start()
        try:
            due = 0.0
            while emulator.elapsed < scenario.duration - 1e-6:
                elapsed = emulator.elapsed
                if elapsed >= due - 1e-6 and self._clock.paused_until is None:
                    await side.runtime.cycle(self._clock.time())
                    await side.runtime.decided()
                    due = scenario.scan * (elapsed // scenario.scan + 1.0) + self._clock.lateness()
                await self._true.advance(scenario.step)
                await emulator.advance()
        finally:
            await side.client.stop()


async def run(scenario: HilScenario, site: BenchSite, journal: Journal) -> Run:
    """The scenario from its start to its end. Raises HilScenarioError and what plants and devices raise."""
    bench = LockStep(scenario, site, journal)
    await bench.run()
    times, values = bench.plant.record()
    return Run(times, values | bench.controller.record(times), {"steps": float(len(times) - 1)})
