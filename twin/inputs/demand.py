"""Heat demand of the district: from annual energy and the weather (BDEW profiles of demandlib), or from a file."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from plant_models.signals import T_DRY
from plant_models.units import Energy, Fraction

from .context import Context
from .network import NetworkTemperatures
from .series import Array, InputError, Inputs, Series, Source
from .settings import Column, FileInput, Strict, parse_zone
from .table import Wanted, read_series, read_table

HOUR = 3600.0


def _consumers(context: Context) -> dict[str, float]:
    shares = context.plant.demand_shares
    if not shares:
        raise InputError("a heat demand is given and the plant has no district that takes heat; remove demand")
    return shares


def _annual(stated: float | None, context: Context) -> float:
    energy = stated or context.plant.annual_heat
    if energy is None:
        raise InputError(
            "the annual heat demand is not known; give demand: annual_heat: 75 GWh, or state it in the site"
        )
    return energy


def _weather(context: Context) -> Series:
    if context.weather is None:
        raise InputError("heat demand follows the weather; build the weather first")
    return context.weather[T_DRY.name]


def _give(demand: Series, network: NetworkTemperatures | None, context: Context) -> list[Series]:
    """Every consumer's part of the demand, with the temperatures that a whole network then has."""
    shares, weather, district = _consumers(context), _weather(context), context.plant.district_name
    parts = [
        demand.renamed(f"{name}.Q_demand")
        if share == 1.0
        else Series(f"{name}.Q_demand", demand.time, share * demand.values, demand.interpolation, demand.source)
        for name, share in shares.items()
    ]
    if district is None:
        return parts
    curves = network or context.plant.network or NetworkTemperatures()
    source = Source(f"network curve of the air outside: {weather.source.label}", weather.source.synthetic)
    return [
        *parts,
        Series(f"{district}.T_supply_required", weather.time, curves.T_supply(weather.values), "linear", source),
        Series(f"{district}.T_return", weather.time, curves.T_return(weather.values), "linear", source),
    ]


