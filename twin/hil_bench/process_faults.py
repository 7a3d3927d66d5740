"""Faults of the process: which parameters and disturbances of the plant they change, and to what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from plant_models.signals import Signal

WET_BULB_SHARE: Final = 0.35
"""K of wet bulb per K of dry bulb at constant humidity ratio, 25..40 degC and 30..50 %: slope of the psychrometric
chart (ASHRAE Handbook Fundamentals, chapter 1)"""
LOAD_STEP_TIME: Final = 15.0
"""s in which a GPU job starts or ends on a whole hall (20 MW class, 3.1 MW in 15 s measured at Frontier)"""

Change = Callable[[float, Signal, float], float]
"""value without the fault, its signal, size in; value with the fault out"""


@dataclass(frozen=True, slots=True)
class ProcessFault:
    """What one fault does."""

    description: str
    effects: Mapping[str, tuple[str, Change]]
    """by kind of machine: the signal's local name and what becomes of it; for disturbances of the plant by full name"""
    unit: str = "1"
    """of its size"""
    size: float = math.nan
    """default"""
    span: tuple[float, float] = (0.0, 1.0)
    """sizes that make sense"""
    aimed: bool = True
    """at machines; else at the plant as a whole"""
    over: float = 0.0
    """s that it takes to develop where the scenario does not say"""


def _to_size(value: float, signal: Signal, size: float) -> float:
    return size


def _less(value: float, signal: Signal, size: float) -> float:
    """Down by the share ``size``."""
    return value * (1.0 - size)


def _off(value: float, signal: Signal, size: float) -> float:
    return 0.0


def _pumps(value: float, signal: Signal, size: float) -> float:
    """``size`` pumps fewer; not a number: all."""
    return 0.0 if math.isnan(size) else max(0.0, value - size)


def _more(value: float, signal: Signal, size: float) -> float:
    """By the share ``size`` of the design value."""
    return value + size * signal.default


def _warmer(value: float, signal: Signal, size: float) -> float:
    return value + size


def _wetter(value: float, signal: Signal, size: float) -> float:
    return value + WET_BULB_SHARE * size


PROCESS_FAULTS: Final[dict[str, ProcessFault]] = {
    "pump_trip": ProcessFault(
        "pumps stop; `count` of them, default all",
        {"cdu": ("pumps_available", _pumps), "pump_group": ("pumps_available", _pumps)}, span=(1.0, 100.0),
    ),
    "valve_stuck": ProcessFault(
        "a valve stays where it stands",
        dict.fromkeys(("cdu", "control_valve", "three_way_valve", "substation"), ("valve_free", _off)),
    ),
    "exchanger_fouled": ProcessFault(
        "an exchanger loses the share `size` of its conductance",
        {
            **dict.fromkeys(("cdu", "dry_cooler", "cooling_tower", "air_handler"), ("fouling", _to_size)),
            **dict.fromkeys(("plate_exchanger", "substation"), ("UA_factor", _less)),
        },
        size=0.3, span=(0.0, 0.8),
    ),
    "filter_clogged": ProcessFault(
        "a filter loses the share `size` of its open area", {"cdu": ("filter_clogged", _to_size)}, size=0.6,
        span=(0.0, 0.9),
    ),
    "leak": ProcessFault(
        "a circuit loses `size`; aimed at its expansion vessel",
        dict.fromkeys(("expansion", "membrane_vessel"), ("leak", _to_size)), unit="kg/s", size=0.1, span=(0.0, 10.0),
    ),
    "gas_lost": ProcessFault(
        "an expansion vessel loses the share `size` of its gas", {"membrane_vessel": ("gas", _less)}, size=0.5,
        span=(0.0, 0.8),
    ),
    "fan_failure": ProcessFault(
        "the share `size` of the fans stops", {"dry_cooler": ("fans_available", _less)}, size=0.5,
    ),
    "heat_pump_trip": ProcessFault("a heat pump stops and does not start", {"heat_pump": ("available", _off)}),
    "chiller_trip": ProcessFault("a chiller stops and does not start", {"chiller": ("available", _off)}),
    "refrigerant_lost": ProcessFault(
        "a machine loses the share `size` of its COP",
        {"heat_pump": ("COP_factor", _less), "chiller": ("COP_factor", _less)}, size=0.2, span=(0.0, 0.5),
    ),
    "no_heat_demand": ProcessFault(
        "consumers take no heat", {"district": ("Q_demand", _off), "substation": ("Q_demand", _off)}, over=60.0
    ),
    "load_step": ProcessFault(
        "IT power by the share `size` of design more (or less), in 15 s", {"cdu": ("P_it", _more)}, size=0.3,
        span=(-1.0, 1.0), over=LOAD_STEP_TIME,
    ),
    "heat_wave": ProcessFault(
        "outside air `size` warmer at the same humidity ratio",
        {"weather.T_dry": ("weather.T_dry", _warmer), "weather.T_wet": ("weather.T_wet", _wetter)},
        unit="K", size=15.0, span=(0.0, 30.0), aimed=False, over=1800.0,
    ),
}  # fmt: skip
"""by name"""
