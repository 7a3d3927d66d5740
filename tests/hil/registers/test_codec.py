import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.registers import words
from hil.registers.codec import absent, decode, decode_text, encode, references, set_flags
from hil.registers.schema import Point, RegisterMap
from hil.sample import Quality
from tests.strategies.register_points import ORDERS, maps_with_value


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


@given(st.integers(0, 15), st.integers(0, 15), st.integers(0, 0xFFFF), st.data(), ORDERS)
def test_a_part_of_a_register_leaves_the_rest_alone(a, b, present, data, byte_order):
    first, last = sorted((a, b))
    value = data.draw(st.integers(0, 2 ** (last - first + 1) - 1))
    map_, point = one(type="packed", bits=[first, last], byte_order=byte_order)
    stored = words.pack("uint16", present, byte_order)
    registers = encode(map_, point, value, present=stored)
    assert decode(map_, point, registers, 0.0).value == value
    mask = (2 ** (last - first + 1) - 1) << first
    assert (words.unpack("uint16", registers, byte_order) ^ present) & ~mask == 0
    with pytest.raises(ValueError, match="does not fit packed"):
        encode(map_, point, 2 ** (last - first + 1), present=stored)
    with pytest.raises(ValueError, match="present content is needed"):
        encode(map_, point, value)


def test_a_bit_of_a_status_word():
    map_, point = one(type="bit", bits=10)
    assert decode(map_, point, [0x0400], 0.0).value == 1.0
    assert decode(map_, point, [0xFBFF], 0.0).value == 0.0


def two(other, **spec):
    """A map with the point x and another that holds its scale or unit."""
    x = {"name": "x", "address": 0, "table": "input", "type": "int16", **spec}
    map_ = RegisterMap.model_validate(
        {"id": "m", "description": "", "points": [x, {"name": "s", "address": 9, "table": "input", **other}]},
        context={"require_units": True},
    )
    return map_, map_["x"]


@given(st.integers(-32768, 32767), st.integers(-4, 3))
def test_a_scale_that_another_register_holds(raw, exponent):
    map_, point = two({"type": "int16"}, unit="W", scale_from={"point": "s", "by": "power_of_ten"})
    sample = decode(map_, point, words.pack("int16", raw), 0.0, others={"s": exponent})
    assert sample.value == pytest.approx(raw * 10.0**exponent, rel=1e-12)
    assert encode(map_, point, sample.value, others={"s": exponent}) == words.pack("int16", raw)
    assert [p.name for p in references(map_, [point])] == ["s"]


def test_a_scale_or_unit_that_is_not_known_makes_bad_quality():
    map_, point = two({"type": "int16"}, scale_from={"point": "s", "table": {0: 1.0, 1: 0.1}})
    assert decode(map_, point, [30], 0.0, others={"s": 1}).value == pytest.approx(3.0)
    for others in (None, {}, {"s": math.nan}, {"s": 2}):
        sample = decode(map_, point, [30], 0.0, others=others)
        assert sample.quality is Quality.BAD
        assert math.isnan(sample.value)
        with pytest.raises(ValueError, match="s "):
            encode(map_, point, 3.0, others=others)


def test_a_unit_that_a_setting_chooses():
    # a valve's flow in the unit that its setting says (m3/s, m3/h, l/s, ... , cfm)
    units = {0: "m^3/s", 1: "m^3/h", 3: "l/min", 9: "degC"}
    map_, point = two({"type": "uint16"}, unit="m^3/h", scale=0.1, unit_from={"point": "s", "units": units})
    assert decode(map_, point, [360], 0.0, others={"s": 1}).value == pytest.approx(36 / 3600)
    assert decode(map_, point, [360], 0.0, others={"s": 3}).value == pytest.approx(36e-3 / 60)
    wrong = decode(map_, point, [360], 0.0, others={"s": 9})
    assert wrong.quality is Quality.BAD
    assert "set to degC" in wrong.reason
    assert "does not know" in decode(map_, point, [360], 0.0, others={"s": 2}).reason


def test_an_enum_knows_its_values():
    map_, point = one(type="uint16", enum={0: "position", 1: "flow"})
    assert decode(map_, point, [1], 0.0).value == 1.0
    assert decode(map_, point, [2], 0.0).quality is Quality.BAD
    assert point.quantity("flow") == 1.0
    with pytest.raises(ValueError, match="2 is none of 0 position, 1 flow"):
        encode(map_, point, 2)


def test_flags_have_names_and_severity():
    _, point = one(type="uint16", flags={0: "remote", 10: {"name": "watchdog_tripped", "severity": "alarm"}})
    found = set_flags(point, 0b10000000101)
    assert [(flag.name, flag.severity) for flag in found] == [
        ("remote", "info"), ("bit_2", "info"), ("watchdog_tripped", "alarm"),
    ]  # fmt: skip
    assert point.quantity(["remote", "watchdog_tripped"]) == 1025


def test_a_string_is_text_and_never_a_number():
    map_, point = one(type="string", count=4)
    registers = words.pack_text("RPU-7", 4)
    assert decode_text(map_, point, registers) == "RPU-7"
    assert decode(map_, point, registers, 0.0).quality is Quality.BAD
    with pytest.raises(ValueError, match="does not fit string"):
        encode(map_, point, 1.0)
    with pytest.raises(ValueError, match="takes 4 registers, found 3"):
        decode_text(map_, point, registers[:3])


def test_turns_are_counted_as_one():
    _, point = one(type="uint16", unit="rpm", range=["0 rpm", "3000 rpm"], rate_max="600 rpm/min")
    assert point.from_raw(1500) == pytest.approx(25.0)
    assert point.range == pytest.approx((0.0, 50.0))
    assert point.rate_max == pytest.approx(10.0 / 60.0)
    assert point.show(25.0) == "1500 rpm"
