"""A pump by points of its data sheet: head and shaft power against flow, at any speed, alone or in groups.

Between the points runs the monotone cubic of Fritsch and Carlson (SIAM J. Numer. Anal. 17, 1980), beyond them a
parabola, so the head falls with the flow everywhere, reversed flow included. With q = m/y the affinity laws are

    dp = y² H(q),    P = y³ S(q)

kept finite to standstill by y_s = sqrt(y² + Y_SMALL²) in place of y: 0.1 % of y at y = 0.023. A pump at rest resists
as its curve does far to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from plant_models.mathx import maximum, minimum, sqrt

Y_SMALL = 1e-3
"""relative speed below which the affinity laws are rounded off"""
SLOPE_MIN = 1e-3
"""least fall of the head along any segment, of its mean fall: a flat piece would leave the flow undetermined"""


@dataclass(frozen=True, slots=True)
class MonotoneCurve:
    """Cubic pieces through points, level or falling nowhere against their trend, with parabolas beyond both ends."""

    x: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...]
    curvature: float
    """of the parabolas beyond the ends, with the curve's own trend: value += curvature (x - x_end)|x - x_end|"""

    @staticmethod
    def through(x: Any, values: Any, curvature: float, least: float = 0.0) -> MonotoneCurve:
        """The curve through these points; x must rise. It falls by at least ``least`` everywhere, if that is given."""
        slopes = PchipInterpolator(x, values).derivative()(x)
        if least > 0.0:
            slopes = np.minimum(slopes, -least)
        return MonotoneCurve(tuple(map(float, x)), tuple(map(float, values)), tuple(map(float, slopes)), curvature)

    def __call__(self, x: Any) -> Any:
        """The value at x: a float, an array or a CasADi symbol."""
        below, above = minimum(x - self.x[0], 0.0), maximum(x - self.x[-1], 0.0)
        total = self.values[0] + self.slopes[0] * below + self.slopes[-1] * above
        total = total + self.curvature * (above * above - below * below)
        for i in range(len(self.x) - 1):
            h, rise = self.x[i + 1] - self.x[i], self.values[i + 1] - self.values[i]
            s = minimum(maximum((x - self.x[i]) / h, 0.0), 1.0)
            start, end = h * self.slopes[i], h * self.slopes[i + 1]
            total = total + s * (start + s * (3.0 * rise - 2.0 * start - end + s * (start + end - 2.0 * rise)))
        return total


@dataclass(frozen=True, slots=True)
class PumpCurve:
    """Head and shaft power of one pump at full speed; :meth:`from_points` makes it.

    ``parallel`` equal pumps share the flow, ``in_series`` add their heads.
    """

    head: MonotoneCurve
    """pressure rise, Pa, against kg/s"""
    power: MonotoneCurve | None = None
    """shaft power, W, against kg/s"""
    parallel: int = 1
    in_series: int = 1
    repaired: str = field(default="", compare=False)
    """what was changed to make the points monotone; empty if nothing"""

    @staticmethod
    def from_points(
        m_flow: Any,
        dp: Any,
        *,
        P_shaft: Any = None,
        efficiency: Any = None,
        rho: float = 998.2,
        repair: bool = False,
        parallel: int = 1,
        in_series: int = 1,
    ) -> PumpCurve:
        """A pump from points of its curves at full speed.

        m_flow kg/s (rising, >= 0, at least three), dp Pa (falling). Power: ``P_shaft``, W, at the same flows; or
        ``efficiency`` (0..1, of hydraulic over shaft power, rho kg/m³), where a point at zero flow, at which no
        efficiency says what the power is, is continued in a straight line from its two neighbours (and kept between
        half and all of the nearer one's). Raises ValueError for data that cannot be a pump's; heads that do not fall
        are refused, or with ``repair`` replaced by the nearest falling ones (least squares), as :attr:`repaired` says.
        """
        m, H = np.asarray(m_flow, dtype=float), np.asarray(dp, dtype=float)
        _check_points(m, H)
        if parallel < 1 or in_series < 1:
            raise ValueError(f"a group has at least one pump: parallel = {parallel}, in_series = {in_series}")
        H, said = _falling(m, H, repair)
        trend = (H[0] - H[-1]) / (m[-1] - m[0])
        head = MonotoneCurve.through(m, H, -trend / m[-1], SLOPE_MIN * trend)
        if P_shaft is not None and efficiency is not None:
            raise ValueError("a pump's power is given by P_shaft or by efficiency, not by both")
        P = None if P_shaft is None else np.asarray(P_shaft, dtype=float)
        if efficiency is not None:
            P = _power_from_efficiency(m, np.asarray(dp, dtype=float), np.asarray(efficiency, dtype=float), rho)
        if P is not None and (P.shape != m.shape or not np.all(np.isfinite(P)) or np.any(P <= 0)):
            raise ValueError(f"shaft power needs one positive value, W, for each of the {m.size} flows, found {P}")
        power = None if P is None else MonotoneCurve.through(m, P, 0.0)
        return PumpCurve(head, power, parallel, in_series, said)

    def dp(self, m_flow: Any, y: Any = 1.0) -> Any:
        """Pressure rise, Pa, of the group at m_flow, kg/s (all together), and relative speed y (0..1 and above)."""
        y_s = sqrt(y * y + Y_SMALL * Y_SMALL)
        q = m_flow / (self.parallel * y_s)
        return self.in_series * (y_s * y_s * self.head(q) - Y_SMALL * Y_SMALL * self.head.values[0])

    def P_shaft(self, m_flow: Any, y: Any = 1.0) -> Any:
        """Shaft power, W, of the group; zero at standstill. Raises ValueError for a pump without power data."""
        if self.power is None:
            raise ValueError("this pump was given no power: pass P_shaft or efficiency to PumpCurve.from_points")
        q = m_flow / (self.parallel * sqrt(y * y + Y_SMALL * Y_SMALL))
        first, last = self.power.x[0], self.power.x[-1]
        return self.parallel * self.in_series * y**3 * self.power(minimum(maximum(q, first), last))


