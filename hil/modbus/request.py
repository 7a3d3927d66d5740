"""One request, and the only answers to it that are taken.

pymodbus encodes requests. It would decode answers as well, but takes one that is too short, of another function or with
another echo for success; here an answer is compared byte by byte with what the request allows.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu import bit_message as bits
from pymodbus.pdu import register_message as words

from hil.modbus.errors import Refused, WrongEcho, WrongReply
from hil.registers.schema import Table

READ_FUNCTION: Final = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
_READS: Final[dict[Table, type[ModbusPDU]]] = {
    Table.COIL: bits.ReadCoilsRequest,
    Table.DISCRETE: bits.ReadDiscreteInputsRequest,
    Table.HOLDING: words.ReadHoldingRegistersRequest,
    Table.INPUT: words.ReadInputRegistersRequest,
}
FAILED: Final = 0x80
"""added to the function of an exception"""
EXCEPTION_LENGTH: Final = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of ``unit``, as bytes from the function code on, and what a proper answer looks like."""

    unit: int
    table: Table
    pdu: bytes
    count: int
    answer_length: int
    """bytes of a proper answer, from the function code on"""
    what: str
    """for messages"""

    @property
    def function(self) -> int:
        """The function code."""
        return self.pdu[0]

    @property
    def writes(self) -> bool:
        """Whether it changes registers."""
        return self.function > READ_FUNCTION[Table.INPUT]

    def header_fits(self, pdu: bytes | bytearray) -> bool:
        """Whether the first bytes of an answer could be one to this request."""
        if pdu[:1] and pdu[0] not in (self.function, self.function | FAILED):
            return False
        plain_read = not self.writes and pdu[:1] == self.pdu[:1]
        return not (plain_read and len(pdu) > 1 and pdu[1] != self.answer_length - 2)

    def length_of(self, pdu: bytes | bytearray) -> int:
        """How long the answer that begins with ``pdu`` (at least one byte) has to be."""
        return EXCEPTION_LENGTH if pdu[0] & FAILED else self.answer_length

    def values(self, pdu: bytes) -> list[int]:
        """The words or bits of an answer to a read; an empty list for a confirmed write.

        Raises :class:`WrongReply`, or :class:`Refused` for a Modbus exception.
        """
        if not pdu or pdu[0] & ~FAILED != self.function:
            asked = f"function {self.function}"
            raise WrongReply(f"{self.what}: answer of function {pdu[0] & ~FAILED if pdu else 'none'}, asked {asked}")
        if len(pdu) != self.length_of(pdu):
            raise WrongReply(f"{self.what}: answer of {len(pdu)} bytes, {self.length_of(pdu)} would be right")
        if pdu[0] & FAILED:
            if pdu[1] == 0:
                raise WrongReply(f"{self.what}: answered exception 0, which there is not")
            raise Refused(pdu[1], self.what)
        if self.writes:
            return self._confirmed(pdu)
        if pdu[1] != len(pdu) - 2:
            raise WrongReply(f"{self.what}: answer announces {pdu[1]} bytes and has {len(pdu) - 2}")
        if self.table.is_bits:
            return [pdu[2 + i // 8] >> i % 8 & 1 for i in range(self.count)]
        return list(struct.unpack(f">{self.count}H", pdu[2:]))

    def _confirmed(self, pdu: bytes) -> list[int]:
        if pdu[1:3] != self.pdu[1:3]:
            raise WrongReply(f"{self.what}: echo of address {int.from_bytes(pdu[1:3], 'big')}")
        if pdu[3:5] != self.pdu[3:5]:
            echo = int.from_bytes(pdu[3:5], "big")
            if self.function in (5, 6):
                raise WrongEcho(f"{self.what}: echo of {echo}")
            raise WrongReply(f"{self.what}: echo of {echo} values")
        return []


def _pdu(message: ModbusPDU) -> bytes:
    return bytes([message.function_code]) + message.encode()


def read_request(unit: int, table: Table, address: int, count: int, where: str = "") -> Request:
    """Reads ``count`` words (1..125) or bits (1..2,000). Raises ValueError for what no request can ask."""
    longest = 2000 if table.is_bits else 125
    if not 1 <= count <= longest or not 0 <= address <= 65536 - count or not 0 <= unit <= 255:
        raise ValueError(f"cannot read {count} {table} from {address} of unit {unit}: 1..{longest} from 0..65535")
    size = (count + 7) // 8 if table.is_bits else 2 * count
    pdu = _pdu(_READS[table](dev_id=unit, address=address, count=count))
    return Request(unit, table, pdu, count, 2 + size, f"read of {count} {table} from {address} at {where} unit {unit}")


def write_request(
    unit: int, table: Table, address: int, values: Sequence[int], where: str = "", *, multiple: bool = False
) -> Request:
    """Writes one value (functions 5, 6) or several (15, 16; also one, if ``multiple``).

    Raises ValueError for what no request can ask.
    """
    count, longest = len(values), 1968 if table.is_bits else 123
    if not table.writable or not 1 <= count <= longest or not 0 <= address <= 65536 - count or not 0 <= unit <= 255:
        raise ValueError(f"cannot write {count} values to {table} {address} of unit {unit}: 1..{longest}")
    if bad := [v for v in values if not 0 <= v <= (1 if table.is_bits else 0xFFFF)]:
        raise ValueError(f"cannot write {bad} to table {table}")
    message: ModbusPDU
    alone = count == 1 and not multiple
    if table.is_bits:
        flags = [bool(v) for v in values]
        one, many = bits.WriteSingleCoilRequest, bits.WriteMultipleCoilsRequest
        message = (one if alone else many)(dev_id=unit, address=address, bits=flags)
    else:
        single, several = words.WriteSingleRegisterRequest, words.WriteMultipleRegistersRequest
        message = (single if alone else several)(dev_id=unit, address=address, registers=list(values))
    what = f"write of {list(values)} to {table} {address} at {where} unit {unit}"
    return Request(unit, table, _pdu(message), count, 5, what)
