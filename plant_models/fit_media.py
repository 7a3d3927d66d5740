"""Fit the liquids to CoolProp again and write ``plant_models/media_fits.py``: coefficients, ranges, largest errors.

For developers: ``python -m plant_models.fit_media`` (needs the ``test`` extra, which brings CoolProp). Water is fitted
by least squares on Chebyshev points in temperature, so that the largest error is nearly the least possible. CoolProp's
aqueous glycols (Melinder 2010) are themselves polynomials, of degree 3 in temperature and 5 in mass fraction: with
these degrees the fit is theirs to round-off.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.polynomial import polynomial

PRESSURE = 4e5
"""Pa"""
T_CENTRE, T_SCALE = 323.15, 45.0
FRACTION_CENTRE, FRACTION_SCALE = 0.3, 0.3
WATER_RANGE = 275.15, 403.15
WATER_DEGREES = {"rho": 5, "cp": 6, "log_mu": 7, "k": 6}
GLYCOLS = {"propylene": "MPG", "ethylene": "MEG"}
GLYCOL_FRACTIONS = 0.05, 0.60
GLYCOL_T_MAX = 373.15
GLYCOL_DEGREES = 3, 5
"""in temperature, in mass fraction"""
KEYS = {"rho": "D", "cp": "C", "log_mu": "V", "k": "L"}
POINTS = 181
TARGET = Path(__file__).with_name("media_fits.py")
HEAD = '''"""Coefficients of the liquids. Written by ``python -m plant_models.fit_media``: change that, not this.

Water: sum of c[i] x^i; glycols: sum of c[i][j] x^i z^j; with x = (T - T_CENTRE)/T_SCALE and
z = (mass fraction - FRACTION_CENTRE)/FRACTION_SCALE. Errors are the largest relative ones over the range.
"""
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

Coefficients = tuple[float, ...]

'''


def _chebyshev(lower: float, upper: float, points: int) -> Any:
    return 0.5 * (lower + upper) + 0.5 * (upper - lower) * np.cos(np.pi * (np.arange(points) + 0.5) / points)


def _error(key: str, fitted: Any, wanted: Any) -> float:
    off = np.exp(fitted - wanted) if key == "log_mu" else fitted / wanted
    return float(np.max(np.abs(off - 1.0)))


def _rounded(values: Any, digits: int) -> Any:
    """As nested tuples; what is nothing but round-off becomes zero."""
    values = np.where(np.abs(values) < 1e-11 * np.max(np.abs(values)), 0.0, values)
    tuples = [tuple(float(f"{value:.{digits}g}") for value in row) for row in np.atleast_2d(values)]
    return tuples[0] if values.ndim == 1 else tuple(tuples)


def fit_water() -> tuple[dict[str, Any], dict[str, float]]:
    """Coefficients and largest relative error of each property."""
    from CoolProp.CoolProp import PropsSI

    T = _chebyshev(*WATER_RANGE, POINTS)
    x = (T - T_CENTRE) / T_SCALE
    fits, errors = {}, {}
    for key, degree in WATER_DEGREES.items():
        wanted = np.array([PropsSI(KEYS[key], "T", t, "P", PRESSURE, "Water") for t in T])
        wanted = np.log(wanted) if key == "log_mu" else wanted
        fits[key] = _rounded(polynomial.polyfit(x, wanted, degree), 10)
        errors[key] = _error(key, polynomial.polyval(x, np.array(fits[key])), wanted)
    return fits, errors


def fit_glycol(name: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Coefficients and largest error of each property and of the freezing point (``freezing``, K; error in K)."""
    from CoolProp.CoolProp import PropsSI

    def fluid(fraction: float) -> str:
        return f"INCOMP::{GLYCOLS[name]}[{fraction}]"

    fractions = _chebyshev(*GLYCOL_FRACTIONS, 24)
    freezing = np.array([PropsSI("T_freeze", "T", 320.0, "P", PRESSURE, fluid(f)) for f in fractions])
    z = (fractions - FRACTION_CENTRE) / FRACTION_SCALE
    fits = {"freezing": _rounded(polynomial.polyfit(z, freezing, GLYCOL_DEGREES[1]), 13)}
    errors = {"freezing": float(np.max(np.abs(polynomial.polyval(z, np.array(fits["freezing"])) - freezing)))}

    points = [(t, f) for f, lowest in zip(fractions, freezing, strict=True)
              for t in _chebyshev(lowest + 0.01, GLYCOL_T_MAX - 0.01, 24)]  # fmt: skip
    T, fraction = np.array(points).T
    x, z = (T - T_CENTRE) / T_SCALE, (fraction - FRACTION_CENTRE) / FRACTION_SCALE
    terms = polynomial.polyvander2d(x, z, GLYCOL_DEGREES)
    for key, code in KEYS.items():
        wanted = np.array([PropsSI(code, "T", t, "P", PRESSURE, fluid(f)) for t, f in points])
        wanted = np.log(wanted) if key == "log_mu" else wanted
        solved = np.linalg.lstsq(terms, wanted, rcond=None)[0].reshape(GLYCOL_DEGREES[0] + 1, -1)
        fits[key] = _rounded(solved, 13)
        errors[key] = _error(key, polynomial.polyval2d(x, z, np.array(fits[key])), wanted)
    return fits, errors


def text() -> str:
    """The module that holds the fits."""
    import CoolProp

    water, water_errors = fit_water()
    glycols = {name: fit_glycol(name) for name in GLYCOLS}
    lines = [
        f"COOLPROP = {CoolProp.__version__!r}",
        f"PRESSURE = {PRESSURE!r}",
        f"T_CENTRE, T_SCALE = {T_CENTRE!r}, {T_SCALE!r}",
        f"FRACTION_CENTRE, FRACTION_SCALE = {FRACTION_CENTRE!r}, {FRACTION_SCALE!r}",
        "",
        f"WATER_RANGE = {WATER_RANGE!r}",
        "WATER: dict[str, Coefficients] = {",
        *(f'    "{key}": {value!r},' for key, value in water.items()),
        "}",
        f"WATER_ERRORS: dict[str, float] = {_short(water_errors)}",
        "",
        f"GLYCOL_FRACTIONS = {GLYCOL_FRACTIONS!r}",
        f"GLYCOL_T_MAX = {GLYCOL_T_MAX!r}",
        "FREEZING: dict[str, Coefficients] = {",
        *(f'    "{name}": {fits["freezing"]!r},' for name, (fits, _) in glycols.items()),
        "}",
        "GLYCOLS: dict[str, dict[str, tuple[Coefficients, ...]]] = {",
    ]
    for name, (fits, _) in glycols.items():
        lines.append(f'    "{name}": {{')
        for key in KEYS:
            lines += [f'        "{key}": (', *(f"            {row!r}," for row in fits[key]), "        ),"]
        lines.append("    },")
    lines += ["}", "GLYCOL_ERRORS: dict[str, dict[str, float]] = {"]
    lines += [f'    "{name}": {_short(errors)},' for name, (_, errors) in glycols.items()]
    return HEAD + "\n".join([*lines, "}", ""])


def _short(errors: dict[str, float]) -> str:
    return "{" + ", ".join(f'"{key}": {value:.1e}' for key, value in errors.items()) + "}"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
