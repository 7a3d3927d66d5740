from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.read_plans import LINE, best_seconds, cooling_unit, plan_over_best, seconds, synthetic
from hil.modbus.rtu import SerialSettings
from hil.registers.planner import TCP_COST, LineCost, plan_reads
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


@settings(deadline=None)
@given(maps(), st.floats(0, 1e-2), st.floats(1e-7, 1e-3))
def test_no_division_takes_less_time(map_, request, byte):
    cost = LineCost(request, byte)
    assert seconds(plan_reads(map_, map_.points, cost), cost) <= best_seconds(map_, cost) * (1 + 1e-6) + 1e-12


def test_a_slow_line_merges_gaps_while_that_is_cheaper():
    # 8N1: a register takes two characters; one request more 13 and two silences of 3.5, the time of ten registers
    def blocks(gap, cost):
        points = [Point(name=n, address=a, table="input", type="int16") for n, a in (("a", 0), ("b", gap + 1))]
        return len(plan_reads(RegisterMap(id="m", description="", points=points, max_gap=125), points, cost))

    serial = SerialSettings(baud=19200, parity="N")
    assert [blocks(gap, serial.cost) for gap in (9, 11)] == [1, 2]
    late = SerialSettings(baud=19200, parity="N", turnaround=0.01)  # a slow device: 10 registers more
    assert [blocks(gap, late.cost) for gap in (18, 21)] == [1, 2]
    assert blocks(100, TCP_COST) == 1


def test_a_real_cooling_unit_of_243_points():
    map_ = cooling_unit()
    if map_ is None:
        pytest.skip("the register maps of real equipment are not at hand")
    ratio, time, count = plan_over_best(map_)
    assert ratio == pytest.approx(1.0, abs=1e-6)
    singles = sum(LINE.cost.seconds(p.table, p.words) for p in map_.points)
    assert 0.45 < time < 0.55
    assert 2.7 < singles < 3.3
    assert count <= 14


def test_a_synthetic_map_of_243_points():
    ratio, _, count = plan_over_best(synthetic())
    assert ratio == pytest.approx(1.0, abs=1e-6)
    assert 5 < count < 40


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
