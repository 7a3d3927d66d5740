"""What an expression comes to over the traces of a run: values by machine and time, checked for their units."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant_models.signals import P_AIR, T_DRY, T_WET
from plant_models.units import registry
from twin.hil_bench.expression import (
    COMPARISONS,
    Binary,
    Call,
    ExpressionError,
    Kind,
    Logic,
    Name,
    Node,
    Number,
    base_unit,
    names,
)
from twin.limits import outside_dew_point

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
KELVIN = "kelvin"
SHOWN = ("Pa", "W", "J", "kg/s", "s", "m^3/s", "m^3", "kg", "K", "K/s", "W/K", "EUR/J", "kg/J", "1/s", "W/s", "Pa/s")
"""units that a message may use, those of SI that signals have"""


@dataclass(frozen=True, slots=True)
class Column:
    """What is known of a signal besides its values."""

    unit: str = "1"
    upper: float = float("inf")


@dataclass(slots=True)
class Traces:
    """Signals over time: ``time`` (s since the start, one step apart), values by name, each as long as ``time``."""

    time: Array
    values: dict[str, Array]
    columns: Mapping[str, Column]
    """of every signal that can be asked for, also of those with no values"""
    absent: Mapping[str, float] = field(default_factory=dict)
    """signals that have this value where none was recorded: alarms that never came"""

    def find(self, pattern: str) -> list[str]:
        """The signals that a pattern stands for. Raises :class:`ExpressionError` with the nearest names."""
        return find(pattern, self.columns)

    def get(self, name: str) -> Array:
        """Values of a signal."""
        if name not in self.values and name in self.absent:
            return np.full(len(self.time), self.absent[name])
        return self.values[name]


def find(pattern: str, known: Mapping[str, object]) -> list[str]:
    """The names that a pattern stands for, a ``*`` for one part of a name. Raises :class:`ExpressionError`."""
    if "*" not in pattern:
        found = [pattern] if pattern in known else []
    else:
        fits = _fits(pattern)
        found = [name for name in known if fits.fullmatch(name)]
    if not found:
        near = difflib.get_close_matches(pattern, known, n=3, cutoff=0.5)
        raise ExpressionError(f"no signal {pattern!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    return found


def check(node: Node, columns: Mapping[str, Column]) -> None:
    """Reads an expression against the signals that there are. Raises :class:`ExpressionError`: names, units, stars."""
    time = np.array([0.0, 1.0])
    asked = {name for pattern in names(node) for name in find(pattern, columns)}
    weather = {s.name for s in (T_DRY, T_WET, P_AIR)}
    values = {name: np.full(2, 300.0) for name in asked | weather} | {P_AIR.name: np.full(2, P_AIR.default)}
    holds(node, Traces(time, values, columns))


def holds(node: Node, traces: Traces) -> Bools:
    """Whether an expression is true, (machines, times). Raises :class:`ExpressionError`."""
    match node:
        case Logic("not", terms):
            return np.asarray(~holds(terms[0], traces))
        case Logic(op, terms):
            together = np.logical_and if op == "and" else np.logical_or
            result = holds(terms[0], traces)
            for term in terms[1:]:
                result = together(result, holds(term, traces))
            return result
        case Binary(op, _, _) if op in COMPARISONS:
            left, right = _pair(node, traces)
            return np.asarray(_COMPARE[op](left.values, right.values))
    raise ExpressionError("an expression is true or false")


def sides(node: Node, traces: Traces, time: int) -> str:
    """The comparison that fails most at index ``time``, in numbers; empty where there is none."""
    match node:
        case Logic("and", terms):
            texts = [sides(term, traces, time) for term in terms]
            return next((text for text in texts if text), "")
        case Binary(op, _, _) if op in COMPARISONS:
            left, right = _pair(node, traces)
            wrong = ~np.asarray(_COMPARE[op](left.values, right.values))
            a, b = (np.broadcast_to(side.values, wrong.shape) for side in (left, right))
            if not wrong[:, min(time, wrong.shape[1] - 1)].any():
                return ""
            at = min(time, wrong.shape[1] - 1)
            row = int(np.argmax(np.where(wrong[:, at], np.abs(a[:, at] - b[:, at]), -np.inf)))
            who = next((side.names[row] for side in (left, right) if len(side.names) == len(wrong)), "")
            said = f"{left.show(a[row, at])}, asked {op} {right.show(b[row, at])}"
            return f"{who} = {said}" if who else said
    return ""


@dataclass(frozen=True, slots=True)
class _Value:
    """(machines or 1, times or 1) with a unit."""

    values: Array
    unit: str
    kind: Kind
    stars: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def show(self, value: float) -> str:
        """For people."""
        if self.kind == "point":
            return f"{value - 273.15:.5g} degC"
        return f"{value:.5g} {_shown(self.unit)}".strip()


_COMPARE: dict[str, Callable[[Array, Array], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.isclose,
    "!=": lambda a, b: ~np.isclose(a, b),
}  # fmt: skip


_JOIN: dict[str, Callable[[Array], Array]] = {
    "max": lambda a: np.asarray(a.max(axis=0)), "min": lambda a: np.asarray(a.min(axis=0)),
    "mean": lambda a: np.asarray(a.mean(axis=0)), "sum": lambda a: np.asarray(a.sum(axis=0)),
}  # fmt: skip


def _pair(node: Binary, traces: Traces) -> tuple[_Value, _Value]:
    """Both sides, of the same unit and the same machines."""
    left, right = _value(node.left, traces), _value(node.right, traces)
    if left.stars and right.stars and left.stars != right.stars:
        raise ExpressionError(
            f"the stars stand for different machines: {', '.join(left.stars[:3])} ... and {', '.join(right.stars[:3])}"
        )
    if node.op in ("*", "/"):
        return left, right
    units = {side.unit for side in (left, right)} - {"any"}
    if len(units) > 1:
        one, two = (_shown(side.unit) or "a bare number" for side in (left, right))
        raise ExpressionError(f"{node.op} between {one} and {two}")
    if node.op in COMPARISONS and {left.kind, right.kind} == {"point", "difference"}:
        raise ExpressionError(f"{node.op} between a temperature and a difference of two; write differences in K")
    return left, right


def _value(node: Node, traces: Traces) -> _Value:
    match node:
        case Number(value, unit, kind):
            return _Value(np.full((1, 1), value), unit, kind)
        case Name(pattern):
            return _signal(pattern, traces)
        case Call(function, arguments):
            return _call(function, arguments, traces)
        case Binary(op, _, _) if op not in COMPARISONS:
            return _arithmetic(node, *_pair(node, traces))
    raise ExpressionError("a comparison stands where a quantity was expected")


def _signal(pattern: str, traces: Traces) -> _Value:
    found = traces.find(pattern)
    units = {_base(traces.columns[name].unit) for name in found}
    if len(units) > 1:
        raise ExpressionError(f"{pattern!r} stands for signals of different units: {', '.join(sorted(units))}")
    unit = units.pop()
    fits = _fits(pattern)
    stars = (
        tuple("/".join(match.groups()) for name in found if (match := fits.fullmatch(name))) if "*" in pattern else ()
    )
    kind: Kind = "point" if unit == KELVIN else "other"
    return _Value(np.array([traces.get(name) for name in found]), unit, kind, stars, tuple(found))


def _arithmetic(node: Binary, left: _Value, right: _Value) -> _Value:
    keep = left if left.stars else right
    if node.op in ("*", "/"):
        values = left.values * right.values if node.op == "*" else left.values / right.values
        one, two = (registry().Quantity(1.0, "" if s.unit == "any" else s.unit) for s in (left, right))
        unit = _base(str((one * two if node.op == "*" else one / two).units))
        if "point" in (left.kind, right.kind):
            raise ExpressionError(f"a temperature is a point of a scale: no {node.op} with it; take a difference first")
        return _Value(values, unit, "difference" if unit == KELVIN else "other", keep.stars, keep.names)
    unit = right.unit if left.unit == "any" else left.unit
    kinds = left.kind, right.kind
    if node.op == "+" and kinds == ("point", "point"):
        raise ExpressionError("two temperatures cannot be added")
    if node.op == "-" and kinds[1] == "point" != kinds[0] and left.unit != "any":
        raise ExpressionError("a temperature cannot be taken from a difference")
    kind: Kind = "other"
    if unit == KELVIN:
        kind = "point" if kinds.count("point") == 1 else "either" if kinds == ("either", "either") else "difference"
    values = left.values + right.values if node.op == "+" else left.values - right.values
    return _Value(values, unit, kind, keep.stars, keep.names)


def _call(function: str, arguments: tuple[Node, ...], traces: Traces) -> _Value:
    if function == "dew_point":
        T_dry, T_wet = traces.get(T_DRY.name), traces.get(T_WET.name)
        pressure = traces.get(P_AIR.name) if P_AIR.name in traces.columns else P_AIR.default
        return _Value(np.atleast_2d(outside_dew_point(T_dry, T_wet, pressure)), KELVIN, "point")
    first = _value(arguments[0], traces)
    values, kind = first.values, first.kind
    match function:
        case "abs":
            return _Value(np.abs(values), first.unit, kind, first.stars, first.names)
        case "max" | "min" | "mean" | "sum":
            if len(arguments) > 1:
                return _among(function, [first, *(_value(a, traces) for a in arguments[1:])])
            joined = _JOIN[function](values)
            return _Value(np.atleast_2d(joined), first.unit, kind)
        case "start":
            return _Value(values[:, :1], first.unit, kind, first.stars, first.names)
        case "limit":
            return _limit(first, traces)
    return {"recent": _recent, "swing": _swing, "rate": _rate}[function](first, arguments, traces)


def _among(function: str, terms: list[_Value]) -> _Value:
    if len({t.unit for t in terms}) > 1:
        raise ExpressionError(f"{function}() of different units")
    join = np.maximum if function == "max" else np.minimum
    values = terms[0].values
    for term in terms[1:]:
        values = join(values, term.values)
    starred = next((t for t in terms if t.stars), terms[0])
    return _Value(values, terms[0].unit, terms[0].kind, starred.stars, starred.names)


def _limit(of: _Value, traces: Traces) -> _Value:
    uppers = np.array([[traces.columns[name].upper] for name in of.names])
    if not of.names or not np.all(np.isfinite(uppers)):
        raise ExpressionError(f"limit() of {', '.join(of.names[:2]) or 'no signal'}: the machine states none")
    return _Value(uppers, of.unit, of.kind, of.stars, of.names)


def _window(function: str, node: Node, traces: Traces) -> tuple[float, int]:
    """The traces' step, s, and how many of them make the time that stands in a function."""
    step = float(traces.time[1] - traces.time[0]) if len(traces.time) > 1 else 1.0
    time = _value(node, traces)
    if time.unit != "second" or time.values.size != 1 or not time.values.item() > 0:
        raise ExpressionError(f"the second term of {function}() is a time, such as 5 min")
    return step, max(1, round(time.values.item() / step))


