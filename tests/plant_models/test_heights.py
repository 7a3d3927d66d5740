"""Rises along the pipes of a loop sum to zero, or the site is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models import heights
from plant_models.components.pipe import Pipe
from plant_models.site import SiteError, load_site

TWO_FLOORS = Path(__file__).parents[2] / "examples" / "sites" / "two_floors.yaml"
FALL = "fall_high: {<<: *rise, length: 42 m, rise: "
SPARE = "  spare: {<<: *rise, rise: RISE}\n  end_bypass: {kind"
BESIDE = (
    ("[main_check.outlet,", "[main_check.outlet, spare.inlet,"),
    ("[rise_low.outlet,", "[rise_low.outlet, spare.outlet,"),
)


def pipe(rise: float) -> Pipe:
    return Pipe(m_flow_nominal=20.0, dp_nominal=1e4, volume=1.0, cells=1, T_start=300.0, rise=rise)


def found(*pipes: tuple[str, str, float]) -> list[tuple[str, str]]:
    """Of pipes (from, to, rise) called 0, 1, 2 ..."""
    machines = {str(i): pipe(rise) for i, (*_, rise) in enumerate(pipes)}
    attached = {
        (str(i), port): node
        for i, (*ends, _) in enumerate(pipes)
        for port, node in zip(("inlet", "outlet"), ends, strict=True)
    }
    return list(heights.mistakes(machines, attached))


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = TWO_FLOORS.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "floors.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("fall", "total"), [(-36, -18), (18, 36)])
def test_a_floor_whose_riser_and_fall_do_not_match_is_refused(tmp_path: Path, fall: int, total: int) -> None:
    path = written(tmp_path, (f"{FALL}-18 m", f"{FALL}{fall} m"))
    line = path.read_text(encoding="utf-8").split("  fall_high")[0].count("\n") + 1
    with pytest.raises(SiteError) as caught:
        load_site(path)
    assert str(caught.value).startswith(
        f"{path}:{line}: components.fall_high: fall_high: its loop does not close in height: fall_high {fall:+d} m, "
        f"rise_high +18 m, all other machines level, sum to {total:+d} m in place of 0"
    )


@pytest.mark.parametrize(("rise", "good"), [("6 m", True), ("6.01 m", True), ("6.05 m", False), ("-6 m", False)])
def test_a_second_riser_ends_where_the_first_does(tmp_path: Path, rise: str, good: bool) -> None:
    path = written(tmp_path, ("  end_bypass: {kind", SPARE.replace("RISE", rise)), *BESIDE)
    if good:
        load_site(path)
        return
    with pytest.raises(SiteError, match=r"components\.spare: spare: its loop.*: spare .* rise_low -6 m, all other"):
        load_site(path)


def test_sensors_on_different_floors_are_refused(tmp_path: Path) -> None:
    moved = (
        ("               pump.sense_low, vessel.return]}", "               vessel.return]}"),
        ("[cdu_high.outlet, end", "[cdu_high.outlet, pump.sense_low, end"),
    )
    with pytest.raises(
        SiteError, match=r"components\.pump: pump: senses between fws\.supply and high\.return, -18 m apart"
    ):
        load_site(written(tmp_path, *moved))
    both = (
        ("               pump.sense_high, vessel.supply]}", "               vessel.supply]}"),
        ("rise_high.outlet, cdu", "rise_high.outlet, pump.sense_high, cdu"),
    )
    load_site(written(tmp_path, *moved, *both))


def test_a_loop_of_many_pipes_is_named_whole() -> None:
    ((place, what),) = found(("a", "b", 2.0), ("b", "c", 3.0), ("d", "c", 1.5), ("d", "a", -3.0))
    assert place == "3"
    assert "3 -3 m, 0 +2 m, 1 +3 m, 2 -1.5 m, all other machines level, sum to +0.5 m" in what


def test_a_fall_that_was_forgotten_is_told_by_its_riser() -> None:
    ((place, what),) = found(("a", "b", 18.0), ("b", "a", 0.0))
    assert place == "0"
    assert "0 +18 m, all other machines level, sum to +18 m" in what


def test_a_line_open_at_both_ends_may_climb() -> None:
    assert found(("a", "b", 7.0), ("b", "c", 0.0), ("d", "c", -2.0)) == []


@given(
    z=st.lists(st.floats(-50.0, 50.0), min_size=2, max_size=6),
    ends=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12),
    wrong=st.floats(0.1, 30.0),
)
def test_pipes_between_points_of_known_heights_close_and_one_false_rise_in_a_loop_does_not(
    z: list[float], ends: list[tuple[int, int]], wrong: float
) -> None:
    pairs = [(a % len(z), b % len(z)) for a, b in ends if a % len(z) != b % len(z)]
    pipes = [(f"n{a}", f"n{b}", z[b] - z[a]) for a, b in pairs]
    assert found(*pipes) == []
    again = [*pipes, ("n0", "n1", z[1] - z[0]), ("n1", "n0", z[0] - z[1] + wrong)]
    assert found(*again) != []
