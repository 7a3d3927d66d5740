"""The bench loop behind sockets: its machines stop themselves, obey only with permission, and the loop tells of it."""

import asyncio

import pytest

from hil.client import FieldClient, WriteStatus
from hil.device_points import DevicePoints
from hil.registers.schema import Table
from tests.twin.test_embedded import ended, scenario, served, two_ports, within
from twin.embedded import Embedded, site_devices
from twin.journal import Journal

HIGHEST = 273.15 + 65.0


async def until(condition, seconds=30.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_cdu_without_facility_water_stops_itself_and_waits_for_a_reset(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        emulator, plant = await served(plan, port, speed=100.0)
        embedded, cycles = Embedded(plan, port=port), []
        value, cdu = emulator.simulator.get, emulator.devices["cdu"]
        with Journal(tmp_path / "j.sqlite") as journal:
            loop = asyncio.create_task(embedded.run(journal, scan_interval=10.0, on_cycle=cycles.append))
            await until(lambda: cycles and cycles[-1].state == "running" and cycles[-1].counts.written)
            emulator.simulator.set("pump.pumps_available", 0.0)  # the flow is cut
            await until(lambda: cdu.tripped)
            assert value("cdu.T_supply") > HIGHEST
            assert cdu.wired.thrown == ("over_temperature",)
            await until(lambda: value("cdu.m_flow_tcs") < 0.1)
            assert value("cdu.pumps_available") == 0.0
            await until(lambda: "trip.cdu" in cycles[-1].alarms)
            assert "stopped by itself: over_temperature" in cycles[-1].alarms["trip.cdu"]
            written = cycles[-1].counts.refreshed + cycles[-1].counts.written
            await until(lambda: cycles[-1].counts.refreshed + cycles[-1].counts.written > written)
            assert cdu.tripped  # what the loop writes does not help

            emulator.simulator.set("pump.pumps_available", 1.0)
            await until(lambda: value("pump.m_flow") > 5.0)
            assert cdu.tripped  # nor does the flow that is back
            client = FieldClient(embedded.devices, emulator.clock)
            await client.start()
            points = DevicePoints(client, "cdu")
            assert await points.read("trips") == 1.0
            # its coolant stands, hot as it was: the bus does not get it going again, however often it is asked
            await points.write("trip_reset", 1.0)
            async with asyncio.timeout(30.0):
                while await points.read("trip_reset"):
                    await asyncio.sleep(0.02)
            assert cdu.tripped
            cdu.reset_at_machine()
            assert await points.read("trips") == 0.0
            await client.stop()
            await until(lambda: value("cdu.m_flow_tcs") > 5.0 and "trip.cdu" not in cycles[-1].alarms)
            assert value("cdu.pumps_available") == embedded.plant.vocabulary["cdu.pumps_available"].default
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            assert [e.kind for e in journal.events() if e.source == "trip.cdu"] == ["alarm", "clear"]
        await ended(plant)

    within(90, main())


def test_a_setpoint_without_permission_is_not_obeyed_and_the_read_back_shows_it(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        emulator, plant = await served(plan, port, speed=20.0)
        client = FieldClient(site_devices(Embedded(plan, port=port).plant, port), emulator.clock)
        await client.start()
        before = (await client.scan())["pump.dp_set"].value
        (written,) = await client.write({"pump.dp_set": before + 10e3})
        assert written.status is WriteStatus.MISMATCH
        assert written.read_back == pytest.approx(before)
        await asyncio.sleep(1.0)
        assert emulator.simulator.get("pump.dp_set") == pytest.approx(before)
        await DevicePoints(client, "pump").write("operation", 1.0)
        (written,) = await client.write({"pump.dp_set": before + 10e3})
        assert written.status is WriteStatus.WRITTEN
        await until(lambda: emulator.simulator.get("pump.dp_set") == pytest.approx(before + 10e3))
        await client.stop()
        await ended(plant)

    within(60, main())


def test_the_loop_gives_permission_before_its_first_setpoint_and_again_after_a_fallback(tmp_path):
    async def main():
        plan, port = scenario(tmp_path), two_ports()
        emulator, plant = await served(plan, port, speed=200.0)
        heat_pump = emulator.devices["heat_pump"]
        with Journal(tmp_path / "j.sqlite") as journal:
            findings = await Embedded(plan, port=port).check()
            assert ("heat_pump", "permission release", "note") in {(f.device, f.what, f.verdict) for f in findings}
            assert not heat_pump.permitted
            await Embedded(plan, port=port).run(journal, duration=400.0)
            assert heat_pump.permitted
            await until(lambda: heat_pump.fallen_back)
            assert not heat_pump.permitted
            assert heat_pump.read(Table.HOLDING, 1003, 1) == [1]
            await Embedded(plan, port=port).run(journal, duration=400.0)
            assert heat_pump.permitted
            assert not heat_pump.fallen_back
            entries = [e for e in journal.writes() if e.signal.split(":")[0].split(".")[0] == "heat_pump"]
            first = {e.signal: i for i, e in reversed(list(enumerate(entries)))}
            assert first["heat_pump:release"] < min(first["heat_pump.y_set"], first["heat_pump.T_sink_set"])
            given = [e for e in entries if e.signal == "heat_pump:release"]
            assert [(e.who, e.old, e.new, e.read_back, e.status, e.why) for e in given] == [
                ("commissioning", 0.0, 1.0, 1.0, "written", "without it no set-point is obeyed")
            ] * 2
            slow = [e for e in journal.writes("heat_pump.T_sink_set") if e.status == "confirmed"]
            assert slow
            assert all(e.read_back == pytest.approx(e.new, abs=0.06) for e in slow)
            assert not [e for e in entries if e.status in ("mismatch", "failed")]
        await ended(plant)

    within(90, main())
