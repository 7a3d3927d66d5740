"""What is validated: modules, each with ``rows()``. A new one is its own file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.validation import (
    chillers,
    elements,
    exchangers,
    heat,
    hydraulics,
    hydronics,
    machines,
    media,
    racks,
    transport,
)
from benchmarks.validation.row import Row


@dataclass(frozen=True, slots=True)
class Room:
    """Rows that are computed together; ``name`` is what ``python -m benchmarks.validation NAME`` asks for."""

    name: str
    rows: Callable[[], list[Row]]
    quick: bool = True
    """within a second or two: the tests run it"""


ROOMS: tuple[Room, ...] = (
    Room("media", media.rows),
    Room("exchangers", exchangers.rows),
    Room("machines", machines.rows),
    Room("transport", transport.rows),
    Room("chillers", chillers.rows),
    Room("heat", heat.rows),
    Room("racks", racks.rows),
    Room("hydraulics", hydraulics.rows),
    Room("elements", elements.rows),
    Room("hydronics", hydronics.rows),
    Room("networks", hydraulics.network_rows, quick=False),
)
