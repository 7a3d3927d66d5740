"""The readers on real public data, where a copy lies beside the project (see docs/inputs.md for its sources)."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.strategies.input_cases import SHARED_DATA, run
from twin.inputs.block import InputsBlock
from twin.inputs.forecast import Forecaster
from twin.inputs.series import InputError

pytestmark = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"public data are not at {SHARED_DATA}")

BLOCK = """
weather:
  source: csv
  file: weather_lyon_bron_tmyx_2004_2018.csv
  origin: Lyon-Bron typical year TMYx 2004-2018, climate.onebuilding.org
  time: {column: time_utc+1, zone: UTC+1, year: scenario}
  repair:
    discard:
      - lines: [35, 38, 179, 248, 251, 464, 467, 536, 560, 3715-3718, 3722-3727, 3738-3742, 3873-3874, 3879-3886,
                3916-3917, 4880-4881, 4918, 5083-5086, 6698-6707]
        reason: "saturated air with one pressure for each whole degree: placeholders for missing observations"
    gaps: {max_length: 12 h, method: linear}
  T_dry: {column: t_db_c, unit: degC}
  T_wet: {column: t_wb_c, unit: degC}
  p: {column: p_pa, unit: Pa}
load:
  source: parquet
  file: frontier_cdu_heat_20240407_15s.parquet
  origin: Frontier, 7 April 2024, HewlettPackard/sustain-lc input_04-07-24.csv (MIT)
  time: {column: time_s, unit: s, origin: 2024-04-07T00:00:00Z}
  columns: cdu*_w
  unit: W
  quantity: heat_to_liquid
  liquid_fraction: 0.945
  repeat: {period: 1 d}
  spread: {scale: design, max_shift: 30 min}
demand:
  source: csv
  file: dh_demand_bdew_lyon_hourly.csv
  origin: BDEW profiles on that weather, method of oruhnau/when2heat (MIT)
  synthetic: true
  time: {column: time_utc+1, zone: UTC+1, year: scenario}
  column: dh_mix_per_annual
  unit: "1"
  quantity: share
  annual_heat: 75 GWh
price:
  source: csv
  file: price_fr_dayahead_2015_2016_with_forecasts.csv
  origin: French day-ahead auction with published forecasts of it, jeslago/epftoolbox (Apache-2.0)
  time: {column: time_local_cet, zone: Europe/Paris}
  repair: {nonexistent: drop, ambiguous: both}
  price: {column: price_eur_mwh, unit: EUR/MWh}
  forecasts:
    lear: {column: fc_lear_eur_mwh, unit: EUR/MWh}
    dnn: {column: fc_dnn_eur_mwh, unit: EUR/MWh}
