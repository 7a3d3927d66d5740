"""Set-points that a device takes late or never, and read-backs elsewhere: what the client tells of them."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from hil.binding import bind
from hil.client import FieldClient, WriteStatus
from hil.clock import LockStepClock
from hil.emulator import Emulator
from hil.faults.clock import FaultyClock, TimeFault
from hil.modbus.errors import Refused
from hil.registers.schema import RegisterMap
from plant_models.devices import Device
from plant_models.signals import Vocabulary, output
from tests.hil import toy_plant as toy

VOCABULARY = Vocabulary((*toy.SIGNALS, output("pump.y_act", "1", "speed that it has")))


class Loop(toy.ToyLoop):
    """The toy loop with a pump whose actual speed is a signal of its own."""

    def set(self, name, value):
        self.values[name] = value

    def _outputs(self):
        super()._outputs()
        self.values["pump.y_act"] = self.values["pump.y"]


def changed(map_, point, **changes):
    points = {**map_["points"], point: {**map_["points"][point], **changes}}
    return {**map_, "points": points}


SLOW_COOLER = changed(toy.COOLER_MAP, "T_set", settle="15 s", deadband="0.1 K")
BLIND_PUMP = changed(toy.PUMP_MAP, "y", access="w", read_back="y_act", settle="2 s")
BLIND_PUMP["points"]["y_act"] = {"address": 6, "table": "holding", "type": "uint16", "unit": "percent", "scale": 0.01}


@asynccontextmanager
async def bench(map_, machine, faults=()):
    place = Device(machine, map_["id"], "127.0.0.1", toy.free_port(), 1, machine, nodes=("heater",))
    bound = bind(place, VOCABULARY, RegisterMap.model_validate(map_, context={"require_units": True}))
    clock = LockStepClock(0.0)
    emulator = Emulator(Loop(), [bound], clock, step=1.0)
    await emulator.start()
    client = FieldClient([bound], FaultyClock(clock, 0.0, faults), timeout=5.0)
    await client.start()
    await client.scan()

    async def second():
        await emulator.advance()
        await clock.advance(1.0)
        await client.scan()
        return client.confirmed()

    try:
        yield emulator.devices[machine], client, second, emulator.simulator
    finally:
        await client.stop()
        await emulator.stop()


def run(work):
    asyncio.run(asyncio.wait_for(work, 60))


async def told(second, client, signal, course, seconds):
    """What the client tells while the set-point follows ``course`` (SI, by second; None: nothing is written)."""
    found = []
    for now in range(seconds):
        if (value := course(now)) is not None:
            await client.write({signal: value})
        await client.refresh()
        found += [(now, written) for written in await second()]
    return found


@pytest.mark.parametrize(
    ("course", "first"),
    [
        (lambda now: 300.15 if now == 0 else None, 15),
        (lambda now: 300.15 if now % 5 == 0 else None, 15),
        (lambda now: 305.15 + 0.05 * now if now % 10 == 0 else None, 15),  # it moves more often than it settles
        (lambda now: 305.15 + 0.05 * now if now % 4 == 0 else None, 15),
    ],
)
def test_a_slow_setpoint_that_is_never_taken_is_told(course, first):
    async def main():
        async with bench(SLOW_COOLER, "cooler") as (device, client, second, plant):
            device._take = lambda item: False  # it confirms, and does not obey
            before = plant.get("cooler.T_set")
            found = await told(second, client, "cooler.T_set", course, 60)
            assert {written.status for _, written in found} == {WriteStatus.MISMATCH}
            assert found[0][0] <= first
            assert found[0][1].read_back == pytest.approx(before)
            assert "after 15 s T_set shows 30 degC" in found[0][1].message
            assert not found[0][1].ok

    run(main())


@pytest.mark.parametrize("every", [30, 10, 4, 1])
def test_one_that_is_taken_late_is_confirmed_and_nothing_else_however_often_it_moves(every):
    async def main():
        async with bench(SLOW_COOLER, "cooler") as (_, client, second, plant):
            course = lambda now: 300.15 + 0.2 * now if now % every == 0 and now < 60 else None  # noqa: E731
            found = await told(second, client, "cooler.T_set", course, 80)
            assert {written.status for _, written in found} == {WriteStatus.CONFIRMED}
            assert all(written.read_back == pytest.approx(written.new, abs=0.051) for _, written in found)
            last = 300.15 + 0.2 * (59 // every * every)
            assert found[-1][1].new == pytest.approx(last)
            assert plant.get("cooler.T_set") == pytest.approx(last, abs=0.051)

    run(main())


@pytest.mark.parametrize("off", [3600.0, -3600.0, 5.0])
@pytest.mark.parametrize("taken", [True, False])
def test_a_clock_that_is_set_while_one_is_under_way_changes_nothing(off, taken):
    async def main():
        fault = TimeFault("clock_step", 4.0, size=off)
        async with bench(SLOW_COOLER, "cooler", [fault]) as (device, client, second, _):
            if not taken:
                device._take = lambda item: False
            await client.write({"cooler.T_set": 300.15})
            found = []
            for now in range(40):
                await client.refresh()
                found += [(now, written.status) for written in await second()]
                if found:
                    break
            assert found == [(14, WriteStatus.CONFIRMED) if taken else (15, WriteStatus.MISMATCH)]

    run(main())


def test_one_that_is_no_longer_taken_while_it_moves_is_told_and_confirmed_once_it_is_again():
    async def main():
        async with bench(SLOW_COOLER, "cooler") as (device, client, second, _):
            course = lambda now: 304.15 + 0.05 * now if now % 10 == 0 else None  # noqa: E731
            found = await told(second, client, "cooler.T_set", course, 60)
            assert {written.status for _, written in found} == {WriteStatus.CONFIRMED}
            device._take, take = (lambda item: False), device._take
            found = await told(second, client, "cooler.T_set", lambda now: course(60 + now), 60)
            assert found[-1][1].status is WriteStatus.MISMATCH
            device._take = take
            found = await told(second, client, "cooler.T_set", lambda now: course(120 + now), 60)
            assert [written.status for _, written in found][-1] is WriteStatus.CONFIRMED
            assert {written.status for now, written in found if now > 20} == {WriteStatus.CONFIRMED}

    run(main())


def test_a_refresh_reads_back_the_point_that_the_map_names_though_it_stands_for_a_signal():
    async def main():
        async with bench(BLIND_PUMP, "pump") as (device, client, second, _):
            read = []
            ask = device.read
            device.read = lambda table, address, count: read.append((address, count)) or ask(table, address, count)
            await client.write({"pump.y": 0.6})
            refreshed = []
            for _ in range(30):
                await second()
                refreshed += await client.refresh()
            assert {(w.status, w.read_back) for w in refreshed} == {(WriteStatus.REFRESHED, 0.6)}
            assert len(refreshed) >= 3
            assert not [asked for asked in read if asked[0] == 0]  # where it is only written
            assert not device.fallen_back

    run(main())


def test_a_device_refuses_to_read_what_is_only_written():
    async def main():
        async with bench(BLIND_PUMP, "pump") as (_, client, second, plant):
            bound, line = client.reach("pump")
            for address, count in ((0, 1), (0, 7)):
                with pytest.raises(Refused):
                    await line.read(bound.device.unit, bound.map["y"].table, address, count)
            await line.write(bound.device.unit, bound.map["y"].table, 0, [7000])
            await line.write(bound.device.unit, bound.map["y"].table, 0, [7100], multiple=True)
            await second()
            assert plant.get("pump.y") == pytest.approx(0.8)  # it takes its time
            await second()
            await second()
            assert plant.get("pump.y") == pytest.approx(0.71)

    run(main())
