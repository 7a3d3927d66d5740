"""The embedded loop on emulated equipment over real sockets; the clock is moved by the test."""

import asyncio
import math
import threading
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from controllers.interface import Decision
from hil.client import FieldClient
from hil.clock import LockStepClock, ScaledClock
from hil.emulator import Emulator
from tests.hil import toy_plant as toy
from twin.journal import Journal
from twin.operation.heartbeat import Heartbeat
from twin.runtime import Runtime

START = 1.7e9


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


class Follower:
    """Sets the pump by the hot volume's temperature; remembers what it was given."""

    name = "follower"

    def __init__(self, interval=10.0):
        self.interval, self.seen, self.y = interval, [], None

    def step(self, time, measurements, forecast):
        self.seen.append((time, dict(measurements), forecast))
        y = self.y if self.y is not None else min(1.0, max(0.2, 0.5 + 0.05 * (measurements["heater.T"] - 313.15)))
        return Decision({"pump.y": y, "cooler.T_set": 298.15}, self.name)

    def snapshot(self):
        return {}

    def restore(self, snapshot):
        pass


class Guard:
    """Limits the pump, and moves it by ``rate`` a second."""

    def __init__(self, top=math.inf, rate=math.inf):
        self.top, self.rate = top, rate
        self.targets, self.values, self.free = {}, {}, set()

    @property
    def names(self):
        return list(self.targets)

    def check(self, setpoints, measurements, free=()):
        assert "heater.T" in measurements
        self.free = set(free)
        self.targets = {**setpoints, "pump.y": min(setpoints["pump.y"], self.top)}
        return [f"{n} limited to {v}" for n, v in self.targets.items() if v != setpoints[n]]

    def advance(self, dt):
        reach = self.rate * dt
        for name, target in self.targets.items():
            value = self.values.get(name, target)
            self.values[name] = value + min(max(target - value, -reach), reach) if self.rate < math.inf else target
        return [self.values[n] for n in self.targets]

    def track(self, values):
        self.values.update(values)


class Rig:
    """An emulator, a client and a runtime on one clock; ``turn`` is one cycle of the runtime and its plant."""

    def __init__(self, emulator, client, runtime, journal, clock):
        self.emulator, self.client, self.runtime, self.journal, self.clock = emulator, client, runtime, journal, clock

    async def turn(self, count=1, plant=True):
        for _ in range(count):
            await self.clock.advance(2.0)
            if plant:
                await self.emulator.advance()
            await self.runtime.cycle(self.clock.time())
            await self.runtime.decided()

    async def until(self, state, plant=True):
        for _ in range(200):
            await self.turn(plant=plant)
            if self.runtime.state == state:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never {state}: {self.runtime.alarms}")

    async def stop_plant(self):
        await self.emulator.stop()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def rig(controller, guard=None, **settings):
    clock = LockStepClock(settings.pop("start", START))
    devices = settings.pop("devices", toy.devices)(toy.free_port())
    emulator = Emulator(toy.ToyLoop(), devices, clock, step=2.0)
    client = FieldClient(devices, clock, timeout=0.2)
    journal = settings.pop("journal", None) or Journal(":memory:")
    if settings.pop("beating", False):
        settings["heartbeat"] = lambda alarms: Heartbeat(client, alarms)
    settings = {"scan_interval": 2.0, "grace": 5.0, **settings}
    runtime = Runtime(client, controller, guard or Guard(), journal, clock, **settings)
    await client.start()
    try:
        yield Rig(emulator, client, runtime, journal, clock)
    finally:
        await client.stop()
        await emulator.stop()


def test_nothing_is_written_before_one_complete_good_scan():
    async def main():
        controller = Follower()
        async with rig(controller) as r:
            await r.turn(5, plant=False)
            assert r.runtime.state == "waiting"
            assert "waiting for the plant" in r.runtime.alarms["plant"]
            assert controller.seen == []
            await r.emulator.start()
            pump = r.emulator.devices["pump"]
            pump.publish({"pump.m_flow": math.nan})
            for _ in range(10):
                await asyncio.sleep(0.02)
                await r.turn(plant=False)
            assert r.runtime.state == "waiting"  # one value is still bad
            assert "device sent nan" in r.runtime.alarms["signal.pump.m_flow"]
            assert r.journal.writes() == []
            await r.until("running")
            assert r.emulator.simulator.get("pump.y") == pytest.approx(0.8)
            await r.turn()
            assert {e.signal for e in r.journal.writes()} == {"pump.y", "cooler.T_set"}
            assert r.emulator.simulator.get("cooler.T_set") == pytest.approx(298.15)
            assert r.runtime.alarms == {}

    within(20, main())


