"""Liquids of the loops: density, heat capacity, enthalpy, viscosity and conductivity against temperature.

Polynomials in x = (T - 323.15 K)/45 K, fitted to CoolProp 8.0.0 between 5 and 95 °C (``python -m
plant_models.fit_media`` shows the fit and its error again):

==========================  =======  =======  =======  =======
largest relative error      rho      cp       mu       k
==========================  =======  =======  =======  =======
water at 4 bar (IAPWS-95)   3.1e-6   2.6e-5   2.7e-5   2.8e-5
PG25 (MPG 25 % by mass)     3.2e-7   2.5e-8   1.8e-7   3.1e-8
==========================  =======  =======  =======  =======

PG25 is CoolProp's ``INCOMP::MPG[0.25]`` (Melinder 2010); other sources of 25 % propylene glycol differ by about 2 %
in heat capacity and viscosity. Outside the validity the polynomials go on, smooth and positive, for 25 K either side;
from there on every property stays what it is there, and enthalpy goes on in a line, so that it rises with temperature
everywhere and a solver may pass through. :meth:`Medium.check` says when a result may not be quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plant_models.mathx import clip, exp

T_CENTRE = 323.15
T_SCALE = 45.0
T_ZERO_ENTHALPY = 273.15
T_BEYOND = 25.0
"""K, by which the polynomials are followed beyond their fit"""


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Σ cᵢ xⁱ by Horner's rule."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


@dataclass(frozen=True, slots=True)
class Medium:
    """A liquid whose properties depend on temperature only. All methods take T in K, floats, arrays or symbols."""

    name: str
    T_min: float
    """K, lower end of the fit"""
    T_max: float
    """K, upper end of the fit"""
    rho_fit: tuple[float, ...]
    cp_fit: tuple[float, ...]
    log_mu_fit: tuple[float, ...]
    k_fit: tuple[float, ...]

    def _followed(self, T: Any) -> Any:
        """T where the polynomials are followed, else the nearest such temperature, K."""
        return clip(T, self.T_min - T_BEYOND, self.T_max + T_BEYOND)

    def _x(self, T: Any) -> Any:
        return (self._followed(T) - T_CENTRE) / T_SCALE

    def rho(self, T: Any) -> Any:
        """Density, kg/m³."""
        return _polynomial(self.rho_fit, self._x(T))

    def cp(self, T: Any) -> Any:
        """Specific heat capacity, J/(kg K)."""
        return _polynomial(self.cp_fit, self._x(T))

    def h(self, T: Any) -> Any:
        """Specific enthalpy, J/kg, zero at 273.15 K: the exact integral of :meth:`cp`."""
        integral = (0.0, *(T_SCALE * c / (i + 1) for i, c in enumerate(self.cp_fit)))
        zero = _polynomial(integral, (T_ZERO_ENTHALPY - T_CENTRE) / T_SCALE)
        followed = self._followed(T)
        x = (followed - T_CENTRE) / T_SCALE
        return _polynomial((-zero, *integral[1:]), x) + _polynomial(self.cp_fit, x) * (T - followed)

    def mu(self, T: Any) -> Any:
        """Dynamic viscosity, Pa s."""
        return exp(_polynomial(self.log_mu_fit, self._x(T)))

    def k(self, T: Any) -> Any:
        """Thermal conductivity, W/(m K)."""
        return _polynomial(self.k_fit, self._x(T))

    def check(self, T: float) -> None:
        """Raise ValueError when T (K) is outside the fit."""
        if not self.T_min <= T <= self.T_max:
            raise ValueError(
                f"{self.name} is fitted from {self.T_min - 273.15:.1f} to {self.T_max - 273.15:.1f} °C, "
                f"found {T - 273.15:.1f} °C ({T:.2f} K)"
            )


WATER = Medium(
    name="water",
    T_min=278.15,
    T_max=368.15,
    rho_fit=(988.1631, -20.35091, -6.591226, 1.123252, -0.4994986, 0.1835659),
    cp_fit=(4180.727, 12.77278, 15.19738, -4.285915, 10.61598, -5.596736),
    log_mu_fit=(-7.51184, -0.7553961, 0.1843507, -0.05034041, 0.01784136, -0.00958496, 0.003770408),
    k_fit=(0.6407652, 0.05055028, -0.01749316, 0.002253901, -0.00159024, 0.0008588007),
)
"""Water at 4 bar."""

PG25 = Medium(
    name="pg25",
    T_min=278.15,
    T_max=368.15,
    rho_fit=(1004.378, -25.96687, -4.55536, 1.307255),
    cp_fit=(3992.381, 105.9749, -4.093536, -1.875726),
    log_mu_fit=(-6.837665, -0.9670794, 0.3248606, -0.1179499),
    k_fit=(0.4946192, 0.03909793, -0.001972945, -0.0005919088),
)
"""Propylene glycol 25 % by mass in water, the usual coolant of cold plates."""

MEDIA: dict[str, Medium] = {"water": WATER, "pg25": PG25}
"""The liquids by the word a site file uses."""
