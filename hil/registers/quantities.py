"""Units on the wire: an engineering unit's way to SI, and quantities with a unit as the files write them."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Final

from plant_models.units import registry, to_si

SI: Final = (
    "1", "K", "Pa", "kg/s", "m^3/s", "W", "J", "s", "kg", "m^3", "EUR/J", "kg/J", "W/K", "V", "A", "m", "1/s",
)  # fmt: skip
TURNS: Final = {"rpm": ("1/s", 1.0 / 60.0, 0.0)}
"""a turn is counted here as one, not as 2 pi radians"""
QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*")
RATE = re.compile(r"(.+?)\s*/\s*(s|min|h)\s*")
SECONDS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


@cache
def si_conversion(unit: str) -> tuple[str, float, float]:
    """The SI unit of an engineering ``unit`` with factor and offset: ``si = factor * x + offset``.

    Raises ValueError for a unit that is unknown or none of the vocabulary's quantities.
    """
    if unit in TURNS:
        return TURNS[unit]
    try:
        zero, one = (registry().Quantity(x, "" if unit == "1" else unit) for x in (0.0, 1.0))
    except Exception as error:  # noqa: BLE001  pint raises many kinds, also for syntax
        raise ValueError(f"unknown unit {unit!r} ({error})") from None
    for si in SI:
        target = "" if si == "1" else si
        if zero.is_compatible_with(target):
            offset = float(zero.to(target).magnitude)
            return si, float(one.to(target).magnitude) - offset, offset
    raise ValueError(f"unit {unit!r} is none of the vocabulary's quantities ({', '.join(SI)})")


def to_unit_si(value: object, unit: str) -> float:
    """A quantity of a file, such as ``"32 degC"``, in the SI unit of ``unit``; a bare number only for a ratio.

    Raises ValueError that says what would be accepted.
    """
    si = si_conversion(unit)[0]
    text = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if text is not None and text[2]:
        try:
            known, factor, offset = si_conversion(text[2])
        except ValueError:
            return to_si(value, si)  # a product, or a mistake that it explains
        if known == si and math.isfinite(float(text[1])):
            return float(text[1]) * factor + offset
    return to_si(value, si)


def to_unit_difference(value: object, unit: str) -> float:
    """A difference of two values, such as a dead band, in SI; a temperature's is stated in K.

    Raises ValueError that says what would be accepted.
    """
    text = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if text is not None and text[2]:
        si, _, offset = si_conversion(text[2])
        if offset and si == "K":
            raise ValueError(f"a temperature difference is stated in K, found {value!r}")
    return to_unit_si(value, si_conversion(unit)[0] if unit not in TURNS else unit)


def to_unit_rate(value: object, unit: str) -> float:
    """A rate of change, such as ``"2 K/min"`` or ``"10 percent/s"``, in SI per second.

    Raises ValueError that says what would be accepted.
    """
    parts = RATE.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError(f"expected a change per s, min or h, such as '1 {unit}/min', found {value!r}")
    return to_unit_difference(parts[1], unit) / SECONDS[parts[2]]
