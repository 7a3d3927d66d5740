"""The field client beside a device that states scales in registers and shows a set-point elsewhere, later."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from hil.binding import bind
from hil.client import FieldClient, WriteStatus
from hil.clock import LockStepClock
from hil.modbus.server import DeviceServer, Refusal
from hil.registers.planner import plan_reads
from hil.registers.schema import RegisterMap, Table
from hil.sample import Quality
from plant_models.devices import Device
from tests.hil import toy_plant as toy

DRIVE = RegisterMap.model_validate(
    {
        "id": "drive", "description": "a drive", "partial": True,
        "points": {
            "reference": {"address": 10, "table": "holding", "type": "int16", "unit": "percent", "scale": 100 / 16384,
                          "access": "w", "range": [-1, 1], "write_range": [0, 1], "safe": 1, "refresh": "5 s",
                          "read_back": "actual", "tolerance": 0.005, "settle": "10 s", "deadband": 0.02},
            "actual": {"address": 11, "table": "holding", "type": "int16", "unit": "percent", "scale": 100 / 16384},
            "flow": {"address": 20, "table": "holding", "type": "uint16", "unit": "kg/s",
                     "scale_from": {"point": "exponent", "by": "power_of_ten"}},
            "exponent": {"address": 30, "table": "holding", "type": "int16"},
        },
    },
    context={"require_units": True},
)  # fmt: skip
SIGNALS = {"reference": "pump.y", "flow": "pump.m_flow"}


class Registers:
    """A unit that holds what is written; reference cannot be read, as with many drives."""

    unit = 1

    def __init__(self) -> None:
        self.held = {10: 0, 11: 0, 20: 75, 30: 0xFFFE}  # 75 * 10^-2 kg/s
        self.writes = 0

    def extent(self, table):
        return (0, 40) if table is Table.HOLDING else None

    def read(self, table, address, count):
        if address <= 10 < address + count:
            raise Refusal(2)
        return [self.held.get(a, 0) for a in range(address, address + count)]

    def write(self, table, address, values):
        self.writes += 1
        self.held.update(zip(range(address, address + len(values)), values, strict=True))


@asynccontextmanager
async def drive():
    unit, clock = Registers(), LockStepClock(0.0)
    server = DeviceServer("127.0.0.1", toy.free_port(), [unit])
    await server.start()
    device = Device("drive", "drive", "127.0.0.1", server.port, 1, signals=SIGNALS)
    client = FieldClient([bind(device, toy.VOCABULARY, DRIVE)], clock, timeout=0.5)
    await client.start()
    try:
        yield unit, client, clock
    finally:
        await client.stop()
        await server.stop()


def run(work):
    asyncio.run(asyncio.wait_for(work, 20))


def test_a_scale_in_a_register_is_read_along():
    async def main():
        async with drive() as (unit, client, _):
            assert (await client.scan())["pump.m_flow"].value == pytest.approx(0.75)
            unit.held[30] = 0xFFFF
            assert (await client.scan())["pump.m_flow"].value == pytest.approx(7.5)
            unit.held[30] = 99
            sample = (await client.scan())["pump.m_flow"]
            assert sample.quality is Quality.BAD
            assert "no scale" in sample.reason
            assert set(client.signals) == {"pump.m_flow"}

    run(main())


def test_a_setpoint_shown_elsewhere_is_judged_after_its_settling_time():
    async def main():
        async with drive() as (unit, client, clock):
            await client.scan()
            (written,) = await client.write({"pump.y": 0.5})
            assert written.status is WriteStatus.WRITTEN
            assert "actual shows it within 10 s" in written.message
            assert unit.held[10] == 8192
            await clock.advance(6.0)
            await client.scan()  # still ramping: nothing is held against it
            assert [w.status for w in await client.refresh()] == [WriteStatus.REFRESHED]
            unit.held[11] = 8190
            await clock.advance(6.0)
            await client.scan()
            assert client.holds("pump.y") == 0.5
            unit.held[11] = 4096  # somebody else took it over
            await client.scan()
            assert client.health["drive"].reason == "pump.y reads 0.25, written was 0.5"
            assert [w.status for w in await client.refresh()] == [WriteStatus.WRITTEN]

    run(main())


def test_objects_and_points_that_stay_alone_are_read_one_by_one():
    spec = {"table": "holding", "type": "float32", "unit": "degC"}
    objects = RegisterMap.model_validate(
        {"id": "o", "description": "", "addressing": "object", "points": {
            "T_a": {"address": 0x3B, **spec}, "T_b": {"address": 0x3C, **spec}}},
        context={"require_units": True},
    )  # fmt: skip
    assert [(b.address, b.count) for b in plan_reads(objects, objects.points)] == [(0x3B, 2), (0x3C, 2)]
    word = {"table": "holding", "type": "int16"}
    alone = RegisterMap.model_validate(
        {"id": "a", "description": "", "points": {
            "a": {"address": 0, **word}, "b": {"address": 1, **word, "alone": True}, "c": {"address": 2, **word},
            "d": {"address": 3, **word}}},
        context={"require_units": True},
    )  # fmt: skip
    assert [(b.address, b.count) for b in plan_reads(alone, alone.points)] == [(0, 1), (1, 1), (2, 2)]


def test_a_refresh_that_differs_within_the_deadband_settles_like_a_change():
    async def main():
        async with drive() as (unit, client, clock):
            await client.scan()
            await client.write({"pump.y": 0.5})
            unit.held[11] = unit.held[10]
            await clock.advance(11.0)
            await client.scan()
            (confirmed,) = client.confirmed()
            assert (confirmed.status, confirmed.new) == (WriteStatus.CONFIRMED, 0.5)
            assert confirmed.read_back == pytest.approx(0.5, abs=1e-4)
            assert client.confirmed() == []
            (again,) = await client.refresh()  # what has settled is read back at once
            assert (again.status, again.read_back) == (WriteStatus.REFRESHED, pytest.approx(0.5, abs=1e-4))
            await clock.advance(6.0)
            (near,) = await client.write({"pump.y": 0.51})
            assert (near.status, near.message) == (WriteStatus.REFRESHED, "actual shows it within 10 s")
            await clock.advance(6.0)
            await client.scan()  # still on its way
            assert client.holds("pump.y") == 0.51
            unit.held[11] = unit.held[10]
            await clock.advance(6.0)
            await client.scan()
            assert [c.new for c in client.confirmed()] == [0.51]
            assert client.holds("pump.y") == 0.51

    run(main())


def test_what_is_only_written_is_not_read_along():
    word = {"table": "holding", "type": "int16"}
    order = {"access": "w", "kind": "command", **word}
    map_ = RegisterMap.model_validate(
        {"id": "a", "description": "", "max_gap": 8, "points": {
            "a": {"address": 0, **word}, "b": {"address": 2, **word}, "order": {"address": 3, **order},
            "c": {"address": 4, **word}}},
        context={"require_units": True},
    )  # fmt: skip
    assert [(b.address, b.count) for b in plan_reads(map_, map_.points)] == [(0, 3), (4, 1)]
