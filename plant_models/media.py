"""Liquids of the loops: density, heat capacity, enthalpy, viscosity and conductivity against temperature.

Water, and aqueous propylene and ethylene glycol of any mass fraction. Polynomials in temperature (of viscosity its
logarithm), fitted to CoolProp 8.0.0 by ``python -m plant_models.fit_media``; coefficients, ranges and errors stand in
``plant_models/media_fits.py``:

=========================================  ============  =======  =======  =======  =======
largest relative error to CoolProp         range         rho      cp       mu       k
=========================================  ============  =======  =======  =======  =======
water at 4 bar (IAPWS-95)                  2..130 °C     1.3e-5   3.2e-5   3.8e-5   3.3e-5
propylene glycol, 5..60 % by mass (MPG)    frozen..100   4e-13    2e-13    4e-13    2e-13
ethylene glycol, 5..60 % by mass (MEG)     frozen..100   2e-13    2e-13    9e-13    2e-13
=========================================  ============  =======  =======  =======  =======

CoolProp's glycols (``INCOMP::MPG``, ``INCOMP::MEG``; Melinder 2010) are polynomials themselves, so the fit is theirs;
other sources of 25 % propylene glycol differ by about 2 % in heat capacity and viscosity. Pressure: between 1 and 10
bar water's density changes by 4e-4, its heat capacity by 6e-4.

Outside the range the polynomials go on, smooth and positive, for ``T_beyond`` either side; from there on every property
stays what it is there, and enthalpy goes on in a line, so that it rises with temperature everywhere and a solver may
pass through. :meth:`Medium.check` refuses a plain number outside the range; a run names the nodes that
left theirs (``extrapolated`` in run.json).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from plant_models import media_fits as fits
from plant_models.mathx import clip, exp
from plant_models.plausible import check_temperature

T_CENTRE, T_SCALE = fits.T_CENTRE, fits.T_SCALE
T_ZERO_ENTHALPY = 273.15
FREEZING_MARGIN = 0.5
"""K, that a glycol's range starts above its freezing point"""

GAUSS = math.sqrt(0.6)
"""the outer points of Gauss' rule of three points, exact to the fifth degree"""


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Σ cᵢ xⁱ by Horner's rule."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


@dataclass(frozen=True, slots=True)
class Medium:
    """A liquid whose properties depend on temperature only. All methods take T in K, floats, arrays or symbols.

    They raise ValueError for plain numbers that no liquid has in K (below 150 or above 1500): they are meant in degC.
    """

    name: str
    T_min: float
    """K, lower end of the fit"""
    T_max: float
    """K, upper end of the fit"""
    rho_fit: tuple[float, ...]
    cp_fit: tuple[float, ...]
    log_mu_fit: tuple[float, ...]
    k_fit: tuple[float, ...]
    source: str = ""
    """what it was fitted to"""
    T_beyond: float = 10.0
    """K, by which the polynomials are followed beyond the fit"""

    def _followed(self, T: Any) -> Any:
        """T where the polynomials are followed, else the nearest such temperature, K. Raises ValueError for degC."""
        check_temperature(T)
        return clip(T, self.T_min - self.T_beyond, self.T_max + self.T_beyond)

    def _x(self, T: Any) -> Any:
        return (self._followed(T) - T_CENTRE) / T_SCALE

    def rho(self, T: Any) -> Any:
        """Density, kg/m³."""
        return _polynomial(self.rho_fit, self._x(T))

    def cp(self, T: Any) -> Any:
        """Specific heat capacity, J/(kg K)."""
        return _polynomial(self.cp_fit, self._x(T))

    def cp_between(self, T_1: Any, T_2: Any) -> Any:
        """Mean specific heat capacity between two temperatures, J/(kg K): finite also where both are equal.

        (h(T_1) - h(T_2))/(T_1 - T_2) by Gauss' rule of three points. Exchangers take it between their inlets, so that
        no outlet passes the other side's inlet.
        """
        middle, away = 0.5 * (T_1 + T_2), GAUSS * 0.5 * (T_1 - T_2)
        return (5.0 * self.cp(middle - away) + 8.0 * self.cp(middle) + 5.0 * self.cp(middle + away)) / 18.0

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

    def check(self, *T: float | Iterable[float]) -> None:
        """Raise ValueError when a temperature (K; numbers or arrays of them) is outside the fit."""
        for value in np.concatenate([np.ravel(np.asarray(t, float)) for t in T]):
            if not self.T_min <= value <= self.T_max:
                raise ValueError(
                    f"{self.name} is fitted from {self.T_min - 273.15:.1f} to {self.T_max - 273.15:.1f} °C, "
                    f"found {value - 273.15:.1f} °C ({value:.2f} K)"
                )


