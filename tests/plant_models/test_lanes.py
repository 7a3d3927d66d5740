"""Generated C against CasADi's own evaluation: every operation, one lane and several, usual and unusual arguments."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable
from typing import Any

import casadi as ca
import numpy as np
import pytest
from numpy.typing import NDArray

from plant_models import compiled, lanes

Array = NDArray[np.float64]

pytestmark = pytest.mark.skipif(not any(map(shutil.which, ("gcc", "clang", "cc"))), reason="no C compiler here")

SMOOTH: dict[str, Callable[[Any], Any]] = {
    name: getattr(ca, name)
    for name in ("exp", "log", "tanh", "sqrt", "sin", "cos", "tan", "atan", "sinh", "cosh", "floor", "ceil", "log1p",
                 "expm1", "fabs", "sign", "erf")
}  # fmt: skip
"""functions of one argument"""


def in_c(function: ca.Function, width: int, values: Array) -> Array:
    """The function of one vector argument and one vector result at columns of ``values`` (arguments, points)."""
    source = "\n".join(
        [
            f"#define LANES {width}",
            (lanes.NATIVE / "lanes.h").read_text(),
            lanes.function(function, ["x"], ["y"]),
        ]
    )
    (library,) = compiled.libraries({"lanes_test": source}).values()
    call = getattr(library, function.name())
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    call.restype = None
    n, points = values.shape
    found = np.empty((function.nnz_out(), points))
    whole = np.zeros((n + function.nnz_out()) * width + 8)
    start = -whole.ctypes.data % 64 // 8
    x, y = np.split(whole[start : start + (n + function.nnz_out()) * width], [n * width])
    for i in range(0, points, width):
        part = np.resize(np.arange(i, min(i + width, points)), width)
        x[:] = values[:, part].ravel()
        call(x.ctypes.data, y.ctypes.data)
        found[:, part] = y.reshape(-1, width)
    return found


def by_casadi(function: ca.Function, values: Array) -> Array:
    return np.array([np.array(function(column)).ravel() for column in values.T]).T


@pytest.mark.parametrize("width", [1, 2, 8])
def test_every_operation(width: int) -> None:
    x = ca.SX.sym("x", 2)
    a, b = x[0], x[1]
    results = [
        a + b, a - b, a * b, a / b, a / 3.0, b / a + 1.0 / a, -a, a * a, 2 * a, 1 / b, a**3.5, a**b, ca.fmin(a, b),
        ca.fmax(a, b), a < b, a <= b, a == b, a != b, ca.logic_not(a < b), ca.logic_and(a < b, b > 1.0),
        ca.logic_or(a < b, b > 1.0), ca.if_else(a < b, a, b), ca.hypot(a, b), *(f(a) for f in SMOOTH.values()),
    ]  # fmt: skip
    function = ca.Function("all_operations", [x], [ca.vertcat(*results)])
    rng = np.random.default_rng(1)
    values = np.exp(rng.uniform(-4, 2, (2, 50)))
    values[1, :5] = values[0, :5]
    np.testing.assert_allclose(in_c(function, width, values), by_casadi(function, values), rtol=4e-15, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("exp", np.concatenate([np.linspace(-708.0, 709.0, 4001), [0.0, 1e-300, -1e-9]])),
        ("log", np.exp(np.concatenate([np.linspace(-700.0, 700.0, 4001), np.linspace(-1e-3, 1e-3, 101)]))),
        ("tanh", np.concatenate([np.linspace(-25.0, 25.0, 2001), [1e-3, -1e-3, 0.0]])),
        ("sqrt", np.array([0.0, 1e-300, 2.0, 1e300])),
    ],
)
def test_functions_in_lanes_over_their_range(name: str, values: Array) -> None:
    """Against NumPy: within 1e-15 of the result, and for log and tanh of one near their zeros."""
    x = ca.SX.sym("x")
    found = in_c(ca.Function("one", [x], [SMOOTH[name](x)]), 8, values[None, :])[0]
    np.testing.assert_allclose(found, getattr(np, name)(values), rtol=1e-15, atol=2e-16 if name != "exp" else 0.0)


def test_what_is_no_number_stays_so_and_infinities_are_met() -> None:
    x = ca.SX.sym("x")
    function = ca.Function("edges", [x], [ca.vertcat(ca.exp(x), ca.log(x), ca.tanh(x))])
    nan, inf = np.nan, np.inf
    found = in_c(function, 8, np.array([[nan, inf, -inf, 0.0, -1.0, 800.0, -800.0]]))
    np.testing.assert_array_equal(found[0], [nan, inf, 0.0, 1.0, found[0, 4], inf, 0.0])
    np.testing.assert_array_equal(found[1], [nan, inf, nan, -inf, nan, found[1, 5], nan])
    np.testing.assert_array_equal(found[2], [nan, 1.0, -1.0, 0.0, found[2, 4], 1.0, -1.0])


def test_an_operation_without_a_form_is_named() -> None:
    x = ca.SX.sym("x")
    with pytest.raises(ValueError, match=r"odd: no form in C for CasADi's ACOS"):
        lanes.function(ca.Function("odd", [x], [ca.acos(x)]), ["x"], ["y"])
