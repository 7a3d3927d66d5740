"""Groups of equal pumps known by points of their curve, with their flow as an explicit function of pressure and speed.

Of one pump at full speed, with its suction, discharge and check valve (dp_fittings at m_nominal), let D be the head
lost below shut-off and w the flow squared: where the curve is a parabola, D is straight over w. Through the points

    D_i = H_0 - H_i + dp_fittings w_i/m_nominal²,    w_i = m_i²

runs a monotone rational quadratic (Gregory and Delbourgo, IMA J. Numer. Anal. 2, 1982, 123-130), whose inverse W(D) is
in closed form; beyond the last point it is straight (a parabola of head over flow). By the affinity laws, at the speed
y,

    drive = y² H_0 - (p_outlet - p_inlet),    w = y_s² W(drive/y_s²),    m = n sqrt(w),    P = n y³ S(m/(n y_s))

with y_s = sqrt(y² + Y_SMALL²), so that all is finite to standstill, where the group resists as its curve does far to
the right. S, the shaft power, is the monotone cubic of :class:`plant_models.hydraulics.pump_curve.PumpCurve`, whose
points and checks are taken over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from plant_models.hydraulics.law import DP_SMALL, mass_flow
from plant_models.hydraulics.pump_curve import SLOPE_MIN, Y_SMALL, PumpCurve
from plant_models.mathx import maximum, minimum, sqrt

Piece = tuple[float, float, float, float, float, float]
"""w and D at the start, their widths, slopes dD/dw at both ends"""


@dataclass(frozen=True)
class GroupCurve:
    """Equal pumps side by side, or behind each other; ``pump`` with its power is one of them."""

    pump: PumpCurve
    m_flow_nominal: float
    dp_fittings: float = 0.0

    @cached_property
    def head_shut_off(self) -> float:
        """Pa, of one pump at full speed: its first point, or where the parabola through the first two begins."""
        head = self.pump.head
        (w, w_next), (H, H_next) = np.square(head.x[:2]), head.values[:2]
        return float(H + (H - H_next) / (w_next - w) * w)

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """w, D and dD/dw, from zero flow on."""
        w = np.square(self.pump.head.x)
        D = self.head_shut_off - np.array(self.pump.head.values) + self.dp_fittings * w / self.m_flow_nominal**2
        if w[0] > 0.0:
            w, D = np.insert(w, 0, 0.0), np.insert(D, 0, 0.0)
        slopes = PchipInterpolator(w, D).derivative()(w)
        return w, D, np.maximum(slopes, SLOPE_MIN * D[-1] / w[-1])

    def _pieces(self) -> Iterator[Piece]:
        for (w, D, slope), (w_1, D_1, slope_1) in pairwise(zip(*map(np.ndarray.tolist, self._points), strict=True)):
            yield w, D, w_1 - w, D_1 - D, slope, slope_1

    def lost(self, w: Any) -> Any:
        """D, Pa: what is lost of the shut-off head at the square w >= 0, kg²/s², of one pump's flow at full speed."""
        w_end, _, slope_end = (float(column[-1]) for column in self._points)
        total = slope_end * maximum(w - w_end, 0.0)
        for start, _, width, rise, slope, slope_1 in self._pieces():
            x = minimum(maximum((w - start) / width, 0.0), 1.0)
            mean, between = rise / width, x * (1.0 - x)
            total = total + rise * (mean * x * x + slope * between) / (mean + (slope + slope_1 - 2.0 * mean) * between)
        return total

    def square_flow(self, D: Any) -> Any:
        """w, kg²/s², at the head D >= 0, Pa, lost: the exact inverse of :meth:`lost`."""
        _, D_end, slope_end = (float(column[-1]) for column in self._points)
        total = maximum(D - D_end, 0.0) / slope_end
        for _, start, width, rise, slope, slope_1 in self._pieces():
            share = minimum(maximum((D - start) / rise, 0.0), 1.0)
            mean, rest = rise / width, 1.0 - share
            tilt = slope * rest - slope_1 * share
            # (mean - b) x² + b x = mean share with b = tilt + 2 mean share; its discriminant is a sum of squares
            root = sqrt(tilt * tilt + 4.0 * mean * mean * share * rest)
            total = total + width * 2.0 * mean * share / (tilt + 2.0 * mean * share + root)
        return total

    def flow(self, dp: Any, y: Any, n: Any, *, dp_small: float = DP_SMALL, leakage: float = 1e-3) -> Any:
        """Mass flow, kg/s, of n pumps (any real number >= 0) that lift the pressure by dp, Pa, at the speed y (0..1).

        Check valve, leakage and what stays open where all are off as of :func:`pump_group_flow`, whose flow this is
        where the points lie on one parabola. The corner at shut-off is rounded over ``dp_small``: 0.75 (dp_small/D)² of
        the flow where D is lost.
        """
        return sqrt(n * n + leakage * leakage) * self._one(self.head_shut_off * y * y - dp, y, dp_small, leakage)

    def flow_in_series(self, dp: Any, y: Any, n: Any, n_pumps: int, *, dp_small: float = DP_SMALL,
                       leakage: float = 1e-3) -> Any:  # fmt: skip
        """Mass flow, kg/s, of n (0..n_pumps, any real number) pumps behind each other that lift the pressure by dp, Pa.

        See :func:`pump_series_flow`, whose flow this is where the points lie on one parabola. Elsewhere the bypass of a
        pump that stands drops the share of what a running pump loses that its fittings have at nominal flow. Needs
        dp_fittings > 0.
        """
        drive = (n * self.head_shut_off * y * y - dp) / self._resisting(n, n_pumps)
        return self._one(drive, y, dp_small, leakage)

    def _resisting(self, n: Any, n_pumps: int) -> Any:
        """How many running pumps would resist as n that run do, with the bypasses of the others."""
        bypass = self.dp_fittings / float(self.lost(self.m_flow_nominal**2))
        return n + bypass * (n_pumps - n)

    def _one(self, drive: Any, y: Any, dp_small: float, leakage: float) -> Any:
        """Flow, kg/s, of one pump at the speed y, at the head ``drive``, Pa, to lose."""
        y2 = y * y + Y_SMALL * Y_SMALL
        forward = maximum(drive, 0.0)
        square = forward * forward
        scaled = sqrt(square + dp_small * dp_small) / y2
        k_closed = leakage / math.sqrt(float(self._points[2][-1]))
        k_more = sqrt(self.square_flow(scaled) / scaled) - k_closed
        opened = k_more * square / sqrt(square + dp_small * dp_small) ** 1.5
        return mass_flow(drive, k_closed, dp_small) + opened

    def dp(self, m_flow: Any, y: Any, n: Any) -> Any:
        """Pressure rise, Pa, of the group at m_flow > 0, kg/s: the inverse of :meth:`flow` for a drive >> dp_small."""
        y2 = y * y + Y_SMALL * Y_SMALL
        one = m_flow / n
        return y * y * self.head_shut_off - y2 * self.lost(one * one / y2)

    def dp_in_series(self, m_flow: Any, y: Any, n: Any, n_pumps: int) -> Any:
        """Pressure rise, Pa, at m_flow > 0, kg/s: the inverse of :meth:`flow_in_series` for a drive >> dp_small."""
        y2 = y * y + Y_SMALL * Y_SMALL
        return n * y * y * self.head_shut_off - self._resisting(n, n_pumps) * y2 * self.lost(m_flow * m_flow / y2)

    def P_shaft(self, m_flow: Any, y: Any, n: Any, leakage: float = 1e-3) -> Any:
        """Shaft power, W, of n pumps that move m_flow >= 0, kg/s, all together."""
        return n * self.pump.P_shaft(m_flow / sqrt(n * n + leakage * leakage), y)
