"""The field client against emulated devices on real sockets."""

import asyncio
import math
import shutil
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from benchmarks.bus_peer import serial_pair
from hil.client import FieldClient, WriteRefused, WriteStatus
from hil.clock import LockStepClock, ScaledClock
from hil.emulated_device import EmulatedDevice
from hil.emulator import Emulator
from hil.modbus.rtu import SerialSettings
from hil.modbus.server import DeviceServer, SerialDeviceServer, ServerError
from hil.modbus.transport import TcpTransport
from hil.sample import Quality
from plant_models.devices import Line
from tests.hil import toy_plant as toy


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


@asynccontextmanager
async def bench(clock=None, two_lines=False, connect=TcpTransport, **settings):
    """A toy emulator and a connected client, both on a clock that stands still unless another one is given."""
    clock = clock or LockStepClock(1000.0)
    ports = (toy.free_port(), toy.free_port() if two_lines else None)
    emulator = Emulator(toy.ToyLoop(), toy.devices(*ports), clock, step=1.0)
    client = FieldClient(toy.devices(*ports), clock, timeout=0.2, connect=connect, **settings)
    await emulator.start()
    await client.start()
    try:
        await until(client, lambda samples: all(s.good for s in samples.values()))
        yield emulator, client, clock
    finally:
        await client.stop()
        await emulator.stop()


async def until(client, condition, patience=5.0):
    deadline = time.monotonic() + patience
    while not condition(samples := await client.scan()):
        assert time.monotonic() < deadline, f"did not come true: {samples}"
        await asyncio.sleep(0.02)
    return samples


def test_a_scan_brings_every_signal_in_si():
    async def main():
        async with bench() as (emulator, client, _):
            samples = await client.scan()
            assert set(samples) == set(client.signals)
            for name, sample in samples.items():
                assert sample.value == pytest.approx(emulator.simulator.get(name), rel=1e-3), name
                assert sample.time == 1000.0
            assert all(h.ok for h in client.health.values())

    within(10, main())


def test_a_setpoint_reaches_the_plant_and_changes_it():
    async def main():
        async with bench() as (emulator, client, _):
            written = await client.write({"pump.y": 0.5, "cooler.T_set": 298.15})
            assert [w.status for w in written] == [WriteStatus.WRITTEN] * 2
            assert written[0].old == pytest.approx(0.8)
            assert written[0].read_back == pytest.approx(0.5)
            await emulator.advance()
            assert emulator.simulator.get("pump.y") == pytest.approx(0.5)
            samples = await client.scan()
            assert samples["pump.m_flow"].value == pytest.approx(0.75)
            assert samples["cooler.T"].value <= 303.15

    within(10, main())


def test_deadband_and_refresh():
    async def main():
        async with bench() as (_, client, clock):
            statuses = []
            for step, value in ((0.0, 0.5), (1.0, 0.5), (1.0, 0.504), (1.0, 0.51), (5.0, 0.51), (3.0, 0.51)):
                await clock.advance(step)
                statuses.append((await client.write({"pump.y": value}))[0].status.value)
            assert statuses == ["written", "unchanged", "unchanged", "written", "unchanged", "refreshed"]
            assert await client.refresh() == []
            await clock.advance(8.0)
            assert [w.status for w in await client.refresh()] == [WriteStatus.REFRESHED]

    within(10, main())


@pytest.mark.parametrize(("interval", "wears", "slips"), [(2.0, False, False), (0.0, False, True), (2.0, True, True)])
def test_a_refresh_at_a_multiple_of_the_scan_does_not_slip_by_jitter(interval, wears, slips):
    async def main():
        async with bench(scan_interval=interval) as (_, client, clock):
            if wears:  # a memory that wears has the refreshes that it was promised, and no more
                bound, _ = client.reach("pump")
                bound.points["pump.y"] = bound.points["pump.y"].model_copy(update={"nonvolatile": True})
            await client.write({"pump.y": 0.5})
            turns = []
            for turn, wait in enumerate(
                (1.98, 2.01, 1.99, 1.98, 2.03, 1.98, 2.0, 2.03) * 5
            ):  # its refresh is due at 8 s
                await clock.advance(wait)
                await client.scan()
                turns += [turn + 1] * len(await client.refresh())
            assert (turns != list(range(4, 41, 4))) == slips, turns

    within(20, main())


