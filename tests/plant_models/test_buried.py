"""Losses of buried pipes: against a numerical solution of the field, known limits, impossible trenches."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from benchmarks.validation.buried_field import solved
from plant_models.buried import SURFACE_RESISTANCE, Trench

PAIR = Trench(0.1143, 0.2, 0.35, 0.8, 0.027, 1.5)
TWIN = Trench(0.0603, 0.2, 0.0603 + 0.025, 0.8, 0.026, 1.5, "twin")


@pytest.mark.parametrize(
    ("trench", "within_opposite"),
    [
        (PAIR, 0.005),
        (Trench(0.0337, 0.09, 0.24, 0.6, 0.024, 1.0), 0.005),
        (Trench(0.2191, 0.315, 0.465, 1.0, 0.029, 2.0), 0.005),
        (TWIN, 0.01),
        (Trench(0.0337, 0.16, 0.0527, 0.8, 0.026, 1.5, "twin"), 0.01),
        (Trench(0.1143, 0.315, 0.1393, 0.8, 0.026, 1.5, "twin"), 0.04),
        (Trench(0.2191, 0.56, 0.2381, 0.8, 0.026, 1.5, "twin"), 0.11),
    ],
)
def test_formulas_against_the_field(trench: Trench, within_opposite: float) -> None:
    field, error = solved(trench)
    assert error < 2e-3
    assert trench.losses.U_common == pytest.approx(field.U_common, rel=0.005)
    assert trench.losses.U_opposite == pytest.approx(field.U_opposite, rel=within_opposite)


def test_pipes_far_apart_are_single_pipes() -> None:
    """A single buried cylinder: acosh(2H/D) in the ground (Incropera, shape factors), here ln(4H/D), and ln in foam."""
    far = replace(PAIR, distance=1e4).losses
    H = 0.8 + SURFACE_RESISTANCE * 1.5
    single = 2 * math.pi / (math.log(0.2 / 0.1143) / 0.027 + math.acosh(2.0 * H / 0.2) / 1.5)
    assert far.U_common == pytest.approx(far.U_opposite, rel=1e-6)
    assert far.U_common == pytest.approx(single, rel=1e-3)


def test_one_casing_loses_less_than_two() -> None:
    twin = TWIN.losses
    pair = Trench(0.0603, 0.14, 0.29, 0.8, 0.026, 1.5).losses
    assert twin.U_common < pair.U_common
    assert twin.U_opposite > pair.U_opposite


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        ({"d_casing": 0.1}, "larger than the pipe"),
        ({"distance": 0.15}, "overlap"),
        ({"depth": 0.05}, "not be covered"),
        ({"k_ground": 0.0}, "above zero"),
        ({"casing": "twin", "distance": 0.19}, "do not lie apart"),
    ],
)
def test_impossible_trenches_are_refused(sizes: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(PAIR, **sizes)  # type: ignore[arg-type]