forecast: {price_forecast: lear}
"""
START = datetime(2016, 3, 24, tzinfo=UTC)


def parse(**changes):
    return InputsBlock.model_validate(yaml.safe_load(BLOCK) | changes, context={"require_units": True})


def without(part, *keys):
    """One part of the block with some of its keys left out."""
    return {name: value for name, value in yaml.safe_load(BLOCK)[part].items() if name not in keys}


@pytest.fixture(scope="module")
def context():
    made = run(SHARED_DATA, start=START, days=7, cdus=70, before=7 * 86400.0, after=3 * 86400.0)
    return replace(made, plant=replace(made.plant, P_it_nominal=dict.fromkeys(made.plant.cdu_names, 1.056e6)))


@pytest.fixture(scope="module")
def inputs(context):
    return parse().build(context)


def test_a_week_across_the_begin_of_summer_time(inputs, context):
    grid = np.arange(context.start.timestamp(), context.end.timestamp(), 30.0)
    table = inputs.sample(list(inputs), grid)
    assert table.shape == (20160, 3 + 70 + 3 + 1 + 3)
    assert np.all(np.isfinite(table))
    assert not inputs["market.price_electricity"].source.synthetic
    assert not inputs["cdu.01.P_it"].source.synthetic
    assert inputs["market.co2_intensity"].source.synthetic
    assert inputs["district.Q_demand"].source.synthetic


def test_prices_stand_at_their_hour_in_winter_and_summer_time(inputs):
    raw = pd.read_csv(SHARED_DATA / "price_fr_dayahead_2015_2016_with_forecasts.csv", index_col=0)["price_eur_mwh"]
    price = inputs["market.price_electricity"]
    for wall, moment in (
        ("2016-03-26 19:00:00", (2016, 3, 26, 18)),
        ("2016-03-28 19:00:00", (2016, 3, 28, 17)),
        ("2015-10-25 02:00:00", (2015, 10, 25, 0)),
        ("2015-10-25 02:00:00", (2015, 10, 25, 1)),
        ("2015-10-25 03:00:00", (2015, 10, 25, 2)),
    ):
        at = datetime(*moment, tzinfo=UTC).timestamp()
        assert price.sample(at)[0] * 3.6e9 == pytest.approx(raw[wall])


def test_the_hour_that_does_not_exist_is_the_mean_of_its_neighbours():
    """Why the price file is taken as local time whose missing hours were filled in, and not as UTC+1."""
    raw = pd.read_csv(SHARED_DATA / "price_fr_dayahead_2015_2016_with_forecasts.csv", index_col=0)["price_eur_mwh"]
    for day in ("2015-03-29", "2016-03-27"):
        around = [raw[f"{day} {hour:02d}:00:00"] for hour in (1, 2, 3)]
        assert around[1] == pytest.approx((around[0] + around[2]) / 2, abs=0.006)


def test_price_file_is_refused_without_the_repair_of_summer_time(context):
    block = parse(price=without("price", "repair"))
    with pytest.raises(InputError, match=r"line 7060.* comes twice in Europe/Paris"):
        block.price.build(context)


def test_loads_of_25_cdus_on_70(inputs, context):
    names = [f"{cdu}.P_it" for cdu in context.plant.cdu_names]
    grid = np.arange(context.start.timestamp(), context.end.timestamp(), 60.0)
    loads = inputs.sample(names, grid)
    assert len({tuple(column) for column in loads.T}) == 70
    assert loads.max() <= 1.056e6 * (1 + 1e-12)
    raw = (
        pd.read_parquet(SHARED_DATA / "frontier_cdu_heat_20240407_15s.parquet")
        .filter(like="_w")
        .drop(columns="t_wb_c", errors="ignore")
    )
    # the mean over the peak survives resampling, spreading and scaling
    assert loads.mean() / 1.056e6 == pytest.approx((raw.mean() / raw.max()).mean(), abs=0.02)
    days = loads.sum(axis=1).reshape(7, 1440)
    assert np.corrcoef(days)[np.triu_indices(7, 1)].max() < 0.999  # no day is a copy of another


def test_refuses_frontier_on_another_plant_without_a_word(context):
    with pytest.raises(InputError, match="has 25 load columns, the plant has 70 CDUs"):
        parse(load=without("load", "spread")).load.build(context)


def test_placeholders_in_the_weather_are_found(context):
    with pytest.raises(InputError, match=r"line 3715, column 't_db_c': jumps from 20.3 to 9 degC \(18 such jumps"):
        parse(weather=without("weather", "repair")).weather.build(context)


def test_weather_after_repair(inputs):
    raw = pd.read_csv(SHARED_DATA / "weather_lyon_bron_tmyx_2004_2018.csv", index_col=0)
    T = inputs["weather.T_dry"]
    at = datetime(2016, 3, 25, 11, tzinfo=UTC).timestamp()
    assert T.sample(at)[0] == pytest.approx(raw.loc["2001-03-25T12:00", "t_db_c"] + 273.15)
    july = np.arange(datetime(2016, 7, 20, tzinfo=UTC).timestamp(), datetime(2016, 7, 27, tzinfo=UTC).timestamp(), 3600)
    assert T.sample(july).min() > 283.15  # 1 °C before


def test_demand_is_75_gwh(inputs):
    year = np.arange(*(datetime(2016, 1, 1, tzinfo=UTC).timestamp() - 3600 + 86400 * days for days in (0, 366)), 3600)
    total = inputs["district.Q_demand"].sample(year[:-1]).sum() * 3600 / 3.6e12
    assert total == pytest.approx(75.0, rel=0.01)  # 29 February is the 366th day


def test_h100_utilisation_with_its_gaps(context):
    load = {
        "source": "utilisation",
        "file": "biohpc_h100_x2_hourly.csv",
        "origin": "two H100 over 21 months, charlottegressel/dc_workload_pipeline (MIT)",
        "time": {"column": "time_local", "zone": "America/Chicago"},
        "columns": ["util_pct_mean"],
        "unit": "percent",
        "gpu": "h100",
        "step": "1 h",
        "spread": {"max_shift": "3 d"},
    }
    moved = replace(context, start=datetime(2024, 5, 27, tzinfo=UTC), end=datetime(2024, 6, 3, tzinfo=UTC))
    with pytest.raises(InputError, match=r"biohpc_h100_x2_hourly\.csv, line \d+"):
        parse(load=load).load.build(moved)
    repair = {"ambiguous": "both", "gaps": {"max_length": "15 h", "method": "hold"}}
    loads = parse(load=load | {"repair": repair}).load.build(moved)
    assert any("values filled (hold)" in note for note in loads.notes)
    values = loads["cdu.07.P_it"].values / 1.056e6
    assert values.min() >= 74 / 327 - 1e-9
    assert values.max() <= 1.0


def test_published_forecast_is_better_than_last_week(inputs, context):
    errors = {}
    for name in ("lear", None):
        forecaster = Forecaster(inputs, parse().forecast.model_copy(update={"price_forecast": name}), 1)
        found = []
        for day in range(7):
            now = context.start.timestamp() + day * 86400 + 10.5 * 3600  # before the auction is published
            grid = now + np.arange(14, 36) * 3600.0
            prices = forecaster.issue(now, grid).values["market.price_electricity"]
            found.append(prices - inputs["market.price_electricity"].sample(grid))
        errors[name] = float(np.sqrt(np.mean(np.square(found))))
    assert errors["lear"] < errors[None]