WATER = Medium(
    name="water",
    T_min=fits.WATER_RANGE[0],
    T_max=fits.WATER_RANGE[1],
    rho_fit=fits.WATER["rho"],
    cp_fit=fits.WATER["cp"],
    log_mu_fit=fits.WATER["log_mu"],
    k_fit=fits.WATER["k"],
    source=f"CoolProp {fits.COOLPROP}, Water (IAPWS-95) at {fits.PRESSURE / 1e5:.0f} bar",
)
"""Water at 4 bar."""

GLYCOLS = {"propylene": ("pg", "MPG"), "ethylene": ("eg", "MEG")}
"""the word a site file uses, before the percentage, and CoolProp's name"""


@lru_cache(maxsize=256)
def glycol(kind: str, fraction: float) -> Medium:
    """Aqueous ``"propylene"`` or ``"ethylene"`` glycol of the mass fraction 0.05..0.60.

    Raises ValueError for another kind or fraction.
    """
    if kind not in GLYCOLS:
        raise ValueError(f"no glycol {kind!r}; there are {', '.join(GLYCOLS)}")
    lowest, highest = fits.GLYCOL_FRACTIONS
    if not lowest <= fraction <= highest:
        raise ValueError(f"{kind} glycol is fitted from {lowest:g} to {highest:g} by mass, found {fraction:g}")
    z = (fraction - fits.FRACTION_CENTRE) / fits.FRACTION_SCALE

    def at_fraction(key: str) -> tuple[float, ...]:
        return tuple(_polynomial(row, z) for row in fits.GLYCOLS[kind][key])

    word, source = GLYCOLS[kind]
    return Medium(
        name=f"{word}{100 * fraction:.10g}",
        T_min=_polynomial(fits.FREEZING[kind], z) + FREEZING_MARGIN,
        T_max=fits.GLYCOL_T_MAX,
        rho_fit=at_fraction("rho"),
        cp_fit=at_fraction("cp"),
        log_mu_fit=at_fraction("log_mu"),
        k_fit=at_fraction("k"),
        source=f"CoolProp {fits.COOLPROP}, INCOMP::{source}[{fraction:g}] (Melinder 2010)",
    )


PG25 = glycol("propylene", 0.25)
"""Propylene glycol 25 % by mass in water, the usual coolant of cold plates."""

WORDS = "water, pgNN or mpgNN (propylene glycol), egNN or megNN (ethylene glycol), NN: mass per cent, 5..60"
"""what a site file may call a liquid"""


def find_medium(word: str) -> Medium:
    """The liquid of a site file's word: ``water``, ``pg25``, ``meg30`` ... Raises ValueError where there is none."""
    if word == "water":
        return WATER
    match = re.fullmatch(r"m?([pe]g)(\d{1,2}(?:\.\d+)?)", word)
    if not match:
        raise ValueError(f"unknown medium {word!r}; known: {WORDS}")
    kind = next(kind for kind, (short, _) in GLYCOLS.items() if short == match[1])
    return glycol(kind, round(float(match[2]) / 100.0, 12))


class _Media(dict[str, Medium]):
    """The liquids by name; a glycol that is not among the usual ones is made when it is asked for."""

    def __missing__(self, word: str) -> Medium:
        try:
            return find_medium(word)
        except ValueError as error:
            raise KeyError(str(error)) from error


MEDIA: dict[str, Medium] = _Media({"water": WATER, "pg25": PG25})
"""The liquids by the word a site file uses: ``MEDIA["water"]``, ``MEDIA["meg30"]``. See :func:`find_medium`."""