def _rate(of: _Value, arguments: tuple[Node, ...], traces: Traces) -> _Value:
    """Backward difference; zero until the first window has passed."""
    step = float(traces.time[1] - traces.time[0]) if len(traces.time) > 1 else 1.0
    n = 1 if len(arguments) == 1 else _window("rate", arguments[1], traces)[1]
    values = np.zeros_like(of.values)
    values[:, n:] = (of.values[:, n:] - of.values[:, :-n]) / (n * step)
    unit = _base(f"({of.unit or '1'})/second")
    return _Value(values, unit, "other", of.stars, of.names)


def _recent(of: _Value, arguments: tuple[Node, ...], traces: Traces) -> _Value:
    """Largest of each value and those of the window before it."""
    values = _with_past("recent", of, arguments[1], traces).max(axis=-1)
    return _Value(values, of.unit, of.kind, of.stars, of.names)


def _swing(of: _Value, arguments: tuple[Node, ...], traces: Traces) -> _Value:
    """Largest less smallest of each value and those of the window before it."""
    past = _with_past("swing", of, arguments[1], traces)
    kind: Kind = "difference" if of.kind == "point" else of.kind
    return _Value(past.max(axis=-1) - past.min(axis=-1), of.unit, kind, of.stars, of.names)


def _with_past(function: str, of: _Value, window: Node, traces: Traces) -> Array:
    """Each value and those of the window before it, on a last axis; before the start it was as at the start."""
    n = _window(function, window, traces)[1]
    padded = np.concatenate([np.repeat(of.values[:, :1], n, axis=1), of.values], axis=1)
    return np.lib.stride_tricks.sliding_window_view(padded, n + 1, axis=1)


@cache
def _base(unit: str) -> str:
    return "" if unit == "any" else base_unit(unit)


@cache
def _named() -> dict[str, str]:
    return {_base(unit): unit for unit in SHOWN}


def _shown(unit: str) -> str:
    """A unit in base units as people write it."""
    return "" if unit == "any" else _named().get(unit, unit)


def _fits(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "([^.]+)"))
