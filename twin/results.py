"""One simulated run: what it yields and how it lies on disk.

A run is a folder: ``run.json`` (who, what, when, totals), ``trajectories.parquet``, ``decisions.parquet``,
``plans.parquet``. Everything in them is SI and UTC; every trajectory column carries its unit and description, and the
vocabulary of the plant travels in the file, so that a run is readable years later without the site it came from.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from plant_models.signals import Vocabulary
from twin.trajectories import Recorded, TrajectoryFile, schema, signal_of

FORMAT = 1
DECISION_COLUMNS = ("time", "source", "status", "message", "solve_s")
PLAN_COLUMNS = ("issued", "time", "signal", "value")
COST_ELECTRICITY = "cost.electricity_EUR"
"""key in :attr:`RunInfo.integrals`: electricity cost summed over the simulation's own steps, EUR"""
CO2_ELECTRICITY = "co2.electricity_kg"
"""key in :attr:`RunInfo.integrals`: CO2 of all electricity drawn, summed over the simulation's own steps, kg"""


class ResultsError(Exception):
    """A run that cannot be written, read or evaluated; the message says where and what to do."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


class Source(_Record):
    """Where the values of an input came from."""

    label: str
    synthetic: bool


class Thermal(_Record):
    """How far and how long one limited temperature was above its limit, from every step of the simulation."""

    violation_Ks: float = Field(ge=0, description="integral of the excess, K s")
    excess_max_K: float = Field(ge=0, description="largest excess, K")
    seconds: float = Field(ge=0, description="time above the limit, s")


class Balance(_Record):
    """Energy (J) or mass (kg) of the whole run: what came in, went out and stayed."""

    stored_change: float
    in_: float = Field(ge=0, description="all boundary flows into the plant")
    out: float = Field(ge=0, description="all boundary flows out of the plant")
    error: float = Field(description="stored_change - in_ + out")
    content: float = Field(default=0.0, ge=0, description="what the plant holds, where that is the fairer measure")

    @property
    def relative(self) -> float:
        """The error against the larger of what crossed the boundary and what the plant holds."""
        scale = max(self.in_ + self.out, self.content)
        return abs(self.error) / scale if scale > 0 else (0.0 if self.error == 0 else float("inf"))


class Tariffs(_Record):
    """What the run was charged and paid, besides the electricity price, which is a signal."""

    heat: float = Field(default=0.0, description="paid for heat delivered, EUR/J")
    water: float = Field(default=0.0, description="water and its disposal, EUR/m3")
    co2: float = Field(default=0.0, description="own price on the emissions of electricity and fuel, EUR/kg")
    fuel: float = Field(default=0.0, description="fuel by its lower heating value, EUR/J")
    heat_pump_operation: float = Field(default=0.0, description="wear by use, per heat that heat pumps give, EUR/J")


class OnOff(_Record):
    """A machine whose starts are counted, by the signal of its load."""

    threshold: float = Field(description="the machine runs while the signal is at or above it, in the signal's unit")
    start_cost: float = Field(default=0.0, ge=0, description="wear and lost heat of one start, EUR")
    starts: int | None = Field(default=None, ge=0, description="counted at every step; None: count the recorded values")


class PictureComponent(_Record):
    """One machine in the plant picture."""

    name: str
    kind: str
    ports: dict[str, str] = Field(description="port: node it is attached to")


class PictureNode(_Record):
    """One node in the plant picture."""

    name: str
    kind: Literal["fluid", "heat"] = "fluid"
    medium: str = ""


class Picture(_Record):
    """The plant as a graph."""

    components: list[PictureComponent] = []
    nodes: list[PictureNode] = []


class RunInfo(_Record):
    """Everything about a run that is not a time series (``run.json``)."""

    format: int = FORMAT
    scenario: dict[str, Any] = Field(description="the scenario as it was run")
    site: str
    title: str
    start: AwareDatetime
    end: AwareDatetime
    ended_early: str = Field(default="", description="why the run ended before its scenario did; `end` is that moment")
    time_zone: str = Field(default="UTC", description="IANA name, for clocks and calendars on the page")
    step_s: float = Field(gt=0, description="step of the simulation, s")
    record_s: float = Field(default=300.0, gt=0, description="length of a recording interval, s")
    controller: str
    controller_interval_s: float = Field(gt=0, description="time between two decisions, s")
    seeds: dict[str, int] = {}
    sources: dict[str, Source] = Field(default={}, description="signal or group of signals: origin of its values")
    notes: list[str] = Field(default=[], description="repairs made to the input data, one line each")
    extrapolated: list[str] = Field(
        default=[], description="nodes that left their liquid's fitted range, one line each"
    )
    versions: dict[str, str] = {}
    balances: dict[str, Balance] = Field(default={}, description="'energy' in J and 'mass' in kg")
    integrals: dict[str, float] = Field(
        default={}, description="signal: integral over the run, J or kg, summed over the simulation's own steps"
    )
    stored_heat: dict[str, float] = Field(default={}, description="store's signal: J more at the end than at the start")
    thermal: dict[str, Thermal] = Field(default={}, description="signal with a limit: how it kept it")
    watched: dict[str, Thermal] = Field(
        default={}, description="signal that should keep off too warm air, frost or the dew point: how it did"
    )
    tariffs: Tariffs = Tariffs()
    on_off: dict[str, OnOff] = Field(default={}, description="signal of load: machine whose starts are counted")
    picture: Picture = Picture()
    wall_time_s: float | None = Field(default=None, ge=0, description="how long the run took to compute, s")

    @property
    def seconds(self) -> float:
        """Length of the run, s."""
        return (self.end - self.start).total_seconds()


@dataclass(slots=True)
class RunResult:
    """What a run yields.

    ``recorded``: column ``time`` (UTC, end of each recording interval) and one column per signal, SI: the mean of
    the interval for W and kg/s, the value at its end for every other unit; where the scenario asks for them, further
    columns ``SIGNAL mean``, ``SIGNAL min`` and ``SIGNAL max`` of the interval's steps. In memory, or a file that is
    read a column at a time; ``trajectories`` has them all in memory. ``decisions``: ``time``, ``source``,
    ``status``, ``message``, ``solve_s`` (computing time, s) and figures of the controller. ``plans``: ``issued``,
    ``time``, ``signal``, ``value``, one row per planned value; may be empty.
    """

    info: RunInfo
    recorded: pd.DataFrame | TrajectoryFile
    decisions: pd.DataFrame
    plans: pd.DataFrame
    vocabulary: Vocabulary

    @property
    def trajectories(self) -> pd.DataFrame:
        """All that was recorded, in memory: of a year of a large plant, some hundred MB."""
        if isinstance(self.recorded, TrajectoryFile):
            self.recorded = self.recorded.frame()
        return self.recorded

    @trajectories.setter
    def trajectories(self, frame: pd.DataFrame) -> None:
        self.recorded = frame

    def save(self, folder: Path | str) -> Path:
        """Write the run into ``folder`` (made where absent); ``run.json`` last, each file complete or not there.

        Raises ResultsError when the tables are not what they should be or the folder cannot be written.
        """
        folder = Path(folder)
        _check_recorded(self.recorded, "trajectories")
        _check(self.decisions, DECISION_COLUMNS, ("time",), "decisions")
        _check(self.plans, PLAN_COLUMNS, ("issued", "time"), "plans")
        columns = [name for name in self.recorded.columns if name != "time"]
        unknown = [name for name in columns if signal_of(name) not in self.vocabulary]
        if unknown:
            raise ResultsError(f"trajectories have columns that are no signals of {self.info.site}: {unknown[:5]}")
        make_folder(folder)
        path = folder / "trajectories.parquet"
        if not isinstance(self.recorded, TrajectoryFile) or self.recorded.path.absolute() != path.absolute():
            write_table(path, self._trajectory_table(columns))
        write_table(folder / "decisions.parquet", pa.Table.from_pandas(self.decisions, preserve_index=False))
        write_table(folder / "plans.parquet", pa.Table.from_pandas(self.plans, preserve_index=False))
        write_text(folder / "run.json", self.info.model_dump_json(indent=1))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> RunResult:
        """Read a run back. Raises ResultsError when the folder is no run, or one of its files is missing or broken."""
        folder = Path(folder)
        path = folder / "run.json"
        if not path.is_file():
            raise ResultsError(
                f"{folder} is not a run: it has no run.json. A run folder is what 'heatloop simulate --out' writes; "
                "a folder without run.json was interrupted while it was written"
            )
        try:
            info = RunInfo.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, OSError, UnicodeDecodeError) as error:
            raise ResultsError(f"{path} cannot be read as the description of a run: {error}") from error
        if info.format != FORMAT:
            raise ResultsError(f"{path} is of format {info.format}; this version of heatloop reads format {FORMAT}")
        recorded = _open(folder / "trajectories.parquet")
        vocabulary = recorded.vocabulary
        if vocabulary is None:
            raise ResultsError(f"{recorded.path} carries no vocabulary; heatloop did not write it")
        decisions = _read(folder / "decisions.parquet").to_pandas()
        result = cls(info, recorded, decisions, _read(folder / "plans.parquet").to_pandas(), vocabulary)
        _check_recorded(recorded, str(recorded.path))
        _check(result.decisions, DECISION_COLUMNS, ("time",), str(folder / "decisions.parquet"))
        _check(result.plans, PLAN_COLUMNS, ("issued", "time"), str(folder / "plans.parquet"))
        return result

    def _trajectory_table(self, names: list[str]) -> pa.Table:
        columns = [pa.array(self.recorded["time"], type=pa.timestamp("us", tz="UTC"))]
        columns += [pa.array(self.recorded[name].to_numpy(dtype="float32"), from_pandas=False) for name in names]
        return pa.table(columns, schema=schema(names, self.vocabulary))


def empty_plans() -> pd.DataFrame:
    """The plans of a controller that plans nothing."""
    empty = pd.DatetimeIndex([], tz="UTC")
    names, values = pd.Series([], dtype=str), pd.Series([], dtype=float)
    return pd.DataFrame({"issued": empty, "time": empty, "signal": names, "value": values})


def make_folder(folder: Path) -> None:
    """Make ``folder`` and its parents. Raises ResultsError when it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ResultsError(_unwritable(folder, error)) from error


