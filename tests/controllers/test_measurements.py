"""What counts as a good measurement."""

from __future__ import annotations

import math

import pytest

from controllers.measurements import Measurements, NotMeasured
from plant_models.signals import T_DRY, Vocabulary, output

VOCABULARY = Vocabulary([T_DRY, output("T_gpu_max", "K", "hottest", upper=360.0, limit=True).under("cdu")])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_missing(value: float) -> None:
    seen = Measurements({"cdu.T_gpu_max": value}, VOCABULARY)
    with pytest.raises(NotMeasured, match=r"cdu\.T_gpu_max"):
        seen["cdu.T_gpu_max"]
    assert list(seen.missing) == ["cdu.T_gpu_max"]
    assert seen.get("cdu.T_gpu_max", 1.0) == 1.0


def test_weather_beyond_its_bounds_is_missing_a_hot_chip_is_not() -> None:
    seen = Measurements({T_DRY.name: 400.0, "cdu.T_gpu_max": 400.0}, VOCABULARY)
    with pytest.raises(NotMeasured):
        seen[T_DRY.name]
    assert seen["cdu.T_gpu_max"] == 400.0, "its bound is a limit of the equipment, not of what can be"


def test_known_leaves_out_what_is_missing_and_needs_one() -> None:
    seen = Measurements({"a": 1.0, "b": math.nan}, VOCABULARY)
    assert seen.known(["a", "b", "c"]) == {"a": 1.0}
    assert list(seen.missing) == ["b", "c"]
    with pytest.raises(NotMeasured):
        seen.known(["b", "c"])
