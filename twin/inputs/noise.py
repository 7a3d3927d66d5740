"""Random numbers tied to the calendar: the same seed gives the same value at the same time, whatever the run's span."""

from __future__ import annotations

import math
import zlib
from typing import Literal

import numpy as np
from scipy.signal import lfilter

from .series import Array

_BLOCK = 4096
_SMALL = 1e-12  # what remains of the start of a recursion


def _blocks(seed: int, label: str, first: int, count: int, kind: Literal["normal", "uniform"]) -> Array:
    if first < 0:
        raise ValueError(f"random numbers are numbered from 0 (1970), asked for {first}")
    key = zlib.crc32(label.encode())
    start, stop = first // _BLOCK, (first + count - 1) // _BLOCK
    parts = []
    for block in range(start, stop + 1):
        generator = np.random.default_rng([seed, key, block])
        parts.append(generator.standard_normal(_BLOCK) if kind == "normal" else generator.random(_BLOCK))
    offset = first - start * _BLOCK
    return np.concatenate(parts)[offset : offset + count]


def white(seed: int, label: str, first: int, count: int) -> Array:
    """``count`` independent standard normal numbers, from number ``first`` of the endless row ``label``."""
    return _blocks(seed, label, first, count, "normal")


def uniform(seed: int, label: str, first: int, count: int) -> Array:
    """``count`` independent numbers in [0, 1)."""
    return _blocks(seed, label, first, count, "uniform")


def ar1(seed: int, label: str, first: int, count: int, steps: float) -> Array:
    """A first-order autoregressive process of unit variance whose correlation falls to 1/e after ``steps`` steps."""
    rho = math.exp(-1.0 / steps)
    warm = min(first, math.ceil(-steps * math.log(_SMALL)))
    noise = white(seed, label, first - warm, count + warm) * math.sqrt(1.0 - rho * rho)
    return np.asarray(lfilter([1.0], [1.0, -rho], noise)[warm:], dtype=float)


def events(seed: int, label: str, first: int, count: int, steps: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """True where something happens, independently from step to step, once in ``steps`` steps on average."""
    return uniform(seed, f"{label}/event", first, count) < -math.expm1(-1.0 / steps)


def renewal(seed: int, label: str, first: int, count: int, steps: float) -> Array:
    """A standard normal value that is drawn anew at random moments, once in ``steps`` steps on average, and kept.

    Its autocorrelation falls as that of ``ar1``; its path is one of steps, as of jobs that start and end.
    """
    warm = min(first, math.ceil(-steps * math.log(_SMALL)))
    total = count + warm
    drawn = events(seed, label, first - warm, total, steps)
    drawn[0] = True
    last = np.maximum.accumulate(np.where(drawn, np.arange(total), 0))
    return white(seed, label, first - warm, total)[last[warm:]]
