"""What a link of a network may be: each states its pressure drop as a function of its flow, from hydraulics' laws.

The drop must rise with the flow everywhere, pumps included (theirs is minus their head): that makes the flows of any
network unique, and Newton's method on them find them from anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from plant_models import hydraulics as hy
from plant_models.hydraulics.pipe import drop_unchecked
from plant_models.hydraulics.pump_curve import MonotoneCurve, PumpCurve
from plant_models.mathx import exp, log, sqrt

V_START = 0.5
"""m/s: the velocity from which Newton's method starts in pipes"""
DP_START = 2e4
"""Pa: the drop from which it starts elsewhere"""


@dataclass(frozen=True, slots=True)
class Fluid:
    """What flows: density, kg/m³, and dynamic viscosity, Pa s; one for the whole network. Water at 20 °C by default."""

    rho: float = 998.2
    mu: float = 1.0016e-3


class Element(Protocol):
    """One kind of link."""

    @property
    def kind(self) -> Hashable:
        """Elements of the same kind share one law and differ by their parameters only."""
        ...

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """The law's parameters; always as many for a kind."""
        ...

    def law(self) -> Callable[[Any, Any], Any]:
        """Drop, Pa, of (mass flow, kg/s; parameters, indexed): NumPy or CasADi."""
        ...

    def start(self, fluid: Fluid) -> float:
        """A usual flow, kg/s, from which the solution starts."""
        ...


def drop(element: Element, m_flow: Any, fluid: Fluid | None = None) -> Any:
    """Pressure drop, Pa, of an element alone at m_flow, kg/s."""
    return element.law()(m_flow, element.parameters(fluid or Fluid()))


def _positive(what: str, **values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"a {what} needs a positive {name}, found {value}")


@dataclass(frozen=True, slots=True)
class Pipe:
    """Darcy-Weisbach with Churchill's friction; lengths m, K the sum of loss coefficients of fittings."""

    length: float
    diameter: float
    roughness: float = 4.5e-5
    K: float = 0.0

    def __post_init__(self) -> None:
        _positive("pipe", length=self.length, diameter=self.diameter)
        if self.roughness < 0 or self.K < 0:
            raise ValueError(f"a pipe's roughness and K are not negative, found {self.roughness} and {self.K}")

    @property
    def kind(self) -> Hashable:
        """All pipes are one kind."""
        return "pipe"

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """Sizes and fluid."""
        return self.length, self.diameter, self.roughness, self.K, fluid.rho, fluid.mu

    def law(self) -> Callable[[Any, Any], Any]:
        """:func:`plant_models.hydraulics.pipe_drop`."""
        return lambda m, p: drop_unchecked(m, p[0], p[1], p[2], p[4], p[5], p[3])

    def start(self, fluid: Fluid) -> float:
        """At V_START."""
        return V_START * fluid.rho * math.pi / 4.0 * self.diameter**2


@dataclass(frozen=True, slots=True)
class HazenWilliamsPipe:
    """A water pipe by Hazen-Williams, with K as the sum of loss coefficients of fittings; m."""

    length: float
    diameter: float
    C: float = 130.0
    K: float = 0.0

    def __post_init__(self) -> None:
        _positive("pipe", length=self.length, diameter=self.diameter, C=self.C)
        if self.K < 0:
            raise ValueError(f"a pipe's K is not negative, found {self.K}")

    @property
    def kind(self) -> Hashable:
        """All of them are one kind."""
        return "hazen_williams"

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """r of the pipe and of the fittings."""
        r = hy.hazen_williams_resistance(self.length, self.diameter, self.C, fluid.rho)
        return float(r), self.K * 8.0 / (math.pi**2 * fluid.rho * self.diameter**4)

    def law(self) -> Callable[[Any, Any], Any]:
        """Friction, and K in velocity heads; linear below M_FLOW_SMALL."""
        small = hy.M_FLOW_SMALL
        return lambda m, p: hy.power_law_drop(m, p[0], 1.852) + p[1] * m * sqrt(m * m + small * small)

    def start(self, fluid: Fluid) -> float:
        """At V_START."""
        return V_START * fluid.rho * math.pi / 4.0 * self.diameter**2


@dataclass(frozen=True, slots=True)
class Resistance:
    """dp = r m|m|^(n-1), r in Pa/(kg/s)^n, n >= 1."""

    r: float
    n: float = 2.0

    def __post_init__(self) -> None:
        _positive("resistance", r=self.r)
        if self.n < 1:
            raise ValueError(f"a resistance's exponent is at least 1, found {self.n}")

    @property
    def kind(self) -> Hashable:
        """Those of equal exponent."""
        return "resistance", self.n

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """R alone."""
        return (self.r,)

    def law(self) -> Callable[[Any, Any], Any]:
        """:func:`plant_models.hydraulics.power_law_drop`."""
        n = self.n
        return lambda m, p: hy.power_law_drop(m, p[0], n)

    def start(self, fluid: Fluid) -> float:
        """At DP_START."""
        return float((DP_START / self.r) ** (1.0 / self.n))


CHARACTERISTICS: dict[str, Callable[[Any], Any]] = {
    "linear": hy.linear,
    "equal_percentage": hy.equal_percentage,
    "quick_opening": hy.quick_opening,
}


