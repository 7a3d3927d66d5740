"""256 devices at 1 Hz: 200 registers each in two block reads, all of them decoded and changing, and one write each.

How late, and how much of a core: of the field client, from socket to samples in SI. ``python -m benchmarks.bus_scan
300`` for five minutes; the devices live in another process.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hil.binding import BoundDevice, bind
from hil.client import FieldClient, WriteStatus
from hil.clock import RealClock
from hil.modbus.server import DeviceServer
from hil.registers.codec import encode
from hil.registers.schema import RegisterMap, Table
from plant_models.devices import Device
from plant_models.signals import Signal, Vocabulary, output, setpoint

DEVICES, REGISTERS = 256, 200
PERIOD = 1.0
IMAGES = 16
"""different contents of the registers, one after the other"""
KINDS = (
    # name, how many, unit, keys of the point, lowest value, step from one image to the next (SI)
    ("T", 60, "K", {"type": "int16", "unit": "degC", "scale": 0.01, "range": ["-20 degC", "150 degC"],
                    "sentinels": [0x7FFF]}, 290.0, 0.25),
    ("y", 39, "1", {"type": "uint16", "unit": "percent", "scale": 0.01, "range": [0, 1.01]}, 0.1, 0.05),
    ("m_flow", 30, "kg/s", {"type": "float32", "unit": "kg/s", "word_order": "little"}, 1.5, 0.5),
    ("P", 20, "W", {"type": "int32", "unit": "W"}, 1000.0, 10.0),
)  # fmt: skip
"""159 values in 199 registers, in the manner of machines' maps, and a set-point"""


def device_map() -> RegisterMap:
    """One device."""
    points: dict[str, dict[str, object]] = {
        "y_set": {"address": 0, "table": "holding", "type": "uint16", "unit": "percent", "scale": 0.01, "access": "rw",
                  "range": [0, 1], "safe": 0.5, "deadband": 0.005, "refresh": "20 s"}
    }  # fmt: skip
    address = 1
    for name, count, _, keys, _, _ in KINDS:
        for i in range(count):
            points[f"{name}_{i}"] = {"address": address, "table": "holding", **keys}
            address += 2 if str(keys["type"]).endswith("32") else 1
    assert address == REGISTERS
    spec = {"id": "many", "description": "200 registers", "longest_read": 100, "points": points}
    return RegisterMap.model_validate(spec, context={"require_units": True})


def truth(kind: int, i: int, image: int) -> float:
    """The value (SI) of the ``i``-th quantity of a kind in an image of the registers."""
    _, _, _, _, lowest, step = KINDS[kind]
    return lowest + step * ((i + image) % IMAGES)


def images(map_: RegisterMap) -> list[list[int]]:
    """The registers' contents, one after the other."""
    found = []
    for image in range(IMAGES):
        words = [0] * REGISTERS
        for kind, (name, count, *_) in enumerate(KINDS):
            for i in range(count):
                point = map_[f"{name}_{i}"]
                words[point.address : point.address + point.words] = encode(map_, point, truth(kind, i, image))
        found.append(words)
    return found


