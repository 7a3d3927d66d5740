"""One text for floats, arrays and CasADi symbols: the three agree, and stay finite where physics goes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import casadi as ca
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models import mathx

ONE: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mathx.exp, -50.0, 50.0),
    "log": (mathx.log, 1e-6, 1e6),
    "sqrt": (mathx.sqrt, 0.0, 1e6),
    "tanh": (mathx.tanh, -20.0, 20.0),
    "abs_": (mathx.abs_, -1e6, 1e6),
    "softplus": (lambda x: mathx.softplus(x, 0.3), -300.0, 300.0),
    "clip": (lambda x: mathx.clip(x, -1.0, 2.0), -10.0, 10.0),
    "where": (lambda x: mathx.where(x > 0.5, x * x, -x), -10.0, 10.0),
}
TWO = {"maximum": mathx.maximum, "minimum": mathx.minimum}
ANY = st.floats(-1e6, 1e6)


def by_casadi(function: Callable[..., Any], *values: float) -> float:
    """The function's value by way of CasADi's SX symbols."""
    symbols = [ca.SX.sym(f"x{i}") for i in range(len(values))]
    return float(ca.Function("f", symbols, [function(*symbols)])(*values))


@pytest.mark.parametrize("name", ONE)
@given(data=st.data())
def test_floats_arrays_and_symbols_agree(name: str, data: st.DataObject) -> None:
    function, lower, upper = ONE[name]
    x = data.draw(st.floats(lower, upper))
    number = float(function(x))
    assert function(np.array([x, x])) == pytest.approx([number, number], rel=1e-15)
    assert by_casadi(function, x) == pytest.approx(number, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", TWO)
@given(x=ANY, y=ANY)
def test_two_arguments_agree(name: str, x: float, y: float) -> None:
    assert by_casadi(TWO[name], x, y) == float(TWO[name](x, y))


@pytest.mark.parametrize("name", TWO)
def test_one_symbol_is_enough(name: str) -> None:
    x = ca.SX.sym("x")
    for mixed in (TWO[name](x, 1.0), TWO[name](1.0, x)):
        assert isinstance(mixed, ca.SX)


@given(x=ANY)
def test_softplus_is_a_smooth_positive_part(x: float) -> None:
    width = 0.5
    value = float(mathx.softplus(x, width))
    # the largest distance, ln(2) * width, is at zero: softplus(0) = ln(1 + e^0)
    assert 0.0 <= value - max(x, 0.0) <= np.log(2.0) * width * (1 + 1e-9) + 1e-9 * abs(x)


@given(x=st.floats(-1e5, 1e5), step=st.floats(0.0, 1e3))
def test_softplus_never_falls(x: float, step: float) -> None:
    assert mathx.softplus(x + step, 0.2) >= mathx.softplus(x, 0.2)


@pytest.mark.parametrize("x", [-1e6, -50.0, 0.0, 50.0, 1e6])
def test_softplus_and_its_slope_are_finite_far_out(x: float) -> None:
    symbol = ca.SX.sym("x")
    value = mathx.softplus(symbol, 0.1)
    both = ca.Function("f", [symbol], [ca.vertcat(value, ca.jacobian(value, symbol))])(x).full().ravel()
    assert np.all(np.isfinite(both))
    assert 0.0 <= both[1] <= 1.0


def test_where_takes_either_side_for_arrays_and_symbols() -> None:
    x = np.array([-1.0, 2.0])
    assert mathx.where(x > 0, x, 0.0).tolist() == [0.0, 2.0]
    symbol = ca.SX.sym("x")
    chosen = ca.Function("f", [symbol], [mathx.where(symbol > 0, symbol, 0.0)])
    assert [float(chosen(value)) for value in x] == [0.0, 2.0]


def test_numbers_alone_never_load_casadi() -> None:
    code = "import sys; from plant_models import mathx; mathx.exp(1.0); print('casadi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