def test_refreshing_keeps_the_devices_from_falling_back():
    async def main():
        async with bench() as (emulator, client, clock):
            await client.write({"pump.y": 0.5, "cooler.T_set": 298.15})
            for _ in range(30):
                await clock.advance(3.0)
                await client.refresh()
                await emulator.advance()
            assert [d.fallbacks for d in emulator.devices.values()] == [0, 0]
            client.release()
            for _ in range(8):
                await clock.advance(3.0)
                assert await client.refresh() == []
                await emulator.advance()
            assert [d.fallbacks for d in emulator.devices.values()] == [1, 1]
            assert emulator.simulator.get("pump.y") == pytest.approx(0.9)
            assert emulator.simulator.get("cooler.T_set") == pytest.approx(293.15)

    within(10, main())


def test_a_device_that_fell_back_is_noticed_and_written_again():
    async def main():
        async with bench() as (_, client, clock):
            await client.write({"pump.y": 0.5})
            await clock.advance(25.0)
            await client.scan()
            assert math.isnan(client.holds("pump.y"))
            assert "written was 0.5" in client.health["pump"].reason
            (written,) = await client.write({"pump.y": 0.5})
            assert (written.status, written.old) == (WriteStatus.WRITTEN, pytest.approx(0.9))

    within(10, main())


def test_an_impossible_write_writes_nothing():
    async def main():
        async with bench() as (emulator, client, _):
            with pytest.raises(WriteRefused) as refused:
                await client.write({"pump.y": 0.5, "cooler.T_set": 400.0, "chiller.y": 1.0, "heater.T": 300.0})
            for text in ("nothing was written", "126.85 degC is outside the range", "no device takes 'chiller.y'"):
                assert text in str(refused.value)
            with pytest.raises(WriteRefused, match="nan"):
                await client.write({"pump.y": math.nan})
            assert all(not d.take_setpoints() for d in emulator.devices.values())

    within(10, main())


class Forgetful(TcpTransport):
    """A line whose pump confirms 50 % and holds 70 %."""

    async def read(self, unit, table, address, count):
        values = await super().read(unit, table, address, count)
        return [7000, *values[1:]] if (unit, address, values[0]) == (1, 0, 5000) else values


def test_a_device_that_holds_another_value_is_a_mismatch():
    async def main():
        async with bench(connect=Forgetful) as (_, client, _):
            (written,) = await client.write({"pump.y": 0.5})
            assert written.status is WriteStatus.MISMATCH
            assert written.message == "wrote 50 percent, device holds 70 percent"
            assert not written.ok
            assert math.isnan(client.holds("pump.y"))

    within(10, main())


def test_one_lost_line_leaves_the_other_alone_and_comes_back_by_itself():
    async def main():
        async with bench(two_lines=True) as (emulator, client, _):
            pump_server = emulator.servers[0]
            await pump_server.stop()
            samples = await until(client, lambda s: not s["pump.m_flow"].good)
            assert samples["pump.m_flow"].quality is Quality.LOST
            assert samples["pump.m_flow"].value == pytest.approx(1.2)  # the last good one, with its time
            assert samples["cooler.T"].good
            assert not client.health["pump"].ok
            assert client.health["cooler"].ok
            (written,) = await client.write({"pump.y": 0.5})
            assert written.status is WriteStatus.FAILED
            await pump_server.start()
            await until(client, lambda s: all(x.good for x in s.values()))

    within(15, main())


def test_a_silent_unit_does_not_hold_up_its_line():
    async def main():
        async with bench() as (emulator, client, _):
            refuse = emulator.devices["pump"]

            def broken(table, address, count):
                raise RuntimeError("the device's firmware crashed")

            refuse.read = broken
            begun = time.monotonic()
            for _ in range(20):
                samples = await client.scan()
            assert time.monotonic() - begun < 2.0
            assert not samples["pump.m_flow"].good
            assert samples["cooler.T"].good

    within(10, main())


def test_scaled_time_runs_by_itself_and_counts_overruns():
    async def main():
        async with bench(ScaledClock(1e9, 50.0)) as (emulator, client, _):
            task = asyncio.create_task(emulator.run(25.0))
            await client.write({"cooler.T_set": 298.15})
            await asyncio.wait_for(task, 5)
            assert emulator.elapsed == pytest.approx(25.0)
            assert emulator.simulator.get("cooler.T") < 303.15
            assert emulator.ticker.overruns < 25

    within(10, main())


