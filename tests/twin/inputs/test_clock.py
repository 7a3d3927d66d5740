from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from twin.inputs.clock import Clock
from twin.inputs.series import InputError
from twin.inputs.settings import Repair, TimeColumn


def read(texts, repair=None, span=(0.0, 1.0), **settings):
    clock = Clock(pd.Series(texts), TimeColumn(column="t", **settings), repair or Repair(), "file.csv", 2)
    time, rows = clock.read(span)
    return [datetime.fromtimestamp(one, UTC).strftime("%m-%d %H:%M") for one in time], rows.tolist(), clock.notes


def wall(day, hours):
    return [f"{day}T{hour:02d}:00" for hour in hours]


def test_fixed_offsets_and_places():
    assert read(["2001-01-01T00:00", "2001-01-01T01:00"], zone="UTC+1")[0] == ["12-31 23:00", "01-01 00:00"]
    summer = ["2015-07-01 00:00:00", "2015-07-01 01:00:00"]
    assert read(summer, zone="Europe/Paris")[0] == ["06-30 22:00", "06-30 23:00"]
    assert read(["2015-07-01T00:00+02:00", "2015-07-01T00:00Z"])[0] == ["06-30 22:00", "07-01 00:00"]


def test_summer_time_ends_with_both_hours_in_the_file():
    texts = [*wall("2015-10-25", [0, 1, 2, 2, 3])]
    assert read(texts, zone="Europe/Paris")[0] == [
        "10-24 22:00",
        "10-24 23:00",
        "10-25 00:00",
        "10-25 01:00",
        "10-25 02:00",
    ]


def test_summer_time_ends_with_one_hour_in_the_file():
    texts = wall("2015-10-25", [1, 2, 3])
    with pytest.raises(InputError, match=r"line 3, column 't': 2015-10-25 02:00:00 comes twice in Europe/Paris"):
        read(texts, zone="Europe/Paris")
    times, rows, notes = read(texts, Repair(ambiguous="both"), zone="Europe/Paris")
    assert times == ["10-24 23:00", "10-25 00:00", "10-25 01:00", "10-25 02:00"]
    assert rows == [0, 1, 1, 2]
    assert notes == ["file.csv: 1 rows hold for both hours at the end of summer time, first line 3"]


def test_summer_time_begins_with_a_made_up_hour():
    texts = wall("2015-03-29", [1, 2, 3])
    with pytest.raises(InputError, match=r"line 3, column 't': 2015-03-29 02:00:00 does not exist in Europe/Paris"):
        read(texts, zone="Europe/Paris")
    times, rows, _ = read(texts, Repair(nonexistent="drop"), zone="Europe/Paris")
    assert times == ["03-29 00:00", "03-29 01:00"]
    assert rows == [0, 2]


def typical():
    return pd.date_range("2001-01-01", "2001-12-31 23:00", freq="h").strftime("%Y-%m-%dT%H:%M").tolist()


def test_typical_year_onto_a_common_and_a_leap_year():
    _, rows, _ = read(typical(), zone="UTC+1", year=2015)
    assert rows == list(range(8760))
    times, rows, notes = read(typical(), zone="UTC+1", year=2016)
    assert len(times) == 8784
    assert rows[59 * 24 : 60 * 24] == rows[58 * 24 : 59 * 24]
    assert times[60 * 24] == "02-29 23:00"
    assert rows[60 * 24] == 59 * 24
    assert any("29 February 2016 repeats the 28th" in note for note in notes)


def test_typical_year_is_laid_onto_all_years_of_the_run_without_a_seam():
    span = tuple(datetime(*day, tzinfo=UTC).timestamp() for day in ((2015, 12, 20), (2016, 1, 9)))
    clock = Clock(pd.Series(typical()), TimeColumn(column="t", zone="UTC+1", year="scenario"), Repair(), "file.csv", 2)
    time, _ = clock.read(span)
    assert np.all(np.diff(time) == 3600.0)
    assert time[0] <= span[0] - 86400
    assert time[-1] >= span[1] + 86400


def test_leap_day_of_the_file_is_left_out_of_common_years():
    texts = pd.date_range("2004-02-28", "2004-03-01 23:00", freq="h").strftime("%Y-%m-%dT%H:%M").tolist()
    times, rows, _ = read(texts, zone="UTC", year=2015)
    assert times[24] == "03-01 00:00"
    assert rows == [*range(24), *range(48, 72)]


def test_seconds_from_an_origin():
    assert read([0, 15, 30], unit="min", origin=datetime(2024, 4, 7, tzinfo=UTC))[0][2] == "04-07 00:30"
    with pytest.raises(InputError, match="times are numbers; say what they count with unit"):
        read([0, 15, 30], zone="UTC")
