import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from hil.registers import words
from tests.strategies.register_points import ORDERS, raw_values


@given(raw_values(), ORDERS, ORDERS)
def test_every_type_and_order_comes_back(typed, byte_order, word_order):
    type_, raw = typed
    registers = words.pack(type_, raw, byte_order, word_order)
    assert len(registers) == words.length(type_)
    assert all(0 <= r <= 0xFFFF for r in registers)
    assert words.unpack(type_, registers, byte_order, word_order) == raw


# 123456.789 as float32 is 0x47F12065 (IEEE 754); the orders as vendors name them: ABCD, CDAB, BADC, DCBA
@pytest.mark.parametrize(
    ("byte_order", "word_order", "registers"),
    [
        ("big", "big", [0x47F1, 0x2065]),
        ("big", "little", [0x2065, 0x47F1]),
        ("little", "big", [0xF147, 0x6520]),
        ("little", "little", [0x6520, 0xF147]),
    ],
)
def test_orders_as_vendors_name_them(byte_order, word_order, registers):
    assert words.pack("float32", 123456.789, byte_order, word_order) == registers
    assert words.unpack("float32", registers, byte_order, word_order) == struct.unpack(">f", b"\x47\xf1\x20\x65")[0]


@pytest.mark.parametrize(
    ("type_", "raw"),
    [("int16", 32768), ("int16", -32769), ("uint16", -1), ("uint16", 65536), ("int32", 2**31), ("uint32", -1),
     ("int16", 0.5), ("int16", math.nan), ("float32", 1e39), ("float64", math.inf), ("bool", 2)],
)  # fmt: skip
def test_what_does_not_fit_is_refused(type_, raw):
    with pytest.raises(ValueError, match="is no"):
        words.pack(type_, raw)


def test_float_nan_passes_for_the_codec_to_judge():
    assert math.isnan(words.unpack("float32", words.pack("float32", math.nan)))


@given(st.lists(st.integers(0, 0xFFFF), max_size=6), raw_values())
def test_a_wrong_number_of_registers_is_refused(registers, typed):
    type_, _ = typed
    if len(registers) != words.length(type_):
        with pytest.raises(ValueError, match="takes"):
            words.unpack(type_, registers)


def test_a_bool_is_zero_or_one():
    with pytest.raises(ValueError, match="0 or 1"):
        words.unpack("bool", [2])


@given(raw_values(), ORDERS)
def test_numbers_as_pymodbus_has_them(typed, word_order):
    type_, raw = typed
    if type_.startswith("bcd"):
        return
    known = ModbusClientMixin.DATATYPE[type_.upper()]
    registers = words.pack(type_, raw, "big", word_order)
    assert registers == ModbusClientMixin.convert_to_registers(raw, known, word_order=word_order)
    assert words.unpack(type_, registers, "big", word_order) == ModbusClientMixin.convert_from_registers(
        registers, known, word_order=word_order
    )


@given(raw_values(), ORDERS, ORDERS)
def test_numbers_as_struct_has_them(typed, byte_order, word_order):
    type_, raw = typed
    if type_.startswith("bcd"):
        return
    data = struct.pack("<" + words.FORMAT[type_], raw)  # least byte first
    by_word = [data[i : i + 2] for i in range(0, len(data), 2)]
    if word_order == "big":
        by_word.reverse()
    wire = b"".join(word if byte_order == "little" else word[::-1] for word in by_word)
    assert words.pack(type_, raw, byte_order, word_order) == list(struct.unpack(f">{len(data) // 2}H", wire))


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16)


@given(TEXT, st.integers(8, 12), ORDERS, ORDERS)
def test_text_comes_back(text, count, byte_order, word_order):
    registers = words.pack_text(text, count, byte_order, word_order)
    assert len(registers) == count
    assert words.unpack_text(registers, byte_order, word_order) == text
    if byte_order == "big" and word_order == "big":
        assert text == ModbusClientMixin.convert_from_registers(registers, ModbusClientMixin.DATATYPE.STRING)


def test_text_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="takes 5 bytes, 2 registers hold 4"):
        words.pack_text("12345", 2)
    with pytest.raises(ValueError, match="not ASCII"):
        words.pack_text("°C", 2)
    with pytest.raises(ValueError, match="no ASCII"):
        words.unpack_text([0xFFFF])


def test_packed_decimals():
    assert words.pack("bcd16", 1234) == [0x1234]
    assert words.pack("bcd32", 12345678, "big", "little") == [0x5678, 0x1234]
    assert words.unpack("bcd16", [0x0042]) == 42
    with pytest.raises(ValueError, match="no packed decimal"):
        words.unpack("bcd16", [0x12A4])
    with pytest.raises(ValueError, match="is no bcd16"):
        words.pack("bcd16", 10000)
