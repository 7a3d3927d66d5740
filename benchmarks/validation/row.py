"""One comparison with an independent source: what validation is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity beside its independent source; of many cases the worst."""

    machine: str
    """the machine's kind in a site file, or the library's module: ``pipe``, ``media``"""
    quantity: str
    """what is compared, and over which range"""
    source: str
    """where the other value is from: a page, a table, a program with its version"""
    unit: str
    ours: float
    theirs: float
    error: float
    """ours - theirs in ``unit``; a share of theirs if ``relative``"""
    tolerance: float
    """largest |error| that is accepted, likewise"""
    relative: bool = False
    uncertainty: str = ""
    """what the source says of its own error"""
    cases: int = 1
    """how many were compared"""

    @property
    def ok(self) -> bool:
        """Whether the error is a number within the tolerance."""
        return math.isfinite(self.error) and abs(self.error) <= self.tolerance


def compare(
    machine: str,
    quantity: str,
    source: str,
    ours: ArrayLike,
    theirs: ArrayLike,
    *,
    unit: str,
    tolerance: float,
    relative: bool = False,
    scale: float | None = None,
    uncertainty: str = "",
) -> Row:
    """The row of one case or, of arrays of equal shape, of the worst case (not a number counts as the worst).

    A relative error is a share of theirs, or of ``scale`` (in ``unit``) if given.
    """
    a, b = np.atleast_1d(np.asarray(ours, float)), np.atleast_1d(np.asarray(theirs, float))
    if a.shape != b.shape or not a.size:
        raise ValueError(f"{machine}, {quantity}: {a.shape} values of ours beside {b.shape} of theirs")
    error = (a - b) / (b if scale is None else scale) if relative else a - b
    worst = int(np.argmax(np.where(np.isfinite(error), np.abs(error), np.inf)))
    return Row(
        machine, quantity, source, unit, float(a.flat[worst]), float(b.flat[worst]), float(error.flat[worst]),
        tolerance, relative, uncertainty, a.size,
    )  # fmt: skip