def test_it_decides_every_interval_and_journals_what_was_read_back():
    async def main():
        controller = Follower(interval=10.0)
        async with rig(controller, forecast=lambda time: None) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(20)
            times = [t for t, _, _ in controller.seen]
            assert [b - a for a, b in pairwise(times)] == [10.0] * (len(times) - 1)
            assert len(times) == 5
            assert set(controller.seen[0][1]) == set(r.client.signals)
            entry = r.journal.writes("pump.y")[0]
            assert (entry.who, entry.status) == ("follower", "written")
            assert entry.old == pytest.approx(0.8)
            assert entry.read_back == pytest.approx(entry.new, abs=5e-5)
            assert r.runtime.counts.decisions == 5
            assert r.runtime.counts.refreshed > 0  # the devices' watchdog (20 s) was fed although nothing changed
            assert [d.fallbacks for d in r.emulator.devices.values()] == [0, 0]

    within(20, main())


def test_shadow_mode_writes_nothing_and_says_what_it_would():
    async def main():
        async with rig(Follower(), mode="shadow") as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(10)
            assert r.emulator.simulator.get("pump.y") == pytest.approx(0.8)
            entries = r.journal.writes("pump.y")
            assert {e.status for e in entries} == {"shadow"}
            assert entries[0].old == pytest.approx(0.8)
            assert r.runtime.counts.written == 0

    within(20, main())


def test_the_envelope_has_the_last_word():
    async def main():
        controller = Follower()
        controller.y = 0.9
        async with rig(controller, Guard(top=0.4)) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            assert r.emulator.simulator.get("pump.y") == pytest.approx(0.4)
            assert ("info", "envelope", "pump.y limited to 0.4") in [e[1:] for e in r.journal.events()]

    within(20, main())


def test_setpoints_move_no_faster_than_the_envelope_lets_them_and_start_where_the_plant_is():
    async def main():
        controller = Follower(interval=100.0)
        controller.y = 0.4
        async with rig(controller, Guard(rate=0.01)) as r:
            await r.emulator.start()
            await r.until("running")
            seen = []
            for _ in range(30):
                await r.turn()
                seen.append(r.emulator.simulator.get("pump.y"))
            steps = [a - b for a, b in zip([0.8, *seen], seen, strict=False)]
            assert max(steps) <= 0.02 + 1e-3  # 2 s at 0.01 a second, and half a register step
            assert seen[-1] == pytest.approx(0.4, abs=0.005)
            assert r.journal.writes("pump.y")[0].new >= 0.77

    within(20, main())


def test_an_impossible_setpoint_is_held_back_with_an_alarm():
    async def main():
        controller = Follower()
        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            held = r.emulator.simulator.get("pump.y")
            controller.y = 1.7
            await r.turn(6)
            assert "170 percent is outside the range" in r.runtime.alarms["write"]
            assert r.emulator.simulator.get("pump.y") == pytest.approx(held)
            assert r.runtime.counts.held_back >= 1
            controller.y = 0.6
            await r.turn(6)
            assert "write" not in r.runtime.alarms
            assert r.emulator.simulator.get("pump.y") == pytest.approx(0.6)

    within(20, main())


def test_a_controller_that_raises_does_not_stop_the_loop():
    async def main():
        controller = Follower()
        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            controller.y = "half"
            controller.step, good = (lambda *_: 1 / 0), controller.step
            await r.turn(12)
            assert "ZeroDivisionError" in r.runtime.alarms["controller"]
            assert [d.fallbacks for d in r.emulator.devices.values()] == [0, 0]  # the last set-points are kept alive
            controller.step, controller.y = good, None
            await r.turn(6)
            assert "controller" not in r.runtime.alarms
            assert [e.kind for e in r.journal.events() if e.source == "controller"] == ["alarm", "clear"]

    within(20, main())


