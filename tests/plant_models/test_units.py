"""Text with a unit becomes an SI float; everything else is refused with what would be accepted."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from plant_models.units import (
    Conductance,
    EnergyPrice,
    FlowCoefficient,
    Fraction,
    MassPrice,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
    VolumePrice,
    to_si,
    to_si_difference,
)

FILE = {"require_units": True}


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        # definitions of the units: BIPM, The International System of Units, 9th ed. (2019), tables 4 and 8
        ("0 degC", "K", 273.15),
        ("32 degC", "K", 305.15),
        ("-20 degC", "K", 253.15),
        ("300 K", "K", 300.0),
        ("1 bar", "Pa", 1e5),
        ("250 kPa", "Pa", 2.5e5),
        ("60 l/min", "m^3/s", 1e-3),
        ("3000 m^3", "m^3", 3000.0),
        ("1 kWh", "J", 3.6e6),
        ("75 GWh", "J", 2.7e14),
        ("10 MW", "W", 1e7),
        ("230 kW/K", "W/K", 2.3e5),
        ("2 h", "s", 7200.0),
        ("60 EUR/MWh", "EUR/J", 60 / 3.6e9),
        ("100 EUR/t", "EUR/kg", 0.1),
        ("50 g/kWh", "kg/J", 0.05 / 3.6e6),
        ("87 %", "1", 0.87),
        ("0.87", "1", 0.87),
        (0.87, "1", 0.87),
        (3, "1", 3.0),
    ],
)
def test_quantities_of_a_site_file(text: object, unit: str, expected: float) -> None:
    assert to_si(text, unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "says"),
    [
        (230000, "W/K", "has no unit; write it with one, such as '230000 W/K'"),
        (32.0, "K", "has no unit"),
        (True, "W", "expected a quantity in W"),
        (None, "W", "expected a quantity in W"),
        (["1 W"], "W", "expected a quantity in W"),
        ("10 kg", "W", "expected a quantity in W, found '10 kg'"),
        ("10 Wat", "W", "expected a quantity in W, found '10 Wat'"),
        ("ten watts", "W", "expected a quantity in W"),
        ("", "W", "expected a quantity in W"),
        ("32", "K", "expected a quantity in K"),
    ],
)
def test_refused_quantities_say_what_would_be_accepted(text: object, unit: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|unit") as caught:
        to_si(text, unit)
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["nan W", "inf W", "-inf W", ".nan W"])
def test_a_size_is_a_finite_number(text: str) -> None:
    with pytest.raises(ValidationError, match=r"finite quantity|expected a quantity"):
        TypeAdapter(Power).validate_python(text, context=FILE)


@given(st.floats(-273.15, 1000.0))
def test_celsius_is_a_shift_of_kelvin(celsius: float) -> None:
    assert to_si(f"{celsius!r} degC", "K") == pytest.approx(celsius + 273.15, abs=1e-9)


@given(st.floats(1e-6, 1e9), st.sampled_from([("kW", "W", 1e3), ("MWh", "J", 3.6e9), ("bar", "Pa", 1e5)]))
def test_scaling_is_linear(value: float, units: tuple[str, str, float]) -> None:
    edge, inside, factor = units
    assert to_si(f"{value!r} {edge}", inside) == pytest.approx(value * factor, rel=1e-12)


def test_a_temperature_difference_is_no_temperature() -> None:
    assert to_si_difference("5 K") == 5.0
    assert to_si_difference("5 delta_degC") == pytest.approx(5.0)
    with pytest.raises(ValueError, match="a temperature difference is stated in K, found '5 degC'"):
        to_si_difference("5 degC")
    for text in ("5 °C", "5 celsius", "5 degF"):
        with pytest.raises(ValueError, match="a temperature difference is stated in K"):
            to_si_difference(text)
    with pytest.raises(ValidationError, match="stated in K"):
        TypeAdapter(TemperatureDifference).validate_python("5 degC", context=FILE)


def test_a_file_states_units_and_python_states_si() -> None:
    adapter = TypeAdapter(Conductance)
    assert adapter.validate_python(2.3e5) == 2.3e5
    assert adapter.validate_python(230_000) == 2.3e5
    with pytest.raises(ValidationError, match="expected a quantity in W/K"):
        adapter.validate_python(True)
    assert adapter.validate_python("230 kW/K", context=FILE) == pytest.approx(2.3e5)
    with pytest.raises(ValidationError, match="has no unit"):
        adapter.validate_python(2.3e5, context=FILE)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Power, "0 W"),
        (Power, "-5 kW"),
        (Pressure, "-1 bar"),
        (Fraction, "101 %"),
        (Fraction, -0.1),
        (EnergyPrice, "-60 EUR/MWh"),
        (VolumePrice, "-1 EUR/m^3"),
        (MassPrice, "-1 EUR/t"),
    ],
)
def test_impossible_sizes_are_refused(kind: object, text: object) -> None:
    with pytest.raises(ValidationError, match=r"greater than|less than"):
        TypeAdapter(kind).validate_python(text, context=FILE)


def test_pint_is_loaded_with_the_first_quantity_only() -> None:
    code = "import sys, plant_models.units; print('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("value", [42.0, 32, "-300 degC", "5000 degC", "30 K"])
def test_a_temperature_that_nothing_here_has_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match=r"temperatures are in kelvin: 25 degC is 298\.15"):
        TypeAdapter(Temperature).validate_python(value)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("32C", "K", r"C is coulomb: temperatures are in K or degC, such as '32 degC'"),
        ("32 C", "K", r"such as '32 degC'"),
        ("-4.5 °", "K", r"such as '-4.5 degC'"),
        ("90 F", "K", r"F is farad: temperatures are in K or degF, such as '90 degF'"),
        ("10 l/min", "kg/s", r"a volume flow: a mass flow takes its density too; state kg/s"),
        ("36 m^3/h", "kg/s", r"a volume flow: .* state kg/s"),
        ("10 kg/s", "m^3/s", r"a mass flow: a volume flow takes its density too"),
        ("3 m^3", "kg", r"a volume: a mass takes its density too"),
        ("500 kg", "m^3", r"a mass: a volume takes its density too"),
        ("3 bar", "K", r"Cannot convert"),
    ],
)
def test_what_was_probably_meant_is_told(text: str, unit: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        to_si(text, unit)


def test_a_valves_size_is_no_number_of_its_data_sheet() -> None:
    with pytest.raises(ValidationError, match=r"36 m\^3/s is more than any valve passes .*write it .* '36 m\^3/h'"):
        TypeAdapter(FlowCoefficient).validate_python(36)
    assert TypeAdapter(FlowCoefficient).validate_python("36 m^3/h") == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("230 kW/degC", "W/K", 230e3),
        ("230 kW/°C", "W/K", 230e3),
        ("4.19 kJ/(kg*degC)", "J/(kg*K)", 4190.0),
        ("1 BTU/h/degF", "W/K", 0.5275279),  # NIST SP 811: 1 BTU_IT/h = 0.2930711 W
        ("0.004 1/degC", "1/K", 0.004),
        ("0.004/degC", "1/K", 0.004),
        ("-5 degC", "K", 268.15),
        ("1e3 m³/h", "m^3/s", 1e3 / 3600.0),
    ],
)
def test_scales_with_a_zero_of_their_own_are_differences_within_a_product(text, unit, value):
    assert to_si(text, unit) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        *("1,5 bar", "0,6 bar", "1 200 kPa", "1.000,5 kPa", "5 bar 3", "1/2 bar", "2*3 bar", "5 bar + 2 bar"),
        *("1.5.2 bar", "bar", ""),
    ],
)
def test_what_is_not_one_number_and_one_unit_is_refused(text):
    with pytest.raises(ValueError, match="decimal point"):
        to_si(text, "Pa")
