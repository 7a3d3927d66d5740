"""What a controller may expect: forecasts as they could have been issued at a moment, with the error they would have.

Three kinds, and only these:

- *a service's forecast* (weather, and heat demand, which follows it): truth plus an error that grows with lead time.
  This is the usual way to emulate a weather service; it uses the truth, and gives it away only as exactly as a
  service of the stated quality would.
- *published in advance* (day-ahead prices): known for the days that have been auctioned, nothing beyond.
- *from the past* (load, CO2, prices beyond the auction): computed from what lies before the moment of issue.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import numpy as np
from pydantic import Field

from controllers.interface import Forecast
from plant_models.psychrometrics import relative_humidity, wet_bulb
from plant_models.signals import CO2_INTENSITY, P_AIR, PRICE_ELECTRICITY, T_DRY, T_WET
from plant_models.units import Duration, TemperatureDifference, si

from .context import DAY
from .market import FORECAST_PREFIX
from .network import NetworkTemperatures
from .noise import white
from .series import Array, InputError, Inputs, Series
from .settings import Strict, parse_zone

HOUR = 3600.0
IT_LOAD = "it.P_load"
Q_DEMAND = "district.Q_demand"
_LOAD_STEP = 300.0
_MARKET = "Europe/Paris"
_TOLERANCE = 1e-6

NonNegative = Annotated[float, si("1"), Field(ge=0, le=1)]


class ForecastSettings(Strict):
    """Quality of the forecasts, and when what is known."""

    T_dry_error: TemperatureDifference = Field(default=1.0, description="root mean square at 24 h lead")
    T_dry_memory: Duration = Field(default=DAY, description="the error's growth levels off after this lead")
    demand_error: NonNegative = Field(default=0.06, description="relative, root mean square at 24 h, weather aside")
    demand_memory: Duration = 12 * HOUR
    demand_per_K: NonNegative = Field(
        default=0.04,
        description="relative rise of heat demand per K of colder air below 10 °C, fading out at 18 °C: "
        "one over the 25 K between -5 °C outside and 20 °C inside (assumption)",
    )
    load_memory: Duration = Field(
        default=1.3 * HOUR,
        description="how fast the present load is forgotten: 0.88 autocorrelation at 10 min (Frontier 2023)",
    )
    load_days: int = Field(default=5, ge=1, le=28, description="past days that make the expected load of an hour")
    auction_published: str = Field(default="12:45", pattern=r"^\d\d:\d\d$", description="market time, for tomorrow")
    price_forecast: str | None = Field(default=None, description="name of a published forecast among the prices'")
    price_forecast_published: str = Field(
        default="10:00", pattern=r"^\d\d:\d\d$", description="market time, for tomorrow"
    )


def _clock(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


class Forecaster:
    """Issues forecasts from the inputs of a run.

    Errors are drawn per hour of the calendar from ``seed``: two forecasts of one moment share what they have in
    common, and the later is the better one. ``network`` gives the network's temperatures from the forecast weather;
    without it the present ones are taken to stay. Raises InputError if ``settings`` name a forecast that the inputs
    do not have.
    """

    def __init__(
        self, inputs: Inputs, settings: ForecastSettings, seed: int, network: NetworkTemperatures | None = None
    ) -> None:
        self.inputs, self.settings, self.seed, self.network = inputs, settings, seed, network
        self._districts = [name.removesuffix(".Q_demand") for name in inputs if name.endswith(".Q_demand")]
        self._loads = [name for name in inputs if name.endswith(".P_it")]
        self._load_time, self._load = self._total_load()
        self._published: Series | None = None
        if settings.price_forecast is not None:
            name = FORECAST_PREFIX + settings.price_forecast
            if name not in inputs:
                there = [one.removeprefix(FORECAST_PREFIX) for one in inputs if one.startswith(FORECAST_PREFIX)]
                raise InputError(
                    f"forecast: price_forecast names {settings.price_forecast!r}; the price input gives "
                    f"{', '.join(there) or 'no forecasts'}"
                )
            self._published = inputs[name]

    def issue(self, time: float, grid: Array) -> Forecast:
        """The forecast issued at ``time`` (s) for the increasing times ``grid`` (s), none of them before ``time``.

        Raises InputError where the weather or the demand do not reach as far as ``grid``.
        """
        grid = np.asarray(grid, dtype=float)
        if grid.size == 0 or grid[0] < time - _TOLERANCE or np.any(np.diff(grid) <= 0):
            raise InputError("a forecast is for increasing times from the moment of issue on")
        values: dict[str, Array] = {}
        air_error = self._error("weather", time, grid, self.settings.T_dry_error, self.settings.T_dry_memory)
        values.update(self._weather(time, grid, air_error))
        values.update(self._district(time, grid, values[T_DRY.name], air_error))
        if self._loads:
            values[IT_LOAD] = self._expected_load(time, grid)
        if PRICE_ELECTRICITY.name in self.inputs:
            values[PRICE_ELECTRICITY.name] = self._price(time, grid)
        if CO2_INTENSITY.name in self.inputs:
            values[CO2_INTENSITY.name] = self._same_hour(self.inputs[CO2_INTENSITY.name], grid, time, (DAY,))
        return Forecast(grid, values)

    # --- a service's forecast -----------------------------------------------------------------------------------

    def _error(self, label: str, time: float, grid: Array, rms: float, memory: float) -> Array:
        """An autoregressive error that starts at 0 at ``time`` and has the root mean square ``rms`` at 24 h."""
        rho = np.exp(-HOUR / memory)
        scale = rms * np.sqrt((1 - rho**2) / (1 - rho**48))
        first = int(np.floor(time / HOUR)) + 1
        count = max(int(np.ceil(grid[-1] / HOUR)) - first + 1, 1)
        shocks = scale * white(self.seed, f"forecast/{label}", first, count)
        shocks[0] *= np.sqrt(first - time / HOUR)  # the part of the hour that is still ahead
        error = np.zeros(count + 1)
        for hour in range(count):
            error[hour + 1] = rho * error[hour] + shocks[hour]
        return np.interp(grid, np.append(time, (first + np.arange(count)) * HOUR), error)

    def _weather(self, time: float, grid: Array, error: Array) -> Mapping[str, Array]:
        T, T_wet, p = self.inputs.sample([T_DRY.name, T_WET.name, P_AIR.name], grid).T
        humidity = np.clip(relative_humidity(T, T_wet, p), 0.01, 1.0)
        expected = T + error
        wet = np.asarray(wet_bulb(expected, humidity, p), dtype=float)
        return {
            T_DRY.name: expected,
            T_WET.name: np.minimum(wet, expected),
            P_AIR.name: np.full(grid.size, float(self.inputs[P_AIR.name].sample(time)[0])),
        }

    def _district(self, time: float, grid: Array, T_dry: Array, air_error: Array) -> dict[str, Array]:
        values: dict[str, Array] = {}
        error = self._error("demand", time, grid, self.settings.demand_error, self.settings.demand_memory)
        slope = self.settings.demand_per_K * np.clip((291.15 - T_dry) / 8.0, 0.0, 1.0)
        factor = np.maximum(1 + error - slope * air_error, 0.0)
        for district in self._districts:
            demand = self.inputs[f"{district}.Q_demand"].sample(grid) * factor
            values[f"{district}.Q_demand"] = demand
            for signal in ("T_supply_required", "T_return"):
                name = f"{district}.{signal}"
                if name not in self.inputs:
                    continue
                if self.network is None:
                    values[name] = np.full(grid.size, float(self.inputs[name].sample(time)[0]))
                else:
                    curve = self.network.T_supply if signal == "T_supply_required" else self.network.T_return
                    values[name] = curve(T_dry)
        if self._districts:
            values[Q_DEMAND] = np.sum([values[f"{name}.Q_demand"] for name in self._districts], axis=0)
        return values

    # --- from the past ------------------------------------------------------------------------------------------

    def _total_load(self) -> tuple[Array, Array]:
        if not self._loads:
            return np.empty(0), np.empty(0)
        start = max(self.inputs[name].start for name in self._loads)
        end = min(self.inputs[name].end for name in self._loads)
        time = np.arange(np.ceil(start / _LOAD_STEP), np.floor(end / _LOAD_STEP) + 1) * _LOAD_STEP
        if not time.size:
            raise InputError(f"the loads cover less than {_LOAD_STEP:g} s")
        total = np.zeros(time.size)
        for name in self._loads:  # one at a time: a year of 70 loads does not fit in memory twice
            total += self.inputs[name].sample(time)
        return time, total

    def _expected_load(self, time: float, grid: Array) -> Array:
        """What recent days had at this hour, and how far the present is off, fading.

        The hourly mean of the days counts as far as they agree: it is drawn to the mean over all hours by the share
        of its variance that days without any pattern would show as well (Stein's shrinkage).
        """
        here = int(np.searchsorted(self._load_time, time + _TOLERANCE, side="right")) - 1
        if here < 0:
            raise InputError(f"no load is known before {self.inputs[self._loads[0]].start:.0f} s")
        past = self._load[: here + 1]
        per_day = round(DAY / _LOAD_STEP)
        days = min(past.size // per_day, self.settings.load_days)
        ahead = np.maximum(grid - self._load_time[here], 0.0)
        if days:
            table = past[past.size - days * per_day :].reshape(days, per_day)
            recent = table.mean(axis=0)
            spread, noise = float(recent.var()), float(table.var(axis=0, ddof=1).mean()) / days if days > 1 else np.inf
            recent = recent.mean() + max(1 - noise / max(spread, 1e-12), 0.0) * (recent - recent.mean())
            window = 12  # an hour, so that one job's start does not draw a step at the same time every day
            smooth = np.convolve(
                np.concatenate([recent[-window:], recent, recent[:window]]),
                np.full(window + 1, 1 / (window + 1)),
                mode="same",
            )[window:-window]
            # recent[k] is what lies k + 1 steps after the same clock time as now
            index = np.mod(np.round(ahead / _LOAD_STEP).astype(int) - 1, per_day)
            profile, usual = smooth[index], float(smooth[-1])
        else:
            profile, usual = np.full(grid.size, past.mean()), float(past.mean())
        expected: Array = profile + (float(past[-1]) - usual) * np.exp(-ahead / self.settings.load_memory)
        # a low profile and a low present must not add up to less than was ever seen
        return np.clip(expected, past.min(), past.max())

    @staticmethod
    def _same_hour(series: Series, grid: Array, known_until: float, periods: tuple[float, ...]) -> Array:
        """The value of the same time of day in the last known period: the first of ``periods`` that data reach."""
        out = np.empty(grid.size)
        todo = np.ones(grid.size, dtype=bool)
        for period in periods:
            back = np.ceil(np.maximum(grid - known_until, 0.0) / period) * period
            asked = grid - back
            here = todo & (asked >= series.start)
            if here.any():
                out[here] = series.sample(np.minimum(asked[here], known_until))
            todo &= ~here
        if todo.any():
            out[todo] = float(series.sample(max(known_until, series.start))[0])
        return out

    # --- published in advance -----------------------------------------------------------------------------------

    def _horizon(self, time: float, published: str) -> float:
        """End (s) of the last local market day that is public at ``time``; its own value no longer belongs to it."""
        zone = parse_zone(_MARKET)
        local = datetime.fromtimestamp(time, UTC).astimezone(zone)
        midnight = datetime(local.year, local.month, local.day)
        days = 2 if local.replace(tzinfo=None) >= midnight + _clock(published) else 1
        return (midnight + timedelta(days=days)).replace(tzinfo=zone).timestamp()

    def _price(self, time: float, grid: Array) -> Array:
        series = self.inputs[PRICE_ELECTRICITY.name]
        auctioned = self._horizon(time, self.settings.auction_published)
        known = grid < min(auctioned, series.end) - _TOLERANCE
        out = np.empty(grid.size)
        out[known] = series.sample(grid[known])
        rest = ~known
        if self._published is not None:
            public = min(self._horizon(time, self.settings.price_forecast_published), self._published.end)
            here = rest & (grid < public - _TOLERANCE)
            out[here] = self._published.sample(grid[here])
            rest &= ~here
        if rest.any():
            last = min(auctioned, series.end) - 1.0
            out[rest] = self._same_hour(series, grid[rest], last, (7 * DAY, DAY))
        return out
