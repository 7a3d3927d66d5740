"""One smoothing width, and how its effect is measured: the machine's own equations, once with it and once without."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np

LIMIT = 1e-3
"""effect in the working range that a width stays below"""


@dataclass(frozen=True, slots=True)
class Width:
    """What is rounded off over which width, and where that must not be seen."""

    where: str
    """the machine's kind in a site file, or the library's module"""
    what: str
    """what is rounded off"""
    width: str
    """with its unit, as the code has it"""
    range: str
    """in which the effect is measured"""
    of: str
    """what the effect is a share of"""
    effect: Callable[[], float]
    """largest effect in the working range"""
    places: tuple[str, ...]
    """functions and constants of plant_models that have it: ``components.chiller.cop``, ``drive.SPEED_WIDTH``"""
    beyond: str = ""
    """what it does outside of that range, where that is worth knowing"""


def sharp_at_least(x: Any, lower: Any, width: float) -> Any:
    """``smooth.at_least`` without its width."""
    return np.maximum(x, lower)


def sharp_at_most(x: Any, upper: Any, width: float) -> Any:
    """``smooth.at_most`` without its width."""
    return np.minimum(x, upper)


def square_law(dp: Any, k: Any, dp_small: float = 0.0) -> Any:
    """``hydraulics.mass_flow`` without its width."""
    return k * np.sign(dp) * np.sqrt(np.abs(dp))


def coefficient(m_flow_nominal: float, dp_nominal: float, dp_small: float = 0.0) -> float:
    """``hydraulics.coefficient`` for that."""
    return m_flow_nominal / float(np.sqrt(dp_nominal))


@contextmanager
def replaced(changes: Mapping[str, Any]) -> Iterator[None]:
    """Names of plant_models (``components.chiller.at_least``) with another value meanwhile."""
    with ExitStack() as stack:
        for name, value in changes.items():
            module, _, attribute = f"plant_models.{name}".rpartition(".")
            stack.enter_context(patch.object(importlib.import_module(module), attribute, value))
        yield


def difference(
    answer: Callable[[Any], Any], points: Iterable[Any], without: Mapping[str, Any], scale: float | None = None
) -> float:
    """The largest change of ``answer`` over the points when names are replaced; a share of it, or of ``scale``."""
    points = list(points)
    smooth = np.array([np.asarray(answer(point), float) for point in points])
    with replaced(without):
        sharp = np.array([np.asarray(answer(point), float) for point in points])
    return float(np.max(np.abs(smooth - sharp) / (np.abs(sharp) if scale is None else scale)))
