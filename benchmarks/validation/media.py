"""Liquids against CoolProp."""

from __future__ import annotations

import numpy as np

from benchmarks.validation.row import Row, compare
from plant_models.media import PG25, WATER

PRESSURE = 4e5
UNCERTAINTY = {
    "D": "IAPWS-95: 1e-6..2e-5",
    "C": "IAPWS-95: 1e-3",
    "V": "IAPWS 2008: 1e-2",
    "L": "IAPWS 2011: 2e-2",
}


def rows() -> list[Row]:
    """Density, heat capacity, viscosity, conductivity over the fits' range."""
    import CoolProp
    from CoolProp.CoolProp import PropsSI

    found = []
    for medium, fluid in ((WATER, "Water"), (PG25, "INCOMP::MPG[0.25]")):
        T = np.linspace(medium.T_min, medium.T_max, 181)
        for key, method, what, unit in (
            ("D", "rho", "density", "kg/m3"),
            ("C", "cp", "heat capacity", "J/(kg K)"),
            ("V", "mu", "viscosity", "Pa s"),
            ("L", "k", "conductivity", "W/(m K)"),
        ):
            theirs = np.array([PropsSI(key, "T", t, "P", PRESSURE, fluid) for t in T])
            found.append(
                compare(
                    "media",
                    f"{what} of {medium.name}, {medium.T_min - 273.15:.0f}–{medium.T_max - 273.15:.0f} °C",
                    f"CoolProp {CoolProp.__version__}, {fluid}",
                    getattr(medium, method)(T),
                    theirs,
                    unit=unit,
                    tolerance=1e-4,
                    relative=True,
                    uncertainty=UNCERTAINTY[key] if fluid == "Water" else "",
                )
            )
    return found