def _check_points(m: Any, H: Any) -> None:
    if m.ndim != 1 or m.shape != H.shape or m.size < 3:
        raise ValueError(f"a pump curve needs at least three points (m_flow, dp), found {m.size} flows, {H.size} heads")
    if not (np.all(np.isfinite(m)) and np.all(np.isfinite(H))):
        raise ValueError("a pump curve's points must be numbers")
    if H[0] <= 0:
        raise ValueError(f"a pump lifts the pressure at its least flow: {m[0]:g} kg/s has a head of {H[0]:g} Pa")
    if m[0] < 0 or np.any(np.diff(m) <= 0):
        bad = int(np.argmax(np.diff(m) <= 0))
        raise ValueError(
            f"a pump curve's flows must rise from zero or above: {m[bad]:g} is followed by {m[bad + 1]:g} kg/s"
        )


def _falling(m: Any, H: Any, repair: bool) -> tuple[Any, str]:
    """Heads that fall everywhere by at least SLOPE_MIN of their mean fall, and what was done to make them."""
    if H[0] <= H[-1]:
        raise ValueError(f"this pump's head rises from {H[0]:g} Pa at {m[0]:g} kg/s to {H[-1]:g} Pa at {m[-1]:g} kg/s")
    least = SLOPE_MIN * (H[0] - H[-1]) / (m[-1] - m[0])
    slack = H + least * m
    if np.all(np.diff(slack) <= 0):
        return H, ""
    bad = int(np.argmax(np.diff(slack) > 0))
    where_ = f"{H[bad]:g} Pa at {m[bad]:g} kg/s is followed by {H[bad + 1]:g} Pa at {m[bad + 1]:g} kg/s"
    if not repair:
        raise ValueError(
            f"this pump's head does not fall: {where_}. Such a pump has two flows for one head; correct the points, or "
            "pass repair=True for the nearest curve that falls"
        )
    new = np.asarray(isotonic_regression(slack, increasing=False).x) - least * m
    return new, f"heads made to fall ({where_}): moved by up to {np.max(np.abs(new - H)):.4g} Pa"


def _power_from_efficiency(m: Any, H: Any, eta: Any, rho: float) -> Any:
    inside = m > 0
    if eta.shape != m.shape or np.any(eta[inside] <= 0) or np.any(eta[inside] > 1):
        raise ValueError(
            f"efficiency needs one value in 0..1 for each of the {m.size} flows (any at zero flow), found {eta}"
        )
    P = np.empty_like(m)
    P[inside] = m[inside] * H[inside] / (rho * eta[inside])
    if np.any(P[inside] <= 0):
        raise ValueError(
            "a pump has no efficiency where its head is not positive: leave those points out, or give P_shaft"
        )
    if not inside[0]:
        line = P[1] - (P[2] - P[1]) / (m[2] - m[1]) * (m[1] - m[0])
        P[0] = min(max(line, 0.5 * P[1]), P[1])
    return P
