"""The bench loop served and controlled over sockets, in one process for speed; tests/system has it in two."""

import asyncio
import math
import socket
import time
from pathlib import Path

import pytest

from hil.modbus.server import ServerError
from plant_models.plant import Plant
from plant_models.signals import Role
from plant_models.site import list_sites, load_site
from tests.hil.bench_site import bench_site
from tests.hil.toy_plant import free_port
from twin.embedded import DevicesError, Embedded, PlantSilent, plant_clock, serve, site_devices
from twin.journal import Journal
from twin.scenario import Scenario


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


def scenario(tmp_path, **changes):
    return Scenario(**{"site": bench_site(tmp_path), "days": 1.0, "step": 5.0, "controller": "sequences", **changes})


def two_ports():
    """The first of two neighbouring free ports."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port + 1)) != 0:
                return port


async def served(scenario_, port, **settings):
    ready = asyncio.Event()
    found = {}

    def on_ready(emulator):
        found["emulator"] = emulator
        ready.set()

    task = asyncio.create_task(serve(scenario_, port=port, on_ready=on_ready, **settings))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        await task
    return found["emulator"], task


async def ended(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_sequences_run_the_bench_loop_over_sockets(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        emulator, plant = await served(plan, port, speed=200.0)
        cycles = []
        with Journal(tmp_path / "j.sqlite") as journal:
            counts = await Embedded(plan, port=port).run(
                journal, duration=900.0, scan_interval=20.0, on_cycle=cycles.append
            )
            assert counts.decisions >= 3
            assert counts.failed_writes == 0, [e for e in journal.writes() if e.status in ("failed", "mismatch")]
            seen = emulator.elapsed
            while emulator.elapsed < seen + 2 * emulator.step:  # what was written last acts from the next step on
                await asyncio.sleep(0.005)
            last = cycles[-1]
            assert (last.state, last.alarms) == ("running", {})
            assert abs(last.time - emulator.clock.time()) < 60.0  # one time on both sides, read over the bus
            assert last.time >= plan.start.timestamp()
            inputs = {s.name for s in Plant(load_site(plan.site)).vocabulary.role(Role.INPUT)}
            permissions = {"heat_pump:release", "pump:operation"}
            assert {e.signal for e in journal.writes()} == inputs | permissions
            assert {e.signal for e in journal.writes()[:2]} == permissions  # before the first set-point
            for name in inputs:
                held = journal.writes(name)[-1].read_back
                if math.isnan(held):  # a slow one, not in force yet
                    assert name == "heat_pump.T_sink_set"
                    continue
                assert emulator.simulator.get(name) == pytest.approx(held, rel=1e-6, abs=1e-9)
            assert all(d.fallbacks == 0 for d in emulator.devices.values())
            assert all(d.refused == 0 for d in emulator.devices.values())
        await ended(plant)

    within(60, main())


def test_shadow_mode_leaves_the_plant_as_commissioned(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        emulator, plant = await served(plan, port, speed=200.0)
        before = {n: emulator.simulator.get(n) for d in emulator.devices.values() for n in d.bound.writable}
        with Journal(":memory:") as journal:
            counts = await Embedded(plan, port=port).run(journal, duration=400.0, scan_interval=20.0, mode="shadow")
            assert counts.decisions >= 1
            assert {e.status for e in journal.writes()} == {"shadow"}
        assert {n: emulator.simulator.get(n) for n in before} == before
        await ended(plant)

    within(60, main())


def test_a_plant_may_begin_in_the_middle_of_its_scenario(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        emulator, plant = await served(plan, port, speed=100.0, origin=time.time() - 100.0)
        assert 9_900.0 < emulator.elapsed < 20_000.0
        clock = await plant_clock(site_devices(Plant(load_site(plan.site)), port))
        assert clock.time() == pytest.approx(emulator.clock.time(), abs=20.0)
        assert clock.speed == 100.0
        await ended(plant)

    within(60, main())


def test_a_scenario_that_is_over_says_so(tmp_path):
    plan = scenario(tmp_path, days=0.01)
    with pytest.raises(ValueError, match=r"0\.01 days are over: give it more days"):
        within(60, serve(plan, port=two_ports(), speed=100.0, origin=time.time() - 100.0))


def test_a_taken_port_is_one_sentence(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        _, plant = await served(plan, port)
        with pytest.raises(ServerError, match=f"cannot listen at 127.0.0.1:{port}: another program listens"):
            await served(plan, port)
        await ended(plant)

    within(60, main())


def test_nobody_tells_the_time(tmp_path):
    devices = site_devices(Plant(load_site(bench_site(tmp_path))), free_port())
    with pytest.raises(PlantSilent, match="start it with heatloop hil serve"):
        within(20, plant_clock(devices, patience=0.5))


def test_a_site_without_devices(tmp_path):
    name = bench_site(tmp_path)
    source = list_sites().get(name, Path(name)).read_text(encoding="utf-8")
    path = tmp_path / "mute.yaml"
    path.write_text(source.split("\ndevices:")[0], encoding="utf-8")
    with pytest.raises(DevicesError, match="has no devices block"):
        site_devices(Plant(load_site(path)))


def test_ports_are_replaced_in_order(tmp_path):
    plant = Plant(load_site(bench_site(tmp_path)))
    own, moved = site_devices(plant), site_devices(plant, 40000)
    ports = sorted({d.device.port for d in own})
    assert [40000 + ports.index(d.device.port) for d in own] == [d.device.port for d in moved]
