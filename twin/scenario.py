"""A scenario: one run's site, time, inputs, controller and changes, from a YAML file or the command line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from plant_models.site import list_sites
from plant_models.units import Duration
from twin.inputs.block import InputsBlock

DEFAULT_START = datetime(2025, 1, 13, tzinfo=UTC)
"""a Monday in winter"""


class ScenarioError(ValueError):
    """What is wrong with a scenario, where, and what would be accepted."""


class Scenario(BaseModel):
    """One run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    site: str = Field(description="shipped site (rovaltain, rovaltain@36) or path of a site file")
    overrides: dict[str, Any] = Field({}, description="keys of the site to change: {components.store.volume: 6000 m^3}")
    start: AwareDatetime = DEFAULT_START
    days: float = Field(7.0, gt=0, le=3660)
    step: Duration = Field(30.0, le=300.0, description="of the simulation")
    record: Duration = Field(300.0, description="recording interval, a multiple of the step")
    controller: str = "sequences"
    controller_settings: dict[str, Any] = {}
    plant_changes: dict[str, float] = Field(
        {}, description="parameters of the true plant that controllers do not know: {cdu.07.fouling: 0.2}, SI"
    )
    seed: int = Field(1, ge=0)
    inputs: InputsBlock = Field(default_factory=InputsBlock)

    @field_validator("record")
    @classmethod
    def _whole_steps(cls, value: float, info: Any) -> float:
        step = info.data.get("step", 30.0)
        if abs(value / step - round(value / step)) > 1e-9:
            raise ValueError(f"the recording interval ({value:g} s) is no multiple of the step ({step:g} s)")
        return value

    @property
    def end(self) -> datetime:
        """When the run ends."""
        return self.start + timedelta(days=self.days)


def load_scenario(name: str | Path, changes: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario file ``name``, or a plain week of the site ``name``; ``changes`` replace its keys.

    Raises ScenarioError with the file, the key, what was found and what would be accepted.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file() and _is_scenario(path):
        data = _read(path)
        where = str(path)
    elif str(name).partition("@")[0] in list_sites() or path.is_file():
        data, where = {"site": str(name)}, str(name)
    else:
        near = difflib.get_close_matches(str(name), list_sites(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ScenarioError(f"no scenario or site {str(name)!r}{hint} Shipped sites: {', '.join(list_sites())}")
    try:
        return Scenario.model_validate(
            data | {k: v for k, v in (changes or {}).items() if v is not None}, context={"require_units": True}
        )
    except ValidationError as error:
        lines = [
            f"{where}: {'.'.join(map(str, item['loc']))}: "
            + ("unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, "))
            + f", found {item['input']!r}"
            for item in error.errors()
        ]
        raise ScenarioError("\n".join(lines)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not YAML: {error}") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: expected keys such as site, start, days, controller, inputs")
    return data


def _is_scenario(path: Path) -> bool:
    """A file that names a site is a scenario; one that has components is a site."""
    data = _read(path)
    return "components" not in data
