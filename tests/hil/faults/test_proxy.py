"""The proxy in front of a real server, read by our own transport and by a bare socket."""

import asyncio
import time

import pytest

from hil.faults.proxy import FaultProxy, Frame, read_frame, spoilt
from hil.faults.schedule import BUS_FAULTS, BusFault, BusFaults
from hil.modbus.server import DeviceServer
from hil.modbus.transport import TcpTransport, TransportError
from hil.registers.schema import Table


class Registers:
    """Ten holding registers that count reads, so that an old answer shows."""

    unit = 3

    def __init__(self):
        self.values = list(range(100, 110))

    def extent(self, table):
        return (0, 9) if table is Table.HOLDING else None

    def read(self, table, address, count):
        return self.values[address : address + count]

    def write(self, table, address, values):
        self.values[address : address + len(values)] = values


def within(seconds, coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, seconds))


async def through(fault, work, timeout=0.25):
    """``work(transport, registers, faults)`` through a proxy whose fault is switched on by its list."""
    registers = Registers()
    server = DeviceServer("127.0.0.1", 0, [registers])
    await server.start()
    faults = BusFaults([])
    proxy = FaultProxy("127.0.0.1", 0, ("127.0.0.1", server.port), faults, time.monotonic)
    await proxy.start()
    transport = TcpTransport("127.0.0.1", proxy.port, timeout)
    await transport.connect()
    try:
        assert await transport.read(3, Table.HOLDING, 0, 4) == [100, 101, 102, 103]
        faults.faults.append(fault)
        return await work(transport, registers, faults)
    finally:
        await transport.close()
        await proxy.stop()
        await server.stop()


async def ask(transport):
    if not transport.connected:
        await transport.connect()
    return await transport.read(3, Table.HOLDING, 0, 4)


REFUSED = sorted(set(BUS_FAULTS) - {"bus_stale", "bus_duplicate", "bus_split", "bus_flood", "bus_delay",
                                    "bus_wrong_echo", "bus_wrong_value", "bus_half_open"})  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_no_spoilt_answer_is_accepted_and_the_line_works_again(kind):
    async def work(transport, registers, faults):
        for _ in range(3):
            with pytest.raises(TransportError):
                await ask(transport)
        faults.faults.clear()
        for _ in range(4):  # what was held back or lost may cost one request more
            try:
                return await ask(transport)
            except TransportError:
                continue
        return None

    assert within(20, through(BusFault(kind), work)) == [100, 101, 102, 103]


@pytest.mark.parametrize("kind", ["bus_duplicate", "bus_split", "bus_flood"])
def test_what_is_sound_in_spite_of_all_passes(kind):
    async def work(transport, registers, faults):
        got = []
        for i in range(5):
            registers.values[0] = 200 + i
            try:
                if not transport.connected:
                    await transport.connect()
                got.append((await transport.read(3, Table.HOLDING, 0, 1))[0] - 200 - i)
            except TransportError:
                got.append(0)  # refused is right as well; another value is not
        return got

    assert within(20, through(BusFault(kind), work)) == [0, 0, 0, 0, 0]


def test_delay_within_and_beyond_the_time_out():
    async def work(transport, registers, faults):
        began = time.monotonic()
        values = await transport.read(3, Table.HOLDING, 0, 1)
        return values, time.monotonic() - began

    values, took = within(10, through(BusFault("bus_delay", delay=0.1), work))
    assert values == [100]
    assert took >= 0.1
    with pytest.raises(TransportError):
        within(10, through(BusFault("bus_delay", delay=1.0), work))


def test_a_stale_answer_is_the_last_one_before_the_fault():
    async def work(transport, registers, faults):
        registers.values[:4] = [1, 2, 3, 4]
        stale = await transport.read(3, Table.HOLDING, 0, 4)
        faults.faults.clear()
        return stale, await transport.read(3, Table.HOLDING, 0, 4)

    assert within(10, through(BusFault("bus_stale"), work)) == ([100, 101, 102, 103], [1, 2, 3, 4])


@pytest.mark.parametrize("kind", ["bus_wrong_echo", "bus_wrong_value"])
def test_a_wrong_echo_of_a_write_is_no_success(kind):
    async def work(transport, registers, faults):
        with pytest.raises(TransportError):
            await transport.write(3, Table.HOLDING, 2, [7])

    within(10, through(BusFault(kind), work))


def test_a_half_open_connection_is_dead_and_a_new_one_works():
    async def work(transport, registers, faults):
        faults.faults[:] = [BusFault("bus_half_open", start=time.monotonic())]
        with pytest.raises(TransportError):
            await transport.read(3, Table.HOLDING, 0, 1)
        await transport.close()
        await transport.connect()
        return await transport.read(3, Table.HOLDING, 0, 1)

    assert within(10, through(BusFault("bus_half_open"), work)) == [100]


def test_a_fault_of_one_unit_leaves_the_others_alone():
    faults = BusFaults([BusFault("bus_silence", 10.0, 20.0, frozenset({5}))])
    assert faults.active(15.0, 5) is not None
    assert faults.active(15.0, 6) is None
    assert faults.active(20.0, 5) is None


def test_lost_replies_come_at_the_stated_share():
    faults = BusFaults([BusFault("bus_lost", share=0.3)], seed=4)
    assert sum(faults.hit(0.0, 1) is not None for _ in range(5000)) / 5000 == pytest.approx(0.3, abs=0.02)


def test_spoilt_frames_differ_in_one_thing_and_keep_a_length_that_fits():
    read = Frame(9, 3, bytes([3, 4, 0, 1, 0, 2]))
    assert spoilt("bus_short", read).pdu == bytes([3, 2, 0, 1])
    assert spoilt("bus_long", read).pdu[:2] == bytes([3, 6])
    assert spoilt("bus_wrong_function", read).function == 4
    assert spoilt("bus_wrong_unit", read).unit == 4
    assert spoilt("bus_wrong_transaction", read).transaction == 10
    write = Frame(9, 3, bytes([6, 0, 1, 0, 7]))
    assert spoilt("bus_wrong_echo", write).pdu == bytes([6, 0, 2, 0, 7])
    assert spoilt("bus_wrong_value", write).pdu == bytes([6, 0, 1, 0, 8])
    assert spoilt("bus_wrong_echo", read) == read


def test_frames_are_read_whole():
    async def main():
        reader = asyncio.StreamReader()
        frame = Frame(513, 7, bytes([3, 2, 0, 1]))
        reader.feed_data(frame.encode() + frame.encode()[:4])
        assert await read_frame(reader) == frame

    within(5, main())


def test_a_fault_that_makes_no_sense_is_refused():
    for wrong in ({"kind": "bus_fire"}, {"kind": "bus_lost", "share": 2.0}, {"kind": "bus_exception", "code": 9}):
        with pytest.raises(ValueError, match=r"found|known"):
            BusFault(**wrong)
