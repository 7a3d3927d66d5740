"""What generators make is possible, the same for the same seed, and as close to the statistics as the docs say."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.input_cases import run
from twin.inputs import statistics
from twin.inputs.block import InputsBlock
from twin.inputs.noise import ar1, renewal, white
from twin.inputs.series import InputError
from twin.inputs.synthetic_load import SyntheticLoad
from twin.inputs.synthetic_market import SyntheticCo2, SyntheticPrice
from twin.inputs.synthetic_weather import SyntheticWeather

STARTS = st.datetimes(datetime(2000, 1, 1), datetime(2049, 12, 1)).map(lambda one: one.replace(tzinfo=UTC))
SEEDS = st.integers(0, 2**32)
few = settings(max_examples=15, deadline=None)


@pytest.mark.parametrize("make", [ar1, renewal])
def test_processes_have_unit_variance_and_the_stated_memory(make):
    row = make(1, "test", 10_000, 200_000, 20.0)
    assert row.std() == pytest.approx(1.0, abs=0.03)
    assert statistics.correlation(row, 20) == pytest.approx(np.exp(-1), abs=0.03)


@pytest.mark.parametrize("make", [ar1, renewal])
@given(st.integers(0, 100_000), st.integers(1, 5_000))
@settings(max_examples=20, deadline=None)
def test_processes_are_tied_to_the_calendar(make, offset, count):
    whole = make(3, "test", 500_000, 110_000, 30.0)
    part = make(3, "test", 500_000 + offset, count, 30.0)
    assert part == pytest.approx(whole[offset : offset + count], abs=1e-9)


def test_rows_of_random_numbers_are_their_own():
    assert not np.array_equal(white(1, "a", 0, 10), white(1, "b", 0, 10))
    assert not np.array_equal(white(1, "a", 0, 10), white(2, "a", 0, 10))
    with pytest.raises(ValueError, match="numbered from 0"):
        white(1, "a", -1, 10)


@few
@given(STARTS, SEEDS, st.floats(-15.0, 10.0))
def test_weather_is_possible(start, seed, offset):
    inputs = SyntheticWeather(offset=offset).build(run(start=start, seed=seed))
    T, T_wet, p = (inputs[f"weather.{name}"].values for name in ("T_dry", "T_wet", "p"))
    assert np.all(T_wet <= T)
    assert np.all((T > 223.15) & (T < 328.15))
    assert np.all(T - T_wet < 25.0)
    assert np.all((p > 9.3e4) & (p < 1.06e5))
    assert inputs["weather.T_dry"].source.synthetic


@few
@given(STARTS, SEEDS, st.sampled_from(["training", "hpc"]), st.sampled_from([60.0, 300.0]))
def test_load_is_possible_and_differs_from_cdu_to_cdu(start, seed, profile, step):
    context = run(start=start, seed=seed, cdus=20, days=1)
    inputs = SyntheticLoad(profile=profile, step=step).build(context)
    loads = np.column_stack([one.values for one in inputs.values()])
    assert np.all((loads > 0.0) & (loads <= 1e6))
    assert len({tuple(column) for column in loads.T}) == 20
    assert all(
        one.source.synthetic and one.start <= context.first and one.end >= context.last for one in inputs.values()
    )


@few
@given(STARTS, SEEDS, st.floats(0.0, 1.0))
def test_market_is_possible(start, seed, solar):
    context = run(start=start, seed=seed)
    price = SyntheticPrice(solar=solar).build(context)["market.price_electricity"].values * 3.6e9
    co2 = SyntheticCo2().build(context)["market.co2_intensity"].values * 3.6e9
    assert np.all((price > -250) & (price < 2000))
    assert np.all((co2 > 5) & (co2 < 200))  # g/kWh


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_one_seed_one_world_whatever_the_span(seed):
    block = InputsBlock()
    long = block.build(run(seed=seed, days=5))
    again = block.build(run(seed=seed, days=5))
    short = block.build(run(seed=seed, days=1, start=datetime(2024, 1, 17, tzinfo=UTC)))
    asked = datetime(2024, 1, 17, tzinfo=UTC).timestamp() + 60.0 * np.arange(1440)
    names = list(long)
    assert list(short) == names
    assert np.array_equal(long.sample(names, asked), again.sample(names, asked))
    assert short.sample(names, asked) == pytest.approx(long.sample(names, asked), rel=1e-9, abs=1e-12)


def test_other_seeds_make_other_worlds():
    one, other = (InputsBlock().build(run(seed=seed)) for seed in (1, 2))
    for name in one:
        assert not np.array_equal(one[name].values, other[name].values)


def test_generators_take_what_the_site_expects_unless_the_scenario_says_else():
    context = run()
    context = replace(
        context, plant=replace(context.plant, load_profile="hpc", load_factor=0.5, electricity_mean=80 / 3.6e9)
    )
    labels = {name: one.source.label for name, one in InputsBlock().build(context).items()}
    assert labels["cdu.01.P_it"] == "synthetic hpc load, load factor 0.5, seed 1"
    assert "mean 80 EUR/MWh" in labels["market.price_electricity"]
    block = InputsBlock(load=SyntheticLoad(profile="training"), price=SyntheticPrice(mean=40 / 3.6e9))
    labels = {name: one.source.label for name, one in block.build(context).items()}
    assert labels["cdu.01.P_it"] == "synthetic training load, load factor 0.8, seed 1"
    assert "mean 40 EUR/MWh" in labels["market.price_electricity"]


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"load_profile": "gaming"}, "load profile 'gaming'; known are training, hpc"),
        ({"load_factor": 0.95}, "load factor from 0.3 to 0.9, the site expects 0.95"),
    ],
)
def test_what_a_site_may_expect(expected, message):
    context = run()
    with pytest.raises(InputError, match=message):
        SyntheticLoad().build(replace(context, plant=replace(context.plant, **expected)))


def test_everything_generated_is_labelled_synthetic():
    inputs = InputsBlock().build(run())
    assert all(one.source.synthetic for one in inputs.values())
    assert {name for name in inputs if not name.startswith("cdu.")} == {
        "weather.T_dry",
        "weather.T_wet",
        "weather.p",
        "market.price_electricity",
        "market.co2_intensity",
        "district.Q_demand",
        "district.T_supply_required",
        "district.T_return",
    }


def test_co2_of_the_french_mix():
    context = run(start=datetime(2023, 1, 1, tzinfo=UTC), days=365)
    values = SyntheticCo2().build(context)["market.co2_intensity"].values * 3.6e9
    assert values.mean() == pytest.approx(42.0, rel=0.1)
    low, high = np.percentile(values, [5, 95])
    assert 20 < low < high < 80


@pytest.fixture(scope="module")
def lines():
    return statistics.lines()


def test_statistics_that_must_agree(lines):
    found = {(line.subject, line.what): line for line in lines}
    for what in (
        "power, mean",
        "power, 50 % quantile",
        "power, 95 % quantile",
        "autocorrelation at 10 min",
        "autocorrelation at 1 day",
        "share of 10 min steps above 2 MW",
    ):
        assert found["Frontier 2023", what].agrees, what
    for what in (
        "dry bulb, mean",
        "dry bulb, 0.4 % quantile",
        "dry bulb, 99.6 % quantile",
        "hours above 24 °C",
        "wet bulb, mean",
        "daily mean about the yearly course, deviation",
    ):
        assert found["Lyon-Bron TMYx", what].agrees, what
    for factor in ("0.7", "0.8", "0.9"):
        assert found["AI training, practice", f"load factor asked {factor}"].agrees
    assert found["France 2015-16", "daily range, median"].agrees


def test_the_table_in_the_docs_is_what_is_measured(lines):
    page = (Path(__file__).parents[3] / "docs" / "inputs.md").read_text()
    for line in lines:
        assert line.row() in page, f"docs/inputs.md is out of date, run python -m twin.inputs.statistics: {line.row()}"
