from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from tests.strategies.input_cases import run
from twin.inputs.series import InputError
from twin.inputs.weather import CsvWeather, EpwWeather


def write_epw(path, dry=lambda hour: 10.0 + 8.0 * np.sin(hour / 24 * 2 * np.pi), humidity=60, pressure=99000):
    """A whole year in the layout of EnergyPlus: 8 lines of header, then 35 fields an hour."""
    header = [
        "LOCATION,Lyon Bron,RA,FRA,TMYx,074800,45.73,4.94,1.0,198.0",
        *["DESIGN CONDITIONS,0"] * 5,
        "COMMENTS,",
        "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31",
    ]
    rows = []
    for hour, stamp in enumerate(pd.date_range("2009-01-01", "2009-12-31 23:00", freq="h")):
        fields = [
            stamp.year,
            stamp.month,
            stamp.day,
            stamp.hour + 1,
            0,
            "?",
            f"{dry(hour):.2f}",
            "5.0",
            humidity,
            pressure,
            *["0"] * 25,
        ]
        rows.append(",".join(map(str, fields)))
    path.write_text("\n".join(header + rows) + "\n")


def epw(**changes):
    return EpwWeather(**({"source": "epw", "file": "lyon.epw", "origin": "made for this test"} | changes))


def test_epw_onto_the_year_of_the_run(tmp_path):
    write_epw(tmp_path / "lyon.epw")
    inputs = epw().build(run(tmp_path, start=datetime(2023, 5, 1, tzinfo=UTC)))
    # hour 1 of 1 May counts from 00:00 in UTC+1
    at = datetime(2023, 4, 30, 23, tzinfo=UTC).timestamp()
    assert inputs["weather.T_dry"].sample(at)[0] == pytest.approx(283.15, abs=0.01)
    assert inputs["weather.T_dry"].sample(at + 6 * 3600)[0] == pytest.approx(291.15, abs=0.01)
    assert inputs["weather.p"].sample(at)[0] == 99000
    assert np.all(inputs["weather.T_wet"].values < inputs["weather.T_dry"].values)


def test_wet_bulb_of_a_textbook_state(tmp_path):
    # Stull (2011), J. Appl. Meteorol. Clim. 50: 20 °C, 50 %, 1013.25 hPa: 13.7 °C
    write_epw(tmp_path / "lyon.epw", dry=lambda hour: 20.0, humidity=50, pressure=101325)
    inputs = epw().build(run(tmp_path))
    assert inputs["weather.T_wet"].values[100] == pytest.approx(273.15 + 13.7, abs=0.15)


def test_epw_codes_for_missing_values_are_refused_with_their_line(tmp_path):
    write_epw(tmp_path / "lyon.epw", dry=lambda hour: 99.9 if hour == 5 else 10.0)
    with pytest.raises(InputError, match=r"lyon\.epw, line 14, column 'temp_air': found 99.9 degC"):
        epw().build(run(tmp_path))


def test_file_that_is_no_epw(tmp_path):
    (tmp_path / "lyon.epw").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"lyon\.epw is not an EPW file that can be read"):
        epw().build(run(tmp_path))


@pytest.mark.parametrize(
    ("column", "settings"),
    [
        ("rh", {"relative_humidity": {"column": "rh", "unit": "percent"}}),
        ("dew", {"T_dew": {"column": "dew", "unit": "degC"}}),
        ("wet", {"T_wet": {"column": "wet", "unit": "degC"}}),
    ],
)
def test_every_measure_of_humidity_gives_the_same_wet_bulb(tmp_path, column, settings):
    # 20 °C and 50 % at 1013.25 hPa: dew point 9.27 °C, wet bulb 13.78 °C (ASHRAE psychrometric chart no. 1)
    time = pd.date_range("2024-01-13", "2024-01-20", freq="h")
    values = {"rh": 50.0, "dew": 9.27, "wet": 13.78}
    frame = pd.DataFrame({"time": time.strftime("%Y-%m-%dT%H:%MZ"), "dry": 20.0, column: values[column]})
    frame.to_csv(tmp_path / "weather.csv", index=False)
    weather = CsvWeather(
        source="csv",
        file="weather.csv",
        origin="made here",
        time={"column": "time"},
        T_dry={"column": "dry", "unit": "degC"},
        p=101325.0,
        **settings,
    )
    assert weather.build(run(tmp_path))["weather.T_wet"].values[0] == pytest.approx(273.15 + 13.78, abs=0.03)
