"""An independent witness: tshark reads along on the wire, and what it saw is what the journal says."""

import asyncio
import json
import shutil
import subprocess
import time

import pytest

from controllers.interface import Decision
from hil.client import FieldClient
from hil.clock import ScaledClock
from hil.emulator import Emulator
from tests.hil import toy_plant as toy
from tests.system.toy_runtime import Constant, Free
from twin.journal import Journal
from twin.runtime import Runtime

SPEED = 10.0
ADDRESSES = {"pump.y": (1, 0), "cooler.T_set": (2, 10)}
"""unit and register of the toy's set-points"""


class Wandering(Constant):
    """Other set-points at each decision."""

    calls = 0

    def step(self, time, measurements, forecast):
        self.calls += 1
        return Decision({"pump.y": 0.4 + 0.05 * (self.calls % 7), "cooler.T_set": 298.15 + self.calls % 5}, self.name)


async def captured(path, port, action):
    """``action`` while dumpcap listens; skips where that is not permitted."""
    process = await asyncio.create_subprocess_exec(
        "dumpcap", "-i", "lo", "-f", f"tcp port {port}", "-w", str(path), stderr=asyncio.subprocess.PIPE
    )
    said = b""
    while b"File: " not in said:
        line = await process.stderr.readline()
        said += line
        if not line:
            pytest.skip(f"no capture on the loopback here: {said.decode().strip()}")
    await action()
    await asyncio.sleep(0.5)
    process.terminate()
    await process.wait()


def decoded(path, port):
    """Each telegram: whether it is a request, its unit, function and registers, by address."""
    command = ["tshark", "-r", str(path), "-o", f"mbtcp.tcp.port:{port}", "-Y", "modbus", "-T", "json"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    frames = []
    for packet in json.loads(output, object_pairs_hook=_several):
        layers = packet["_source"]["layers"]
        heads, bodies = _list(layers["mbtcp"]), _list(layers["modbus"])
        asks = layers["tcp"]["tcp.dstport"] == str(port)
        for head, body in zip(heads, bodies, strict=True):
            values = [v for v in body.values() if isinstance(v, dict) and "modbus.regnum16" in v]
            registers = {int(v["modbus.regnum16"]): int(v["modbus.regval_uint16"]) for v in values}
            if "modbus.data" in body:  # of a single write
                registers[int(body["modbus.reference_num"])] = int(body["modbus.data"].replace(":", ""), 16)
            frames.append((asks, int(head["mbtcp.unit_id"]), int(body["modbus.func_code"]), registers))
    return frames


def _several(pairs):
    """A JSON object with every key's values: tshark repeats keys."""
    found = {}
    for key, value in pairs:
        found[key] = [*_list(found[key]), value] if key in found else value
    return found


def _list(value):
    return value if isinstance(value, list) else [value]


def test_what_was_on_the_wire_is_what_the_journal_says(tmp_path):
    if not (shutil.which("tshark") and shutil.which("dumpcap")):
        pytest.skip("no tshark; on Debian: apt install tshark")
    port, path = toy.free_port(), tmp_path / "run.pcapng"

    async def run():
        clock = ScaledClock(1.7e9, SPEED, time.time())
        emulator = Emulator(toy.ToyLoop(), toy.devices(port), clock, step=1.0)
        await emulator.start()
        plant = asyncio.create_task(emulator.run())
        client = FieldClient(toy.devices(port), clock, timeout=0.5)
        await client.start()
        with Journal(tmp_path / "j.sqlite") as journal:
            loop = asyncio.create_task(Runtime(client, Wandering(), Free(), journal, clock, scan_interval=2.0).run())
            await asyncio.sleep(4.0)
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
        await client.stop()
        plant.cancel()
        await asyncio.gather(plant, return_exceptions=True)
        await emulator.stop()

    asyncio.run(asyncio.wait_for(captured(path, port, run), 30))
    with Journal(tmp_path / "j.sqlite") as journal:
        told = [entry for entry in journal.writes() if entry.status in ("written", "refreshed")]
    frames = decoded(path, port)
    assert len(told) >= 8
    assert len({entry.new for entry in told}) > 5
    wire, back = [], []
    for i, (asks, unit, function, registers) in enumerate(frames):
        if asks and function == 6:
            (register,) = registers
            wire.append((unit, register, registers[register]))
            _, there, answered, read = frames[i + 3]  # echo, question, answer
            assert (there, answered, list(read)) == (unit, 3, [register])
            back.append(read[register])
    assert wire[: len(told)] == [(*ADDRESSES[e.signal], raw(e.signal, e.new)) for e in told]
    assert back[: len(told)] == [raw(e.signal, e.read_back) for e in told]
    assert len(wire) - len(told) <= 2  # the last cycle, cut off before it was entered


def raw(signal, value):
    """What the register holds, by the toy's map: 0.01 % and 0.1 degC."""
    return round(1e4 * value) if signal == "pump.y" else round(10 * (value - 273.15))
