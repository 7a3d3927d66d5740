"""Liquids and moist air against CoolProp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.validation.row import Row, compare
from plant_models import psychrometrics
from plant_models.media import WATER, Medium, glycol

PRESSURE = 4e5
WATER_UNCERTAINTY = {
    "D": "0.001 % (IAPWS-95)",
    "C": "0.1 % (IAPWS-95)",
    "V": "1 % (IAPWS 2008)",
    "L": "1.5 % (IAPWS 2011)",
}
PROPERTIES = (
    ("D", "rho", "density", "kg/m³"),
    ("C", "cp", "heat capacity", "J/(kg K)"),
    ("V", "mu", "viscosity", "Pa s"),
    ("L", "k", "conductivity", "W/(m K)"),
)
FRACTIONS = (0.05, 0.15, 0.25, 0.35, 0.45, 0.60)


def _version() -> str:
    import CoolProp

    return f"CoolProp {CoolProp.__version__}"


def rows() -> list[Row]:
    """Liquids over the fits' range, moist air over -20..50 °C, 5..100 %, 70..105 kPa."""
    return [*_water(), *_glycol("propylene", "MPG"), *_glycol("ethylene", "MEG"), *_moist_air()]


def _water() -> list[Row]:
    T = np.linspace(WATER.T_min, WATER.T_max, 217)
    return [
        compare(
            "media", f"{what} of water, 4 bar, 2–130 °C", f"{_version()}, Water", getattr(WATER, method)(T),
            _coolprop(key, T, "Water"), unit=unit, tolerance=1e-4, relative=True, uncertainty=WATER_UNCERTAINTY[key],
        )
        for key, method, what, unit in PROPERTIES
    ]  # fmt: skip


def _glycol(kind: str, fluid: str) -> list[Row]:
    def over(medium: Medium) -> NDArray[np.float64]:
        return np.linspace(medium.T_min, medium.T_max - 0.01, 40)

    return [
        compare(
            "media", f"{what} of {kind} glycol, 5–60 % by mass, freezing point to 100 °C",
            f"{_version()}, INCOMP::{fluid}",
            np.concatenate([getattr(m, method)(over(m)) for m in (glycol(kind, f) for f in FRACTIONS)]),
            np.concatenate([_coolprop(key, over(glycol(kind, f)), f"INCOMP::{fluid}[{f}]") for f in FRACTIONS]),
            unit=unit, tolerance=1e-4, relative=True, uncertainty="sources differ by 2 %",
        )
        for key, method, what, unit in PROPERTIES
    ]  # fmt: skip


def _coolprop(key: str, T: NDArray[np.float64], fluid: str) -> NDArray[np.float64]:
    from CoolProp.CoolProp import PropsSI

    return np.array([PropsSI(key, "T", t, "P", PRESSURE, fluid) for t in T])


def _moist_air() -> list[Row]:
    from CoolProp.HumidAirProp import HAPropsSI

    states = [
        (T, rh, p)
        for T in np.linspace(253.15, 323.15, 15)
        for rh in (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
        for p in (70e3, 85e3, 101325.0, 105e3)
    ]
    T, rh, p = np.array(states).T
    w = psychrometrics.humidity_ratio(rh * psychrometrics.saturation_pressure(T), p)
    single = ~psychrometrics.two_wet_bulbs(T, rh, p)
    liquid = np.abs(psychrometrics.dew_point(T, rh) - 273.15) > 0.05

    def theirs(key: str) -> NDArray[np.float64]:
        return np.array([HAPropsSI(key, "T", t, "R", r, "P", q) for t, r, q in states])

    source, over = f"{_version()}, HAPropsSI (ASHRAE RP-1485)", "−20…50 °C, 5–100 %, 70–105 kPa"
    two = "; over ice below 0 °C; without states that have two wet bulbs"
    return [
        compare("psychrometrics", f"wet bulb, {over}{two}", source, psychrometrics.wet_bulb(T, rh, p)[single],
                theirs("B")[single], unit="K", tolerance=0.05),
        compare("psychrometrics", f"dew point, {over}; frost point below 0 °C", source,
                psychrometrics.dew_point(T, rh)[liquid], theirs("D")[liquid], unit="K", tolerance=0.05),
        compare("psychrometrics", f"humidity ratio, {over}", source, w, theirs("W"), unit="kg/kg", tolerance=7e-3,
                relative=True, uncertainty="0.5 % from the ideal gas, which ours neglects"),
        compare("psychrometrics", f"dry air per volume, {over}", source, psychrometrics.density(T, w, p),
                1.0 / theirs("V"), unit="kg/m³", tolerance=2e-3, relative=True),
        compare("psychrometrics", f"heat capacity per dry air, {over}", source, psychrometrics.heat_capacity(w),
                theirs("C"), unit="J/(kg K)", tolerance=1e-2, relative=True),
        compare("psychrometrics", f"enthalpy per dry air from T and w, {over}", source,
                psychrometrics.enthalpy(T, theirs("W")), theirs("H"), unit="J/kg", tolerance=600.0),
    ]  # fmt: skip
