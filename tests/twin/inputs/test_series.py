import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.inputs.series import InputError, Inputs, Series, Source

HERE = Source("test", synthetic=True)


def series(name="a", time=(0.0, 10.0, 20.0), values=(1.0, 2.0, 4.0), interpolation="hold"):
    return Series(name, np.array(time), np.array(values), interpolation, HERE)


def test_hold_keeps_a_value_until_the_next_point_and_for_one_step_after_the_last():
    assert series().sample(np.array([0.0, 9.9, 10.0, 29.9])).tolist() == [1.0, 1.0, 2.0, 4.0]
    assert series().end == 30.0


def test_linear_joins_points_and_ends_at_the_last():
    one = series(interpolation="linear")
    assert one.sample(np.array([5.0, 15.0, 20.0])).tolist() == [1.5, 3.0, 4.0]
    with pytest.raises(InputError, match="covers 1970-01-01 00:00:00Z to 1970-01-01 00:00:20Z, asked for"):
        one.sample(20.1)


@given(st.lists(st.floats(0.1, 100.0), min_size=2, max_size=20), st.integers(0, 10_000))
def test_samples_lie_between_the_values_around_them(steps, position):
    time = np.cumsum(steps)
    values = np.sin(time)
    asked = np.array([time[0] + (time[-1] - time[0]) * position / 10_000])
    at = min(int(np.searchsorted(time, asked[0], side="right")), time.size - 1)
    low, high = sorted((values[at - 1], values[at]))
    for interpolation in ("hold", "linear"):
        found = series(time=time, values=values, interpolation=interpolation).sample(asked)[0]
        assert low - 1e-9 <= found <= high + 1e-9


@pytest.mark.parametrize(
    ("time", "values", "message"),
    [
        ((0.0, 10.0, 10.0), (1.0, 2.0, 3.0), "time does not increase after 1970-01-01 00:00:10Z"),
        ((0.0, 10.0, 20.0), (1.0, np.nan, 3.0), "no number at 1970-01-01 00:00:10Z"),
        ((0.0,), (1.0,), "at least two points"),
    ],
)
def test_refuses_what_is_no_series(time, values, message):
    with pytest.raises(InputError, match=message):
        series(time=time, values=values)


def test_many_series_at_once_agree_with_one_by_one():
    time = np.arange(0.0, 1000.0, 15.0)
    inputs = Inputs.of(
        *(series(f"cdu.{k}", time, np.sin(time * k)) for k in range(1, 71)), series("weather", time, time, "linear")
    )
    asked = np.arange(0.0, 900.0, 7.0)
    names = [*inputs]
    table = inputs.sample(names, asked)
    assert table.shape == (asked.size, 71)
    for column, name in enumerate(names):
        assert np.array_equal(table[:, column], inputs[name].sample(asked))


def test_unknown_name_and_double_name_are_refused():
    with pytest.raises(InputError, match="no input gives b; there are a"):
        Inputs.of(series()).sample(["b"], np.array([0.0]))
    with pytest.raises(InputError, match="two inputs for a"):
        Inputs.of(series()).merge(Inputs.of(series()))


def test_span_is_what_all_cover_and_merging_keeps_the_notes():
    one = Inputs.of(series("a"), notes=["first"])
    both = one.merge(Inputs.of(series("b", (10.0, 20.0, 25.0)), notes=["second"]))
    assert both.span == (10.0, 30.0)
    assert both.notes == ("first", "second")
    with pytest.raises(InputError, match="before far begins"):
        one.merge(Inputs.of(series("far", (100.0, 110.0, 120.0)))).span  # noqa: B018
