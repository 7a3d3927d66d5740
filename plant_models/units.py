"""Quantities at the edges: text with a unit (``"230 kW/K"``, ``"32 degC"``) becomes an SI float, in one place.

Site and scenario files state every quantity with its unit; a bare number is refused. Inside there is SI only.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from plant_models.plausible import check_temperature

if TYPE_CHECKING:
    import pint


@cache
def registry() -> pint.UnitRegistry[Any]:
    """The unit registry, loaded at first use because pint is slow to import."""
    import pint

    units: pint.UnitRegistry[Any] = pint.UnitRegistry()
    units.define("EUR = [currency]")
    return units


NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\d,.])\s*")
UNIT = re.compile(r"1|(?:(?:1\s*)?/)?(?=[^\W\d]|[°%]|$)(?:[^\d\s,+]|(?<=[^\s,/])\d|\s(?![\d,]))*")
"""digits are exponents: they follow a symbol at once"""


def _quantity(text: str) -> Any:
    """One number and one unit; a scale with a zero of its own (degC) counts as a difference within ``kW/degC``.

    Raises ValueError for anything else, and for what pint does not know, its errors.
    """
    number = NUMBER.match(text)
    unit = text[number.end() :].strip() if number else ""
    if number is None or not UNIT.fullmatch(unit):
        raise ValueError("write one number, with a decimal point and without blanks, and its unit")
    units = registry()
    unit = f"1{unit}" if unit.startswith("/") else unit
    return units.Quantity(float(number[1]), units.dimensionless if unit in ("", "1") else units.parse_units(unit))


def to_si(text: object, unit: str) -> float:
    """The quantity ``text`` in the SI ``unit``. Raises ValueError that says what would be accepted."""
    if isinstance(text, bool) or not isinstance(text, (str, float, int)):
        raise ValueError(f"expected a quantity in {unit}, such as '1 {unit}', found {text!r}")
    if isinstance(text, (float, int)):
        if unit == "1":
            return float(text)
        raise ValueError(f"{text!r} has no unit; write it with one, such as '{text} {unit}'")
    import pint

    try:
        value = float(_quantity(text).to("" if unit == "1" else unit).magnitude)
    except (pint.errors.PintError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"expected a quantity in {unit}, found {text!r} ({_hint(text, unit) or error})") from None
    if not math.isfinite(value):
        raise ValueError(f"expected a finite quantity in {unit}, found {text!r}")
    return value


LETTERS = {"C": "coulomb", "F": "farad", "°": "an angle"}
"""what stands for a scale of temperature elsewhere, and is another unit here"""
FLOWS = {
    (
        "kg/s",
        "m^3/s",
    ): "a volume flow: a mass flow takes its density too; state kg/s, such as '1 kg/s' for 3.6 m^3/h of cold water",
    ("m^3/s", "kg/s"): "a mass flow: a volume flow takes its density too; state m^3/h",
    ("kg", "m^3"): "a volume: a mass takes its density too; state kg, of water about 1000 a m^3",
    ("m^3", "kg"): "a mass: a volume takes its density too; state m^3, of water about 0.001 a kg",
}
"""by what is expected and what was found"""


def _hint(text: str, unit: str) -> str:
    """What was probably meant by a quantity that is none in ``unit``; empty where nothing is known."""
    import pint

    symbol = text.strip().lstrip("+-.0123456789eE ")
    if unit == "K" and symbol in LETTERS:
        scale = "degF" if symbol == "F" else "degC"
        number = text.strip().removesuffix(symbol).strip()
        return f"{symbol} is {LETTERS[symbol]}: temperatures are in K or {scale}, such as '{number} {scale}'"
    try:
        found = _quantity(text)
    except (pint.errors.PintError, AttributeError, TypeError, ValueError):
        return ""
    return next((hint for (to, of), hint in FLOWS.items() if to == unit and found.is_compatible_with(of)), "")


def to_si_difference(text: object) -> float:
    """A temperature difference in K; a point of a scale with a zero of its own (degC, degF) is refused."""
    value = to_si(text, "K")
    quantity = _quantity(str(text))
    if registry().Quantity(0.0, quantity.units).to("K").magnitude:
        raise ValueError(f"a temperature difference is stated in K, found {text!r}")
    return value


KV_MOST = 10.0
"""m³/s at 1 bar, 36,000 m³/h: a butterfly valve of DN 800"""


class _Si:
    """Validates from text with a unit; a number that is already SI passes when built in Python."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, value: object, info: Any) -> float:
        in_file = bool(info.context and info.context.get("require_units"))
        if isinstance(value, (float, int)) and not isinstance(value, bool) and not in_file:
            return float(value)
        return to_si_difference(value) if self.unit == "delta_K" else to_si(value, self.unit)


def si(unit: str) -> BeforeValidator:
    """Marks a pydantic float field as a quantity in the SI ``unit``."""
    return BeforeValidator(_Si(unit))


def _plausible(T: float) -> float:
    """Refuse a temperature, K, that nothing here has."""
    check_temperature(T)
    return T


def _plausible_valve(Kv: float) -> float:
    """Refuse a flow coefficient, Kv or Cv as a volume flow in m³/s, that no valve has."""
    if Kv > KV_MOST:
        raise ValueError(
            f"{Kv:g} m^3/s is more than any valve passes ({KV_MOST:g} m^3/s): a number is in m^3/s, data sheets state "
            f"m^3/h (Kv) or gallon/minute (Cv); write it as text with its unit, such as '{Kv:g} m^3/h'"
        )
    return Kv


@dataclass(frozen=True, slots=True)
class Liquid:
    """Marks a machine's temperature that its liquid has: :class:`plant_models.component.Component` checks its range."""

    medium: str = ""
    """the field that names the liquid; empty: what the machine's ports carry"""
    port: str = ""
    """the port that carries it; empty: all of them"""


Positive = Field(gt=0)
NonNegative = Field(ge=0)

Temperature = Annotated[float, si("K"), AfterValidator(_plausible)]
LiquidTemperature = Annotated[Temperature, Liquid()]
TemperatureDifference = Annotated[float, si("delta_K"), Positive]
Pressure = Annotated[float, si("Pa"), NonNegative]
MassFlow = Annotated[float, si("kg/s"), Positive]
FlowCoefficient = Annotated[float, si("m^3/s"), Positive, AfterValidator(_plausible_valve)]
Power = Annotated[float, si("W"), Positive]
Energy = Annotated[float, si("J"), Positive]
Conductance = Annotated[float, si("W/K"), Positive]
HeatCapacity = Annotated[float, si("J/K"), Positive]
Volume = Annotated[float, si("m^3"), Positive]
Mass = Annotated[float, si("kg"), Positive]
Length = Annotated[float, si("m"), Positive]
Duration = Annotated[float, si("s"), Positive]
Fraction = Annotated[float, si("1"), Field(ge=0, le=1)]
Ratio = Annotated[float, si("1"), Positive]
EnergyPrice = Annotated[float, si("EUR/J"), NonNegative]
VolumePrice = Annotated[float, si("EUR/m^3"), NonNegative]
MassPrice = Annotated[float, si("EUR/kg"), NonNegative]
