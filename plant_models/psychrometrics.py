"""Moist air: vapour pressure, humidity, wet bulb, dew point, enthalpy. The air pressure is always an input.

ASHRAE Handbook of Fundamentals (2017), chapter 1: Hyland and Wexler's vapour pressure, the ideal-gas mixture, and
the adiabatic saturation equation. Valid from -40 to 60 °C and 60 to 110 kPa; tested against CoolProp's real-gas
HAPropsSI. Below 0 °C the condensed phase is ice. Temperatures in K, relative humidity ``rh`` 0..1, humidity ratio
``w`` in kg vapour per kg dry air, enthalpy in J per kg dry air (zero for dry air and liquid water at 0 °C). Plain
numbers that cannot be meant in these units (degC for K, per cent, hPa) raise ValueError; symbols pass.
"""

from __future__ import annotations

from typing import Any

from plant_models.mathx import exp, log, maximum, minimum, where
from plant_models.plausible import check_air_pressure, check_humidity, check_temperature

T_ICE = 273.15
MASS_RATIO = 0.621945
"""molar mass of water over that of dry air"""
CP_DRY = 1006.0
CP_VAPOUR = 1860.0
CP_LIQUID = 4186.0
CP_ICE = 2100.0
H_VAPOUR = 2501000.0
"""J/kg, evaporation at 0 °C"""
H_ICE = 333400.0
"""J/kg, fusion at 0 °C"""
R_DRY = 287.042
"""J/(kg K), dry air"""
NEWTON_STEPS = 5
"""converges to 2e-6 K over the valid range"""


def saturation_pressure(T: Any) -> Any:
    """Vapour pressure over water, below 0 °C over ice, Pa (ASHRAE 2017, ch. 1, eq. 5 and 6; -100..200 °C)."""
    check_temperature(T)
    return exp(_log_saturation_pressure(T))


def _log_saturation_pressure(T: Any) -> Any:
    ice = (
        -5.6745359e3 / T
        + 6.3925247
        + 4.1635019 * log(T)
        + T * (-9.677843e-3 + T * (6.2215701e-7 + T * (2.0747825e-9 - T * 9.484024e-13)))
    )
    water = (
        -5.8002206e3 / T + 1.3914993 + 6.5459673 * log(T) + T * (-4.8640239e-2 + T * (4.1764768e-5 - T * 1.4452093e-8))
    )
    return where(T < T_ICE, ice, water)


def _saturation_pressure_slope(T: Any) -> Any:
    """d p_sat/dT, Pa/K, by Clausius-Clapeyron: close enough for Newton's method."""
    heat = where(T < T_ICE, H_VAPOUR + H_ICE, H_VAPOUR - 2370.0 * (T - T_ICE))
    return saturation_pressure(T) * heat / (461.52 * T * T)


def humidity_ratio(p_vapour: Any, p: Any) -> Any:
    """Humidity ratio, kg/kg, at the vapour pressure and the total pressure, Pa; needs p_vapour < p."""
    return MASS_RATIO * p_vapour / (p - p_vapour)


def enthalpy(T: Any, w: Any) -> Any:
    """Enthalpy of moist air, J per kg dry air."""
    return CP_DRY * (T - T_ICE) + w * (H_VAPOUR + CP_VAPOUR * (T - T_ICE))


def heat_capacity(w: Any) -> Any:
    """Heat capacity of moist air at constant pressure, J/K per kg dry air."""
    return CP_DRY + w * CP_VAPOUR


def saturated_enthalpy(T: Any, p: Any) -> Any:
    """Enthalpy of saturated air, J per kg dry air; needs T below the boiling point at p."""
    return enthalpy(T, humidity_ratio(saturation_pressure(T), p))


def saturated_enthalpy_slope(T: Any, p: Any) -> Any:
    """d h_s/dT, J/(kg K), within 1 % by Clausius-Clapeyron: for Newton's method."""
    p_vapour = saturation_pressure(T)
    w = humidity_ratio(p_vapour, p)
    heat = where(T < T_ICE, H_VAPOUR + H_ICE, H_VAPOUR - 2370.0 * (T - T_ICE))
    slope = MASS_RATIO * p / (p - p_vapour) ** 2 * p_vapour * heat / (461.52 * T * T)
    return CP_DRY + w * CP_VAPOUR + slope * (H_VAPOUR + CP_VAPOUR * (T - T_ICE))


def density(T: Any, w: Any, p: Any) -> Any:
    """Dry air per volume of moist air, kg/m³."""
    return p / (R_DRY * T * (1.0 + w / MASS_RATIO))


def humidity_ratio_wet_bulb(T: Any, T_wet: Any, p: Any) -> Any:
    """Humidity ratio, kg/kg, from dry and wet bulb, K, and pressure, Pa (ASHRAE 2017, ch. 1, eq. 33 and 35).

    Negative where the wet bulb is lower than that of absolutely dry air: such a pair does not exist.
    """
    check_temperature(T)
    check_air_pressure(p)
    w_saturated = humidity_ratio(saturation_pressure(T_wet), p)
    h_condensed = _condensed(T_wet, T_wet < T_ICE)
    vapour = H_VAPOUR + CP_VAPOUR * (T - T_ICE) - h_condensed
    saturated = H_VAPOUR + CP_VAPOUR * (T_wet - T_ICE) - h_condensed
    return (w_saturated * saturated - CP_DRY * (T - T_wet)) / vapour


