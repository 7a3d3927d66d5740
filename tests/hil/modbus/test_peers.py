"""Peers that nobody here wrote: libmodbus as client and server, mbpoll, and tshark reading along."""

import asyncio
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.bus_peer import serial_pair
from hil.clock import LockStepClock
from hil.emulator import Emulator
from hil.modbus.errors import Refused, TransportError
from hil.modbus.rtu import RtuOverTcpTransport, RtuTransport, SerialSettings
from hil.modbus.server import DeviceServer, SerialDeviceServer
from hil.modbus.transport import TcpTransport
from hil.registers.schema import Table
from tests.hil import toy_plant as toy
from tests.strategies.bus import Memory, within

SOURCES = Path(__file__).parents[2] / "peers"
SERIAL = SerialSettings(baud=115200, parity="N", lateness=0.05)
UNPACED = SerialSettings(baud=115200, parity="N", lateness=0.05, paced=False)


def need(program, package):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}; on Debian: apt install {package}")


def compiled(name, folder):
    need("gcc", "gcc")
    need("pkg-config", "pkg-config")
    found = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip("no libmodbus to compile against; on Debian: apt install libmodbus-dev")
    program = folder / name
    command = ["gcc", "-Wall", "-Werror", "-o", str(program), str(SOURCES / f"{name}.c"), *found.stdout.split()]
    subprocess.run(command, check=True)
    return str(program)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="module")
def libmodbus_client(folder):
    return compiled("libmodbus_client", folder)


@pytest.fixture(scope="module")
def libmodbus_server(folder):
    return compiled("libmodbus_server", folder)


async def told(*command):
    """Exit code and output of a program."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    return process.returncode, output.decode()


@asynccontextmanager
async def emulated():
    """The toy loop's pump (unit 1) and cooler (unit 2) on one port."""
    port = toy.free_port()
    emulator = Emulator(toy.ToyLoop(), toy.devices(port), LockStepClock(1000.0), step=1.0)
    await emulator.start()
    try:
        yield emulator, port
    finally:
        await emulator.stop()


def test_libmodbus_reads_and_writes_emulated_devices(libmodbus_client):
    async def main():
        async with emulated() as (emulator, port):

            async def ask(*words):
                return await told(libmodbus_client, "tcp", "127.0.0.1", port, *words)

            assert await ask(1, "read", 0, 1) == (0, "8000 \n")  # the pump's speed, 0.01 %
            assert await ask(1, "write", 0, 5000) == (0, "\n")
            assert await ask(1, "read", 0, 1) == (0, "5000 \n")
            assert emulator.devices["pump"].take_setpoints() == {"pump.y": pytest.approx(0.5)}
            code, words = await ask(2, "input", 0, 3)
            assert code == 0
            kelvin = emulator.simulator.get("cooler.T")
            assert int(words.split()[0]) == round(10 * (kelvin - 273.15))
            code, complaint = await ask(1, "write", 0, 20000)  # 200 %
            assert (code, "Illegal data value" in complaint) == (1, True)
            code, complaint = await ask(1, "read", 90, 1)
            assert (code, "Illegal data address" in complaint) == (1, True)
            code, complaint = await ask(9, "read", 0, 1)
            assert (code, "Target device failed to respond" in complaint) == (1, True)

    within(30, main())


def test_mbpoll_reads_and_writes_emulated_devices():
    need("mbpoll", "mbpoll")

    async def main():
        async with emulated() as (emulator, port):
            common = ["mbpoll", "-m", "tcp", "-p", port, "-a", 1, "-0", "-r", 0, "-t", 4, "-1", "-q", "127.0.0.1"]
            code, text = await told(*common)
            assert code == 0, text
            assert text.split("[0]:")[1].split()[0] == "8000"
            code, text = await told(*common, 6500)
            assert code == 0, text
            assert "Written 1 references" in text
            assert emulator.devices["pump"].take_setpoints() == {"pump.y": pytest.approx(0.65)}

    within(30, main())