class AnnualDemand(Strict):
    """Hourly demand whose calendar year sums up to ``annual_heat``, by the BDEW standard load profiles.

    A mix of apartment buildings (MFH, class ``building_class``) and, to the share ``commercial``, trade and services
    (GHD). The profiles are German practice; French public holidays count as Sundays. Needs weather for every calendar
    year of the run, from its first to its last hour, to normalise.
    """

    source: Literal["annual", "synthetic"] = "annual"
    annual_heat: Energy | None = Field(default=None, description="of a calendar year; default: the site's")
    commercial: Fraction = 0.3
    building_class: int = Field(default=5, ge=1, le=11)
    zone: str = "Europe/Paris"
    network: NetworkTemperatures | None = None

    def build(self, context: Context) -> Inputs:
        """``<district>.Q_demand`` (W), ``T_supply_required``, ``T_return`` (K). Raises InputError."""
        weather = _weather(context)
        energy = _annual(self.annual_heat, context)
        zone = parse_zone(self.zone)
        years = [
            pd.Timestamp(edge, unit="s", tz="UTC").tz_convert(zone).year
            for edge in (max(context.first, weather.start + 86400), min(context.last, weather.end - 86400))
        ]
        times, values = [], []
        for year in range(years[0], years[1] + 1):
            first, last = (pd.Timestamp(edge, 1, 1, tz=zone).timestamp() for edge in (year, year + 1))
            time = np.arange(first, last, HOUR)
            if weather.start > time[0] or weather.end < time[-1]:
                raise InputError(
                    f"demand by annual heat needs the weather of all of {year} to normalise; "
                    f"{weather.source.label} does not reach so far. Give a whole year, lay a typical one "
                    "onto it with year: scenario, or give the demand as a file"
                )
            local = pd.DatetimeIndex(pd.to_datetime(time, unit="s", utc=True).tz_convert(zone).tz_localize(None))
            share = self._profile(year, local, weather.sample(time))
            times.append(time)
            values.append(energy * share / (share.sum() * HOUR))
        label = (
            f"BDEW load profiles (demandlib), {1 - self.commercial:.0%} housing, {self.commercial:.0%} "
            f"commercial, {energy / 3.6e12:g} GWh a year, on {weather.source.label}"
        )
        demand = Series("Q_demand", np.concatenate(times), np.concatenate(values), "linear", Source(label, True))
        return Inputs.of(*_give(demand, self.network, context))

    def _profile(self, year: int, local: pd.DatetimeIndex, T_dry: Array) -> Array:
        """Shares at the wall-clock hours ``local`` with their temperatures (K), not normalised."""
        from demandlib import bdew

        hours = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="h", inclusive="left")
        # demandlib counts in wall-clock hours: the skipped one takes the temperature before it
        by_hour = pd.Series(T_dry - 273.15, index=local).groupby(level=0).mean().reindex(hours).ffill()
        days = by_hour.resample("D").mean()
        if days.min() <= -21 or days.max() > 40:
            raise InputError(
                f"BDEW load profiles hold for daily means of the air outside from -20 to 40 °C; found "
                f"{days.min():.1f} to {days.max():.1f} °C in {year}"
            )
        total = np.zeros(hours.size)
        for kind, building_class, share in (
            ("MFH", self.building_class, 1 - self.commercial),
            ("GHD", 0, self.commercial),
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # demandlib's, of pandas' next major version
                building = bdew.HeatBuilding(
                    hours,
                    temperature=by_hour,
                    shlp_type=kind,
                    building_class=building_class,
                    wind_class=0,
                    annual_heat_demand=1.0,
                    holidays=dict.fromkeys(french_holidays(year), "holiday"),
                )
                total += share * building.get_bdew_profile().to_numpy()
        return np.asarray(pd.Series(total, index=hours).reindex(local), dtype=float)


def french_holidays(year: int) -> list[date]:
    """Public holidays of metropolitan France."""
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    return sorted([date(year, *day) for day in fixed] + [_easter(year) + timedelta(days=days) for days in (1, 39, 50)])


class CsvDemand(FileInput):
    """Hourly demand from a table: power, or shares of the annual energy that each hour takes.

    ``quantity: share`` needs ``unit: "1"`` or percent and rows one hour apart; they are multiplied by ``annual_heat``.
    """

    source: Literal["csv"]
    column: str
    unit: str
    quantity: Literal["power", "share"]
    annual_heat: Energy | None = Field(default=None, description="of a calendar year, for shares")
    network: NetworkTemperatures | None = None

    @model_validator(mode="after")
    def _consistent(self) -> CsvDemand:
        if self.quantity == "power" and self.annual_heat is not None:
            raise ValueError("annual_heat is for quantity: share; power is taken as it is")
        return self

    def build(self, context: Context) -> Inputs:
        """``<district>.Q_demand`` (W), ``T_supply_required``, ``T_return`` (K). Raises InputError."""
        table = read_table(context.find(self.file, self.origin))
        column = Column(column=self.column, unit=self.unit)
        if self.quantity == "power":
            wanted = Wanted("Q_demand", column, "W", 0.0, 1e9)
            scale = 1.0
        else:
            wanted = Wanted("Q_demand", column, "1", 0.0, 1.0)
            scale = _annual(self.annual_heat, context) / HOUR
        read = read_series(table, self, [wanted], "linear", context)
        raw = read["Q_demand"]
        steps = np.diff(raw.time)
        if self.quantity == "share" and not np.allclose(steps, HOUR):
            raise InputError(
                f"{table.name}: shares of the annual heat are hourly, rows here are "
                f"{float(np.median(steps)) / HOUR:g} h apart"
            )
        label = raw.source.label + (f", {scale * HOUR / 3.6e12:g} GWh a year" if self.quantity == "share" else "")
        demand = Series("Q_demand", raw.time, raw.values * scale, "linear", Source(label, raw.source.synthetic))
        return Inputs.of(*_give(demand, self.network, context), notes=read.notes)


def _easter(year: int) -> date:
    """Easter Sunday (Gauss's rule in the form of Meeus, Astronomical Algorithms, 1991, ch. 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


Demand = Annotated[AnnualDemand | CsvDemand, Field(discriminator="source")]
