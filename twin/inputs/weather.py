"""Weather from files: EPW (through pvlib) and CSV or Parquet with declared columns."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from plant_models.psychrometrics import saturation_pressure, wet_bulb
from plant_models.signals import P_AIR, T_DRY, T_WET
from plant_models.units import TemperatureDifference, si

from .context import Context
from .series import InputError, Inputs
from .settings import Column, FileInput, Repair, Strict, TimeColumn
from .synthetic_weather import SyntheticWeather, weather_series
from .table import Table, Wanted, read_series, read_table

_EPW_FIRST_LINE = 9


def _build(
    table: Table,
    settings: FileInput,
    columns: dict[str, Column],
    pressure: float | None,
    largest_step: float,
    context: Context,
) -> Inputs:
    ranges = {
        "T_dry": ("K", T_DRY.lower, T_DRY.upper),
        "T_wet": ("K", T_WET.lower, T_WET.upper),
        "T_dew": ("K", 180.0, T_WET.upper),
        "relative_humidity": ("1", 0.0, 1.1),
        "p": ("Pa", P_AIR.lower, P_AIR.upper),
    }
    read = read_series(
        table,
        settings,
        [
            Wanted(name, column, *ranges[name], largest_step=largest_step if name == "T_dry" else np.inf)
            for name, column in columns.items()
        ],
        "linear",
        context,
    )
    dry = read["T_dry"]
    T = dry.values
    p = read["p"].values if "p" in read else np.full(T.size, pressure)
    if "T_wet" in read:
        T_wet = read["T_wet"].values
    else:
        humidity = (
            read["relative_humidity"].values
            if "relative_humidity" in read
            else saturation_pressure(read["T_dew"].values) / saturation_pressure(T)
        )
        T_wet = np.asarray(wet_bulb(T, np.clip(humidity, 0.01, 1.0), p), dtype=float)
    return Inputs.of(*weather_series(dry.time, T, T_wet, p, dry.source), notes=read.notes)


LargestStep = Annotated[
    TemperatureDifference,
    Field(description="of the dry bulb from row to row (an hour or less); a file that jumps further is refused"),
]


class CsvWeather(FileInput):
    """Weather from a table: dry bulb, one measure of humidity, pressure as a column or as one value for the place."""

    source: Literal["csv"]
    T_dry: Column
    T_wet: Column | None = None
    T_dew: Column | None = None
    relative_humidity: Column | None = None
    p: Column | Annotated[float, si("Pa"), Field(ge=P_AIR.lower, le=P_AIR.upper)]
    largest_step: LargestStep = 8.0

    @model_validator(mode="after")
    def _one_humidity(self) -> CsvWeather:
        given = [name for name in ("T_wet", "T_dew", "relative_humidity") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "weather needs exactly one of T_wet, T_dew, relative_humidity; found " + (", ".join(given) or "none")
            )
        return self

    def build(self, context: Context) -> Inputs:
        """The weather signals. Raises InputError."""
        table = read_table(context.find(self.file, self.origin))
        named = {
            "T_dry": self.T_dry,
            "T_wet": self.T_wet,
            "T_dew": self.T_dew,
            "relative_humidity": self.relative_humidity,
            "p": self.p,
        }
        columns = {name: column for name, column in named.items() if isinstance(column, Column)}
        return _build(table, self, columns, self.p if isinstance(self.p, float) else None, self.largest_step, context)


class EpwWeather(Strict):
    """Weather from an EnergyPlus weather file; its own header says the time zone.

    Its hours are labelled as pvlib does, by their beginning. ``year`` lays the (typical) year onto calendar years.
    """

    source: Literal["epw"]
    file: str
    origin: str = Field(min_length=3, description="where the file comes from, with its licence")
    synthetic: bool = False
    year: int | Literal["scenario"] = "scenario"
    largest_step: LargestStep = 8.0
    repair: Repair = Repair()

    def build(self, context: Context) -> Inputs:
        """The weather signals. Raises InputError."""
        from pvlib.iotools import read_epw

        path = context.find(self.file, self.origin)
        try:
            data, header = read_epw(path)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise InputError(f"{path.name} is not an EPW file that can be read: {error}") from error
        frame = pd.DataFrame({"time": data.index.tz_localize(None)}).reset_index(drop=True)
        names = ["temp_air", "relative_humidity", "atmospheric_pressure"]
        frame[names] = data[names].reset_index(drop=True)
        hours = float(header["TZ"])
        zone = f"UTC{'-' if hours < 0 else '+'}{int(abs(hours)):02d}:{round(abs(hours) % 1 * 60):02d}"
        settings = FileInput(
            file=self.file,
            origin=self.origin,
            synthetic=self.synthetic,
            repair=self.repair,
            time=TimeColumn(column="time", zone=zone, year=self.year),
        )
        columns = {
            "T_dry": Column(column="temp_air", unit="degC"),
            "relative_humidity": Column(column="relative_humidity", unit="percent"),
            "p": Column(column="atmospheric_pressure", unit="Pa"),
        }
        return _build(Table(path.name, frame, _EPW_FIRST_LINE), settings, columns, None, self.largest_step, context)


Weather = Annotated[SyntheticWeather | CsvWeather | EpwWeather, Field(discriminator="source")]
