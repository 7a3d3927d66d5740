"""Refusals of sizes that no formula has an answer to: numbers and arrays are looked at, symbols are let pass."""

from __future__ import annotations

from typing import Any

import numpy as np


def positive(what: str, **values: Any) -> None:
    """Raise ValueError unless all values are above zero."""
    for name, value in values.items():
        if isinstance(value, float | int | np.ndarray) and not _all(value > 0):
            raise ValueError(f"{what}: {name} must be above 0, found {value}")


def not_negative(what: str, **values: Any) -> None:
    """Raise ValueError unless all values are zero or above."""
    for name, value in values.items():
        if isinstance(value, float | int | np.ndarray) and not _all(value >= 0):
            raise ValueError(f"{what}: {name} must not be negative, found {value}")


def _all(condition: Any) -> bool:
    return bool(condition.all()) if isinstance(condition, np.ndarray) else bool(condition)
