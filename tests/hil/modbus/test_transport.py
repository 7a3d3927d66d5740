"""The transport against scripted peers that lie: what a bare client would have taken, ours refuses."""

import asyncio
import contextlib
import struct
import time

import pytest

from hil.modbus.server import DeviceServer, ServerError
from hil.modbus.transport import (
    Backoff,
    NoAnswer,
    NotConnected,
    Refused,
    TcpTransport,
    TransportError,
)
from hil.registers.schema import Table
from tests.strategies.bus import Memory, within


def frame(tid, unit, pdu):
    return struct.pack(">HHHB", tid, 0, len(pdu) + 1, unit) + pdu


class Peer:
    """A TCP server whose every answer is ``answer(tid, unit, pdu)``: bytes, several in a list, or None for silence."""

    def __init__(self, answer):
        self.answer, self.requests, self.connections = answer, 0, 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                tid, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                pdu = await reader.readexactly(length - 1)
                self.requests += 1
                answer = self.answer(tid, unit, pdu)
                for part in answer if isinstance(answer, list) else [answer]:
                    if isinstance(part, float):
                        await asyncio.sleep(part)
                    elif part is not None:
                        writer.write(part)
                        await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def reads(*values, function=3):
    return struct.pack(f">BB{len(values)}H", function, 2 * len(values), *values)


async def ask(answer, action, timeout=0.15):
    async with Peer(answer) as peer:
        transport = TcpTransport("127.0.0.1", peer.port, timeout)
        await transport.connect()
        try:
            return await action(transport)
        finally:
            await transport.close()


def read_two(transport):
    return transport.read(1, Table.HOLDING, 10, 2)


def write_one(transport):
    return transport.write(1, Table.HOLDING, 10, [7])


def write_two(transport):
    return transport.write(1, Table.HOLDING, 10, [7, 8])


def write_coil(transport):
    return transport.write(1, Table.COIL, 10, [1])


def test_a_right_answer_is_taken_also_in_pieces():
    assert within(5, ask(lambda t, u, p: frame(t, u, reads(5, 6)), read_two)) == [5, 6]

    def split(tid, unit, pdu):
        whole = frame(tid, unit, reads(5, 6))
        return [whole[:3], 0.01, whole[3:9], 0.01, whole[9:]]

    assert within(5, ask(split, read_two)) == [5, 6]
    within(5, ask(lambda t, u, p: frame(t, u, p), write_one))
    within(5, ask(lambda t, u, p: frame(t, u, p[:5]), write_two))
    within(5, ask(lambda t, u, p: frame(t, u, p), write_coil))
    bits = within(5, ask(lambda t, u, p: frame(t, u, b"\x02\x02\x05\x01"), lambda t: t.read(1, Table.DISCRETE, 0, 9)))
    assert bits == [1, 0, 1, 0, 0, 0, 0, 0, 1]


