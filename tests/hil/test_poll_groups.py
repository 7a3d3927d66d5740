"""Poll groups: what changes slowly is read seldom, everything after a loss, and nothing is lost by age."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from hil.binding import bind
from hil.client import FieldClient
from hil.clock import LockStepClock
from hil.modbus.server import DeviceServer
from hil.registers.schema import RegisterMap
from plant_models.devices import Device
from tests.hil import toy_plant as toy
from tests.hil.registers_unit import Registers

MAP = RegisterMap.model_validate(
    {
        "id": "meter", "description": "", "partial": True, "poll": {"slow": "60 s"}, "max_gap": 0,
        "points": {
            "m_flow": {"address": 0, "table": "holding", "type": "uint16", "unit": "kg/s", "scale": 0.01},
            "T": {"address": 10, "table": "holding", "type": "uint16", "unit": "K", "poll": "slow",
                  "scale_from": {"point": "exponent", "by": "power_of_ten"}},
            "exponent": {"address": 11, "table": "holding", "type": "int16", "poll": "slow"},
        },
    },
    context={"require_units": True},
)  # fmt: skip


class SetClock(LockStepClock):
    """One that is ``off`` by so much, s, since somebody set it."""

    off = 0.0

    def time(self):
        return super().time() + self.off


class Counted(Registers):
    def __init__(self):
        super().__init__(1, {0: 150, 10: 3000, 11: 0xFFFF, **dict.fromkeys(range(1, 10), 0)})
        self.asked = []

    def read(self, table, address, count):
        self.asked.append((address, count))
        return super().read(table, address, count)


@asynccontextmanager
async def meter(**settings):
    unit, clock = Counted(), SetClock(1000.0)
    server = DeviceServer("127.0.0.1", toy.free_port(), [unit])
    await server.start()
    device = Device("meter", "m", "127.0.0.1", server.port, 1, signals={"m_flow": "pump.m_flow", "T": "heater.T"})
    client = FieldClient([bind(device, toy.VOCABULARY, MAP)], clock, timeout=0.5, **settings)
    await client.start()
    try:
        yield unit, client, clock, server
    finally:
        await client.stop()
        await server.stop()


def test_a_slow_group_is_read_at_its_own_pace():
    async def main():
        async with meter() as (unit, client, clock, _):
            assert client.polled == {"heater.T": 60.0}
            times = []
            for _ in range(14):
                samples = await client.scan()
                assert (samples["pump.m_flow"].value, samples["heater.T"].value) == (1.5, 300.0)
                assert samples["heater.T"].good
                assert samples["pump.m_flow"].time == clock.time()
                times.append(samples["heater.T"].time)
                await clock.advance(10.0)
            assert times == [1000.0] * 6 + [1060.0] * 6 + [1120.0] * 2
            assert [asked for asked in unit.asked if asked[0] == 10] == [(10, 2)] * 3
            assert len([asked for asked in unit.asked if asked[0] == 0]) == 14

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_slow_group_goes_with_the_scan_that_is_nearest_however_that_jitters():
    async def main():
        async with meter(scan_interval=10.0) as (unit, client, clock, _):
            for wait in (10.02, 9.98, 10.01, 9.97, 10.0, 10.01, 9.99) * 6:  # 60 s are 59.99 or 60.01
                await client.scan()
                await clock.advance(wait)
            assert len([asked for asked in unit.asked if asked[0] == 10]) == 7

    asyncio.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize("off", [-500.0, 3600.0])
def test_after_a_loss_and_after_a_clock_was_set_everything_is_read(off):
    async def main():
        async with meter() as (unit, client, clock, server):
            await client.scan()
            await server.stop()
            await asyncio.sleep(0.05)
            assert not (await client.scan())["heater.T"].good
            await server.start()
            async with asyncio.timeout(10):
                while not (samples := await client.scan())["heater.T"].good:
                    await asyncio.sleep(0.02)
            assert samples["heater.T"].time == clock.time()
            unit.asked.clear()
            clock.off = off
            assert (await client.scan())["heater.T"].time == 1000.0 + off
            assert (10, 2) in unit.asked
            unit.asked.clear()
            await client.scan()
            assert (10, 2) not in unit.asked

    asyncio.run(asyncio.wait_for(main(), 20))