def test_our_client_drives_a_libmodbus_server(libmodbus_server):
    async def main():
        port = toy.free_port()
        process = await asyncio.create_subprocess_exec(
            libmodbus_server, "tcp", str(port), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert await process.stdout.readline() == b"ready\n"
            transport = TcpTransport("127.0.0.1", port, 1.0)
            await transport.connect()
            await drive(transport)
            await transport.close()
        finally:
            process.kill()
            await process.wait()

    within(20, main())


async def drive(transport, unit=1):
    """Everything that the client can do, on the registers of libmodbus_server.c."""
    assert await transport.read(unit, Table.HOLDING, 10, 100) == [3 * i + 1 for i in range(10, 110)]
    assert await transport.read(unit, Table.INPUT, 0, 125) == [5 * i + 2 for i in range(125)]
    assert await transport.read(unit, Table.COIL, 3, 20) == [int(i % 3 == 0) for i in range(3, 23)]
    await transport.write(unit, Table.HOLDING, 50, [0xBEEF])
    await transport.write(unit, Table.HOLDING, 51, [1, 2, 0xFFFF])
    assert await transport.read(unit, Table.HOLDING, 49, 6) == [148, 0xBEEF, 1, 2, 0xFFFF, 163]
    await transport.write(unit, Table.COIL, 4, [1])
    await transport.write(unit, Table.COIL, 12, [0, 1, 1])
    assert await transport.read(unit, Table.COIL, 3, 12) == [1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1]
    with pytest.raises(Refused, match="illegal address"):
        await transport.read(unit, Table.HOLDING, 190, 20)
    assert await transport.read(unit, Table.HOLDING, 199, 1) == [598]
    assert transport.metrics.wrong_replies == transport.metrics.timeouts == 0


def test_our_client_drives_a_libmodbus_server_on_a_serial_line(libmodbus_server):
    need("socat", "socat")

    async def main():
        async with serial_pair() as (a, b):
            process = await asyncio.create_subprocess_exec(
                libmodbus_server, "rtu", a, "115200", "7", stdout=asyncio.subprocess.PIPE
            )
            try:
                assert await process.stdout.readline() == b"ready\n"
                transport = RtuTransport(b, 1.0, settings=UNPACED)
                await transport.connect()
                await drive(transport, 7)
                await transport.close()
            finally:
                process.kill()
                await process.wait()

    within(20, main())


def test_libmodbus_reads_and_writes_units_on_a_serial_line(libmodbus_client):
    need("socat", "socat")

    async def main():
        async with serial_pair() as (a, b):
            unit = Memory(5)
            server = SerialDeviceServer(a, [unit], SERIAL)
            await server.start()
            ask = [libmodbus_client, "rtu", b, 115200]
            assert await told(*ask, 5, "write", 103, 4711, 12) == (0, "\n")
            assert await told(*ask, 5, "read", 102, 4) == (0, "0 4711 12 0 \n")
            code, complaint = await told(*ask, 6, "read", 102, 1)  # nobody: silence, not an exception
            assert (code, "timed out" in complaint) == (1, True)
            assert await told(*ask, 5, "read", 103, 1) == (0, "4711 \n")
            await server.stop()

    within(30, main())


def test_our_client_on_our_serial_units_and_after_one_that_is_silent():
    need("socat", "socat")

    async def main():
        async with serial_pair() as (a, b):
            units = [Memory(5), Memory(6)]
            server = SerialDeviceServer(a, units, SERIAL)
            await server.start()
            transport = RtuTransport(b, 0.2, settings=SERIAL)
            await transport.connect()
            await transport.write(5, Table.HOLDING, 100, [1, 2, 3])
            await transport.write(6, Table.COIL, 7, [1])
            with pytest.raises(TransportError, match="no answer within"):
                await transport.read(9, Table.HOLDING, 100, 1)
            assert await transport.read(5, Table.HOLDING, 99 + 1, 4) == [1, 2, 3, 0]
            assert units[1].bits[2] == 1
            with pytest.raises(Refused, match="exception 3"):
                await transport.write(6, Table.HOLDING, 100, [666])
            assert transport.metrics.quarantines == 2  # at the beginning, and after the silence
            await transport.close()
            await server.stop()

    within(20, main())


def test_our_client_on_a_gateway_for_rtu_frames():
    async def main():
        server = DeviceServer("127.0.0.1", 0, [Memory(5)], rtu_frames=True)
        await server.start()
        transport = RtuOverTcpTransport("127.0.0.1", server.port, 0.2, settings=UNPACED)
        await transport.connect()
        await transport.write(5, Table.HOLDING, 100, [1, 2, 3])
        assert await transport.read(5, Table.HOLDING, 100, 4) == [1, 2, 3, 0]
        with pytest.raises(TransportError, match="no answer within"):
            await transport.read(9, Table.HOLDING, 100, 1)
        assert await transport.read(5, Table.HOLDING, 101, 1) == [2]
        await transport.close()
        await server.stop()

    within(20, main())
