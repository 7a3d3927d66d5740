"""A block decoded at once gives the samples that its points give one by one, bit for bit."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from hil.registers import words
from hil.registers.blocks import BlockDecoder
from hil.registers.codec import decode
from hil.registers.planner import plan_reads
from hil.registers.schema import Point, RegisterMap

TYPES = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bcd16", "bool", "bit")
UNITS = ("1", "degC", "kPa", "kW", "percent", "kg/s", "rpm")


@st.composite
def points(draw, number, address):
    type_ = draw(st.sampled_from(TYPES))
    plain = type_ not in ("bool", "bit", "bcd16")
    spec = {"name": f"p{number}", "address": address, "table": "holding", "type": type_}
    if type_ == "bit":
        spec["bits"] = draw(st.integers(0, 15))
    if plain:
        spec |= {"unit": draw(st.sampled_from(UNITS)), "scale": draw(st.sampled_from((1.0, 0.1, 0.01, -2.5, 3e300))),
                 "offset": draw(st.sampled_from((0.0, -300.0, 1e9)))}  # fmt: skip
        spec["sentinels"] = draw(st.lists(st.sampled_from((0, -1, 0x7FFF, 0x8000, 0xFFFF, 0xFFFFFFFF)), max_size=2))
    if draw(st.booleans()):
        spec |= {"byte_order": "little", "word_order": draw(st.sampled_from(("big", "little")))}
    point = Point(**spec)
    if plain and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))))
        point = point.model_copy(update={"range": (low, high + 1.0)})
    return point.as_mass(998.0) if point.si == "m^3/s" else point


@st.composite
def blocks(draw):
    made, address = [], draw(st.integers(0, 1000))
    for number in range(draw(st.integers(1, 12))):
        point = draw(points(number, address))
        made.append(point)
        address = point.address + point.words + draw(st.integers(0, 2))
    map_ = RegisterMap(id="m", description="", max_gap=2, points=tuple(made))
    (block,) = plan_reads(map_, map_.points)
    corners = st.sampled_from((0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FC0, 0x7F80, 0xFF80))
    contents = draw(st.lists(st.one_of(corners, st.integers(0, 0xFFFF)), min_size=block.count, max_size=block.count))
    return map_, block, contents


@settings(deadline=None)
@given(blocks())
def test_at_once_and_one_by_one_are_the_same(case):
    map_, block, contents = case
    decoder = BlockDecoder(map_, block)
    assert sorted(decoder.names) == sorted(point.name for point in block.points)
    for name, sample in zip(decoder.names, decoder.decode(contents, 7.0, {}), strict=True):
        alone = decode(map_, map_[name], block.slice(contents, map_[name]), 7.0)
        assert (sample.quality, sample.reason, sample.time) == (alone.quality, alone.reason, 7.0)
        assert sample.value == alone.value or (math.isnan(sample.value) and math.isnan(alone.value))


def test_float_registers_that_hold_no_number():
    map_ = RegisterMap(
        id="m", description="",
        points=(Point(name="a", address=0, table="input", type="float32"),
                Point(name="b", address=2, table="input", type="float32")),
    )  # fmt: skip
    (block,) = plan_reads(map_, map_.points)
    contents = [*words.pack("float32", math.nan), *words.pack("float32", 2.5)]
    bad, good = BlockDecoder(map_, block).decode(contents, 0.0, {})
    assert (bad.quality, bad.reason, good.value, good.good) == ("bad", "device sent nan", 2.5, True)
