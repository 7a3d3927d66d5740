"""A made-up climate of the middle Rhône valley: any week of any year, from a seed.

Calibrated on the typical year of Lyon-Bron 2004-2018 (climate.onebuilding.org, TMYx): yearly course, daily range,
spread and persistence of daily means of dry bulb, dew point and pressure. See docs/inputs.md for what agrees.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from plant_models.psychrometrics import saturation_pressure, wet_bulb
from plant_models.signals import P_AIR, T_DRY, T_WET
from plant_models.units import si

from .context import DAY, Context
from .noise import ar1
from .series import Array, Inputs, Series, Source
from .settings import Strict

HOUR = 3600.0
_YEAR = 365.2425 * DAY
_SOLAR_OFFSET = 1.0  # h, the climate data count in UTC+1

# share of the daily range by hour (UTC+1), deviation from the daily mean: Lyon-Bron, May-August and November-December
_SUMMER = np.array(
    [
        -0.24,
        -0.29,
        -0.35,
        -0.39,
        -0.41,
        -0.41,
        -0.30,
        -0.16,
        -0.03,
        0.08,
        0.19,
        0.27,
        0.33,
        0.37,
        0.39,
        0.38,
        0.35,
        0.30,
        0.23,
        0.11,
        -0.01,
        -0.08,
        -0.15,
        -0.20,
    ]
)
_WINTER = np.array(
    [
        -0.07,
        -0.10,
        -0.15,
        -0.19,
        -0.22,
        -0.26,
        -0.28,
        -0.28,
        -0.22,
        -0.08,
        0.07,
        0.18,
        0.29,
        0.37,
        0.40,
        0.35,
        0.24,
        0.14,
        0.07,
        0.01,
        -0.03,
        -0.05,
        -0.08,
        -0.11,
    ]
)


def weather_series(time: Array, T_dry: Array, T_wet: Array, p: Array, source: Source) -> tuple[Series, ...]:
    """The three weather signals; the wet bulb is kept at or below the dry bulb (they meet in saturated air)."""
    return (
        Series(T_DRY.name, time, T_dry, "linear", source),
        Series(T_WET.name, time, np.minimum(T_wet, T_dry), "linear", source),
        Series(P_AIR.name, time, p, "linear", source),
    )


class SyntheticWeather(Strict):
    """Generated weather; ``offset`` shifts all temperatures for what-if runs (a hotter climate, a cold spell)."""

    source: Literal["synthetic"] = "synthetic"
    offset: Annotated[float, si("delta_K")] = Field(default=0.0, ge=-25.0, le=25.0)

    def build(self, context: Context) -> Inputs:
        """The weather signals for the calendar years of the run, hourly. The same hour is the same for any run."""
        years = [
            np.datetime64(int(edge), "s").astype("datetime64[Y]") for edge in (context.first - DAY, context.last + DAY)
        ]
        start = int(years[0].astype("datetime64[s]").astype(np.int64)) - DAY
        stop = int((years[1] + 1).astype("datetime64[s]").astype(np.int64)) + DAY
        time = np.arange(start, stop + HOUR, HOUR)
        T_dry, T_dew, p = climate(time, context.seed)
        T_dry = T_dry + self.offset
        T_dew = np.minimum(T_dew + self.offset, T_dry)
        rh = saturation_pressure(T_dew) / saturation_pressure(T_dry)
        T_wet = np.asarray(wet_bulb(T_dry, np.clip(rh, 0.05, 1.0), p), dtype=float)
        source = Source(f"synthetic weather, middle Rhône valley, seed {context.seed}", synthetic=True)
        return Inputs.of(*weather_series(time, T_dry, T_wet, p, source))


def climate(time: Array, seed: int) -> tuple[Array, Array, Array]:
    """Dry bulb (K), dew point (K) and pressure (Pa) on hourly times (s, multiples of 3600)."""
    first, count = round(time[0] / HOUR), time.size
    year = 2 * np.pi * (time / _YEAR % 1.0)
    clock = time / HOUR + _SOLAR_OFFSET
    # air masses: half of the variance is shared by dry bulb and dew point (r = 0.70 in Lyon)
    shared = ar1(seed, "weather/air mass", first, count, 48.0)
    dry = ar1(seed, "weather/dry", first, count, 48.0)
    moist = ar1(seed, "weather/moist", first, count, 48.0)
    clear = ar1(seed, "weather/clear sky", first, count, 26.0)
    ripple = ar1(seed, "weather/ripple", first, count, 3.0)
    warm = 0.5 - 0.5 * np.cos(year)
    T_mean = 13.02 - 9.085 * np.cos(year) - 3.161 * np.sin(year) + 3.45 * (0.84 * shared + 0.55 * dry)
    T_dew = 7.07 - 6.089 * np.cos(year) - 3.209 * np.sin(year) + (3.8 - 1.2 * warm) * (0.84 * shared + 0.55 * moist)
    span = np.clip(9.1 - 3.2 * np.cos(year) - 0.25 * np.sin(year) + 4.4 * clear, 1.5, 19.0)
    hour = clock % 24
    shape = [np.interp(hour, np.arange(25), np.append(table, table[0])) for table in (_SUMMER, _WINTER)]
    T_dry = T_mean + span * (warm * shape[0] + (1 - warm) * shape[1]) + 0.5 * ripple
    p = 99377.0 - 70.0 * np.sin(year) + 800.0 * ar1(seed, "weather/pressure", first, count, 110.0)
    return T_dry + 273.15, np.minimum(T_dew, T_dry) + 273.15, np.clip(p, P_AIR.lower, P_AIR.upper)