def _condensed(T: Any, frozen: Any) -> Any:
    """Enthalpy of liquid water or ice, J/kg."""
    return where(frozen, -H_ICE + CP_ICE * (T - T_ICE), CP_LIQUID * (T - T_ICE))


def relative_humidity(T: Any, T_wet: Any, p: Any) -> Any:
    """Relative humidity, 0..1, from dry and wet bulb, K, and pressure, Pa."""
    w = humidity_ratio_wet_bulb(T, T_wet, p)
    return w * p / ((MASS_RATIO + w) * saturation_pressure(T))


def wet_bulb(T: Any, rh: Any, p: Any) -> Any:
    """Thermodynamic wet bulb, K, of air at T (K), rh (0..1) and p (Pa).

    A fixed number of Newton steps on h(T, w) + (w_s - w)·h_condensed = h(T_w, w_s), started right of the root, where
    the residual is concave and every step stays right of it. Close to 0 °C a wet bulb over water and one over ice, up
    to 0.8 K apart, may both satisfy the equation: the one over ice is given (CoolProp gives now one, now the other).
    """
    check_humidity(rh)
    check_air_pressure(p)
    w = humidity_ratio(rh * saturation_pressure(T), p)
    h = enthalpy(T, w)
    w_zero = humidity_ratio(saturation_pressure(T_ICE), p)
    frozen = h - (w_zero - w) * H_ICE < enthalpy(T_ICE, w_zero)
    T_wet = where(frozen, minimum(T, T_ICE), T)
    for _ in range(NEWTON_STEPS):
        p_vapour = saturation_pressure(T_wet)
        w_s = humidity_ratio(p_vapour, p)
        slope = MASS_RATIO * p / (p - p_vapour) ** 2 * _saturation_pressure_slope(T_wet)
        h_condensed = _condensed(T_wet, frozen)
        residual = h + (w_s - w) * h_condensed - enthalpy(T_wet, w_s)
        derivative = (
            slope * (h_condensed - H_VAPOUR - CP_VAPOUR * (T_wet - T_ICE))
            - CP_DRY
            - w_s * CP_VAPOUR
            + (w_s - w) * where(frozen, CP_ICE, CP_LIQUID)
        )
        T_wet = T_wet - residual / derivative
    return T_wet


def two_wet_bulbs(T: Any, rh: Any, p: Any) -> Any:
    """Whether a wet bulb over ice and one over water both satisfy the equation, within 50 J/kg: close to 0 °C."""
    w = humidity_ratio(rh * saturation_pressure(T), p)
    w_zero = humidity_ratio(saturation_pressure(T_ICE), p)
    surplus = enthalpy(T, w) - enthalpy(T_ICE, w_zero)
    return (surplus > -50.0) & (surplus < (w_zero - w) * H_ICE + 50.0)


def check(T: float, rh: float, p: float) -> None:
    """Raise ValueError when a state of moist air (K, 0..1, Pa) is outside the valid range of this module."""
    if not 233.15 <= T <= 333.15:
        raise ValueError(f"moist air is valid from -40 to 60 °C, found {T - 273.15:.1f} °C ({T:.2f} K)")
    if not 0.0 <= rh <= 1.0:
        raise ValueError(f"a relative humidity lies between 0 and 1, found {rh:g}")
    if not 60e3 <= p <= 110e3:
        raise ValueError(f"moist air is valid from 60 to 110 kPa, found {p / 1e3:.1f} kPa")


def dew_point(T: Any, rh: Any) -> Any:
    """Dew point, below 0 °C frost point, K, of air at T (K) and rh (0..1, at least 1e-4)."""
    check_temperature(T)
    check_humidity(rh)
    log_p = log(maximum(rh, 1e-4)) + _log_saturation_pressure(T)
    ratio = log_p - 6.4156
    # Magnus form (Sonntag 1990) as the start, then Newton steps in ln p
    T_dew = T_ICE + where(ratio < 0, 272.62 * ratio / (22.46 - ratio), 243.12 * ratio / (17.62 - ratio))
    for _ in range(3):
        slope = _saturation_pressure_slope(T_dew) / saturation_pressure(T_dew)
        T_dew = T_dew - (_log_saturation_pressure(T_dew) - log_p) / slope
    return T_dew


def dew_point_of_wet_bulb(T: Any, T_wet: Any, p: Any) -> Any:
    """Dew point, K, from dry and wet bulb, K, and pressure, Pa, in closed form: for interlocks inside machines.

    Sonntag's Magnus form (1990; WMO-No. 8, annex 4.B) turned round: within 0.1 K of :func:`dew_point` from 0 to 40 °C
    of dew point, over water also below; drier air than any outside counts as having a dew point near -60 °C.
    """
    w = maximum(humidity_ratio_wet_bulb(T, T_wet, p), 1e-6)
    x = log(maximum(w * p / (MASS_RATIO + w) / 611.2, 1e-3))
    return T_ICE + 243.12 * x / (17.62 - x)
