"""Every way in which a file can be wrong, with the message that it gets."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from tests.strategies.input_cases import run
from twin.inputs.block import InputsBlock
from twin.inputs.series import InputError

HOURS = pd.date_range("2024-01-13", "2024-01-20", freq="h")


def weather_frame():
    day = np.arange(HOURS.size) % 24
    return pd.DataFrame({"time": HOURS.strftime("%Y-%m-%dT%H:%M"), "dry": 5.0 + 0.1 * day, "wet": 3.0 + 0.1 * day})


def weather(**changes):
    block = {
        "source": "csv",
        "file": "weather.csv",
        "origin": "made for this test",
        "time": {"column": "time", "zone": "UTC"},
        "T_dry": {"column": "dry", "unit": "degC"},
        "T_wet": {"column": "wet", "unit": "degC"},
        "p": "1000 hPa",
    }
    return {"weather": block | changes}


def price(**changes):
    block = {
        "source": "csv",
        "file": "price.csv",
        "origin": "made for this test",
        "time": {"column": "time", "zone": "UTC"},
        "price": {"column": "price", "unit": "EUR/MWh"},
    }
    return {"price": block | changes}


def load(**changes):
    block = {
        "source": "csv",
        "file": "load.csv",
        "origin": "made for this test",
        "time": {"column": "time", "zone": "UTC"},
        "columns": "cdu*",
        "unit": "kW",
    }
    return {"load": block | changes}


def parse(block):
    return InputsBlock.model_validate(block, context={"require_units": True})


def build(block, folder, *, district=None, **changes):
    return parse(block).build(run(folder, district=district, **changes))


def refusal(block, folder, **changes):
    with pytest.raises(InputError) as caught:
        build(block, folder, **changes)
    return str(caught.value)


@pytest.fixture
def write(tmp_path):
    def writer(frame, name="weather.csv"):
        frame.to_csv(tmp_path / name, index=False)
        return tmp_path

    return writer


def test_a_good_file_passes(write):
    inputs = build(weather(), write(weather_frame()))
    sample = inputs.sample(["weather.T_dry", "weather.T_wet", "weather.p"], np.array([HOURS[50].timestamp()]))[0]
    assert sample == pytest.approx([278.15 + 0.1 * 2, 276.15 + 0.1 * 2, 1e5])
    assert not inputs["weather.T_dry"].source.synthetic


def test_missing_file_names_file_folder_and_origin(tmp_path):
    said = refusal(weather(), tmp_path)
    assert "weather.csv not found" in said
    assert str(tmp_path) in said
    assert "comes from: made for this test" in said
    assert "add --data DIR" in refusal(weather(), None)


def test_naive_times_without_a_zone(write):
    said = refusal(weather(time={"column": "time"}), write(weather_frame()))
    assert "weather.csv, line 2, column 'time': '2024-01-13T00:00' has no time zone" in said
    assert "zone: UTC" in said


def test_times_with_and_without_offset(write):
    frame = weather_frame()
    frame.loc[3, "time"] += "Z"
    assert "line 5, column 'time': '2024-01-13T03:00Z' is with an offset" in refusal(weather(), write(frame))


@pytest.mark.parametrize("zone", ["CET", "Paris", "UTC+99", "Europe/Nowhere"])
def test_zone_that_is_none(zone):
    with pytest.raises(ValidationError, match="Europe/Paris, which has summer time"):
        parse(weather(time={"column": "time", "zone": zone}))


def test_text_that_is_no_time(write):
    frame = weather_frame()
    frame.loc[7, "time"] = "soon"
    assert "line 9, column 'time': found 'soon'" in refusal(weather(), write(frame))


def test_gap(write):
    folder = write(weather_frame().drop(index=[10, 11]))
    said = refusal(weather(), folder)
    assert "weather.csv, line 11: a gap of 3 h follows 2024-01-13 09:00:00Z, rows are 1 h apart" in said
    mended = build(weather(repair={"gaps": {"max_length": "3 h", "method": "linear"}}), folder)
    assert mended["weather.T_dry"].sample(HOURS[10].timestamp())[0] == pytest.approx(278.15 + 1.0)
    assert any("2 values" in note or "4 values filled (linear)" in note for note in mended.notes)
    held = build(weather(repair={"gaps": {"max_length": "3 h", "method": "hold"}}), folder)
    assert held["weather.T_dry"].sample(HOURS[11].timestamp())[0] == pytest.approx(278.15 + 0.9)
    said = refusal(weather(repair={"gaps": {"max_length": "2 h", "method": "linear"}}), folder)
    assert "line 11, column 'dry': a gap of 3 h follows 2024-01-13 09:00:00Z; the repair gaps allows 2 h" in said


def test_empty_value(write):
    frame = weather_frame()
    frame.loc[20, "wet"] = np.nan
    folder = write(frame)
    assert "weather.csv, line 22, column 'wet': no number" in refusal(weather(), folder)
    mended = build(weather(repair={"gaps": {"max_length": "2 h", "method": "linear"}}), folder)
    assert mended["weather.T_wet"].sample(HOURS[20].timestamp())[0] == pytest.approx(276.15 + 2.0)
    frame.loc[0, "wet"] = np.nan
    said = refusal(weather(repair={"gaps": {"max_length": "2 h", "method": "linear"}}), write(frame))
    assert "line 2, column 'wet': the data begin or end without a number" in said


def test_word_in_a_column_of_numbers(write):
    frame = weather_frame().astype({"dry": object})
    frame.loc[4, "dry"] = "cold"
    assert "line 6, column 'dry': found 'cold', expected a number in degC" in refusal(weather(), write(frame))


def test_duplicate_times(write):
    frame = weather_frame()
    frame.loc[6, "time"] = frame.loc[5, "time"]
    frame = frame.drop(index=7).assign(time=lambda one: one["time"])
    frame.loc[6, "dry"] = 7.5
    folder = write(frame)
    assert "line 8: 2024-01-13 05:00:00Z comes twice" in refusal(weather(), folder)
    gaps = {"max_length": "3 h", "method": "linear"}
    for method, expected in (("first", 5.5), ("last", 7.5), ("mean", 6.5)):
        mended = build(weather(repair={"duplicates": method, "gaps": gaps}), folder)
        assert mended["weather.T_dry"].sample(HOURS[5].timestamp())[0] == pytest.approx(273.15 + expected)
        assert any("kept: " + method in note for note in mended.notes)


def test_times_that_go_back(write):
    frame = weather_frame()
    frame.loc[[8, 9]] = frame.loc[[9, 8]].to_numpy()
    folder = write(frame)
    said = refusal(weather(), folder)
    assert "line 11: time goes back from 2024-01-13 09:00:00Z to 2024-01-13 08:00:00Z" in said
    mended = build(weather(repair={"order": "sort"}), folder)
    assert mended["weather.T_dry"].sample(HOURS[8].timestamp())[0] == pytest.approx(278.15 + 0.8)


def test_unit_of_another_kind(write):
    said = refusal(weather(T_dry={"column": "dry", "unit": "kW"}), write(weather_frame()))
    assert "column 'dry' is declared in 'kW'" in said


def test_unit_that_cannot_be_right(write):
    said = refusal(weather(T_dry={"column": "dry", "unit": "K"}), write(weather_frame()))
    assert "line 2, column 'dry': found 5 K, accepted is 223.15 to 328.15 K for T_dry; is the unit right?" in said


def test_jump_and_its_repair(write):
    frame = weather_frame()
    frame.loc[30:31, "dry"] = -9.0
    folder = write(frame)
    said = refusal(weather(), folder)
    assert "line 32, column 'dry': jumps from 5.5 to -9 degC (2 such jumps in all)" in said
    repair = {
        "discard": [{"lines": ["32-33"], "reason": "sensor failed"}],
        "gaps": {"max_length": "3 h", "method": "linear"},
    }
    mended = build(weather(repair=repair), folder)
    assert mended["weather.T_dry"].sample(HOURS[30].timestamp())[0] == pytest.approx(278.15 + 0.6)
    assert any("2 lines discarded, first 32: sensor failed" in note for note in mended.notes)
    repair["discard"][0]["lines"] = [5000]
    assert "discard names lines 5000 to 5000, data stand in lines 2 to 170" in refusal(weather(repair=repair), folder)


def test_column_that_is_not_there(write):
    said = refusal(weather(T_dry={"column": "dri", "unit": "degC"}), write(weather_frame()))
    assert "weather.csv has no column 'dri'; it has time, dry, wet" in said


def test_file_that_does_not_reach_over_the_run(write):
    said = refusal(weather(), write(weather_frame()), days=30)
    assert "weather.T_dry" in said
    assert "the run goes from 2024-01-15 00:00:00Z to 2024-02-14 00:00:00Z" in said


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("price", "GBP/MWh"),
        ("price", "USD/MWh"),
        ("price_gbp_mwh", "EUR/MWh"),
        ("price £", "EUR/MWh"),
        ("price", "MWh"),
    ],
)
def test_price_in_another_currency(column, unit):
    with pytest.raises(ValidationError, match="accepted are prices in EUR per energy, such as EUR/MWh"):
        parse(price(price={"column": column, "unit": unit}))


def test_price_per_power(write, tmp_path):
    write(pd.DataFrame({"time": HOURS.strftime("%Y-%m-%dT%H:%M"), "price": 50.0}), "price.csv")
    assert "'EUR/MW'" in refusal(price(price={"column": "price", "unit": "EUR/MW"}), tmp_path)
    inputs = build(price(), tmp_path)
    assert inputs["market.price_electricity"].values[0] == pytest.approx(50 / 3.6e9)


def load_frame(columns):
    names = [f"cdu{number}" for number in range(1, columns + 1)]
    return pd.DataFrame({"time": HOURS.strftime("%Y-%m-%dT%H:%M"), **dict.fromkeys(names, 700.0)})


def test_fewer_load_columns_than_cdus(write, tmp_path):
    write(load_frame(3), "load.csv")
    said = refusal(load(), tmp_path)
    assert "load.csv has 3 load columns, the plant has 4 CDUs" in said
    assert "spread: {scale: design}" in said
    assert "no column like 'rack*'" in refusal(load(columns="rack*"), tmp_path)


def test_negative_load(write, tmp_path):
    frame = load_frame(4)
    frame.loc[3, "cdu2"] = -5.0
    write(frame, "load.csv")
    assert "line 5, column 'cdu2': found -5 kW, accepted is 0 to" in refusal(load(), tmp_path)


def test_load_passes_in_order_of_the_cdus(write, tmp_path):
    frame = load_frame(4)
    frame["cdu3"] = 800.0
    write(frame, "load.csv")
    inputs = build(load(), tmp_path)
    names = [f"cdu.{number:02d}.P_it" for number in range(1, 5)]
    sampled = inputs.sample(names, np.array([HOURS[60].timestamp()]))[0]
    assert sampled == pytest.approx([7e5, 7e5, 8e5, 7e5])


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"wether": {"source": "synthetic"}}, "wether"),
        ({"weather": {"source": "radio"}}, "radio"),
        (weather(zone="UTC"), "zone"),
        (weather(p="1000"), "p"),
        (weather(T_dew={"column": "wet", "unit": "degC"}), "exactly one of T_wet, T_dew, relative_humidity"),
        ({"load": {"source": "synthetic", "load_factor": 1.4}}, "load_factor"),
        (load(quantity="heat_to_liquid"), "liquid_fraction is needed"),
        (load(source="parquet"), "does not fit the file 'load.csv'"),
        ({"demand": {"source": "annual", "annual_heat": 75}}, "has no unit"),
        (weather(time={"column": "time", "unit": "s"}), "needs both unit and origin"),
    ],
)
def test_settings_that_are_refused(block, message):
    with pytest.raises(ValidationError, match=message):
        parse(block)


def test_naive_start_and_demand_without_a_district(tmp_path):
    with pytest.raises(InputError, match="start 2024-01-15T00:00:00 has no time zone"):
        run(start=run().start.replace(tzinfo=None))
    assert "no district" in refusal({"demand": {"source": "annual"}}, tmp_path)


def test_other_files(tmp_path):
    (tmp_path / "weather.csv").write_text("time,dry,wet\n")
    assert "expected at least two rows of data, found 0" in refusal(weather(), tmp_path)
    (tmp_path / "weather.xlsx").write_bytes(b"PK")
    assert "expected a file that ends in .csv or .parquet" in refusal(weather(file="weather.xlsx"), tmp_path)
    (tmp_path / "weather.parquet").write_bytes(b"PAR0")
    assert "weather.parquet cannot be read" in refusal(weather(file="weather.parquet"), tmp_path)


def test_demand_by_annual_heat_needs_a_year_of_weather(write):
    said = refusal(weather(), write(weather_frame()), district="district")
    assert "needs the weather of all of 2024 to normalise" in said
    assert "year: scenario" in said
