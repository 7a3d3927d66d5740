"""A scenario: one run's site, time, inputs, controller and changes, from a YAML file or the command line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from controllers.registry import known_controller
from plant_models.site import list_sites
from plant_models.units import Duration
from twin.inputs.block import InputsBlock
from twin.mistakes import explain_fields

DAY = 86400.0
"""s"""
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
DEFAULT_START = datetime(2025, 1, 13, tzinfo=UTC)
"""a Monday in winter"""


class ScenarioError(ValueError):
    """What is wrong with a scenario, where, and what would be accepted."""


Aggregate = Literal["mean", "min", "max"]


class Recording(BaseModel):
    """What of a run is kept, and how often; ``record: 15 min`` says the interval alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration = Field(300.0, description="recording interval, a multiple of the step")
    signals: tuple[str, ...] = Field(
        ("*",), description="names, with * for any text; what key figures and the report are made from is always kept"
    )
    aggregates: tuple[Aggregate, ...] = Field(
        (), description="over the steps of an interval, in columns of their own: mean, min, max"
    )


class Scenario(BaseModel):
    """One run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    site: str = Field(
        description="shipped site (rovaltain, rovaltain@36) or path of a site file, from the folder of the scenario"
    )
    overrides: dict[str, Any] = Field({}, description="keys of the site to change: {components.store.volume: 6000 m^3}")
    start: AwareDatetime = DEFAULT_START
    days: float = Field(7.0, gt=0, le=3660)
    step: Duration = Field(30.0, le=300.0, description="of the simulation")
    record: Recording = Field(Recording(), description="what is kept: an interval, or every, signals and aggregates")
    controller: str = "sequences"
    controller_settings: dict[str, dict[str, Any]] = Field(
        {}, description="by controller: {mpc: {time_limit: 30 s}}; those of the others wait for their turn in a study"
    )
    plant_changes: dict[str, float] = Field(
        {}, description="parameters of the true plant that controllers do not know: {cdu.07.fouling: 0.2}, SI"
    )
    seed: int = Field(1, ge=0)
    inputs: InputsBlock = Field(default_factory=InputsBlock)

    @field_validator("record", mode="before")
    @classmethod
    def _interval_alone(cls, value: Any) -> Any:
        return value if isinstance(value, (Mapping, Recording)) else {"every": value}

    @field_validator("controller")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_controller(value)

    @field_validator("controller_settings")
    @classmethod
    def _known_too(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in value:
            known_controller(name)
        return value

    @field_validator("start")
    @classmethod
    def _within_calendar(cls, value: datetime) -> datetime:
        if not EARLIEST <= value <= LATEST:
            raise ValueError(f"runs start between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}")
        return value

    @model_validator(mode="after")
    def _whole_steps(self) -> Scenario:
        every = self.record.every
        if abs(every / self.step - round(every / self.step)) > 1e-9:
            raise ValueError(f"the recording interval ({every:g} s) is no multiple of the step ({self.step:g} s)")
        if self.days * DAY < 0.5 * self.step:
            raise ValueError(f"{self.days:g} days are shorter than one step ({self.step:g} s)")
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the run's controller."""
        return self.controller_settings.get(self.controller, {})

    @property
    def steps(self) -> int:
        """How many steps the run has."""
        return round(self.days * DAY / self.step)

    @property
    def end(self) -> datetime:
        """When the run ends: ``days`` after its start, to the nearest step."""
        return self.start + timedelta(seconds=self.steps * self.step)


def load_scenario(name: str | Path, changes: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario file ``name``, or a plain week of the site ``name``; ``changes`` replace its keys.

    Raises ScenarioError with the file, the key, what was found and what would be accepted.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file() and _is_scenario(path):
        data = with_site_from(path.parent, scenario_data(path), str(path))
        where = str(path)
    elif str(name).partition("@")[0] in list_sites() or path.is_file():
        data, where = {"site": str(name)}, str(name)
    else:
        near = difflib.get_close_matches(str(name), list_sites(), n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ScenarioError(
            f"no scenario or site {str(name)!r}: neither a file nor a shipped site; {hint}"
            f"Shipped sites: {', '.join(list_sites())}"
        )
    try:
        return Scenario.model_validate(
            data | {k: v for k, v in (changes or {}).items() if v is not None}, context={"require_units": True}
        )
    except ValidationError as error:
        raise ScenarioError(explain_fields(error, where, tuple(Scenario.model_fields))) from None


def scenario_data(path: Path) -> dict[str, Any]:
    """The keys of a scenario file, unchecked. Raises ScenarioError where it is no YAML mapping."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: expected keys such as site, start, days, controller, inputs")
    return data


def with_site_from(folder: Path, data: dict[str, Any], where: str) -> dict[str, Any]:
    """The keys of a scenario that a file in ``folder`` states, its site a shipped one or a path from that folder."""
    site = data.get("site")
    return data | {"site": site_from(folder, site, where)} if isinstance(site, str) else data


def site_from(folder: Path, site: str, where: str) -> str:
    """A site as a file in ``folder`` names it: shipped sites first, then a path from that folder, also ``path@36``.

    Raises ScenarioError, which names both places, where it is neither.
    """
    name, at, variant = site.partition("@")
    if name in list_sites():
        return site
    if (folder / site).is_file():
        return str(folder / site)
    if (folder / name).is_file():
        return f"{folder / name}{at}{variant}"
    near = difflib.get_close_matches(name, list_sites(), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ScenarioError(
        f"{where}: site: no site {site!r}: neither a shipped site ({', '.join(list_sites())}) nor a file "
        f"{(folder / name).absolute()}{hint}"
    )


def _is_scenario(path: Path) -> bool:
    """A file that names a site is a scenario; one that has components is a site."""
    data = scenario_data(path)
    return "components" not in data
