"""The large site in one process: every machine of Rovaltain as a device of its own, all of them read and commanded."""

import socket
from contextlib import ExitStack, suppress

from hil.client import FieldClient
from hil.clock import LockStepClock
from hil.device_points import DevicePoints
from hil.emulator import Emulator
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import load_site
from tests.hil.toy_plant import free_port
from tests.twin.test_embedded import within
from twin.embedded import site_devices

AT_LEAST = 100


def first_free(count):
    """The first of so many neighbouring ports that are free."""
    while True:
        port = free_port()
        with ExitStack() as stack, suppress(OSError, OverflowError):
            for there in range(port, port + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", there))
            return port


def test_more_than_a_hundred_devices_in_one_process():
    async def main():
        plant = Plant(load_site("rovaltain"))
        devices = site_devices(plant, first_free(5))
        assert len(devices) >= AT_LEAST
        assert len({d.device.address for d in devices}) == len(devices)
        clock, simulator = LockStepClock(1.7e9), Simulator(plant)
        emulator = Emulator(simulator, devices, clock, step=5.0)
        await emulator.start()
        client = FieldClient(devices, clock, timeout=2.0)
        await client.start()
        samples = await client.scan()
        assert {name for name, health in client.health.items() if health.ok} == {d.name for d in devices}
        measured = {s for d in devices for s, p in d.points.items() if p.readable}
        assert set(samples) == measured
        assert [name for name, sample in samples.items() if not sample.good] == []
        for device in devices:
            for signal, point in device.points.items():
                if point.readable and not signal.startswith("weather."):
                    slack = max(0.51 * point.step, 1e-5 * abs(samples[signal].value), 1e-9)
                    assert abs(samples[signal].value - simulator.get(signal)) <= slack, signal

        for device in devices:
            for name, wanted in device.map.granted().items():
                await DevicePoints(client, device.name).write(name, wanted)
        asked = {signal: samples[signal].value - point.step for d in devices for signal, point in d.writable.items()
                 if samples[signal].value - point.step >= plant.vocabulary[signal].lower}  # fmt: skip
        assert len(asked) > AT_LEAST
        written = await client.write(asked)
        assert [w for w in written if not w.ok] == []
        await clock.advance(60.0)
        await emulator.advance()
        for signal, value in asked.items():
            point = next(d.points[signal] for d in devices if signal in d.points)
            if not (point.read_back or point.settle):
                assert abs(simulator.get(signal) - value) <= 0.51 * point.step + 1e-9, signal
        await client.stop()
        await emulator.stop()

    within(120, main())
