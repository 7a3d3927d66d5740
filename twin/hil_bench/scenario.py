"""A scenario of the bench: what happens to a plant and its controller, and what is expected of them, as YAML.

The file says nothing of how it is run: the same one serves the plant in lock-step, over sockets, and a real rig.
"""

from __future__ import annotations

import difflib
import math
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from controllers.registry import CONTROLLERS, known_controller
from hil.faults.clock import TIME_FAULTS
from hil.faults.schedule import BUS_FAULTS, EXCEPTION_CODES
from hil.faults.sensor import SENSOR_FAULTS
from plant_models.units import Duration, si
from twin.hil_bench.expression import ExpressionError, Node, parse
from twin.hil_bench.process_faults import PROCESS_FAULTS
from twin.mistakes import explain_fields
from twin.scenario import DEFAULT_START, site_from

FAULTS = {**{name: fault.description for name, fault in PROCESS_FAULTS.items()},
          **SENSOR_FAULTS, **BUS_FAULTS, **TIME_FAULTS}  # fmt: skip
"""every fault that a scenario can name, and what it does"""
KINDS = ("always", "never", "eventually", "within", "settles")
TIMED = ("within", "settles")
EXTERNAL = "external"
"""the controller under test is somebody else's: nothing of ours decides or writes"""
REQUIREMENTS = "requirements.yaml"

Bench = Literal["lockstep", "sockets", "rig"]
Moment = Annotated[float, si("s"), Field(ge=0)]


