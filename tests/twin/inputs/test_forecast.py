"""A forecast may only hold what could be known when it was issued."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.input_cases import START, run
from twin.inputs.block import InputsBlock
from twin.inputs.demand import AnnualDemand
from twin.inputs.forecast import Forecaster, ForecastSettings
from twin.inputs.network import NetworkTemperatures
from twin.inputs.series import InputError, Inputs, Series, Source

HOUR = 3600.0
DAY = 24 * HOUR
PRICE = "market.price_electricity"
LOADS = [f"cdu.{number:02d}.P_it" for number in range(1, 5)]


@pytest.fixture(scope="module")
def inputs():
    made = InputsBlock().build(run(days=10, before=7 * DAY, after=3 * DAY))
    price = made[PRICE]
    published = Series("market.price_forecast.model", price.time, price.values * 1.1, "hold", Source("test", True))
    return made.merge(Inputs.of(published))


def changed_after(inputs, time, *names):
    """The same inputs with another future of ``names``: points that lie after ``time`` are different."""
    changed = {
        name: replace(one, values=np.where(one.time > time, one.values * 1.5 + 1e-9, one.values))
        if name in names
        else one
        for name, one in inputs.items()
    }
    return Inputs(changed)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 9 * DAY), st.sampled_from([None, "model"]))
def test_another_future_of_load_price_and_co2_changes_nothing(inputs, after, price_forecast):
    now = START.timestamp() + after
    forecaster = Forecaster(inputs, ForecastSettings(price_forecast=price_forecast), 1)
    grid = now + np.arange(0.0, 48 * HOUR, 900.0)
    auctioned = forecaster._horizon(now, "12:45") - 1.0  # public: until then the price may show
    public = forecaster._horizon(now, "10:00") - 1.0
    other = changed_after(inputs, now, *LOADS, "market.co2_intensity")
    other = changed_after(other, auctioned, PRICE)
    other = changed_after(other, public, "market.price_forecast.model")
    mine = forecaster.issue(now, grid)
    yours = Forecaster(other, forecaster.settings, 1).issue(now, grid)
    for name in ("it.P_load", PRICE, "market.co2_intensity"):
        assert np.array_equal(mine.values[name], yours.values[name]), name


def test_a_step_in_the_load_is_not_foreseen(inputs):
    now = START.timestamp() + 3 * DAY
    time = inputs[LOADS[0]].time
    step = Inputs({**inputs, **{name: replace(inputs[name], values=np.where(time > now, 9e5, 3e5)) for name in LOADS}})
    expected = Forecaster(step, ForecastSettings(), 1).issue(now, now + np.arange(0, 24 * HOUR, HOUR))
    assert expected.values["it.P_load"] == pytest.approx(np.full(24, 4 * 3e5))


def test_load_starts_at_the_present_and_goes_to_the_daily_pattern(inputs):
    now = START.timestamp() + 5 * DAY
    time = inputs[LOADS[0]].time
    daily = 6e5 + 2e5 * np.sin(2 * np.pi * time / DAY)
    jumped = np.where(time > now - 600, daily + 1e5, daily)
    made = Inputs({**inputs, **{name: replace(inputs[name], values=jumped) for name in LOADS}})
    grid = now + np.arange(0, 24 * HOUR, HOUR)
    expected = Forecaster(made, ForecastSettings(), 1).issue(now, grid).values["it.P_load"] / 4
    pattern = 6e5 + 2e5 * np.sin(2 * np.pi * grid / DAY)
    assert expected[0] == pytest.approx(pattern[0] + 1e5, rel=0.01)
    assert expected[12:] == pytest.approx(pattern[12:], rel=0.02)
    excess = expected - pattern
    assert np.all(np.diff(excess[:6]) < 0)


def test_load_without_a_pattern_is_expected_at_its_mean(inputs):
    generator = np.random.default_rng(0)
    time = inputs[LOADS[0]].time
    noise = np.repeat(generator.normal(6e5, 1e5, time.size // 60 + 1), 60)[: time.size]
    made = Inputs({**inputs, **{name: replace(inputs[name], values=noise) for name in LOADS}})
    now = START.timestamp() + 6 * DAY
    expected = Forecaster(made, ForecastSettings(), 1).issue(now, now + np.arange(12 * HOUR, 36 * HOUR, 900.0))
    assert np.ptp(expected.values["it.P_load"] / 4) < 0.8e5  # the raw mean of five days would span about 2e5


def test_load_on_the_first_day_needs_no_history(inputs):
    first = max(inputs[name].start for name in LOADS)
    forecaster = Forecaster(inputs, ForecastSettings(), 1)
    expected = forecaster.issue(first, first + np.arange(0, 3 * HOUR, HOUR)).values["it.P_load"]
    present = inputs.sample(LOADS, np.array([first])).sum()
    assert expected == pytest.approx(np.full(3, present))
    with pytest.raises(InputError, match="no load is known before"):
        forecaster.issue(first - DAY, first - DAY + np.arange(0, 3 * HOUR, HOUR))


@pytest.mark.parametrize(("clock", "days"), [((11, 44), 1), ((11, 45), 2), ((22, 59), 2), ((23, 0), 1)])
def test_tomorrows_prices_are_known_from_a_quarter_to_one_in_paris(inputs, clock, days):
    # January: Paris is UTC+1, so 12:45 is 11:45 UTC and midnight 23:00 UTC
    now = datetime(2024, 1, 17, *clock, tzinfo=UTC).timestamp()
    midnight = datetime(2024, 1, 16, 23, tzinfo=UTC).timestamp() + (DAY if clock == (23, 0) else 0)
    assert Forecaster(inputs, ForecastSettings(), 1)._horizon(now, "12:45") == midnight + days * DAY


def test_known_prices_are_exact_then_the_published_forecast_then_last_week(inputs):
    now = datetime(2024, 1, 18, 10, tzinfo=UTC).timestamp()  # Thursday 11:00 in Paris
    grid = now + np.arange(0, 48 * HOUR, HOUR)
    prices = Forecaster(inputs, ForecastSettings(price_forecast="model"), 1).issue(now, grid).values[PRICE]
    truth = inputs[PRICE].sample(grid)
    today, tomorrow = slice(0, 13), slice(13, 37)
    assert np.array_equal(prices[today], truth[today])
    assert prices[tomorrow] == pytest.approx(truth[tomorrow] * 1.1)
    assert prices[37:] == pytest.approx(inputs[PRICE].sample(grid[37:] - 7 * DAY))
    plain = Forecaster(inputs, ForecastSettings(), 1).issue(now, grid).values[PRICE]
    assert plain[13:] == pytest.approx(inputs[PRICE].sample(grid[13:] - 7 * DAY))
    with pytest.raises(InputError, match="names 'lear'; the price input gives model"):
        Forecaster(inputs, ForecastSettings(price_forecast="lear"), 1)


def test_prices_that_end_are_not_extended_as_if_known(inputs):
    end = datetime(2024, 1, 18, 12, tzinfo=UTC).timestamp()
    price = inputs[PRICE]
    keep = price.time < end
    short = Inputs({**inputs, PRICE: replace(price, time=price.time[keep], values=price.values[keep])})
    grid = end - 2 * HOUR + np.arange(0, 6 * HOUR, HOUR)
    prices = Forecaster(short, ForecastSettings(), 1).issue(end - 2 * HOUR, grid).values[PRICE]
    assert prices[2:] == pytest.approx(price.sample(grid[2:] - 7 * DAY))


@pytest.fixture(scope="module")
def weather_errors(inputs):
    now = START.timestamp() + DAY
    lead = np.arange(0, 37) * HOUR
    truth = inputs["weather.T_dry"].sample(now + lead)
    return np.array(
        [
            Forecaster(inputs, ForecastSettings(), seed).issue(now, now + lead).values["weather.T_dry"] - truth
            for seed in range(400)
        ]
    )


def test_weather_error_is_unbiased_and_grows_to_the_stated_size(weather_errors):
    rms = np.sqrt(np.mean(weather_errors**2, axis=0))
    assert rms[0] == 0.0
    assert rms[24] == pytest.approx(1.0, rel=0.1)  # 400 seeds: standard error 3.5 %
    assert 0.2 < rms[1] < 0.5 < rms[6] < rms[12] < rms[24]
    assert np.all(np.abs(weather_errors.mean(axis=0)) < 4 / np.sqrt(400))


def test_later_forecasts_of_the_same_hour_are_better_and_share_the_error(inputs):
    target = START.timestamp() + 4 * DAY
    truth = inputs["weather.T_dry"].sample(target)[0]
    errors = np.array(
        [
            [
                Forecaster(inputs, ForecastSettings(), seed)
                .issue(target - lead * HOUR, np.array([target - lead * HOUR, target]))
                .values["weather.T_dry"][1]
                - truth
                for lead in (24, 21, 3)
            ]
            for seed in range(200)
        ]
    )
    rms = np.sqrt(np.mean(errors**2, axis=0))
    assert rms[0] > rms[1] > 1.5 * rms[2]
    assert np.corrcoef(errors[:, 0], errors[:, 1])[0, 1] > 0.9


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 8 * DAY), st.integers(0, 1000))
def test_forecasts_are_possible_and_repeatable(inputs, after, seed):
    now = START.timestamp() + after
    grid = now + np.arange(0, 36 * HOUR, 900.0)
    forecaster = Forecaster(inputs, ForecastSettings(), seed, NetworkTemperatures())
    values = forecaster.issue(now, grid).values
    assert np.all(values["weather.T_wet"] <= values["weather.T_dry"])
    assert np.all(values["district.Q_demand"] >= 0)
    assert np.all(values["it.P_load"] > 0)
    required = NetworkTemperatures().T_supply(values["weather.T_dry"])
    assert values["district.T_supply_required"] == pytest.approx(required)
    assert all(np.all(np.isfinite(one)) and one.shape == grid.shape for one in values.values())
    again = Forecaster(inputs, ForecastSettings(), seed, NetworkTemperatures()).issue(now, grid).values
    assert all(np.array_equal(one, again[name]) for name, one in values.items())


def test_colder_forecast_means_more_expected_demand(inputs):
    now = START.timestamp() + DAY
    grid = now + np.arange(1, 25) * HOUR
    made = [
        Forecaster(inputs, ForecastSettings(T_dry_error=3.0, demand_error=0.0), seed).issue(now, grid).values
        for seed in range(50)
    ]
    air = np.concatenate([one["weather.T_dry"] - inputs["weather.T_dry"].sample(grid) for one in made])
    demand = np.concatenate([one["district.Q_demand"] / inputs["district.Q_demand"].sample(grid) for one in made])
    assert np.corrcoef(air, demand)[0, 1] < -0.95
    assert np.polyfit(air, demand, 1)[0] == pytest.approx(-0.04, abs=0.005)


def test_grid_in_the_past_and_weather_that_ends_are_refused(inputs):
    forecaster = Forecaster(inputs, ForecastSettings(), 1)
    now = START.timestamp()
    with pytest.raises(InputError, match="increasing times from the moment of issue on"):
        forecaster.issue(now, np.array([now - 1.0, now]))
    end = inputs["weather.T_dry"].end
    with pytest.raises(InputError, match=r"weather\.T_dry .* asked for"):
        forecaster.issue(end - HOUR, np.array([end, end + DAY]))


def test_forecast_has_the_network_of_the_scenario(inputs):
    curve = NetworkTemperatures(supply=[(273.15, 340.0)])
    block = InputsBlock(demand=AnnualDemand(network=curve))
    now = START.timestamp()
    values = block.forecaster(inputs, run()).issue(now, now + np.arange(3) * HOUR).values
    assert values["district.T_supply_required"].tolist() == [340.0] * 3
