"""Made-up French day-ahead prices and CO2 intensity of French electricity.

Prices: shape by hour, kind of day and season, spread and persistence of daily means, spikes: from the French
day-ahead auction of 2015 and 2016 (as published with epftoolbox). ``solar`` adds the midday trough and the negative
hours that have come since. CO2: level 20 to 80 g/kWh of the French mix; its daily and weekly course is an assumption.
"""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pydantic import Field

from plant_models.signals import CO2_INTENSITY, PRICE_ELECTRICITY
from plant_models.units import EnergyPrice, Fraction, si

from .context import DAY, Context
from .noise import ar1, events, uniform, white
from .series import Array, Inputs, Series, Source
from .settings import Strict

HOUR = 3600.0
EUR_PER_MWH = 1 / 3.6e9
G_PER_KWH = 1e-3 / 3.6e6
MARKET_ZONE = "Europe/Paris"

# hourly price over the day's mean, French day-ahead 2015-2016, medians: summer (April to September) and winter;
# working day, Saturday, Sunday
_SHAPES = np.array(
    [
        [
            [
                0.85,
                0.77,
                0.72,
                0.66,
                0.65,
                0.73,
                0.93,
                1.13,
                1.21,
                1.20,
                1.17,
                1.16,
                1.11,
                1.08,
                1.04,
                0.99,
                0.98,
                1.03,
                1.11,
                1.17,
                1.15,
                1.10,
                1.10,
                1.00,
            ],
            [
                1.12,
                1.00,
                0.93,
                0.85,
                0.82,
                0.81,
                0.85,
                0.92,
                1.02,
                1.09,
                1.05,
                1.04,
                1.02,
                0.93,
                0.88,
                0.84,
                0.84,
                0.93,
                1.10,
                1.18,
                1.18,
                1.17,
                1.24,
                1.14,
            ],
            [
                1.22,
                1.04,
                0.96,
                0.85,
                0.81,
                0.79,
                0.77,
                0.79,
                0.88,
                0.91,
                0.92,
                0.94,
                0.99,
                0.87,
                0.78,
                0.70,
                0.70,
                0.87,
                1.12,
                1.33,
                1.44,
                1.44,
                1.53,
                1.42,
            ],
        ],
        [
            [
                0.83,
                0.76,
                0.71,
                0.65,
                0.64,
                0.71,
                0.92,
                1.15,
                1.21,
                1.20,
                1.16,
                1.13,
                1.08,
                1.04,
                1.01,
                0.98,
                1.00,
                1.12,
                1.27,
                1.30,
                1.13,
                0.99,
                0.98,
                0.94,
            ],
            [
                1.04,
                0.94,
                0.91,
                0.82,
                0.77,
                0.79,
                0.87,
                0.95,
                1.02,
                1.10,
                1.11,
                1.07,
                1.06,
                1.00,
                0.91,
                0.89,
                0.89,
                1.07,
                1.24,
                1.27,
                1.13,
                1.01,
                1.05,
                1.02,
            ],
            [
                1.09,
                1.00,
                0.89,
                0.80,
                0.73,
                0.72,
                0.77,
                0.83,
                0.88,
                0.96,
                1.02,
                1.05,
                1.08,
                0.98,
                0.83,
                0.81,
                0.84,
                1.07,
                1.33,
                1.47,
                1.39,
                1.21,
                1.26,
                1.15,
            ],
        ],
    ]
)
_SHAPES = _SHAPES / _SHAPES.mean(axis=2, keepdims=True)
# daily mean over the yearly mean
_WEEKDAYS = np.array([1.09, 1.09, 1.09, 1.09, 1.09, 0.87, 0.71])
_MONTHS = np.array([1.08, 1.07, 1.00, 0.86, 0.72, 0.80, 0.90, 0.84, 1.00, 1.26, 1.34, 1.13])
_SPIKE_EVERY = 45.0  # days with an hour far above the rest
_SUN = np.clip(np.sin((np.arange(24) - 7.5) * np.pi / 13), 0.0, None)  # local summer time


