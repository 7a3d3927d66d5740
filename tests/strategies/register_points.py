"""Points of register maps with values that fit them."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from hil.registers import words
from hil.registers.schema import Point, RegisterMap

INTEGERS = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "bcd16", "bcd32")
FLOATS = ("float32", "float64")
ORDERS = st.sampled_from(("big", "little"))
UNITS = st.sampled_from(("1", "degC", "K", "kPa", "bar", "t/h", "kg/s", "kW", "MW", "percent", "kWh", "EUR/MWh", "rpm",
                          "Hz", "degF", "V"))  # fmt: skip


@st.composite
def raw_values(draw: st.DrawFn) -> tuple[str, float]:
    """A type and a raw number that it holds."""
    type_ = draw(st.sampled_from(INTEGERS + FLOATS))
    if type_ in FLOATS:
        return type_, draw(st.floats(allow_nan=False, allow_infinity=False, width=32 if type_ == "float32" else 64))
    low, high = words.limits(type_)
    return type_, draw(st.integers(int(low), int(high)))


@st.composite
def maps_with_value(draw: st.DrawFn) -> tuple[RegisterMap, Point, float]:
    """A map with one point, and an SI value that the point can hold."""
    type_ = draw(st.sampled_from((*INTEGERS, *FLOATS)))
    point = Point.model_validate(
        {
            "name": "x",
            "address": draw(st.integers(0, 65530)),
            "table": draw(st.sampled_from(("holding", "input"))),
            "type": type_,
            "unit": draw(UNITS),
            "scale": draw(st.sampled_from((1.0, 0.1, 0.01, -0.5, 1e-3, 10.0))),
            "offset": draw(st.sampled_from((0.0, -300.0, 12.5))),
            "byte_order": draw(ORDERS),
            "word_order": draw(ORDERS),
        }
    )
    low, high = (-1e6, 1e6) if type_ in FLOATS else words.limits(type_)
    raw = draw(st.floats(max(low, -1e9), min(high, 1e9)))
    value = point.from_raw(raw)
    assert math.isfinite(value)
    return RegisterMap(id="m", description="", points=(point,)), point, value
