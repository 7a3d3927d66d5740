"""The carried content of one machine: what it has beside its states, moved on once a step (plug flow).

A machine's equations see *held* inputs, constant over a step, and count in states what goes in and out during the step;
:mod:`plant_models.carried` makes a plant's steps with all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Carrier(Protocol):
    """The carried content of one machine."""

    held: Sequence[str]
    """parameters of the machine that are set before every step"""
    counted: Sequence[str]
    """states that count over a step, and are zero at its beginning"""
    stores: Sequence[str]
    """states that say what is stored"""

    def begin(self, dt: float) -> None:
        """A step of ``dt`` s begins."""
        ...

    def foreseen(self) -> Array:
        """The held values for the step that has begun."""
        ...

    def agrees(self, counts: Array, stored: Array) -> bool:
        """Whether what was counted fits what was foreseen; if not, the next :meth:`foreseen` knows better."""
        ...

    def move(self) -> None:
        """Take what was last counted as what happened."""
        ...

    def snapshot(self) -> Any:
        """Everything that the future depends on."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Return to a snapshot."""
        ...

    def packed(self, snapshot: Any) -> dict[str, Array]:
        """A snapshot as arrays, exactly."""
        ...

    def unpacked(self, arrays: Mapping[str, Array]) -> Any:
        """The snapshot that :meth:`packed` made these arrays from."""
        ...