class Block:
    """A unit with 200 holding registers, all of which have changed by the next reading from the start."""

    unit = 1

    def __init__(self, contents: Sequence[Sequence[int]]) -> None:
        self.contents, self.image, self.setpoint = contents, 0, 5000

    def extent(self, table: Table) -> tuple[int, int] | None:
        """All of them."""
        return (0, REGISTERS - 1) if table is Table.HOLDING else None

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        """Some of them."""
        if address == 0 and count > 1:
            self.image = (self.image + 1) % IMAGES
        words = list(self.contents[self.image][address : address + count])
        if address == 0:
            words[0] = self.setpoint
        return words

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Takes the set-point."""
        (self.setpoint,) = values


@dataclass(frozen=True)
class Scan:
    """What a run showed; shares are of one core, times s."""

    seconds: float
    core_share: float
    overruns: int
    latest_start: float
    longest_scan: float
    requests: int
    values: int
    wrong: int
    """values that the device did not have"""
    lost: int
    """values that were not read, and set-points not written, in time"""


async def serve() -> None:
    """Tells its ports, then answers until it is killed."""
    contents = images(device_map())
    servers = [DeviceServer("127.0.0.1", 0, [Block(contents)]) for _ in range(DEVICES)]
    for server in servers:
        await server.start()
    print(*(server.port for server in servers), flush=True)
    await asyncio.Event().wait()


def devices(ports: Sequence[int]) -> list[BoundDevice]:
    """The devices at these ports."""
    map_ = device_map()
    signals: list[Signal] = []
    for n in range(len(ports)):
        signals.append(setpoint(f"machine.{n:03d}.y_set", "1", "", default=0.5, lower=0.0, upper=1.0))
        signals += [output(f"machine.{n:03d}.{name}_{i}", unit, "") for name, count, unit, *_ in KINDS
                    for i in range(count)]  # fmt: skip
    vocabulary = Vocabulary(signals)
    return [
        bind(Device(f"machine.{n:03d}", "many", "127.0.0.1", port, 1, f"machine.{n:03d}"), vocabulary, map_)
        for n, port in enumerate(ports)
    ]


async def scan_for(ports: Sequence[int], seconds: float) -> Scan:
    """Scans at absolute times; a scan that is not done when the next one is due is an overrun."""
    client = FieldClient(devices(ports), RealClock(), timeout=0.9)
    await client.start()
    asked = dict.fromkeys(client.setpoints, 0.0)
    lost = false = 0

    async def once(cycle: int) -> dict[str, float]:
        nonlocal lost
        samples = await client.scan()
        written = await client.write(dict.fromkeys(asked, 0.2 + 0.01 * (cycle % 50)))
        good = {name: sample.value for name, sample in samples.items() if sample.good}
        lost += sum(w.status is not WriteStatus.WRITTEN for w in written) + len(samples) - len(good)
        return good

    await once(-1)  # the first one warms up
    overruns, latest, longest, spent = 0, 0.0, 0.0, 0.0
    begun, used = time.monotonic(), time.process_time()
    cycles = round(seconds / PERIOD)
    for cycle in range(cycles):
        due = begun + cycle * PERIOD
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        start = time.monotonic()
        values = await once(cycle)
        end = time.monotonic()
        latest, longest = max(latest, start - due), max(longest, end - start)
        overruns += end > due + PERIOD
        before = time.process_time()
        if cycle % 10 == 0:
            false += wrong(values, len(ports))
        spent += time.process_time() - before
    await asyncio.sleep(max(0.0, begun + cycles * PERIOD - time.monotonic()))
    share = (time.process_time() - used - spent) / (time.monotonic() - begun)
    requests = sum(line.requests for line in client.metrics.values())
    await client.stop()
    return Scan(seconds, share, overruns, latest, longest, requests, len(client.signals), false, lost)


def wrong(values: dict[str, float], count: int) -> int:
    """How many values are not those of one and the same image of their device; a device not read counts for none."""
    found = 0
    for n in range(count):
        shown = values.get(f"machine.{n:03d}.T_0")
        if shown is None:
            continue
        image = round((shown - truth(0, 0, 0)) / KINDS[0][5])
        for kind, (name, number, *_) in enumerate(KINDS):
            for i in range(number):
                expected = truth(kind, i, image)
                found += abs(values[f"machine.{n:03d}.{name}_{i}"] - expected) > 1e-6 * abs(expected) + 1e-9
    return found


def run(seconds: float) -> Scan:
    """Both processes. Raises RuntimeError if a value was wrong or devices were missing."""
    command = [sys.executable, "-m", "benchmarks.bus_scan", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            ports = [int(port) for port in served.stdout.readline().split()]
            found = asyncio.run(scan_for(ports, seconds))
        finally:
            served.terminate()
    if found.wrong or len(ports) != DEVICES:
        raise RuntimeError(f"{found.wrong} values were wrong, at {len(ports)} devices: {found}")
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        print(run(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
