"""What all benches share: the site that they run on, what they record, and what they say when they cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hil.binding import BoundDevice
from plant_models.plant import Plant
from twin.hil_bench.evaluate import Column, find
from twin.hil_bench.expression import names, parse
from twin.hil_bench.scenario import HilScenario

SEEN = "seen."
COMMANDS_ARE_OURS = "commands are given to our controller; leave them out for somebody else's, or reset at the machine"


@dataclass(slots=True)
class Run:
    """What a bench recorded: times (s since the start), values by name, figures of the run itself."""

    times: NDArray[np.float64] = field(repr=False)  # asyncio.run makes the repr of what its task returns
    values: dict[str, NDArray[np.float64]] = field(repr=False)
    figures: dict[str, float] = field(default_factory=dict)
    start: float | None = None
    """s, POSIX, where it is not the scenario's"""


class BenchError(RuntimeError):
    """A bench that did not do its part; the message says which."""


class NotOnThisBench(RuntimeError):
    """A scenario that asks for what a bench cannot do; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class BenchSite:
    """A site that scenarios run on: its plant, its devices, and everything that expectations can ask for."""

    plant: Plant
    devices: tuple[BoundDevice, ...]
    columns: dict[str, Column]


def seen_signals(scenario: HilScenario, devices: Sequence[BoundDevice]) -> list[str]:
    """Signals whose received values expectations or plots ask for."""
    patterns = [p for e in scenario.expect for p in names(parse(e.text))] + list(scenario.plot)
    known = {f"{SEEN}{name}": 0 for device in devices for name in device.points}
    found = {name for p in patterns if p.startswith(SEEN) for name in find(p, known)}
    return sorted(name.removeprefix(SEEN) for name in found)
