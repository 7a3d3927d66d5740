"""Electricity prices, published forecasts of them, and CO2 intensity, from files."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from plant_models.signals import CO2_INTENSITY, PRICE_ELECTRICITY
from plant_models.units import EnergyPrice, si

from .context import Context
from .series import InputError, Inputs, Series, Source
from .settings import Column, FileInput, Strict
from .synthetic_market import EUR_PER_MWH, G_PER_KWH, SyntheticCo2, SyntheticPrice
from .table import Wanted, read_series, read_table

FORECAST_PREFIX = "market.price_forecast."
_CURRENCIES = {"usd", "gbp", "chf", "sek", "nok", "dkk", "pln", "czk", "huf", "ron", "jpy", "cny", "cad", "aud"}
_LOWEST, _HIGHEST = -1000 * EUR_PER_MWH, 10000 * EUR_PER_MWH  # beyond the limits of the European auction


def _refuse_other_currency(file: str, column: Column) -> None:
    """Raises InputError for a unit or a column name that speaks of another currency than the euro."""
    parts = set(re.split(r"[^a-z]+", f"{column.column} {column.unit}".lower()))
    foreign = sorted(parts & _CURRENCIES) + [sign for sign in "$£¥" if sign in column.column + column.unit]
    if foreign or "EUR" not in column.unit:
        found = foreign[0].upper() if foreign else column.unit
        raise InputError(
            f"{file}, column {column.column!r} in {column.unit!r}: found {found}, accepted are prices in "
            "EUR per energy, such as EUR/MWh; convert the column first and say at which rate"
        )


class CsvPrice(FileInput):
    """Day-ahead prices from a table, each holding until the next; ``forecasts``: published forecasts of them by name.

    A published forecast counts as known on the day before delivery, from the hour that the forecast settings say.
    """

    source: Literal["csv"]
    price: Column
    forecasts: dict[str, Column] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _euro(self) -> CsvPrice:
        for column in (self.price, *self.forecasts.values()):
            _refuse_other_currency(self.file, column)
        return self

    def build(self, context: Context) -> Inputs:
        """``market.price_electricity`` and ``market.price_forecast.<name>`` (EUR/J). Raises InputError."""
        names = {
            PRICE_ELECTRICITY.name: self.price,
            **{FORECAST_PREFIX + name: column for name, column in self.forecasts.items()},
        }
        wanted = [Wanted(name, column, "EUR/J", _LOWEST, _HIGHEST) for name, column in names.items()]
        return read_series(read_table(context.find(self.file, self.origin)), self, wanted, "hold", context)


class CsvCo2(FileInput):
    """CO2 intensity from a table."""

    source: Literal["csv"]
    co2_intensity: Column

    def build(self, context: Context) -> Inputs:
        """``market.co2_intensity`` (kg/J). Raises InputError."""
        wanted = Wanted(CO2_INTENSITY.name, self.co2_intensity, "kg/J", 0.0, 2000 * G_PER_KWH)
        return read_series(read_table(context.find(self.file, self.origin)), self, [wanted], "hold", context)


def _constant(name: str, value: float, context: Context) -> Inputs:
    return Inputs.of(
        Series(
            name,
            context.grid(86400.0),
            context.grid(86400.0) * 0 + value,
            "hold",
            Source("constant, as the scenario says", synthetic=True),
        )
    )


class ConstantPrice(Strict):
    """One price throughout."""

    source: Literal["constant"]
    price: EnergyPrice

    def build(self, context: Context) -> Inputs:
        """``market.price_electricity`` (EUR/J)."""
        return _constant(PRICE_ELECTRICITY.name, self.price, context)


class ConstantCo2(Strict):
    """One CO2 intensity throughout."""

    source: Literal["constant"]
    co2_intensity: Annotated[float, si("kg/J"), Field(ge=0)]

    def build(self, context: Context) -> Inputs:
        """``market.co2_intensity`` (kg/J)."""
        return _constant(CO2_INTENSITY.name, self.co2_intensity, context)


Price = Annotated[SyntheticPrice | CsvPrice | ConstantPrice, Field(discriminator="source")]
Co2 = Annotated[SyntheticCo2 | CsvCo2 | ConstantCo2, Field(discriminator="source")]