@dataclass(frozen=True, slots=True)
class Valve:
    """A valve, or anything of a square law: k kg/(s Pa^0.5) when open (``hydraulics.coefficient``), opening y 0..1.

    Closed, it passes its characteristic's leakage; a link that is to pass nothing at all is ``open=False``.
    """

    k: float
    y: float = 1.0
    characteristic: Literal["linear", "equal_percentage", "quick_opening"] = "linear"
    dp_small: float = 1.0

    def __post_init__(self) -> None:
        _positive("valve", k=self.k, dp_small=self.dp_small)
        if not 0.0 <= self.y <= 1.0:
            raise ValueError(f"a valve's opening is 0..1, found {self.y}")

    @property
    def kind(self) -> Hashable:
        """All valves are one kind."""
        return "valve"

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """The present k."""
        return self.k * float(CHARACTERISTICS[self.characteristic](self.y)), self.dp_small

    def law(self) -> Callable[[Any, Any], Any]:
        """:func:`plant_models.hydraulics.pressure_drop`."""
        return lambda m, p: hy.pressure_drop(m, p[0], p[1])

    def start(self, fluid: Fluid) -> float:
        """At DP_START."""
        return self.parameters(fluid)[0] * math.sqrt(DP_START)


@dataclass(frozen=True, slots=True)
class PressureIndependentValve:
    """Holds m_flow_set, kg/s, above its smallest drop (m_flow_set/k)²; below it a valve of coefficient k."""

    k: float
    m_flow_set: float
    droop: float = 0.02

    def __post_init__(self) -> None:
        _positive("pressure-independent valve", k=self.k, m_flow_set=self.m_flow_set, droop=self.droop)

    @property
    def kind(self) -> Hashable:
        """Those of equal droop."""
        return "picv", self.droop

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """K and the flow held."""
        return self.k, self.m_flow_set

    def law(self) -> Callable[[Any, Any], Any]:
        """:func:`plant_models.hydraulics.pressure_independent_drop`."""
        droop = self.droop
        return lambda m, p: hy.pressure_independent_drop(m, p[0], p[1], droop=droop, dp_small=1.0)

    def start(self, fluid: Fluid) -> float:
        """Just below the flow held."""
        return 0.8 * self.m_flow_set


@dataclass(frozen=True, slots=True)
class Pump:
    """A pump or group of pumps by points of their curve, at relative speed y. Give the link ``one_way=True`` for its
    check valve."""

    curve: PumpCurve
    y: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.y) and self.y >= 0):
            raise ValueError(f"a pump's relative speed is 0 or above, found {self.y}")

    @property
    def kind(self) -> Hashable:
        """Those with equally many points."""
        return "pump", len(self.curve.head.x)

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """Speed, group, curve."""
        head = self.curve.head
        group = (self.y, float(self.curve.parallel), float(self.curve.in_series), head.curvature)
        return (*group, *head.x, *head.values, *head.slopes)

    def law(self) -> Callable[[Any, Any], Any]:
        """Minus the head, :meth:`plant_models.hydraulics.pump_curve.PumpCurve.dp`."""
        n = len(self.curve.head.x)

        def minus_head(m: Any, p: Any) -> Any:
            parts = [tuple(p[4 + j * n + i] for i in range(n)) for j in range(3)]
            curve = MonotoneCurve(parts[0], parts[1], parts[2], p[3])
            return -PumpCurve(curve, None, p[1], p[2]).dp(m, p[0])

        return minus_head

    def start(self, fluid: Fluid) -> float:
        """In the middle of the curve."""
        x = self.curve.head.x
        return self.curve.parallel * 0.5 * (x[0] + x[-1]) * max(self.y, 0.1)


@dataclass(frozen=True, slots=True)
class PowerCurvePump:
    """A pump of head dp_0 - r m^n, Pa, at full speed, affine to y² dp_0 - r y^(2-n) m^n; 1 <= n <= 2, speed y > 0.

    The form water-network models use (EPANET's one- and three-point curves, n up to 20 there).
    """

    dp_0: float
    r: float
    n: float = 2.0
    y: float = 1.0

    def __post_init__(self) -> None:
        _positive("pump", dp_0=self.dp_0, r=self.r, y=self.y)
        if self.n < 1:
            raise ValueError(f"a pump curve's exponent is at least 1, found {self.n}")

    @property
    def kind(self) -> Hashable:
        """All are one kind."""
        return "power_curve_pump"

    def parameters(self, fluid: Fluid) -> tuple[float, ...]:
        """Shut-off head and resistance at the present speed."""
        return self.y**2 * self.dp_0, self.r * self.y ** (2.0 - self.n), self.n

    def law(self) -> Callable[[Any, Any], Any]:
        """Minus the head; r m (m² + s²)^((n-1)/2) in place of r m^n, s = M_FLOW_SMALL."""
        s2 = hy.M_FLOW_SMALL**2
        return lambda m, p: p[1] * m * exp(0.5 * (p[2] - 1.0) * log(m * m + s2)) - p[0]

    def start(self, fluid: Fluid) -> float:
        """Where half of the head is left."""
        dp_0, r, n = self.parameters(fluid)
        return float((0.5 * dp_0 / r) ** (1.0 / n))