def test_disturbances_drive_the_plant():
    async def main():
        port = toy.free_port()
        plant = toy.ToyLoop()
        emulator = Emulator(
            plant, toy.devices(port), LockStepClock(), step=5.0, drive=lambda t: {"heater.P": 20e3 + 1e3 * t}
        )
        await emulator.start()
        before = plant.get("heater.T")
        for _ in range(10):
            await emulator.advance()
        await emulator.stop()
        assert plant.get("heater.P") == 20e3 + 1e3 * 45
        assert plant.get("heater.T") > before

    within(10, main())


def test_a_taken_port_leaves_nothing_open():
    async def main():
        async with bench(two_lines=True) as (emulator, _, clock):
            taken, free = emulator.servers[1].port, toy.free_port()
            other = Emulator(toy.ToyLoop(), toy.devices(free, taken), clock, step=1.0)
            with pytest.raises(ServerError, match=f"{taken}: another program"):
                await other.start()
            reader_failed = False
            try:
                await asyncio.open_connection("127.0.0.1", free)
            except ConnectionRefusedError:
                reader_failed = True
            assert reader_failed

    within(10, main())


def test_no_devices_no_emulator():
    with pytest.raises(ValueError, match="no devices to emulate"):
        Emulator(toy.ToyLoop(), [], LockStepClock(), step=1.0)


def test_a_scan_ends_at_its_deadline_and_names_who_was_not_read():
    async def main():
        async with bench() as (emulator, client, _):
            slow = emulator.devices["pump"].read

            def read(table, address, count):
                time.sleep(0.15)
                return slow(table, address, count)

            emulator.devices["pump"].read = read
            client.scan_within = 0.05
            samples = await client.scan()
            assert not samples["cooler.T"].good
            assert "not read within the 0.05 s of a scan" in samples["cooler.T"].reason
            del emulator.devices["pump"].read
            client.scan_within = None
            await until(client, lambda s: all(x.good for x in s.values()))

    within(10, main())


def test_who_accepts_and_hangs_up_is_not_hammered():
    async def main():
        calls = 0

        async def hang_up(reader, writer):
            nonlocal calls
            calls += 1
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        client = FieldClient(toy.devices(server.sockets[0].getsockname()[1]), LockStepClock(0.0), timeout=0.2)
        await client.start()
        await asyncio.sleep(1.0)
        await client.stop()
        server.close()
        assert 2 <= calls <= 8  # 0.1, 0.2, 0.4 ... s between them, give or take a third
        (metrics,) = client.metrics.values()
        assert metrics.connects == pytest.approx(calls, abs=1)

    within(10, main())


def serial_devices(path, port):
    devices = toy.devices(1)
    kinds = ({"transport": "rtu", "host": path}, {"transport": "rtu_over_tcp", "port": port})
    line = Line(baud=115200, parity="N", lateness="50 ms")
    return [replace(b, device=replace(b.device, line=line, **kind)) for b, kind in zip(devices, kinds, strict=True)]


def test_devices_on_a_serial_line_and_behind_a_gateway():
    if shutil.which("socat") is None:
        pytest.skip("socat makes the serial line; on Debian: apt install socat")

    async def main():
        async with serial_pair() as (ours, theirs):
            pump, cooler = (EmulatedDevice(bound, lambda: 1000.0) for bound in toy.devices(1))
            plant = toy.ToyLoop()
            for device in (pump, cooler):
                device.publish({signal: plant.get(signal) for signal in device.bound.points})
            gateway = DeviceServer("127.0.0.1", 0, [cooler], rtu_frames=True)
            serial = SerialDeviceServer(theirs, [pump], SerialSettings(115200, "N"))
            await gateway.start()
            await serial.start()
            client = FieldClient(serial_devices(ours, gateway.port), LockStepClock(1000.0), timeout=0.3)
            await client.start()
            await until(client, lambda s: all(x.good for x in s.values()))
            written = await client.write({"pump.y": 0.5, "cooler.T_set": 298.15})
            assert [w.status for w in written] == [WriteStatus.WRITTEN] * 2
            await client.stop()
            await serial.stop()
            await gateway.stop()

    within(20, main())


def test_devices_that_disagree_on_their_line():
    pump, cooler = toy.devices(15020)
    cooler = replace(cooler, device=replace(cooler.device, transport="rtu_over_tcp"))
    with pytest.raises(ValueError, match=r"cooler and pump share 127.0.0.1, but not its transport"):
        FieldClient([pump, cooler], LockStepClock())
