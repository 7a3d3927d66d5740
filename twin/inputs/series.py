"""Time series by signal name, in SI units and POSIX seconds: what a run takes from outside.

Every series knows where it comes from and whether it was made up (``Source``), and says how it is read between its
points. Nothing is extrapolated: asking beyond a series is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Interpolation = Literal["hold", "linear"]

_TIME_TOLERANCE = 1e-6  # s, far below any sample time; absorbs round-off of sums of steps


class InputError(ValueError):
    """Input data that cannot be used as it is. The message says what, where and what would be accepted."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a series comes from; ``synthetic`` is True for everything that nobody measured or published."""

    label: str
    synthetic: bool


def stamp(time: float) -> str:
    """A POSIX time as readable UTC text, for messages."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Series:
    """One signal over time.

    ``time``: POSIX seconds (UTC), strictly increasing; ``values``: SI, finite, same length. ``interpolation``:
    ``"hold"`` keeps a value until the next point (the last one for one more step of the same length as the last),
    ``"linear"`` joins the points. Raises InputError when any of this does not hold.
    """

    name: str
    time: Array
    values: Array
    interpolation: Interpolation
    source: Source

    def __post_init__(self) -> None:
        if self.time.ndim != 1 or self.time.shape != self.values.shape or self.time.size < 2:
            raise InputError(
                f"{self.name}: needs at least two points, time and values of one length; found "
                f"{self.time.shape} times and {self.values.shape} values"
            )
        steps = np.diff(self.time)
        if not np.all(steps > 0):
            at = int(np.argmin(steps > 0))
            raise InputError(f"{self.name}: time does not increase after {stamp(float(self.time[at]))}")
        if not np.all(np.isfinite(self.values)):
            at = int(np.argmin(np.isfinite(self.values)))
            raise InputError(f"{self.name}: no number at {stamp(float(self.time[at]))}")

    @property
    def start(self) -> float:
        """First time covered (s)."""
        return float(self.time[0])

    @property
    def end(self) -> float:
        """Last time covered (s)."""
        last = float(self.time[-1])
        return last + (last - float(self.time[-2])) if self.interpolation == "hold" else last

    def sample(self, times: Array | float) -> Array:
        """Values at ``times`` (s). Raises InputError where the series does not reach."""
        return Inputs({self.name: self}).sample([self.name], np.atleast_1d(np.asarray(times, dtype=float)))[:, 0]

    def renamed(self, name: str) -> Series:
        """The same series under another name."""
        return replace(self, name=name)


@dataclass(frozen=True)
class Inputs(Mapping[str, Series]):
    """Series by signal name. ``notes`` lists every repair that was made on the way, one line each."""

    series: Mapping[str, Series]
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, *series: Series, notes: Sequence[str] = ()) -> Inputs:
        """Inputs of these series; a name that comes twice is an error."""
        found: dict[str, Series] = {}
        for item in series:
            if item.name in found:
                raise InputError(f"two inputs for {item.name}: {found[item.name].source.label} and {item.source.label}")
            found[item.name] = item
        return cls(found, tuple(notes))

    def __getitem__(self, name: str) -> Series:
        return self.series[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    def merge(self, *others: Inputs) -> Inputs:
        """All series of these inputs together. Raises InputError when two have one name."""
        notes = [note for inputs in (self, *others) for note in inputs.notes]
        return Inputs.of(*self.values(), *(one for other in others for one in other.values()), notes=notes)

    @property
    def span(self) -> tuple[float, float]:
        """First and last time (s) that every series covers. Raises InputError if there is none."""
        if not self.series:
            raise InputError("no inputs")
        latest = max(self.values(), key=lambda one: one.start)
        earliest = min(self.values(), key=lambda one: one.end)
        if latest.start > earliest.end:
            raise InputError(
                f"{earliest.name} ends {stamp(earliest.end)}, before {latest.name} begins {stamp(latest.start)}"
            )
        return latest.start, earliest.end

    def sample(self, names: Sequence[str], times: Array) -> Array:
        """Values at ``times`` (s, increasing or not), one column per name.

        Raises InputError for a name that is not here and for times that a series does not cover.
        """
        times = np.asarray(times, dtype=float)
        out = np.empty((times.size, len(names)))
        if not times.size:
            return out
        low, high = float(times.min()), float(times.max())
        positions: dict[int, NDArray[np.intp]] = {}  # series made together share one time array
        for column, name in enumerate(names):
            one = self.series.get(name)
            if one is None:
                raise InputError(f"no input gives {name}; there are {', '.join(sorted(self.series)) or 'none'}")
            if low < one.start - _TIME_TOLERANCE or high > one.end + _TIME_TOLERANCE:
                raise InputError(
                    f"{name} ({one.source.label}) covers {stamp(one.start)} to {stamp(one.end)}, asked "
                    f"for {stamp(low)} to {stamp(high)}: move the run, or give data that reaches it"
                )
            if one.interpolation == "linear":
                out[:, column] = np.interp(times, one.time, one.values)
                continue
            where = positions.get(id(one.time))
            if where is None:
                found = np.searchsorted(one.time, times + _TIME_TOLERANCE, side="right") - 1
                where = positions.setdefault(id(one.time), np.clip(found, 0, one.time.size - 1))
            out[:, column] = one.values[where]
        return out
