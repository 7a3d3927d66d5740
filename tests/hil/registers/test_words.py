import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
