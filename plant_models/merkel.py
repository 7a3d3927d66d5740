"""Water against moist air in counter-flow over a fill: Merkel's equation, as a law for machines and as an integral.

Merkel (1925) lets one conductance K, kg/s, carry sensible and latent heat: dQ = (h_s(T) - h) dK, where h_s is the
enthalpy of saturated air at the water's temperature T and h that of the air beside it; water lost is neglected. The
fill is seen as ``SHARES`` of it from the top, where the water enters and the saturation line bends most. In a section
the line is straight, with the mean height and slope of the true one between the section's ends, so each is a
counter-flow exchanger in closed form; the sections are linear in the water's temperature above and are put together
without iteration, the air's enthalpy below each being a + b T. The sections' ends are found in ``PASSES`` passes.

Against the integral, for water of 15..77 °C, wet bulbs of -15..28 °C, a fifth of the nominal water and a tenth of the
air to all of both: within 0.01 K for ranges up to 25 K, 0.02 K up to 40 K, 0.4 K up to 60 K. With a hundredth of the
water, which all but reaches the wet bulb: within 0.1 K from 60 °C, 2 K from 78 °C.

Sources: F. Merkel, Verdunstungskühlung, VDI-Zeitschrift 70 (1925) 123; CTI code ATC-105 and ISO 16345 (the integral);
J. E. Braun, S. A. Klein, J. W. Mitchell, Effectiveness models for cooling towers and cooling coils, ASHRAE
Transactions 95(2), 1989 (a straight saturation line).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from plant_models import heat_transfer, psychrometrics
from plant_models.mathx import clip, maximum, minimum, where

SHARES = (0.15, 0.30, 0.55)
"""of the fill, from the top"""
PASSES = 4
"""over the temperatures between the sections"""
CLOSE = 1e-3
"""K, between the ends that a section's line is drawn through at least"""


def leaving(K: Any, m_air: Any, C_water: Any, T_in: Any, T_wet: Any, p: Any, share_start: float) -> Any:
    """Temperature of the water below the fill, K, between that above it, T_in, and the air's wet bulb.

    K and m_air in kg/s, C_water = m_flow cp in W/K, p in Pa; ``share_start``, of the way from T_in to T_wet, is where
    the passes start. All but the last may be floats, arrays and symbols; needs K, m_air, C_water > 0 and temperatures
    below the boiling point.
    """
    T = [T_in - share_start * share * (T_in - T_wet) for share in accumulate(SHARES)]
    lower, upper = minimum(T_in, T_wet), maximum(T_in, T_wet)
    h_in, h_wet = (psychrometrics.saturated_enthalpy(T_i, p) for T_i in (T_in, T_wet))
    for n in range(PASSES):
        lines = _lines(T_in, h_in, T, T_in > T_wet, p, bent=n == PASSES - 1)
        # the passes may go a little beyond the wet bulb where the air warms the water
        T = [clip(T_i, lower, upper) for T_i in _pass(K, m_air, C_water, T_in, h_wet, lines)]
    return T[-1]


def _lines(T_in: Any, h_in: Any, T: Sequence[Any], cooled: Any, p: Any, bent: bool) -> list[tuple[Any, Any]]:
    """Of the straight saturation line of each section: slope, J/(kg K), and height at 0 K, J/kg.

    Through saturated air at the section's ends; where the water is cooled, ``bent`` lowers it by two thirds of its
    height above the true line in the middle, to the same mean (Simpson). Not where the air warms the water: it then
    cannot end beyond the wet bulb.
    """
    lines = []
    T_above, h_above = T_in, h_in
    for T_i in T:
        fall = where(cooled, maximum(T_above - T_i, CLOSE), minimum(T_above - T_i, -CLOSE))
        T_below = T_above - fall
        h_below = psychrometrics.saturated_enthalpy(T_below, p)
        slope = (h_above - h_below) / fall
        height = h_above - slope * T_above
        if bent:
            bend = 0.5 * (h_above + h_below) - psychrometrics.saturated_enthalpy(0.5 * (T_above + T_below), p)
            height = height - where(cooled, 2.0 / 3.0 * bend, 0.0)
        lines.append((slope, height))
        T_above, h_above = T_below, h_below
    return lines


def _pass(K: Any, m_air: Any, C_water: Any, T_in: Any, h_wet: Any, lines: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Water below each section, K, the saturation line being straight in each."""
    a, b = h_wet, 0.0  # air that enters a section, a + b T with the water that enters it from above
    sections = []
    for share, (slope, height) in zip(reversed(SHARES), reversed(lines), strict=True):
        G = heat_transfer.counter_flow(share * K, m_air, C_water / slope)
        G = G / (1.0 - G * b / C_water)
        heat, by_T = G * (height - a), G * (slope - b)  # heat + by_T T passes
        a, b = a + heat * (1.0 / m_air - b / C_water), b + by_T * (1.0 / m_air - b / C_water)
        sections.append((heat, by_T))
    T = [T_in]
    for heat, by_T in reversed(sections):
        T.append(T[-1] - (heat + by_T * T[-1]) / C_water)
    return T[1:]


def conductance(m_air: float, C_water: float, T_in: float, T_out: float, T_wet: float, p: float) -> float:
    """K, kg/s, that cools water from T_in to T_out (K): the integral of dQ/(h_s - h), by 64 Gauss points.

    Infinite where the air would take up more than saturated air at the water's temperature holds: no fill does it.
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)
    T = 0.5 * (T_in + T_out) + 0.5 * (T_in - T_out) * nodes
    h = psychrometrics.saturated_enthalpy(T_wet, p) + C_water / m_air * (T - T_out)
    driving = psychrometrics.saturated_enthalpy(T, p) - h
    if not np.min(driving) > 0.0:
        return math.inf
    return float(0.5 * (T_in - T_out) * C_water * np.sum(weights / driving))
