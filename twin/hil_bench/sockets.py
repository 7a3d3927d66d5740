"""The bench over sockets: the emulated plant in a process of its own, faults of the bus made by proxies on the way.

Plant time runs ``speed`` times as fast as the wall's. A controller of somebody else's connects to the site's own ports;
for ours the system chooses free ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
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
from plant_models.site import load_site
from twin.embedded import site_devices
from twin.hil_bench.controller_side import ControllerSide
from twin.hil_bench.course import Course, make_course
from twin.hil_bench.run import Run, seen_signals
from twin.hil_bench.scenario import EXTERNAL, HilScenario
from twin.journal import Journal

PATIENCE = 60.0
"""s of wall time for the plant's process to start or to end"""
LEAD = 0.5
"""s of wall time between the signal to start and the start"""
HOST = "127.0.0.1"


class BenchError(RuntimeError):
    """The plant's process did not do its part; the message is its own."""


async def run(scenario: HilScenario, journal: Journal) -> Run:
    """The scenario in scaled time. Raises :class:`BenchError`, with every process and listener ended."""
    plant = Plant(load_site(scenario.site, scenario.overrides))
    site = site_devices(plant)
    course = make_course(scenario, plant, site)
    external = scenario.controller == EXTERNAL
    lines = sorted({(d.device.host, d.device.port) for d in site})
    base = free_ports(len(lines))
    behind = {line: base + i for i, line in enumerate(lines)}
    start = scenario.start.timestamp()
    clock = ScaledClock(start, scenario.speed)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.npz"
        async with _plant_process(scenario, base, record) as process:
            proxied = lines if external else list(course.bus)
            async with _proxies(course, behind, proxied, clock, start, scenario, own=external) as fronts:
                origin = wall.time() + LEAD
                clock.restart(origin)
                await _send(process, f"{origin!r}\n")
                if external:
                    done = await _line(process, scenario.duration / scenario.speed + PATIENCE)
                    return Run(*_load(record), _figures(done))
                devices = moved(site, behind | fronts)
                controller, done = await _control(scenario, plant, devices, course, clock, journal, process)
        times, values = _load(record)
    return Run(times, values | controller.record(times), _figures(done))


async def _control(
    scenario: HilScenario, plant: Plant, devices: Sequence[BoundDevice], course: Course, clock: ScaledClock,
    journal: Journal, process: asyncio.subprocess.Process,
) -> tuple[ControllerSide, dict[str, Any]]:  # fmt: skip
    """Our runtime on the devices until the plant's process has done its time."""
    start = scenario.start.timestamp()
    faulty = FaultyClock(clock, start, course.time, scenario.seed)
    side = ControllerSide(
        scenario, plant, devices, course, faulty, journal, start=start, seen=seen_signals(scenario, devices)
    )
    side.true_time = clock.time
    await side.client.start()
    await clock.sleep_until(start)
    loop = asyncio.create_task(side.runtime.run())
    try:
        patience = scenario.duration / scenario.speed + PATIENCE
        waiting = asyncio.create_task(_line(process, patience))
        ended, _ = await asyncio.wait({loop, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if loop in ended:
            waiting.cancel()
            loop.result()  # raises what ended it
            raise BenchError("the runtime ended before the plant")
        return side, waiting.result()
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await side.client.stop()


def moved(devices: Sequence[BoundDevice], ports: dict[tuple[str, int], int]) -> tuple[BoundDevice, ...]:
    """The devices at other ports of this machine."""
    return tuple(
        replace(d, device=replace(d.device, host=HOST, port=ports[d.device.host, d.device.port])) for d in devices
    )


@asynccontextmanager
async def _proxies(
    course: Course, behind: dict[tuple[str, int], int], lines: Sequence[tuple[str, int]], clock: ScaledClock,
    start: float, scenario: HilScenario, *, own: bool,
) -> AsyncIterator[dict[tuple[str, int], int]]:  # fmt: skip
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
async def _plant_process(scenario: HilScenario, port: int, record: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The plant's program, ready; ended in any case."""
    settings = {"scenario": scenario.model_dump(mode="json", by_alias=True), "port": port, "record": str(record)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twin.hil_bench.plant_program", json.dumps(settings), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await _line(process, PATIENCE)
        yield process
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


def _figures(done: dict[str, Any]) -> dict[str, float]:
    return {"plant_late_s": float(done["late_s"]), "plant_overruns": float(done["overruns"])}


def free_ports(count: int) -> int:
    """The first of ``count`` neighbouring ports of this machine that nobody listens at. Raises BenchError."""
    for _ in range(50):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((HOST, 0))
            base = int(first.getsockname()[1])
            try:
                for i in range(1, count):
                    stack.enter_context(socket.socket()).bind((HOST, base + i))
            except (OSError, OverflowError):
                continue
            return base
    raise BenchError(f"no {count} neighbouring ports are free on this machine")
