"""The bench over sockets: the emulated plant in a process of its own, faults of the bus made by proxies on the way.

Plant time runs ``speed`` times as fast as the wall's. A controller of somebody else's connects to the site's own ports,
where proxies listen; everything else is at ports that the system chooses, so that several scenarios may run at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time as wall
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hil.binding import BoundDevice
from hil.clock import ScaledClock
from hil.faults.clock import FaultyClock
from hil.faults.proxy import FaultProxy
from hil.faults.schedule import BusFaults
from plant_models.plant import Plant
from twin.hil_bench.bench import COMMANDS_ARE_OURS, BenchError, BenchSite, NotOnThisBench, Run, seen_signals
from twin.hil_bench.controller_side import AFTERMATH, ControllerSide
from twin.hil_bench.course import Course, Line, make_course
from twin.hil_bench.plant_program import HOST
from twin.hil_bench.scenario import EXTERNAL, HilScenario
from twin.journal import Journal

PATIENCE = 60.0
"""s of wall time for the plant's process to start or to end"""
LEAD = 0.5
"""s of wall time between the signal to start and the start"""
PHASE = 0.3
"""of the plant's step: by so much the controller's turns come after the plant's steps, so that neither runs into the
other on a busy machine"""
BEAT = 0.02
"""s of wall time between two looks at how late this process is"""


async def run(scenario: HilScenario, site: BenchSite, journal: Journal) -> Run:
    """The scenario in scaled time. Raises :class:`BenchError`, with every process and listener ended."""
    course = make_course(scenario, site.plant, site.devices)
    external = scenario.controller == EXTERNAL
    if external and course.orders:
        raise NotOnThisBench(COMMANDS_ARE_OURS)
    start = scenario.start.timestamp()
    clock = ScaledClock(start, scenario.speed)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.npz"
        async with _plant_process(scenario, record) as (process, behind):
            proxied = list(behind if external else course.bus)
            async with _proxies(course, behind, proxied, clock, start, scenario, own=external) as fronts:
                origin = wall.time() + LEAD
                clock.restart(origin)
                await _send(process, f"{origin!r}\n")
                if external:
                    done = await _line(process, scenario.duration / scenario.speed + PATIENCE)
                    return Run(*_load(record), _figures(done, scenario))
                devices = moved(site.devices, behind | fronts)
                controller, done = await _control(scenario, site.plant, devices, course, clock, journal, process)
        times, values = _load(record)
    return Run(times, values | controller.record(times), _figures(done, scenario))


async def _control(
    scenario: HilScenario, plant: Plant, devices: Sequence[BoundDevice], course: Course, clock: ScaledClock,
    journal: Journal, process: asyncio.subprocess.Process,
) -> tuple[ControllerSide, dict[str, Any]]:  # fmt: skip
    """Our runtime on the devices until the plant's process has done its time."""
    start = scenario.start.timestamp()
    faulty = FaultyClock(clock, start, course.time, scenario.seed)
    side = ControllerSide(
        scenario, plant, devices, course, faulty, journal, start=start, seen=seen_signals(scenario, devices),
        monotonic=clock.time, speed=scenario.speed,
    )  # fmt: skip
    side.true_time = clock.time
    await side.client.start()
    await clock.sleep_until(start + PHASE * scenario.step)
    loop, delay = asyncio.create_task(side.runtime.run()), Delay()
    watching = asyncio.create_task(delay.watch(clock, start + AFTERMATH))
    try:
        patience = scenario.duration / scenario.speed + PATIENCE
        waiting = asyncio.create_task(_line(process, patience))
        ended, _ = await asyncio.wait({loop, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if loop in ended:
            waiting.cancel()
            loop.result()  # raises what ended it
            raise BenchError("the runtime ended before the plant")
        return side, waiting.result() | {"delay": max(delay.longest, side.longest_turn)}
    finally:
        for task in (loop, watching):
            task.cancel()
        await asyncio.gather(loop, watching, return_exceptions=True)
        await side.client.stop()


class Delay:
    """How late this process's turns come because the machine, or the process itself, has other things to do."""

    def __init__(self) -> None:
        self.longest = 0.0
        """s of wall time"""

    async def watch(self, clock: ScaledClock, start: float) -> None:
        """From ``start`` (plant time, s) until cancelled."""
        await clock.sleep_until(start)
        while True:
            begun = wall.monotonic()
            await asyncio.sleep(BEAT)
            self.longest = max(self.longest, wall.monotonic() - begun - BEAT)


def moved(devices: Sequence[BoundDevice], ports: dict[Line, int]) -> tuple[BoundDevice, ...]:
    """The devices at other ports of this machine."""
    return tuple(
        replace(d, device=replace(d.device, host=HOST, port=ports[d.device.host, d.device.port])) for d in devices
    )


@asynccontextmanager
async def _proxies(
    course: Course, behind: dict[Line, int], lines: Sequence[Line], clock: ScaledClock,
    start: float, scenario: HilScenario, *, own: bool,
) -> AsyncIterator[dict[Line, int]]:  # fmt: skip
    """A proxy for each of the lines; their ports by line. With ``own`` they listen at the site's own ports."""
    started: list[FaultProxy] = []
    ports = {}
    try:
        for line in lines:
            faults = BusFaults(course.bus.get(line, ()), scenario.seed)
            proxy = FaultProxy(line[0] if own else HOST, line[1] if own else 0, (HOST, behind[line]), faults,
                               lambda: clock.time() - start)  # fmt: skip
            await proxy.start()
            started.append(proxy)
            ports[line] = proxy.port
        yield ports
    finally:
        for proxy in started:
            await proxy.stop()


@asynccontextmanager
async def _plant_process(
    scenario: HilScenario, record: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[Line, int]]]:
    """The plant's program, ready, and the port at which it listens for each line of the site; ended in any case."""
    settings = {"scenario": scenario.model_dump(mode="json", by_alias=True), "record": str(record)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twin.hil_bench.plant_program", json.dumps(settings), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        ready = await _line(process, PATIENCE)
        yield process, {(host, port): there for host, port, there in ready["ports"]}
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5.0)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _send(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin is not None  # it was asked for
    process.stdin.write(text.encode())
    await process.stdin.drain()


async def _line(process: asyncio.subprocess.Process, patience: float) -> dict[str, Any]:
    """The next line that the process says. Raises :class:`BenchError`."""
    assert process.stdout is not None  # it was asked for
    try:
        raw = await asyncio.wait_for(process.stdout.readline(), patience)
    except TimeoutError:
        raise BenchError(f"the plant's process says nothing for {patience:g} s") from None
    if not raw:
        raise BenchError(f"the plant's process ended with code {await process.wait()}")
    line: dict[str, Any] = json.loads(raw)
    if "error" in line:
        raise BenchError(f"the plant's process: {line['error']}")
    return line


def _load(record: Path) -> tuple[Any, dict[str, Any]]:
    with np.load(record) as data:
        return data["times"], dict(zip(data["names"].tolist(), data["table"], strict=True))


def _figures(done: dict[str, Any], scenario: HilScenario) -> dict[str, float]:
    return {
        "plant_late_s": float(done["late_s"]), "plant_overruns": float(done["overruns"]),
        "controller_late_s": scenario.speed * done.get("delay", 0.0),
    }  # fmt: skip
