"""Plant and controller in processes of their own, joined by sockets alone; one is killed, the other must cope."""

import asyncio
import signal
import sys
import time
from pathlib import Path

from hil.client import FieldClient
from hil.clock import ScaledClock
from hil.emulator import Emulator
from tests.hil import toy_plant as toy
from tests.system.toy_runtime import Constant, Free
from twin.journal import Journal
from twin.runtime import Runtime

ROOT = Path(__file__).parents[2]
START, SPEED = 1.7e9, 10.0
WATCHDOG = 20.0
"""of the toy devices, plant seconds"""


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


async def program(module, *arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def until(condition, patience=20.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.02)


def test_a_killed_plant_makes_the_controller_alarm_and_wait_and_a_new_one_makes_it_go_on(tmp_path):
    async def main():
        origin, port = time.time(), toy.free_port()
        clock = ScaledClock(START, SPEED, origin)

        async def plant():
            process = await program("tests.hil.toy_plant", port, START, SPEED, origin)
            assert await asyncio.wait_for(process.stdout.readline(), 20) == b"serving\n"
            return process

        client = FieldClient(toy.devices(port), clock, timeout=0.3)
        with Journal(tmp_path / "j.sqlite") as journal:
            runtime = Runtime(client, Constant(), Free(), journal, clock, scan_interval=2.0)
            first = await plant()
            await client.start()
            loop = asyncio.create_task(runtime.run())
            try:
                await until(lambda: runtime.counts.written >= 2)
                first.send_signal(signal.SIGKILL)
                await first.wait()
                await until(lambda: runtime.state == "holding")
                assert "plant" in runtime.alarms
                assert any(e.source == "plant" and "holding" in e.message for e in journal.events("alarm"))
                written, decisions = runtime.counts.written, runtime.counts.decisions
                await asyncio.sleep(1.0)
                assert runtime.counts.written == written
                assert runtime.counts.decisions == decisions
                second = await plant()
                await until(lambda: runtime.state == "running" and runtime.counts.written >= written + 2)
                assert runtime.alarms == {}
                second.kill()
                await second.wait()
            finally:
                loop.cancel()
                await asyncio.gather(loop, return_exceptions=True)
                await client.stop()

    within(60, main())


def test_a_killed_controller_leaves_the_plant_safe_and_a_new_one_takes_over(tmp_path):
    async def main():
        origin, port, journal = time.time(), toy.free_port(), tmp_path / "j.sqlite"
        clock = ScaledClock(START, SPEED, origin)
        emulator = Emulator(toy.ToyLoop(), toy.devices(port), clock, step=1.0)
        await emulator.start()
        plant = asyncio.create_task(emulator.run())
        get = emulator.simulator.get
        try:
            controller = await program("tests.system.toy_runtime", port, START, SPEED, origin, journal)
            await until(lambda: abs(get("pump.y") - 0.5) < 1e-6 and abs(get("cooler.T_set") - 300.15) < 1e-6)
            await asyncio.sleep(2 * WATCHDOG / SPEED)
            assert [d.fallbacks for d in emulator.devices.values()] == [0, 0]  # alive: refreshed in time
            controller.send_signal(signal.SIGKILL)
            await controller.wait()
            killed = clock.time()
            await until(lambda: abs(get("pump.y") - 0.9) < 1e-6 and abs(get("cooler.T_set") - 293.15) < 1e-6)
            assert clock.time() - killed <= WATCHDOG + 10.0  # one step, and the scheduling of a busy machine
            assert [d.fallen_back for d in emulator.devices.values()] == [True, True]
            again = await program("tests.system.toy_runtime", port, START, SPEED, origin, journal)
            await until(lambda: abs(get("pump.y") - 0.5) < 1e-6)
            again.kill()
            await again.wait()
        finally:
            plant.cancel()
            await asyncio.gather(plant, return_exceptions=True)
            await emulator.stop()
        with Journal(journal) as book:
            starts = [e for e in book.events("info") if "started" in e.message]
            assert len(starts) == 2
            assert abs(book.writes("pump.y")[-1].read_back - 0.5) < 1e-6

    within(60, main())
