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
from twin.hil_bench.controller_side import ControllerSide
from twin.hil_bench.plant_side import PlantSide
from twin.hil_bench.run import BenchSite, Run, seen_signals
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


async def run(scenario: HilScenario, site: BenchSite, journal: Journal) -> Run:
    """The scenario from its start to its end. Raises HilScenarioError and what plants and devices raise."""
    asyncio.get_running_loop().set_default_executor(AtOnce())
    start = scenario.start.timestamp()
    true = LockStepClock(start)
    plant = PlantSide(scenario, site.plant, site.devices, true)
    plant.settle()
    plant.emulator.show()
    clock = FaultyClock(true, start, plant.course.time, scenario.seed)

    def line(host: str, port: int, timeout: float) -> Transport:
        units = {d.unit: d for d in plant.emulator.devices.values() if (d.bound.device.host, d.bound.device.port)
                 == (host, port)}  # fmt: skip
        faults = BusFaults(plant.course.bus.get((host, port), ()), scenario.seed)
        return InProcessLine(units, faults, lambda: true.time() - start, timeout)

    controller = ControllerSide(
        scenario, plant.plant, plant.devices, plant.course, clock, journal, start=start, connect=line,
        seen=seen_signals(scenario, plant.devices), monotonic=true.time,
    )  # fmt: skip
    controller.true_time = true.time
    await controller.client.start()
    try:
        due = 0.0
        while plant.emulator.elapsed < scenario.duration - 1e-6:
            elapsed = plant.emulator.elapsed
            if elapsed >= due - 1e-6 and clock.paused_until is None:
                await controller.runtime.cycle(clock.time())
                await controller.runtime.decided()
                due = scenario.scan * (elapsed // scenario.scan + 1.0) + clock.lateness()
            await true.advance(scenario.step)
            await plant.emulator.advance()
    finally:
        await controller.client.stop()
    times, values = plant.record()
    return Run(times, values | controller.record(times), {"steps": float(len(times) - 1)})
