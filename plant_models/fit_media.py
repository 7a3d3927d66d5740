"""Fit the polynomials of :mod:`plant_models.media` to CoolProp again and print them with their largest errors.

For developers: ``python -m plant_models.fit_media`` (needs the ``test`` extra, which brings CoolProp).
"""

from __future__ import annotations

import sys

import numpy as np

from plant_models.media import MEDIA, T_CENTRE, T_SCALE

SOURCES = {"water": "Water", "pg25": "INCOMP::MPG[0.25]"}
PRESSURE = 4e5
POINTS = 181
"""Chebyshev points, so that the largest error is nearly the least possible"""


def main() -> None:
    """Print a line a property: the new fit's error, the shipped fit's error, the new coefficients."""
    from CoolProp.CoolProp import PropsSI

    for name, source in SOURCES.items():
        medium = MEDIA[name]
        x = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
        T = T_CENTRE + T_SCALE * x
        for label, key, shipped in (
            ("rho", "D", medium.rho_fit),
            ("cp", "C", medium.cp_fit),
            ("log_mu", "V", medium.log_mu_fit),
            ("k", "L", medium.k_fit),
        ):
            exact = np.array([PropsSI(key, "T", t, "P", PRESSURE, source) for t in T])
            wanted = np.log(exact) if label == "log_mu" else exact
            fitted = np.polynomial.polynomial.polyfit(x, wanted, len(shipped) - 1)
            errors = []
            for coefficients in (fitted, np.array(shipped)):
                y = np.polynomial.polynomial.polyval(x, coefficients)
                errors.append(float(np.max(np.abs((np.exp(y) if label == "log_mu" else y) / exact - 1.0))))
            sys.stdout.write(
                f"{name:6} {label:7} new {errors[0]:.1e}  shipped {errors[1]:.1e}  "
                f"{', '.join(f'{c:.7g}' for c in fitted)}\n"
            )


if __name__ == "__main__":
    main()
