"""Elementary functions for NumPy floats, NumPy arrays and CasADi symbols: one text for all three.

CasADi is only looked up when one of its symbols comes by, so plain NumPy use stays light.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def _casadi(*values: Any) -> Any:
    """The casadi module if any value is one of its types, else None."""
    for value in values:
        if type(value).__module__.startswith("casadi"):
            import casadi

            return casadi
    return None


def exp(x: Any) -> Any:
    """e to the x."""
    ca = _casadi(x)
    return ca.exp(x) if ca else np.exp(x)


def log(x: Any) -> Any:
    """Natural logarithm."""
    ca = _casadi(x)
    return ca.log(x) if ca else np.log(x)


def sqrt(x: Any) -> Any:
    """Square root."""
    ca = _casadi(x)
    return ca.sqrt(x) if ca else np.sqrt(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    ca = _casadi(x)
    return ca.tanh(x) if ca else np.tanh(x)


def abs_(x: Any) -> Any:
    """Absolute value."""
    ca = _casadi(x)
    return ca.fabs(x) if ca else np.abs(x)


def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    ca = _casadi(x)
    return ca.sign(x) if ca else np.sign(x)


def maximum(x: Any, y: Any) -> Any:
    """The larger of both."""
    ca = _casadi(x, y)
    return ca.fmax(x, y) if ca else np.maximum(x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of both."""
    ca = _casadi(x, y)
    return ca.fmin(x, y) if ca else np.minimum(x, y)


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y; both are evaluated, so both must be finite."""
    if isinstance(condition, bool | np.bool_):
        return x if condition else y
    ca = _casadi(condition, x, y)
    return ca.if_else(condition, x, y) if ca else np.where(condition, x, y)


def clip(x: Any, lower: Any, upper: Any) -> Any:
    """x between lower and upper."""
    return minimum(maximum(x, lower), upper)


def softplus(x: Any, width: float) -> Any:
    """Smooth positive part; off from max(x, 0) by at most 0.7 ``width`` (in x's unit), at x = 0."""
    scaled = x / width
    return width * (maximum(scaled, 0.0) + log(1.0 + exp(-abs_(scaled))))
