"""What quantities may be at all: temperatures that are in degC by mistake, humidities in percent, pressures in hPa.

Plain numbers and NumPy arrays are looked at; symbols (CasADi) pass, and so does what is not a number (NaN).
"""

from __future__ import annotations

from typing import Any

import numpy as np

T_PLAUSIBLE = 150.0, 1500.0
"""K: no machine, air or liquid here is colder or hotter, and what is meant in degC is found out"""
KELVIN = "temperatures are in kelvin: 25 degC is 298.15"
RH = -0.01, 1.5
"""relative humidity that rounding and oversaturated air may come to"""
P_LEAST = 1e4
"""Pa, absolute: the air's pressure at 16 km of height"""


def _lowest(value: Any) -> float | None:
    """Of plain numbers the lowest, else None."""
    if isinstance(value, (float, int)):
        return value
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "fiu":
        return float(value.min())
    return None


def _highest(value: Any) -> float | None:
    """Of plain numbers the highest, else None."""
    if isinstance(value, (float, int)):
        return value
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "fiu":
        return float(value.max())
    return None


def check_temperature(T: Any) -> None:
    """Raise ValueError for a temperature, K, that nothing here has."""
    low, high = T_PLAUSIBLE
    lowest, highest = _lowest(T), _highest(T)
    if lowest is not None and lowest < low:
        raise ValueError(_implausible(lowest))
    if highest is not None and highest > high:
        raise ValueError(_implausible(highest))


def _implausible(T: float) -> str:
    low, high = T_PLAUSIBLE
    return f"{T:g} K ({T - 273.15:g} degC) is outside {low:g} .. {high:g} K, as nothing here is; {KELVIN}"


def check_humidity(rh: Any) -> None:
    """Raise ValueError for a relative humidity, 0..1, that no air has: one in per cent, or negative."""
    lowest, highest = _lowest(rh), _highest(rh)
    if highest is not None and highest > RH[1]:
        raise ValueError(f"a relative humidity of {highest:g}: it is a share, 0 .. 1; 50 % is 0.5")
    if lowest is not None and lowest < RH[0]:
        raise ValueError(f"a relative humidity of {lowest:g}: it lies between 0 and 1")


def check_air_pressure(p: Any) -> None:
    """Raise ValueError for a pressure of the air, Pa, that is lower than anywhere on the ground."""
    lowest = _lowest(p)
    if lowest is not None and lowest < P_LEAST:
        raise ValueError(f"an air pressure of {lowest:g} Pa: it is absolute and in Pa; 1013.25 hPa is 101325")
