"""How numbers look on a page: units that people use, few digits, local time."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ZERO_C = 273.15
THIN = "\u202f"
"""narrow space at which no line breaks"""
MINUS = "\u2212"
ACRONYMS = {"cdu": "CDU", "fws": "FWS", "tcs": "TCS", "dh": "DH", "it": "IT", "gpu": "GPU", "hp": "HP", "mpc": "MPC"}

_SHOWN = {
    "K": (1.0, -ZERO_C, "°C"),
    "W": (1e-6, 0.0, "MW"),
    "J": (1 / 3.6e9, 0.0, "MWh"),
    "Pa": (1e-5, 0.0, "bar"),
    "EUR/J": (3.6e9, 0.0, "EUR/MWh"),
    "kg/J": (3.6e9, 0.0, "kg/MWh"),
    "1": (100.0, 0.0, "%"),
}


def shown(values: Array, unit: str) -> tuple[Array, str]:
    """``values`` in the unit people use for the SI ``unit``, and its name; temperatures are points of a scale."""
    factor, offset, name = _SHOWN.get(unit, (1.0, 0.0, unit))
    return np.asarray(values, dtype=float) * factor + offset, name


def power_unit(*watts: Array) -> tuple[float, str]:
    """Factor and name of the unit in which the largest of ``watts`` reads well: MW or kW."""
    highest = max((float(np.max(np.abs(values), initial=0.0)) for values in watts), default=0.0)
    return (1e-6, "MW") if highest >= 0.5e6 else (1e-3, "kW")


def volume(m3: float) -> tuple[str, str]:
    """Number and unit of an amount of water: m³, or litres below one."""
    return (number(m3), "m³") if m3 >= 1 or m3 <= 0 else (number(m3 * 1e3, 2), "litres")


def energy(joules: float) -> str:
    """``1,404 MWh``, or kWh below one."""
    if abs(joules) < 3.6e9:
        return f"{number(joules / 3.6e6)}{THIN}kWh"
    return f"{number(joules / 3.6e9)}{THIN}MWh"


def power(watts: float) -> str:
    """``12 MW``, or kW below a tenth."""
    return f"{number(watts / 1e6, 2)}{THIN}MW" if abs(watts) >= 0.1e6 else f"{number(watts / 1e3, 2)}{THIN}kW"


def number(value: float | None, digits: int = 3) -> str:
    """A number for people: at most ``digits`` significant digits, or all before the point; thousands set apart."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}") if abs(value) < 10**digits else round(value)
    if abs(rounded) < 1e-3:
        mantissa, exponent = f"{rounded:.1e}".split("e")
        text = f"{mantissa}·10{_superscript(int(exponent))}"
    else:
        text = f"{rounded:,.{_decimals(rounded)}f}"
    return text.replace(",", THIN).replace("-", MINUS)


def _decimals(value: float) -> int:
    """Decimals that a short number needs."""
    return next((d for d in range(7) if abs(round(value, d) - value) <= 1e-9 * abs(value)), 6)


def _superscript(value: int) -> str:
    return str(value).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def title_of(name: str) -> str:
    """``fws_pump`` -> ``FWS pump``, ``hall_supply.3`` -> ``Hall supply 3``."""
    words = [ACRONYMS.get(word, word) for word in re.split(r"[._]", name) if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def zone(name: str) -> tuple[tzinfo, str]:
    """The time zone of that name and what to write beside the clock; UTC, named so, where the system lacks the zone."""
    try:
        return ZoneInfo(name), name
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, "UTC"


def day(moment: datetime) -> str:
    """``Mon 7 April``."""
    return f"{moment:%a} {moment.day} {moment:%B}"


def period(start: datetime, end: datetime) -> str:
    """The days of a run, first to last: ``7 to 13 April 2025``."""
    last = datetime.fromtimestamp(max(end.timestamp() - 1.0, start.timestamp()), tz=end.tzinfo)
    if start.date() == last.date():
        return f"{start.day} {start:%B %Y}"
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day} to {last.day} {last:%B %Y}"
    if start.year == last.year:
        return f"{start.day} {start:%B} to {last.day} {last:%B %Y}"
    return f"{start.day} {start:%B %Y} to {last.day} {last:%B %Y}"


def duration(seconds: float) -> str:
    """``7 days``, ``12 h``."""
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.3g} days"
    return f"{seconds / 3600:.3g} h"
