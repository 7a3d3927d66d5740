import math

import pytest
from hypothesis import given

from hil.registers import words
from hil.registers.codec import absent, decode, encode
from hil.registers.schema import Point, RegisterMap
from hil.sample import Quality
from tests.strategies.register_points import maps_with_value


def one(**spec):
    spec = {"name": "x", "address": 0, "table": "input", "type": "int16", **spec}
    point = Point.model_validate(spec, context={"require_units": True})
    return RegisterMap(id="m", description="", points=(point,)), point


@given(maps_with_value())
def test_a_value_comes_back_within_half_a_step(case):
    map_, point, value = case
    sample = decode(map_, point, encode(map_, point, value), 7.0)
    assert sample.good
    assert sample.time == 7.0
    allowed = 0.5 * point.step if point.step else 2**-24 * abs(value - point.from_raw(0.0)) + 2**-126
    scale = max(abs(value), abs(point.from_raw(0.0)))
    assert abs(sample.value - value) <= allowed * (1 + 1e-6) + 1e-9 * scale


@given(maps_with_value())
def test_writing_what_was_read_changes_nothing(case):
    map_, point, value = case
    read = decode(map_, point, encode(map_, point, value), 0.0).value
    again = decode(map_, point, encode(map_, point, read), 0.0).value
    zero = abs(point.from_raw(0.0))  # floats: the conversion between scales costs a few units in the last place
    assert again == pytest.approx(read, rel=2**-23, abs=2**-23 * zero)
    if words.is_integer(point.type):
        assert encode(map_, point, read) == encode(map_, point, value)


@pytest.mark.parametrize(
    ("spec", "registers", "expected"),
    [
        # a CDU controller's offset coding, raw 3000..3600 for 0..60 degC
        ({"type": "uint16", "unit": "degC", "scale": 0.1, "offset": -300.0}, [3365], 273.15 + 36.5),
        # a circulator's liquid temperature, int16 in 0.01 degC, below zero
        ({"type": "int16", "unit": "degC", "scale": 0.01}, [0x10000 - 550], 273.15 - 5.5),
        # a valve's 32-bit flow, low word first, 0.001 m3/h
        ({"type": "uint32", "unit": "m^3/h", "scale": 0.001, "word_order": "little"}, [0xE240, 0x0001], 123.456 / 3600),
        # a heat meter's power in kW
        ({"type": "float32", "unit": "kW"}, [0x4148, 0x0000], 12.5e3),
    ],
)
def test_codings_of_real_devices(spec, registers, expected):
    map_, point = one(**spec)
    assert decode(map_, point, registers, 0.0).value == pytest.approx(expected, rel=1e-12)
    assert encode(map_, point, expected) == registers


def test_sentinel_nan_and_range_make_bad_quality():
    map_, point = one(type="uint16", sentinels=[0xFFFF])
    assert decode(map_, point, [0xFFFF], 0.0).quality is Quality.BAD
    map_, point = one(type="int16", sentinels=[0x8000])  # stated as the word on the wire
    assert decode(map_, point, [0x8000], 0.0).quality is Quality.BAD
    map_, point = one(type="float32")
    sample = decode(map_, point, words.pack("float32", math.nan), 0.0)
    assert sample.quality is Quality.BAD
    assert "nan" in sample.reason
    map_, point = one(unit="degC", scale=0.1, range=["-20 degC", "120 degC"])
    sample = decode(map_, point, [1500], 0.0)
    assert sample.quality is Quality.BAD
    assert "150 degC is outside -20 degC .. 120 degC" in sample.reason
    assert decode(map_, point, [1200], 0.0).good


def test_nothing_is_clipped_when_written():
    map_, point = one(unit="degC", scale=0.1)
    with pytest.raises(ValueError, match="x: 5000 degC does not fit int16"):
        encode(map_, point, 5273.15)
    with pytest.raises(ValueError, match="nan cannot be written"):
        encode(map_, point, math.nan)
    map_, point = one(type="uint16", sentinels=[0xFFFF])
    with pytest.raises(ValueError, match="no value"):
        encode(map_, point, 65535.0)


def test_words_that_say_no_value():
    for spec in ({"sentinels": [0xFFFF]}, {"type": "uint16", "sentinels": [0xFFFF]}, {"type": "float32"}):
        map_, point = one(**spec)
        assert decode(map_, point, absent(map_, point), 0.0).quality is Quality.BAD
    assert absent(*one()) is None
