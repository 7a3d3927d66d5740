import base64
import struct
import zlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.report.charts import POINTS, Chart, Grid, Line, nice_ticks, tick_label, time_ticks
from twin.report.display import duration, energy, number, period, power, shown, title_of, volume, zone
from twin.report.heatmap import ABOVE, colours
from twin.report.svg import band, path, png, tag, text


@pytest.mark.parametrize(("value", "words"), [
    (None, "–"), (float("nan"), "–"), (float("inf"), "∞"), (0.0, "0"), (7.0, "7"), (1.0234, "1.02"), (0.5, "0.5"),
    (12345.6, "12\u202f346"), (-12345.6, "\u221212\u202f346"), (2.593e-14, "2.6·10⁻¹⁴"), (99.96, "100"), (61.04, "61"),
    (61.05, "61"), (61.06, "61.1"), (0.0625, "0.0625"), (-0.5, "\u22120.5"), (999.6, "1\u202f000"),
])  # fmt: skip
def test_numbers_read_well(value: float | None, words: str) -> None:
    assert number(value) == words


def test_quantities_take_the_unit_that_reads_well() -> None:
    assert energy(5.0 * 3.6e9) == "5\u202fMWh"
    assert energy(0.067 * 3.6e9) == "67\u202fkWh"
    assert power(58e3) == "58\u202fkW"
    assert power(2.4e6) == "2.4\u202fMW"
    assert volume(0.0017) == ("1.7", "litres")
    assert volume(661.0) == ("661", "m³")
    assert shown(np.array([300.0]), "K")[1] == "°C"
    assert shown(np.array([60 / 3.6e9]), "EUR/J")[0][0] == pytest.approx(60)


def test_names_and_times_read_well() -> None:
    assert title_of("fws_pump") == "FWS pump"
    assert title_of("hall.supply.3") == "Hall supply 3"

    def days(year: int, month: int, day: int, length: float) -> str:
        start = datetime(year, month, day, tzinfo=UTC)
        return period(start, start + timedelta(days=length))

    assert days(2025, 1, 13, 7) == "13 to 19 January 2025"
    assert days(2025, 1, 27, 7) == "27 January to 2 February 2025"
    assert days(2024, 12, 30, 7) == "30 December 2024 to 5 January 2025"
    assert days(2025, 1, 13, 0.25) == "13 January 2025"
    assert duration(7 * 86400) == "7 days"
    assert duration(6 * 3600) == "6 h"


def test_an_unknown_time_zone_is_shown_as_utc() -> None:
    assert zone("Mars/Olympus") == (UTC, "UTC")


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_ticks_are_round_and_cover_the_range(low: float, span: float, count: int) -> None:
    ticks = nice_ticks(low, low + span, count)
    step = ticks[1] - ticks[0]
    slack = 1e-6 * max(step, abs(low) * 1e-6)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + span - slack
    assert 2 <= len(ticks) <= 2 * count + 3


def test_tick_labels_have_as_many_decimals_as_needed() -> None:
    ticks = [0.0, 0.25, 0.5]
    assert [tick_label(tick, ticks) for tick in ticks] == ["0", "0.25", "0.50"]
    assert tick_label(-20000.0, [-20000.0, 0.0]) == "\u221220\u202f000"


def test_days_of_a_week_start_at_local_midnight_across_a_clock_change() -> None:
    paris = ZoneInfo("Europe/Paris")
    start = datetime(2025, 3, 28, tzinfo=paris).timestamp()
    ticks = time_ticks(start, start + 4 * 86400, paris, 5)
    assert [words for _, words in ticks] == ["Fri 28", "Sat 29", "Sun 30", "Mon 31", "Tue 1"]
    assert all(datetime.fromtimestamp(at, tz=paris).hour == 0 for at, _ in ticks)


@given(st.integers(1, 4000), st.sampled_from([60.0, 300.0, 900.0]))
def test_a_grid_keeps_the_integral_and_the_extremes(n: int, interval: float) -> None:
    values = np.sin(np.arange(n) * 0.37) * 10
    grid = Grid.of(1.7e9 + np.arange(n + 1) * interval)
    assert len(grid.middle) <= POINTS + 1
    assert float(grid.mean(values) @ np.diff(grid.edges)) == pytest.approx(values.sum() * interval, abs=1e-3)
    assert grid.highest(values).max() == values.max()
    assert grid.lowest(values).min() == values.min()


def test_lines_and_bands_break_where_nothing_is_known() -> None:
    x, y = np.arange(5.0), np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    assert path(x, y) == "M0 1L1 2M3 4L4 5"
    assert band(x, y - 1, y).count("Z") == 2


def test_svg_escapes_words_and_attributes() -> None:
    assert text("a < b & c", 1, 2) == '<text x="1" y="2">a &lt; b &amp; c</text>'
    assert tag("g", data_label='say "hi"') == '<g data-label="say &quot;hi&quot;"/>'


def test_pictures_of_pixels_are_png() -> None:
    data = base64.b64decode(png(np.zeros((2, 3, 3), dtype=np.uint8)).partition(",")[2])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (3, 2)
    at = data.index(b"IDAT") + 4
    assert zlib.decompress(data[at : at + struct.unpack(">I", data[at - 8 : at - 4])[0]]) == b"\0" * 20


def test_what_is_above_the_limit_has_a_colour_of_its_own() -> None:
    found = colours(np.array([[20.0, 80.0, 80.1]]), 20.0, 80.0)
    assert (found[0, 2] == ABOVE).all()
    assert not (found[0, :2] == ABOVE).all(axis=1).any()


def test_a_chart_of_one_constant_line_has_a_range() -> None:
    time = np.array([0.0, 3600.0])
    chart = Chart("one", "K", 0.0, 3600.0, UTC, lines=[Line("x", time, np.array([5.0, 5.0]), "ink")])
    assert "nan" not in chart.draw()
