"""Heat load of the CDUs from files: power or utilisation, from this plant or spread from another."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from plant_models.units import Power, si, to_si

from .context import Context
from .series import Array, InputError, Inputs, Series, Source
from .settings import Column, FileInput, Strict
from .spread import Repeat, Spread, Step, resample
from .synthetic_load import SyntheticLoad
from .table import Wanted, read_series, read_table

_MAX_CDU_POWER = 1e8  # W; a column far above any CDU is in another unit


class _LoadFile(FileInput):
    columns: list[str] | str = Field(description="names in the order of the CDUs, or a pattern such as cdu*_w")
    unit: str
    step: Step = 60.0
    repeat: Repeat | None = Field(default=None, description="lay a part of the data end to end over the run")
    spread: Spread | None = Field(default=None, description="over more, fewer or other CDUs than the file has columns")

    def _read(self, context: Context, unit: str, upper: float) -> tuple[Array, Array, Inputs]:
        """Times and one column per source, on a regular grid of ``step``."""
        table = read_table(context.find(self.file, self.origin))
        names = self.columns
        if isinstance(names, str):
            pattern = names
            names = [str(name) for name in table.frame.columns if fnmatchcase(str(name), pattern)]
            if not names:
                raise InputError(
                    f"{table.name} has no column like {self.columns!r}; it has "
                    f"{', '.join(map(str, table.frame.columns))}"
                )
        cdus = context.plant.cdu_names
        if self.spread is None and len(names) != len(cdus):
            raise InputError(
                f"{table.name} has {len(names)} load columns, the plant has {len(cdus)} CDUs. Give one "
                "column per CDU, or state how to spread them: spread: {scale: design}"
            )
        wanted = [Wanted(name, Column(column=name, unit=self.unit), unit, 0.0, upper) for name in names]
        read = read_series(table, self, wanted, "hold", context)
        time, values = resample(read[names[0]].time, np.column_stack([read[name].values for name in names]), self.step)
        return time, values, read

    def _give(self, time: Array, loads: Array, read: Inputs, context: Context) -> Inputs:
        if self.repeat is not None:
            time, loads = self.repeat.apply(time, loads, context)
        label = next(iter(read.values())).source.label
        if self.spread is not None:
            label += f", spread over {loads.shape[1]} CDUs, seed {context.seed}"
        if self.repeat is not None:
            label += f", {self.repeat.period / 3600:g} h repeated"
        source = Source(label, self.synthetic)
        series = (
            Series(f"{cdu}.P_it", time, np.ascontiguousarray(loads[:, position]), "hold", source)
            for position, cdu in enumerate(context.plant.cdu_names)
        )
        return Inputs.of(*series, notes=read.notes)


class FileLoad(_LoadFile):
    """Power per CDU from a file.

    ``quantity`` says what the numbers are: ``it`` electric power, or ``heat_to_liquid``, which ``liquid_fraction``
    (heat to liquid over IT power) turns into IT power.
    """

    source: Literal["csv", "parquet"]
    quantity: Literal["it", "heat_to_liquid"] = "it"
    liquid_fraction: Annotated[float, si("1"), Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> FileLoad:
        if (self.quantity == "heat_to_liquid") != (self.liquid_fraction is not None):
            raise ValueError("liquid_fraction is needed with quantity: heat_to_liquid, and only there")
        if not self.file.endswith(f".{self.source}"):
            raise ValueError(f"source: {self.source} does not fit the file {self.file!r}")
        return self

    def build(self, context: Context) -> Inputs:
        """``<cdu>.P_it`` (W) of every CDU. Raises InputError."""
        time, values, read = self._read(context, "W", _MAX_CDU_POWER)
        loads = values / (self.liquid_fraction or 1.0)
        if self.spread is not None:
            loads = self.spread.apply(loads, self.step, context.plant.nominal, context.seed)
        return self._give(time, loads, read, context)


class GpuPower(Strict):
    """Electric power of one GPU, linear in its utilisation from ``idle`` to ``max``."""

    idle: Power
    max: Power

    @model_validator(mode="after")
    def _order(self) -> GpuPower:
        if self.max <= self.idle:
            raise ValueError("a GPU draws more at full utilisation than idle")
        return self

    def power(self, utilisation: Array) -> Array:
        """Power (W) at a utilisation 0..1."""
        return self.idle + (self.max - self.idle) * utilisation


GPUS = {
    "h100": GpuPower(idle=74.0, max=74.0 + 253.0),
    "mi250x": GpuPower(idle=88.0, max=560.0),
}
"""h100: P = 74 + 2.53 W per % utilisation, fitted to hourly means of two H100 over 21 months (charlottegressel/
dc_workload_pipeline, r = 0.96); mi250x: 88 to 560 W (ExaDigiT RAPS)"""


class UtilisationLoad(_LoadFile):
    """GPU utilisation as load: a CDU draws its design power times P(utilisation) / P(100 %) of the GPU."""

    source: Literal["utilisation"]
    gpu: str | GpuPower

    @field_validator("gpu")
    @classmethod
    def _known(cls, gpu: str | GpuPower) -> str | GpuPower:
        if isinstance(gpu, str) and gpu not in GPUS:
            raise ValueError(f"unknown GPU {gpu!r}; known are {', '.join(GPUS)}, or give idle and max power")
        return gpu

    @field_validator("unit")
    @classmethod
    def _share(cls, unit: str) -> str:
        to_si(f"1 {unit}", "1")
        return unit

    def build(self, context: Context) -> Inputs:
        """``<cdu>.P_it`` (W) of every CDU. Raises InputError."""
        time, utilisation, read = self._read(context, "1", 1.0)
        gpu = GPUS[self.gpu] if isinstance(self.gpu, str) else self.gpu
        share = gpu.power(utilisation) / gpu.max
        nominal = context.plant.nominal
        if self.spread is not None:
            loads = self.spread.apply(share, self.step, nominal, context.seed, full=1.0)
        else:
            loads = share * nominal
        return self._give(time, loads, read, context)


Load = Annotated[SyntheticLoad | FileLoad | UtilisationLoad, Field(discriminator="source")]
