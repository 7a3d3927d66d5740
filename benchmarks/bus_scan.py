"""256 devices at 1 Hz: 200 registers each in two block reads, and one write each. How late, and how much of a core.

``python -m benchmarks.bus_scan 300`` for five minutes; the devices live in another process.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hil.modbus.server import DeviceServer
from hil.modbus.transport import TcpTransport
from hil.registers.schema import Table

DEVICES, REGISTERS, BLOCK = 256, 200, 100
PERIOD = 1.0


class Block:
    """A unit with 200 holding registers."""

    def __init__(self) -> None:
        self.unit = 1
        self.words = list(range(REGISTERS))

    def extent(self, table: Table) -> tuple[int, int] | None:
        """All of them."""
        return (0, REGISTERS - 1) if table is Table.HOLDING else None

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        """Some of them."""
        return self.words[address : address + count]

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Sets some."""
        self.words[address : address + len(values)] = values


@dataclass(frozen=True)
class Scan:
    """What a run showed; shares are of one core, times s."""

    seconds: float
    core_share: float
    overruns: int
    latest_start: float
    longest_scan: float
    requests: int
    failures: int


async def serve() -> None:
    """Tells its ports, then answers until it is killed."""
    servers = [DeviceServer("127.0.0.1", 0, [Block()]) for _ in range(DEVICES)]
    for server in servers:
        await server.start()
    print(*(server.port for server in servers), flush=True)
    await asyncio.Event().wait()


async def scan_for(ports: Sequence[int], seconds: float) -> Scan:
    """Scans at absolute times; a scan that is not done when the next one is due is an overrun."""
    lines = [TcpTransport("127.0.0.1", port, 0.5) for port in ports]
    await asyncio.gather(*(line.connect() for line in lines))
    failures = 0

    async def one(line: TcpTransport, value: int) -> None:
        nonlocal failures
        await line.write(1, Table.HOLDING, 0, [value])
        words = [word for start in (0, BLOCK) for word in await line.read(1, Table.HOLDING, start, BLOCK)]
        failures += words != [value, *range(1, REGISTERS)]

    await asyncio.gather(*(one(line, 1) for line in lines))  # the first one warms up
    overruns, latest, longest = 0, 0.0, 0.0
    begun, used = time.monotonic(), time.process_time()
    cycles = round(seconds / PERIOD)
    for cycle in range(cycles):
        due = begun + cycle * PERIOD
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        start = time.monotonic()
        await asyncio.gather(*(one(line, cycle % 1000) for line in lines))
        end = time.monotonic()
        latest, longest = max(latest, start - due), max(longest, end - start)
        overruns += end > due + PERIOD
    await asyncio.sleep(max(0.0, begun + cycles * PERIOD - time.monotonic()))
    share = (time.process_time() - used) / (time.monotonic() - begun)
    requests = sum(line.metrics.requests for line in lines)
    await asyncio.gather(*(line.close() for line in lines))
    return Scan(seconds, share, overruns, latest, longest, requests, failures)


def run(seconds: float) -> Scan:
    """Both processes. Raises RuntimeError if a value was wrong."""
    command = [sys.executable, "-m", "benchmarks.bus_scan", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as devices:
        try:
            assert devices.stdout is not None
            ports = [int(port) for port in devices.stdout.readline().split()]
            found = asyncio.run(scan_for(ports, seconds))
        finally:
            devices.terminate()
    if found.failures or len(ports) != DEVICES:
        raise RuntimeError(f"{found.failures} scans brought wrong values from {len(ports)} devices")
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        print(run(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