class SyntheticPrice(Strict):
    """Generated day-ahead prices of ``mean`` over the year (default: what the site expects, else 60 EUR/MWh).

    ``solar`` (0..1): how deep sunshine cuts the midday price, 0 as in 2015-2016.
    """

    source: Literal["synthetic"] = "synthetic"
    mean: EnergyPrice | None = None
    solar: Fraction = 0.3

    def build(self, context: Context) -> Inputs:
        """``market.price_electricity`` (EUR/J), hourly."""
        time = context.grid(HOUR)
        mean = self.mean if self.mean is not None else context.plant.electricity_mean or 60 * EUR_PER_MWH
        prices = day_ahead(time, self.solar, context.seed) * mean
        label = f"synthetic day-ahead price, mean {mean / EUR_PER_MWH:g} EUR/MWh, seed {context.seed}"
        source = Source(label, synthetic=True)
        return Inputs.of(Series(PRICE_ELECTRICITY.name, time, prices, "hold", source))


def _calendar(time: Array) -> tuple[pd.DatetimeIndex, Array]:
    """Local wall clock of the market, and the number of the local day."""
    local = pd.to_datetime(time, unit="s", utc=True).tz_convert(ZoneInfo(MARKET_ZONE)).tz_localize(None)
    days = (local.normalize() - pd.Timestamp(0)) // pd.Timedelta(days=1)
    return local, np.asarray(days, dtype=np.intp)


def day_ahead(time: Array, solar: float, seed: int) -> Array:
    """Prices relative to the yearly mean, on hourly times (s)."""
    local, day = _calendar(time)
    first, count = int(day[0]), int(day[-1] - day[0]) + 1
    of_day = day - first
    # kind of the day: means, seasons
    weekday = np.asarray(local.day_of_week)
    month = np.asarray(local.month)
    summer = (month >= 4) & (month <= 9)
    kind = np.clip(weekday - 4, 0, 2)
    hour = np.asarray(local.hour)
    mood = np.exp(
        0.22 * ar1(seed, "price/mood", first, count, 1.2)
        + 0.16 * ar1(seed, "price/season", first, count, 25.0)
        - 0.5 * (0.22**2 + 0.16**2)
    )
    depth = np.exp(0.25 * white(seed, "price/depth", first, count))
    level = _WEEKDAYS[weekday] * _MONTHS[month - 1] * mood[of_day]
    shape = 1 + depth[of_day] * (_SHAPES[np.where(summer, 0, 1), kind, hour] - 1)
    noise = 0.05 * ar1(seed, "price/hour", round(time[0] / HOUR), time.size, 2.0)
    sunny = np.clip(0.55 + 0.35 * ar1(seed, "price/sun", first, count, 2.0), 0.0, 1.0)[of_day]
    season = np.clip(0.55 - 0.45 * np.cos(2 * np.pi * (month - 0.5) / 12), 0.0, None)
    dip = 2.6 * solar * (sunny * season * _SUN[hour] - 0.30 * _SUN.mean())
    spiked = events(seed, "price/spike", first, count, _SPIKE_EVERY)
    height = 0.6 - 1.1 * np.log1p(-uniform(seed, "price/height", first, count))
    peak = np.where(summer, 0, 1)  # summer spikes hit the morning peak, winter spikes both
    at_peak = (np.abs(hour - 9) <= 1) | ((peak == 1) & (np.abs(hour - 18.5) <= 1))
    spike = np.where(spiked[of_day] & at_peak & (kind == 0), height[of_day], 0.0)
    return np.asarray(level * (shape + noise) - dip + spike, dtype=float)


class SyntheticCo2(Strict):
    """Generated CO2 intensity around ``mean``: higher in winter, on working days and in the evening peak."""

    source: Literal["synthetic"] = "synthetic"
    mean: Annotated[float, si("kg/J"), Field(ge=0)] = 42 * G_PER_KWH

    def build(self, context: Context) -> Inputs:
        """``market.co2_intensity`` (kg/J), hourly."""
        time = context.grid(HOUR)
        local, _ = _calendar(time)
        year = 2 * np.pi * (time / (365.2425 * DAY) % 1.0)
        hour = np.asarray(local.hour)
        daily = 0.10 * np.cos(2 * np.pi * (hour - 19) / 24) + 0.05 * np.cos(4 * np.pi * (hour - 8) / 24)
        week = np.where(np.asarray(local.day_of_week) >= 5, -0.12, 0.05)
        weather = 0.22 * ar1(
            seed=context.seed, label="co2/weather", first=round(time[0] / HOUR), count=time.size, steps=60.0
        )
        values = self.mean * np.exp(0.22 * np.cos(year) + daily + week + weather - 0.05)
        source = Source(f"synthetic CO2 intensity, French mix, seed {context.seed}", synthetic=True)
        return Inputs.of(Series(CO2_INTENSITY.name, time, values, "hold", source))
