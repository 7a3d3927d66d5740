"""The loop is killed again and again at random instants: devices fall back in time, and no restart bumps anything.

``KILLS=50 python -m pytest tests/system/test_kill_often.py`` for more of them than the suite has time for.
"""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

from hil.clock import ScaledClock
from hil.emulator import Emulator
from tests.hil import toy_plant as toy
from tests.system.moving_runtime import RATES, SCAN
from twin.journal import Journal

ROOT = Path(__file__).parents[2]
START, SPEED = 1.7e9, 15.0
WATCHDOG, STEP = 20.0, 1.0
"""of the toy devices, and of their plant, plant seconds"""
KILLS = int(os.environ.get("KILLS", "4"))
SAFE = {"pump.y": 0.9, "cooler.T_set": 293.15}
GRAIN = {"pump.y": 0.005, "cooler.T_set": 0.2}
"""deadbands: a write may catch up on what stayed at home"""
STEP_AT_MOST = 1.5 * SCAN
"""s: a late turn makes up for no more"""
T_LIMIT = 343.15
"""K, of the heater: 70 degC, twenty above what any set-point in the swing leads to"""


class Recorder:
    """Every value that a device was told, and the one that it held before."""

    def __init__(self, emulator, clock):
        self.told = []
        for device in emulator.devices.values():
            self._listen(device, clock)

    def _listen(self, device, clock):
        write = device.write

        def heard(table, address, values):
            before = {s: device.bound.points[s] for s in device.bound.writable}
            held = {s: device.read(p.table, p.address, p.words) for s, p in before.items()}
            write(table, address, values)
            for name, point in before.items():
                if point.address == address:
                    raw = [point.from_raw(_signed(r[0], point)) for r in (held[name], values)]
                    self.told.append((clock.time(), name, *raw))

        device.write = heard


def _signed(raw, point):
    return raw - 65536 if point.type == "int16" and raw > 32767 else raw


async def program(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.system.moving_runtime", *map(str, arguments), cwd=ROOT
    )


async def until(condition, patience=25.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.01)


def test_killed_at_any_instant_the_plant_is_safe_and_the_restart_is_bumpless(tmp_path):
    chance = random.Random(4)

    async def main():
        origin, port, journal = time.time(), toy.free_port(), tmp_path / "j.sqlite"
        clock = ScaledClock(START, SPEED, origin)
        emulator = Emulator(toy.ToyLoop(), toy.devices(port), clock, step=STEP)
        record = Recorder(emulator, clock)
        await emulator.start()
        plant = asyncio.create_task(emulator.run())
        get, hottest, late, running = emulator.simulator.get, 0.0, 0.0, []
        try:
            for kill in range(KILLS):
                told = len(record.told)
                loop = await program(port, START, SPEED, origin, journal)
                running.append(loop)
                await until(lambda told=told: len(record.told) >= told + 4, patience=60.0)  # a start on a busy machine
                await asyncio.sleep(chance.uniform(0.0, 1.0))
                loop.send_signal(signal.SIGKILL)
                await loop.wait()
                hottest = max(hottest, get("heater.T"))
                if kill % 2:
                    continue  # restarted at once, before any watchdog
                fed = {n: max(t for t, name, *_ in record.told if name == n) for n in SAFE}
                for name, device in (("pump.y", "pump"), ("cooler.T_set", "cooler")):
                    await until(lambda d=device: emulator.devices[d].fallen_back)
                    late = max(late, clock.time() - fed[name] - WATCHDOG)
                await until(lambda: all(abs(get(n) - v) < 1e-6 for n, v in SAFE.items()))
                hottest = max(hottest, get("heater.T"))
        finally:
            if running and running[-1].returncode is None:
                running[-1].kill()
                await running[-1].wait()
            plant.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await plant
            await emulator.stop()
        return record.told, hottest, late

    told, hottest, late = asyncio.run(asyncio.wait_for(main(), 60 + 12 * KILLS))
    assert late <= 2 * STEP + 0.5 * SPEED  # two steps of the plant, and half a second of a busy machine
    assert hottest < T_LIMIT
    for when, name, before, after in told:
        reach = RATES[name] * STEP_AT_MOST + GRAIN[name]  # however long the loop was dead, or late
        assert abs(after - before) <= reach, f"{name} jumped from {before} to {after} at {when - START:.1f} s"
    _judge_journal(tmp_path / "j.sqlite", told)


def _judge_journal(path, told):
    """Whole, and at most one cycle poorer a kill than what the devices heard."""
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with Journal(path) as journal:
        starts = [e for e in journal.events("info") if "started" in e.message]
        assert len(starts) == KILLS
        out = [w for w in journal.writes() if w.went_out]
        assert len(told) - len(RATES) * KILLS <= len(out) <= len(told)
        assert all(w.who and w.rank for w in out)
        for name in RATES:
            heard = [value for _, n, _, value in told if n == name]
            kept = [w.read_back for w in out if w.signal == name]
            assert _is_subsequence(kept, heard)


def _is_subsequence(kept, heard):
    rest = iter(heard)
    return all(any(abs(value - other) < 1e-6 for other in rest) for value in kept)
