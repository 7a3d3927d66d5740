from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from tests.strategies.input_cases import run
from twin.inputs.demand import AnnualDemand, CsvDemand, french_holidays
from twin.inputs.network import NetworkTemperatures
from twin.inputs.series import InputError
from twin.inputs.synthetic_weather import SyntheticWeather

JULY = datetime(2023, 7, 3, tzinfo=UTC)


def context(folder=None, **changes):
    made = run(folder, **changes)
    return made.with_weather(SyntheticWeather().build(made))


def local_year(year):
    """Hours of a calendar year in France, s."""
    return np.arange(*(pd.Timestamp(edge, 1, 1, tz="Europe/Paris").timestamp() for edge in (year, year + 1)), 3600.0)


@pytest.mark.parametrize(("start", "hours"), [(JULY, 8760), (datetime(2024, 2, 26, tzinfo=UTC), 8784)])
def test_a_calendar_year_sums_up_to_the_annual_heat(start, hours):
    demand = AnnualDemand(annual_heat=75 * 3.6e12).build(context(start=start))["district.Q_demand"]
    year = demand.sample(local_year(start.year))
    assert year.size == hours
    assert year.sum() * 3600 == pytest.approx(75 * 3.6e12)
    assert np.all(year > 0)


def test_demand_falls_with_the_air_outside_and_keeps_hot_water_in_summer():
    made = context(start=JULY)
    demand = AnnualDemand().build(made)["district.Q_demand"]
    time = local_year(2023)
    T = made.weather["weather.T_dry"].sample(time)
    days, means = (values.reshape(365, 24).mean(axis=1) for values in (demand.sample(time), T))
    assert np.corrcoef(days, means)[0, 1] < -0.9
    warm = days[means > 293.15].mean()
    # peak about 31 MW and mean 8.6 MW: facts of the network of Valence
    assert 0.1 < warm / days.mean() < 0.4
    assert 25e6 < demand.sample(time).max() < 45e6


def test_profile_follows_the_wall_clock_across_summer_time():
    demand = AnnualDemand(commercial=0.0).build(context(start=datetime(2023, 3, 24, tzinfo=UTC)))["district.Q_demand"]
    peaks = []
    for day in ("2023-03-22", "2023-03-29"):  # Wednesdays around 26 March 2023
        hours = pd.date_range(day, periods=24, freq="h", tz="Europe/Paris")
        sampled = demand.sample(np.array([hour.timestamp() for hour in hours]))
        peaks.append(int(np.argmax(sampled[:12])))
    assert peaks[0] == peaks[1]


def test_holidays():
    # Easter Mondays: 6 April 2015, 1 April 2024; Ascension 2024: 9 May; Whit Monday 2024: 20 May
    assert date(2015, 4, 6) in french_holidays(2015)
    assert {date(2024, 4, 1), date(2024, 5, 9), date(2024, 5, 20), date(2024, 7, 14)} <= set(french_holidays(2024))
    assert len(french_holidays(2024)) == 11


def test_network_curve():
    curve = NetworkTemperatures.model_validate(
        {"supply": [["-10 degC", "90 degC"], ["10 degC", "70 degC"]], "return": [["0 degC", "45 degC"]]},
        context={"require_units": True},
    )
    assert curve.T_supply(np.array([253.15, 273.15, 300.0])) == pytest.approx([363.15, 353.15, 343.15])
    assert curve.T_return(250.0) == pytest.approx(318.15)
    with pytest.raises(ValueError, match="must rise"):
        NetworkTemperatures(supply=[(283.15, 348.15), (263.15, 358.15)])


def test_scenario_curve_wins_over_the_plants():
    made = context()
    inputs = AnnualDemand(network=NetworkTemperatures(supply=[(273.15, 340.0)])).build(made)
    assert np.all(inputs["district.T_supply_required"].values == 340.0)
    assert AnnualDemand().build(made)["district.T_supply_required"].values.min() >= 348.15


def write_shares(folder, freq="h"):
    time = pd.date_range("2001-01-01", "2001-12-31 23:00", freq=freq)
    shares = 1 + np.cos(2 * np.pi * np.arange(time.size) / time.size)
    frame = pd.DataFrame({"time": time.strftime("%Y-%m-%dT%H:%M"), "share": shares / shares.sum()})
    frame.to_csv(folder / "shares.csv", index=False)
    return frame


def settings(**changes):
    return CsvDemand(
        **(
            {
                "source": "csv",
                "file": "shares.csv",
                "origin": "made here",
                "column": "share",
                "unit": "1",
                "time": {"column": "time", "zone": "UTC", "year": "scenario"},
                "quantity": "share",
                "annual_heat": 75 * 3.6e12,
                "synthetic": True,
            }
            | changes
        )
    )


def test_shares_of_the_annual_heat(tmp_path):
    frame = write_shares(tmp_path)
    demand = settings().build(context(tmp_path, start=JULY))["district.Q_demand"]
    at = datetime(2023, 7, 4, tzinfo=UTC).timestamp()
    row = frame.index[frame["time"] == "2001-07-04T00:00"][0]
    assert demand.sample(at)[0] == pytest.approx(75 * 3.6e12 / 3600 * frame.loc[row, "share"])
    assert demand.source.synthetic
    assert "75 GWh a year" in demand.source.label


def test_shares_that_are_not_hourly(tmp_path):
    write_shares(tmp_path, freq="2h")
    with pytest.raises(InputError, match="shares of the annual heat are hourly, rows here are 2 h apart"):
        settings().build(context(tmp_path, start=JULY))


def test_power_as_it_is(tmp_path):
    write_shares(tmp_path)
    demand = settings(quantity="power", annual_heat=None, unit="GW").build(context(tmp_path, start=JULY))
    assert demand["district.Q_demand"].values.max() == pytest.approx(2e9 / 8760, rel=1e-3)