def write_text(path: Path, text: str) -> None:
    """Write ``path`` in one piece: readers see the old file or the new one. Raises ResultsError."""
    _replace(path, lambda target: target.write_text(text, encoding="utf-8"))


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet, in one piece. Raises ResultsError."""
    _replace(path, lambda target: pq.write_table(table, target, compression="zstd"))


def _replace(path: Path, write: Any) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ResultsError(_unwritable(path, error)) from error


def _unwritable(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot write to {path}: {reason}. Name a folder that can be written, for example with --out"


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise ResultsError(f"the run {path.parent} has no {path.name}; run the simulation again")
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"{path} cannot be read as Parquet: {error}") from error


def _open(path: Path) -> TrajectoryFile:
    if not path.is_file():
        raise ResultsError(f"the run {path.parent} has no {path.name}; run the simulation again")
    try:
        return TrajectoryFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ResultsError(f"{path} cannot be read as Parquet: {error}") from error


def _check_recorded(recorded: Recorded, what: str) -> None:
    if "time" not in recorded:
        raise ResultsError(f"{what}: column time is missing")
    _check(recorded["time"].to_frame(), ("time",), ("time",), what)


def _check(frame: pd.DataFrame, columns: tuple[str, ...], times: tuple[str, ...], what: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ResultsError(f"{what}: column {', '.join(missing)} is missing")
    for name in times:
        dtype = frame[name].dtype
        if not isinstance(dtype, pd.DatetimeTZDtype) or str(dtype.tz) != "UTC":
            raise ResultsError(f"{what}: column {name} must be UTC timestamps, found {dtype}")
