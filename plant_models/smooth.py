"""Smooth switches and bounds, for floats, arrays and CasADi symbols. Every width is in the unit of what it bounds."""

from __future__ import annotations

from typing import Any

from plant_models.mathx import clip, softplus


def smoothstep(x: Any) -> Any:
    """0 up to x = 0, 1 from x = 1, between them the cubic with level ends: exact outside, continuous slope."""
    s = clip(x, 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)


def at_least(x: Any, lower: Any, width: float) -> Any:
    """max(x, lower), never below either; above it by at most 0.7 ``width``, at x = lower."""
    return lower + softplus(x - lower, width)


def at_most(x: Any, upper: Any, width: float) -> Any:
    """min(x, upper), never above either; below it by at most 0.7 ``width``, at x = upper."""
    return upper - softplus(upper - x, width)