class HilScenarioError(ValueError):
    """What is wrong with a scenario, where, and what would be accepted."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Stimulus(_Strict):
    """A disturbance that changes: weather, load, demand."""

    at: Moment
    signal: str = Field(description="a disturbance, or a pattern with *")
    to: str | float | None = Field(None, description="new value with its unit; a percentage is of the design value")
    by: str | float | None = Field(None, description="change with its unit; a percentage is of the present value")
    over: Moment = Field(0.0, description="time that the change takes")

    @model_validator(mode="after")
    def _one(self) -> Stimulus:
        if (self.to is None) == (self.by is None):
            raise ValueError("give either to: or by:")
        return self


class Fault(_Strict):
    """Something that goes wrong at a time, for a time."""

    at: Moment
    fault: str
    of: tuple[str, ...] = Field((), description="machines, signals or devices, by the kind of fault; patterns with *")
    lasts: Moment = Field(math.inf, alias="for", description="default: to the end")
    over: Moment = Field(0.0, description="process: time in which it develops")
    size: str | float | None = Field(None, description="how large, with its unit")
    count: int | None = Field(None, ge=1, description="pump_trip: how many pumps; default all")
    every: Duration = Field(60.0, description="sensor_spike: time between spikes")
    share: float = Field(1.0, gt=0, le=1, description="bus: share of the replies that are hit")
    delay: Moment = Field(0.2, description="bus_delay: wall time")
    code: int = Field(4, description="bus_exception: the exception code")

    @field_validator("of", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("fault")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in FAULTS:
            near = difflib.get_close_matches(value, FAULTS, n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}? " if near else ""
            raise ValueError(f"unknown fault {value!r}; {hint}heatloop hil faults lists all")
        return value

    @field_validator("code")
    @classmethod
    def _code(cls, value: int) -> int:
        if value not in EXCEPTION_CODES:
            raise ValueError(f"exception codes are {', '.join(map(str, EXCEPTION_CODES))}")
        return value

    @model_validator(mode="after")
    def _aimed(self) -> Fault:
        timed, general = (
            self.fault in TIME_FAULTS,
            self.fault in PROCESS_FAULTS and not PROCESS_FAULTS[self.fault].aimed,
        )
        if timed and self.of:
            raise ValueError(f"{self.fault} concerns the controller as a whole: leave of: out")
        if not timed and not general and not self.of:
            raise ValueError(f"{self.fault} needs of: (machines, signals or devices)")
        return self

    @property
    def end(self) -> float:
        """s since the start."""
        return self.at + self.lasts


class Act(_Strict):
    """What somebody does at a time: at the machine itself, or by an order to our loop (``heatloop command``)."""

    at: Moment
    act: Literal["reset_at_machine", "power_cycle", "command"]
    of: tuple[str, ...] = Field(min_length=1, description="devices; patterns with *")
    command: str = Field("", description="of the device's register map; default the reset of its trips")
    value: str = Field("", description="of the command, where it has several")

    @field_validator("of", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits(self) -> Act:
        if self.act != "command" and (self.command or self.value):
            raise ValueError(f"{self.act} needs no command: and no value:, it is done by hand")
        return self


class Expectation(_Strict):
    """What has to be true, and when."""

    always: str | None = Field(None, description="true at every instant")
    never: str | None = Field(None, description="true at no instant, of no machine")
    eventually: str | None = Field(None, description="true at some instant")
    within: str | None = Field(None, description="true at some instant in the first `time`")
    settles: str | None = Field(None, description="true at every instant after the first `time`")
    time: Moment | None = Field(None, description="of within and settles")
    since: Moment = Field(0.0, alias="from", description="instants before do not count")
    until: Moment = Field(math.inf, description="instants after do not count")
    grace: Moment = Field(0.0, description="always, never: what is shorter does not count")
    requirement: tuple[str, ...] = Field((), description="ids of what this shows")
    why: str = ""

    @field_validator("requirement", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> Expectation:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}; found {', '.join(given) or 'none'}")
        if (given[0] in TIMED) != (self.time is not None):
            raise ValueError(f"{given[0]} {'needs' if given[0] in TIMED else 'takes no'} time:")
        if not self.since < self.until:
            raise ValueError(f"from: {self.since:g} s is not before until: {self.until:g} s")
        if self.grace and given[0] not in ("always", "never"):
            raise ValueError(f"{given[0]} takes no grace:")
        try:
            parse(self.text)
        except ExpressionError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def text(self) -> str:
        """The expression."""
        return str(getattr(self, self.kind))

    @property
    def node(self) -> Node:
        """The expression, read."""
        return parse(self.text)

    def __str__(self) -> str:
        times = [f"{word} {_clock(value)}" for word, value, usual in
                 (("in", self.time, None), ("from", self.since, 0.0), ("until", self.until, math.inf),
                  ("for longer than", self.grace, 0.0)) if value != usual and value is not None]  # fmt: skip
        return " ".join([f"{self.kind} {self.text}", *times])


class HilScenario(_Strict):
    """One test of the bench."""

    name: str = ""
    """of the file"""
    title: str
    description: str = ""
    site: str = Field(description="shipped site or path of a site file, from the folder of the scenario")
    overrides: dict[str, Any] = Field({}, description="keys of the site to change")
    bench: Bench = Field("lockstep", description="where it runs unless the command says otherwise")
    controller: str = Field("sequences", description=f"{', '.join(CONTROLLERS)}, or {EXTERNAL}: somebody else's")
    controller_settings: dict[str, Any] = Field({}, description="of the controller")
    start: AwareDatetime = DEFAULT_START
    settle: Moment = Field(3600.0, description="time under constant conditions before the run")
    duration: Duration
    step: Duration = Field(5.0, le=30.0, description="of the plant and of the traces")
    scan: Duration = Field(10.0, description="of the controller: a multiple of the step")
    speed: float = Field(60.0, ge=0.1, le=1000, description="sockets: plant seconds per second of the wall")
    timeout: Duration = Field(0.3, description="sockets: wall time until a request counts as unanswered")
    seed: int = Field(1, ge=0, description="of noise")
    conditions: dict[str, str | float] = Field({}, description="disturbances at the start; a percentage is of design")
    stimuli: tuple[Stimulus, ...] = ()
    faults: tuple[Fault, ...] = ()
    operator: tuple[Act, ...] = Field((), description="what somebody does: resets at machines, commands")
    expect: tuple[Expectation, ...] = Field(min_length=1)
    plot: tuple[str, ...] = Field((), description="signals for the report beside those that expectations name")

    @field_validator("controller")
    @classmethod
    def _known(cls, value: str) -> str:
        return value if value == EXTERNAL else known_controller(value)

    @model_validator(mode="after")
    def _fits(self) -> HilScenario:
        if abs(self.scan / self.step - round(self.scan / self.step)) > 1e-9:
            raise ValueError(f"scan ({self.scan:g} s) is no multiple of step ({self.step:g} s)")
        for at in (*(x.at for x in self.stimuli), *(x.at for x in self.faults), *(x.at for x in self.operator)):
            if at >= self.duration:
                raise ValueError(f"something at {_clock(at)} comes after the end, {_clock(self.duration)}")
        for expectation in self.expect:
            if expectation.since >= self.duration:
                raise ValueError(f"{expectation}: begins after the end, {_clock(self.duration)}")
        return self

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        """The ids of all requirements that expectations name, in order."""
        return tuple(dict.fromkeys(r for e in self.expect for r in e.requirement))

    @property
    def begin(self) -> datetime:
        """The moment at which the run starts."""
        return self.start


def load_hil_scenario(path: Path) -> HilScenario:
    """The scenario in a YAML file. Raises HilScenarioError with the file, the key and what would be accepted."""
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise HilScenarioError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or "expect" not in data:
        raise HilScenarioError(f"{path}: expected keys such as title, site, duration, faults, expect")
    if isinstance(data.get("site"), str):
        data["site"] = site_from(path.parent, data["site"], str(path))
    try:
        scenario = HilScenario.model_validate({"name": path.stem} | data, context={"require_units": True})
    except ValidationError as error:
        raise HilScenarioError(explain_fields(error, str(path), tuple(HilScenario.model_fields))) from None
    known = load_requirements(path.parent)
    for requirement in scenario.requirements:
        if known and requirement not in known:
            near = difflib.get_close_matches(requirement, known, n=2)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise HilScenarioError(f"{path}: no requirement {requirement!r} in {path.parent / REQUIREMENTS}{hint}")
    return scenario


def load_requirements(folder: Path) -> dict[str, str]:
    """The requirements of a folder of scenarios, text by id; none where it has no list. Raises HilScenarioError."""
    path = folder / REQUIREMENTS
    if not path.is_file():
        return {}
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise HilScenarioError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or not all(isinstance(text, str) for text in data.values()):
        raise HilScenarioError(f"{path}: expected a mapping, id: text")
    return {str(key): " ".join(text.split()) for key, text in data.items()}


def library() -> list[Path]:
    """The scenarios that come with the package."""
    folder = Path(__file__).parent / "library"
    return sorted(path for path in folder.glob("*.yaml") if path.name != REQUIREMENTS)


def _clock(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60.0 else f"{seconds:g} s"


def with_controller(scenario: HilScenario, controller: str) -> HilScenario:
    """The same test of another controller. Raises HilScenarioError for one that is not known."""
    try:
        return HilScenario.model_validate(
            scenario.model_dump(by_alias=True) | {"controller": controller, "controller_settings": {}}
        )
    except ValidationError as error:
        raise HilScenarioError(explain_fields(error, "--controller")) from None