def test_a_short_gap_is_bridged_and_a_long_one_holds_until_the_plant_is_back():
    async def main():
        controller = Follower()
        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(3)
            await r.stop_plant()
            await r.turn(plant=False)
            assert r.runtime.state == "running"  # within the grace time
            decisions = len(controller.seen)
            await r.turn(5, plant=False)
            assert r.runtime.state == "holding"
            assert "holding" in r.runtime.alarms["plant"]
            assert set(r.runtime.alarms) >= {"plant", "device.pump", "device.cooler"}
            await r.turn(10, plant=False)
            assert len(controller.seen) <= decisions + 1
            writes = len(r.journal.writes())
            await r.turn(10, plant=False)
            assert len(r.journal.writes()) == writes  # not one entry for every vain refresh
            await r.emulator.start()
            await r.until("running")
            await r.turn()
            assert r.runtime.alarms == {}
            assert len(controller.seen) > decisions
            assert r.emulator.simulator.get("cooler.T_set") == pytest.approx(298.15)
            kinds = [e.kind for e in r.journal.events() if e.source == "plant"]
            assert kinds == ["alarm", "clear"] * (len(kinds) // 2)

    within(30, main())


def test_after_holding_too_long_the_devices_are_left_to_their_safe_values():
    async def main():
        controller = Follower()
        async with rig(controller, give_up=30.0) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(2)
            cooler = r.emulator.devices["cooler"]

            def broken(table, address, count):
                raise RuntimeError("firmware crash")

            cooler.read = broken
            await r.turn(40)
            assert r.runtime.state == "waiting"
            assert r.emulator.devices["pump"].fallbacks == 1
            assert r.emulator.simulator.get("pump.y") == pytest.approx(0.9)
            assert any("safe values take over" in e.message for e in r.journal.events())

    within(30, main())


def test_a_late_controller_is_reported_and_scanning_goes_on():
    async def main():
        controller = Follower()
        gate = threading.Event()
        quick = controller.step

        def slow(*arguments):
            gate.wait(10)
            return quick(*arguments)

        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn(5)
            controller.step = slow
            scans = r.runtime.counts.scans
            for _ in range(15):
                await r.clock.advance(2.0)
                await r.emulator.advance()
                await r.runtime.cycle(r.clock.time())
            assert r.runtime.counts.scans == scans + 15
            assert "still deciding" in r.runtime.alarms["controller.late"]
            assert [d.fallbacks for d in r.emulator.devices.values()] == [0, 0]
            gate.set()
            await r.turn(2)
            assert "controller.late" not in r.runtime.alarms

    within(20, main())


def test_setpoints_without_a_device_are_an_alarm_and_the_others_go_out():
    async def main():
        controller = Follower()
        plain = controller.step

        def more(*arguments):
            decision = plain(*arguments)
            return Decision({**decision.setpoints, "chiller.y": 1.0}, "follower")

        controller.step = more
        async with rig(controller) as r:
            await r.emulator.start()
            await r.until("running")
            await r.turn()
            assert r.runtime.alarms["setpoints"] == "no device takes chiller.y"
            assert r.emulator.simulator.get("cooler.T_set") == pytest.approx(298.15)

    within(20, main())


def test_it_runs_by_the_clock_and_stops():
    async def main():
        clock = ScaledClock(START, 100.0)
        port = toy.free_port()
        emulator = Emulator(toy.ToyLoop(), toy.devices(port), clock, step=2.0)
        client = FieldClient(toy.devices(port), clock, timeout=0.2)
        cycles = []
        with Journal(":memory:") as journal:
            runtime = Runtime(
                client, Follower(20.0), Guard(), journal, clock, scan_interval=4.0, on_cycle=cycles.append
            )
            await emulator.start()
            await client.start()
            plant = asyncio.create_task(emulator.run())
            counts = await runtime.run(200.0)
            plant.cancel()
            await client.stop()
            await emulator.stop()
            assert counts.scans == len(cycles) > 20
            assert counts.decisions >= 5
            assert counts.written >= 2
            assert cycles[-1].state == "running"
            assert [e.message for e in journal.events("info")][-1] == "stopped"

    within(20, main())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "manual"}, "unknown mode 'manual'; known: off, shadow, advisory, auto"),
        ({"scan_interval": 60.0}, "longer than the controller's"),
        ({"required": ["chiller.T"]}, "no device measures: chiller.T"),
    ],
)
def test_a_wrong_setup_is_refused_at_once(settings, message):
    async def main():
        with pytest.raises(ValueError, match=message):
            async with rig(Follower(), **settings):
                raise AssertionError

    within(5, main())
