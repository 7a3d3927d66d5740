"""The bench of a real rig: the site's own devices in real time, faults of the bus made by proxies on the way.

What cannot be done over a bus, a person does: the bench says on stderr what and when. What the plant did is what its
sensors showed, so faults of sensors cannot be tested here. With a controller of somebody else's the bench only reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hil.binding import BoundDevice
from hil.client import FieldClient
from hil.clock import Clock, RealClock
from hil.faults.clock import FaultyClock
from hil.faults.proxy import FaultProxy
from hil.faults.schedule import BusFaults
from twin.hil_bench.bench import COMMANDS_ARE_OURS, BenchSite, NotOnThisBench, Run
from twin.hil_bench.controller_side import ControllerSide
from twin.hil_bench.course import Course, make_course
from twin.hil_bench.process_faults import PROCESS_FAULTS
from twin.hil_bench.scenario import EXTERNAL, HilScenario
from twin.journal import Journal

HOST = "127.0.0.1"


class DevicesSilent(RuntimeError):
    """Devices of the rig that cannot be reached before a test begins."""


async def run(scenario: HilScenario, site: BenchSite, journal: Journal) -> Run:
    """The scenario in real time.

    Raises NotOnThisBench where it asks for what a rig cannot do, DevicesSilent before it begins.
    """
    course = make_course(scenario, site.plant, site.devices)
    external = scenario.controller == EXTERNAL
    if course.sensors:
        raise NotOnThisBench("sensors of a real rig cannot be made to lie; use --bench lockstep or sockets")
    if external and (course.bus or course.time):
        raise NotOnThisBench("faults of the bus need heatloop hil proxy before the controller; leave them out here")
    if external and course.orders:
        raise NotOnThisBench(COMMANDS_ARE_OURS)
    clock = RealClock()
    start = clock.time()
    signals = sorted({name for device in site.devices for name in device.points})
    async with contextlib.AsyncExitStack() as stack:
        person = asyncio.create_task(_announce(scenario, clock, start))
        stack.callback(person.cancel)
        if external:
            return await _watch(scenario, site.devices, clock, start, signals)
        devices = await _behind_proxies(stack, site.devices, course, scenario, clock, start)
        side = ControllerSide(
            scenario, site.plant, devices, course, FaultyClock(clock, start, course.time, scenario.seed), journal,
            start=start, seen=signals,
        )  # fmt: skip
        side.true_time = clock.time
        await side.client.start()
        stack.push_async_callback(side.client.stop)
        await _reach(side.client)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(side.runtime.run(), scenario.duration)
    times = np.arange(0.0, scenario.duration, scenario.scan)
    values = side.record(times)
    return Run(times, values | {name: values[f"seen.{name}"] for name in signals}, start=start)


async def _behind_proxies(
    stack: contextlib.AsyncExitStack, site: Sequence[BoundDevice], course: Course, scenario: HilScenario,
    clock: Clock, start: float,
) -> list[BoundDevice]:  # fmt: skip
    """The devices, those with faults on their line behind a proxy."""
    ports = {}
    for line, faults in course.bus.items():
        proxy = FaultProxy(HOST, 0, line, BusFaults(faults, scenario.seed), lambda: clock.time() - start)
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        ports[line] = proxy.port
    return [
        replace(d, device=replace(d.device, host=HOST, port=ports[line]))
        if (line := (d.device.host, d.device.port)) in ports
        else d
        for d in site
    ]


async def _reach(client: FieldClient) -> None:
    """Every device has answered once. Raises :class:`DevicesSilent`."""
    await client.scan()
    silent: dict[str, list[str]] = {}
    for name, health in client.health.items():
        if not health.ok:
            silent.setdefault(health.reason, []).append(name)
    if silent:
        said = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in silent.items())
        raise DevicesSilent(
            f"not every device of the rig answers: {said}; see that they are on, and their addresses under devices: "
            "in the site's file"
        )


async def _watch(
    scenario: HilScenario, site: Sequence[BoundDevice], clock: Clock, start: float, signals: Sequence[str]
) -> Run:
    """Reads, and nothing else."""
    client = FieldClient(site, clock, timeout=scenario.timeout)
    await client.start()
    rows = []
    times = np.arange(0.0, scenario.duration, scenario.scan)
    try:
        await _reach(client)
        for time in times:
            await clock.sleep_until(start + time)
            samples = await client.scan()
            rows.append([samples[n].value if n in samples and samples[n].good else np.nan for n in signals])
    finally:
        await client.stop()
    table = np.array(rows)
    return Run(times, {name: table[:, i] for i, name in enumerate(signals)}, start=start)


async def _announce(scenario: HilScenario, clock: Clock, start: float) -> None:
    """Tells a person what to do, when it is time."""
    tasks = [(x.at, f"{x.signal} {'to' if x.to is not None else 'by'} {x.to if x.to is not None else x.by}")
             for x in scenario.stimuli]  # fmt: skip
    acts = {"reset_at_machine": "reset {} at the machine", "power_cycle": "switch the controls of {} off and on"}
    tasks += [(x.at, acts[x.act].format(", ".join(x.of))) for x in scenario.operator if x.act in acts]
    for fault in scenario.faults:
        if fault.fault in PROCESS_FAULTS:
            tasks.append((fault.at, f"begin {fault.fault} of {', '.join(fault.of) or 'the plant'}"))
            tasks.append((fault.end, f"end {fault.fault} of {', '.join(fault.of) or 'the plant'}"))
    for at, text in sorted(tasks):
        if at >= scenario.duration:
            return
        await clock.sleep_until(start + at)
        sys.stderr.write(f"{at:7.0f} s  by hand: {text}\n")
        sys.stderr.flush()