LIES = {
    "one register for two": (lambda t, u, p: frame(t, u, reads(5)), read_two),
    "three registers for two": (lambda t, u, p: frame(t, u, reads(5, 6, 7)), read_two),
    "other function": (lambda t, u, p: frame(t, u, reads(5, 6, function=4)), read_two),
    "write echo to a read": (lambda t, u, p: frame(t, u, struct.pack(">BHH", 6, 10, 5)), read_two),
    "other unit": (lambda t, u, p: frame(t, u + 1, reads(5, 6)), read_two),
    "other transaction": (lambda t, u, p: frame(t + 1, u, reads(5, 6)), read_two),
    "transaction zero": (lambda t, u, p: frame(0, u, reads(5, 6)), read_two),
    "exception of another function": (lambda t, u, p: frame(t, u, b"\x84\x02"), read_two),
    "garbage": (lambda t, u, p: b"\xde\xad\xbe\xef" * 5, read_two),
    "empty": (lambda t, u, p: frame(t, u, b""), read_two),
    "wrong value echo": (lambda t, u, p: frame(t, u, struct.pack(">BHH", 6, 10, 9)), write_one),
    "wrong address echo": (lambda t, u, p: frame(t, u, struct.pack(">BHH", 6, 11, 7)), write_one),
    "wrong count echo": (lambda t, u, p: frame(t, u, struct.pack(">BHH", 16, 10, 1)), write_two),
    "wrong address echo of several": (lambda t, u, p: frame(t, u, struct.pack(">BHH", 16, 12, 2)), write_two),
    "wrong coil echo": (lambda t, u, p: frame(t, u, struct.pack(">BHH", 5, 10, 0)), write_coil),
    "a bit too few": (lambda t, u, p: frame(t, u, b"\x01\x01\x05"), lambda t: t.read(1, Table.COIL, 0, 9)),
    "silence": (lambda t, u, p: None, read_two),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_never_taken(lie):
    answer, action = LIES[lie]
    with pytest.raises(TransportError):
        within(5, ask(answer, action))


def test_a_late_answer_is_not_the_next_ones():
    waiting = []

    def late(tid, unit, pdu):
        waiting.append(frame(tid, unit, reads(len(waiting), 0)))
        return [0.25, waiting[0]] if len(waiting) == 1 else waiting[-1]

    async def twice(transport):
        with pytest.raises(NoAnswer):
            await read_two(transport)
        await asyncio.sleep(0.2)
        return await read_two(transport)

    assert within(5, ask(late, twice)) == [1, 0]


def test_a_half_open_connection_is_given_up():
    async def main():
        async with Peer(lambda t, u, p: None) as peer:
            transport = TcpTransport("127.0.0.1", peer.port, 0.05)
            await transport.connect()
            begun = time.monotonic()
            for _ in range(3):
                with pytest.raises(NoAnswer, match=r"no answer within 0.05 s"):
                    await read_two(transport)
            assert time.monotonic() - begun < 1.0
            assert not transport.connected
            with pytest.raises(NotConnected):
                await read_two(transport)

    within(5, main())


def test_a_modbus_exception_says_its_meaning_and_keeps_the_connection():
    async def action(transport):
        with pytest.raises(Refused, match=r"exception 2 \(illegal address\)") as refused:
            await read_two(transport)
        assert transport.connected
        return refused.value.code

    assert within(5, ask(lambda t, u, p: frame(t, u, b"\x83\x02"), action)) == 2


def test_nobody_there():
    async def main():
        async with Peer(lambda t, u, p: None) as peer:
            port = peer.port
        with pytest.raises(NotConnected, match=f"127.0.0.1:{port}"):
            await TcpTransport("127.0.0.1", port, 0.2).connect()

    within(5, main())


def test_backoff_grows_to_its_bound_with_jitter():
    backoff = Backoff(first=0.1, longest=2.0, jitter=0.3, seed=1)
    waits = [backoff.wait() for _ in range(12)]
    nominal = [min(2.0, 0.1 * 2**i) for i in range(12)]
    assert all(0.7 * n <= w <= 1.3 * n for w, n in zip(waits, nominal, strict=True))
    assert len({w / n for w, n in zip(waits, nominal, strict=True)}) > 6
    backoff.reset()
    assert backoff.wait() <= 0.13


async def served(action):
    units = [Memory(1), Memory(7)]
    server = DeviceServer("127.0.0.1", 0, units)
    await server.start()
    transport = TcpTransport("127.0.0.1", server.port)
    await transport.connect()
    try:
        return await action(transport, *units)
    finally:
        await transport.close()
        await server.stop()


def test_units_behind_one_port_keep_apart():
    async def action(transport, one, seven):
        await transport.write(1, Table.HOLDING, 103, [11])
        await transport.write(7, Table.HOLDING, 103, [71, 72, 0])
        assert await transport.read(1, Table.HOLDING, 102, 3) == [0, 11, 0]
        assert await transport.read(7, Table.HOLDING, 102, 4) == [0, 71, 72, 0]
        assert one.words[3] == 11
        one.words[3] = 12
        assert await transport.read(1, Table.HOLDING, 103, 1) == [12]

    within(5, served(action))


def test_coils_have_bit_addresses():
    async def action(transport, one, _):
        for address in (5, 15, 16, 24):
            await transport.write(1, Table.COIL, address, [1])
        assert await transport.read(1, Table.COIL, 5, 20) == one.bits
        assert [i + 5 for i, bit in enumerate(one.bits) if bit] == [5, 15, 16, 24]
        await transport.write(1, Table.COIL, 14, [1, 0, 1, 1])
        assert await transport.read(1, Table.COIL, 13, 6) == [0, 1, 0, 1, 1, 0]

    within(5, served(action))


def test_refusals_of_units():
    async def action(transport, *_):
        codes = []
        for ask_ in (
            transport.write(1, Table.HOLDING, 103, [666]),
            transport.read(1, Table.HOLDING, 119, 2),
            transport.read(1, Table.HOLDING, 5, 1),
            transport.read(1, Table.INPUT, 0, 1),
            transport.read(3, Table.HOLDING, 103, 1),
        ):
            with pytest.raises(Refused) as refused:
                await ask_
            codes.append(refused.value.code)
        return codes

    assert within(5, served(action)) == [3, 2, 2, 2, 11]


def test_a_port_in_use_is_said_in_one_sentence():
    async def main():
        first = DeviceServer("127.0.0.1", 0, [Memory(1)])
        await first.start()
        second = DeviceServer("127.0.0.1", first.port, [Memory(1)])
        with pytest.raises(ServerError, match=rf"cannot listen at 127.0.0.1:{first.port}: another program listens"):
            await second.start()
        await first.stop()
        await second.start()  # free again
        await second.stop()

    within(5, main())


def test_stopping_closes_connections_too():
    async def main():
        server = DeviceServer("127.0.0.1", 0, [Memory(1)])
        await server.start()
        transport = TcpTransport("127.0.0.1", server.port, 0.2)
        await transport.connect()
        await transport.read(1, Table.HOLDING, 100, 1)
        await server.stop()
        await asyncio.sleep(0.05)
        assert not transport.connected

    within(5, main())


def test_two_units_of_one_id():
    with pytest.raises(ValueError, match="same id"):
        DeviceServer("127.0.0.1", 0, [Memory(1), Memory(1)])


def test_several_requests_in_one_segment_are_all_answered():
    async def main():
        server = DeviceServer("127.0.0.1", 0, [Memory(1)])
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = struct.pack(">BHH", 3, 100, 2)
        several = b"".join(frame(tid, 1, request) for tid in range(1, 41))
        writer.write(several[:-5])
        await asyncio.sleep(0.02)
        writer.write(several[-5:])
        answers = [await reader.readexactly(13) for _ in range(40)]
        assert [int.from_bytes(a[:2], "big") for a in answers] == list(range(1, 41))
        writer.close()
        await server.stop()

    within(5, main())


MALFORMED = {
    "no count": b"\x03\x00\x64",
    "one byte too many": b"\x03\x00\x64\x00\x01\x00",
    "two words announced, one sent": b"\x10\x00\x64\x00\x02\x02\x00\x07",
    "bytes and count disagree": b"\x10\x00\x64\x00\x01\x04\x00\x07\x00\x08",
    "a coil neither on nor off": b"\x05\x00\x05\x12\x34",
    "nothing to read": b"\x03\x00\x64\x00\x00",
    "more than fits": b"\x03\x00\x64\x00\x7e",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_requests_change_nothing_and_are_answered_exception_3(what):
    async def main():
        unit = Memory(1)
        server = DeviceServer("127.0.0.1", 0, [unit])
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(frame(7, 1, MALFORMED[what]))
        assert await reader.readexactly(9) == frame(7, 1, bytes([MALFORMED[what][0] | 0x80, 3]))
        assert (unit.words, unit.bits) == ([0] * 20, [0] * 20)
        writer.close()
        await server.stop()

    within(5, main())


def test_who_does_not_speak_modbus_is_hung_up_on():
    async def main():
        server = DeviceServer("127.0.0.1", 0, [Memory(1)])
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await server.stop()

    within(5, main())


def test_writes_go_before_reads():
    async def main():
        order = []

        def slow(tid, unit, pdu):
            order.append(pdu[0])
            return [0.02, frame(tid, unit, reads(5, 6) if pdu[0] == 3 else pdu)]

        async with Peer(slow) as peer:
            transport = TcpTransport("127.0.0.1", peer.port, 0.5)
            await transport.connect()
            tasks = [asyncio.create_task(a(transport)) for a in (read_two, read_two, read_two, write_one, write_one)]
            await asyncio.sleep(0)
            cancelled = tasks.pop(1)
            cancelled.cancel()
            await asyncio.gather(*tasks)
            await transport.close()
        assert order == [3, 6, 6, 3]
        assert cancelled.cancelled()

    within(5, main())


def test_metrics_count_what_happened():
    async def main():
        def once(tid, unit, pdu):
            answers = [frame(tid, unit, reads(5, 6)), frame(tid, unit, b"\x83\x02"), None, frame(tid, unit, reads(5))]
            return answers[peer.requests - 1]

        async with Peer(once) as peer:
            transport = TcpTransport("127.0.0.1", peer.port, 0.05)
            await transport.connect()
            for _ in range(4):
                with contextlib.suppress(TransportError):
                    await read_two(transport)
            seen = transport.metrics
            await transport.close()
        counted = (seen.requests, seen.answers, seen.refused, seen.timeouts, seen.wrong_replies, seen.connects)
        assert counted == (4, 2, 1, 1, 1, 1)
        assert sum(seen.latency.counts) == 2
        assert 0 < seen.latency.total < 0.1
        assert seen.bytes_sent == 4 * 12
        assert seen.lost_connections == 1

    within(5, main())


def test_least_time_between_requests():
    async def main():
        async with Peer(lambda t, u, p: frame(t, u, reads(5, 6))) as peer:
            transport = TcpTransport("127.0.0.1", peer.port, 0.5, spacing=0.03)
            await transport.connect()
            begun = time.monotonic()
            for _ in range(5):
                await read_two(transport)
            assert time.monotonic() - begun >= 4 * 0.03
            await transport.close()

    within(5, main())


def test_a_flood_ends_the_connection():
    async def main():
        async with Peer(lambda t, u, p: b"\x00" * 100_000) as peer:
            transport = TcpTransport("127.0.0.1", peer.port, 0.3)
            await transport.connect()
            with pytest.raises(TransportError):
                await read_two(transport)
            assert not transport.connected

    within(5, main())


@pytest.mark.parametrize("values", [[], [70000], [-1], [0] * 124])
def test_what_no_request_can_write_is_refused_at_once(values):
    with pytest.raises(ValueError, match="cannot write"):
        asyncio.run(TcpTransport("127.0.0.1", 1).write(1, Table.HOLDING, 0, values))


@pytest.mark.parametrize(("address", "count"), [(0, 0), (0, 126), (65535, 2), (-1, 1)])
def test_what_no_request_can_read_is_refused_at_once(address, count):
    with pytest.raises(ValueError, match="cannot read"):
        asyncio.run(TcpTransport("127.0.0.1", 1).read(1, Table.HOLDING, address, count))


def test_one_value_by_the_function_for_several_where_a_device_wants_that():
    async def main():
        got = []

        def note(tid, unit, pdu):
            got.append(pdu)
            return frame(tid, unit, pdu[:5])

        async with Peer(note) as peer:
            transport = TcpTransport("127.0.0.1", peer.port, 0.5)
            await transport.connect()
            await transport.write(1, Table.HOLDING, 10, [7], multiple=True)
            await transport.write(1, Table.COIL, 10, [1], multiple=True)
            await transport.close()
        assert got == [b"\x10\x00\x0a\x00\x01\x02\x00\x07", b"\x0f\x00\x0a\x00\x01\x01\x01"]

    within(5, main())


def test_a_late_answer_that_is_one_off_does_not_fit_the_next_request():
    """What a gateway that counts wrongly, and slowly, answers to the last request must not be taken for this one's."""

    async def main():
        late = []

        async def work(reader, writer):
            while head := await reader.read(12):
                transaction = int.from_bytes(head[:2], "big")
                if late:
                    writer.write(late.pop())  # before the right answer
                late.append(frame(transaction + 1, head[6], reads(666, 666)))

        server = await asyncio.start_server(work, "127.0.0.1", 0)
        line = TcpTransport("127.0.0.1", server.sockets[0].getsockname()[1], 0.1)
        for _ in range(5):
            await line.connect()
            with pytest.raises(TransportError):
                await line.read(1, Table.HOLDING, 0, 2)  # no answer yet
            with pytest.raises(TransportError):
                await line.read(1, Table.HOLDING, 0, 2)
            late.clear()
        await line.close()
        server.close()

    within(20, main())
