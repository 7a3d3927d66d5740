"""What an input has to know of the run: when, for which plant, from which seed, where files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from .network import NetworkTemperatures
from .series import Array, InputError, Inputs

DAY = 86400.0


@dataclass(frozen=True)
class PlantFacts:
    """What inputs need of the plant.

    ``cdu_names``: components that take ``P_it``, in order; ``P_it_nominal`` their design power (W); ``halls`` says
    which CDU stands in which hall (ten in a row make one where nothing is said). ``consumers``: components with
    ``Q_demand``, each with its share of the site's heat demand; ``district_name``: the one that is a whole network,
    with temperatures by the weather (``network``), None without one; ``annual_heat``: the need of all (J a year).
    ``load_profile``, ``load_factor`` (of that profile) and ``electricity_mean`` (EUR/J) are what the site expects:
    generators take them where the scenario says nothing else.
    """

    cdu_names: tuple[str, ...]
    P_it_nominal: Mapping[str, float]
    district_name: str | None = None
    annual_heat: float | None = None
    network: NetworkTemperatures | None = None
    halls: Mapping[str, str] = field(default_factory=dict)
    load_profile: str | None = None
    load_factor: float | None = None
    electricity_mean: float | None = None
    consumers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = [name for name in self.cdu_names if not self.P_it_nominal.get(name, 0.0) > 0]
        if missing:
            raise InputError(f"design power missing or not positive for {', '.join(missing)}")

    @property
    def hall_index(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Number of the hall of every CDU, counted from 0 in order of appearance."""
        names = [self.halls.get(name, f"hall {position // 10 + 1}") for position, name in enumerate(self.cdu_names)]
        order = {hall: number for number, hall in enumerate(dict.fromkeys(names))}
        return np.array([order[name] for name in names], dtype=np.intp)

    @property
    def demand_shares(self) -> dict[str, float]:
        """Share of the site's heat demand by consumer; they add up to 1."""
        stated = dict(self.consumers) or ({self.district_name: 1.0} if self.district_name else {})
        whole = sum(stated.values())
        return {name: share / whole for name, share in stated.items()}

    @property
    def nominal(self) -> Array:
        """Design power of every CDU (W), in order."""
        return np.array([self.P_it_nominal[name] for name in self.cdu_names], dtype=float)


@dataclass(frozen=True)
class Context:
    """One run, as its inputs see it.

    ``start``, ``end``: aware datetimes. Generators also give ``before`` seconds of history, so that load can be
    forecast from the past on the first day, and ``after`` seconds for forecasts that look beyond the end.
    """

    start: datetime
    end: datetime
    seed: int
    plant: PlantFacts
    data_dir: Path | None = None
    before: float = 7 * DAY
    after: float = 3 * DAY
    weather: Inputs | None = None
    """set once the weather is built: demand follows it"""

    def __post_init__(self) -> None:
        for label, time in (("start", self.start), ("end", self.end)):
            if time.tzinfo is None:
                raise InputError(
                    f"{label} {time.isoformat()} has no time zone; write it with one, such as {time.isoformat()}Z"
                )
        if self.end <= self.start:
            raise InputError(f"the run ends {self.end.isoformat()}, not after its start {self.start.isoformat()}")
        if self.seed < 0:
            raise InputError(f"a seed is 0 or more, found {self.seed}")

    @property
    def first(self) -> float:
        """Beginning of what is generated (s)."""
        return self.start.timestamp() - self.before

    @property
    def last(self) -> float:
        """End of what is generated (s)."""
        return self.end.timestamp() + self.after

    def grid(self, step: float) -> Array:
        """Multiples of ``step`` (s since 1970) that cover ``first`` to ``last``: the same points for any run."""
        return np.arange(np.floor(self.first / step), np.ceil(self.last / step) + 1) * step

    def with_weather(self, weather: Inputs) -> Context:
        """The same run, its weather known."""
        return replace(self, weather=weather)

    def find(self, file: str, origin: str) -> Path:
        """The data file ``file``, below the folder of data unless it is an absolute path.

        Raises InputError that names the file, the folder looked in, and where the file comes from.
        """
        asked = Path(file).expanduser()
        if not asked.is_absolute():
            if self.data_dir is None:
                raise InputError(
                    f"{file} is needed and no folder of data was given: add --data DIR, the folder that "
                    f"holds it. The file comes from: {origin}"
                )
            asked = self.data_dir / asked
        if not asked.is_file():
            folder = asked.parent if asked.parent.is_dir() else f"{asked.parent}, which does not exist"
            raise InputError(
                f"{asked.name} not found; looked in {folder}. Put it there or point --data at its folder. "
                f"The file comes from: {origin}"
            )
        return asked
