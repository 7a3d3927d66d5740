from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hil.registers.planner import plan_reads
from hil.registers.schema import Point, RegisterMap


@st.composite
def maps(draw):
    forbidden = draw(st.lists(st.integers(0, 400), max_size=6, unique=True))
    points, taken = [], {("input", a) for a in forbidden} | {("holding", a) for a in forbidden}
    for i, (address, table, type_) in enumerate(
        draw(
            st.lists(
                st.tuples(
                    st.integers(0, 400),
                    st.sampled_from(("input", "holding", "discrete")),
                    st.sampled_from(("int16", "float32", "float64")),
                ),
                min_size=1,
                max_size=60,
            )
        )
    ):
        kind = "bool" if table == "discrete" else type_
        point = Point(name=f"p{i}", address=address, table=table, type=kind)
        span = {(table, a) for a in point.span}
        if not span & taken:
            taken |= span
            points.append(point)
    points = points or [Point(name="p", address=500, table="input", type="int16")]
    return RegisterMap(
        id="m",
        description="",
        points=points,
        max_gap=draw(st.integers(0, 30)),
        longest_read=draw(st.integers(4, 125)),
        forbidden=[(t, a, a) for a in forbidden for t in ("input", "holding")],
    )


@given(maps())
def test_every_point_once_within_the_devices_rules(map_):
    blocks = plan_reads(map_, map_.points)
    assert sorted(p.name for b in blocks for p in b.points) == sorted(p.name for p in map_.points)
    for block in blocks:
        asked = set(range(block.address, block.address + block.count))
        assert block.count <= map_.longest_read * (16 if block.table.is_bits else 1)
        assert all(set(p.span) <= asked and p.table == block.table for p in block.points)
        used = sorted(a for p in block.points for a in p.span)
        gaps = [b - a - 1 for a, b in pairwise(used)]
        assert max(gaps, default=0) <= map_.max_gap * (16 if block.table.is_bits else 1)
        assert not any(t == block.table and first in asked for t, first, _ in map_.forbidden)
        assert {min(asked), max(asked)} <= set(used)


@given(maps())
def test_neighbouring_blocks_could_not_have_been_one(map_):
    blocks = plan_reads(map_, map_.points)
    for a, b in pairwise(blocks):
        if a.table != b.table:
            continue
        end = a.address + a.count
        bits = 16 if a.table.is_bits else 1
        first = b.points[0]
        assert (
            b.address - end > map_.max_gap * bits
            or first.address + first.words - a.address > min(2000, map_.longest_read * bits)
            or any(t == a.table and end <= low < b.address for t, low, _ in map_.forbidden)
        )


def test_values_are_dealt_out_by_address():
    points = [
        Point(name="b", address=7, table="input", type="float32"),
        Point(name="a", address=4, table="input", type="int16"),
    ]
    (block,) = plan_reads(RegisterMap(id="m", description="", points=points, max_gap=2), points)
    assert (block.address, block.count) == (4, 5)
    assert block.slice([10, 11, 12, 13, 14], points[0]) == [13, 14]
    assert block.slice([10, 11, 12, 13, 14], points[1]) == [10]


def test_write_only_points_are_not_read():
    point = Point(name="start", address=0, table="coil", type="bool", access="w", on_lost="hold")
    assert plan_reads(RegisterMap(id="m", description="", points=[point]), [point]) == []
