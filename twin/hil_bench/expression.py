"""Expectations as short expressions over signals: ``cdu.*.T_gpu_max < 83 degC and device.pump.fallen_back == 0``.

Numbers carry units, a ``*`` stands for one part of a name and for all signals that fit. There are comparisons (also in
a row: ``18 degC < x <= 45 degC``), ``and or not + - * /`` and the functions of :data:`FUNCTIONS`. Nothing else: an
expression reads traces and does nothing.

Units are checked when the expression is read: a temperature is no difference of temperatures, and a pressure no flow.
Several stars in one expression stand for the same machines: ``cdu.*.T_supply > cdu.*.T_fws`` compares within each CDU.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from plant_models.units import registry

FUNCTIONS: Final = {
    "abs": "absolute value",
    "max": "the largest of the signals of a pattern, or of several terms",
    "min": "the smallest",
    "sum": "the sum over the signals of a pattern",
    "mean": "their mean",
    "rate": "change per second over the last step, or over the time given: rate(x, 5 min)",
    "recent": "the largest value in the last so much time: recent(x, 2 min)",
    "swing": "the largest less the smallest value in the last so much time: swing(x, 15 min)",
    "start": "the value at the start of the run",
    "limit": "the upper limit that the machine states for the signal",
    "dew_point": "dew_point(): of the outside air",
}
TERMS: Final = {
    "dew_point": (0, 0), "rate": (1, 2), "recent": (2, 2), "swing": (2, 2), "max": (1, 9), "min": (1, 9),
}  # fmt: skip
"""how many terms a function takes at least and at most; else one"""
TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?:\s*(?P<unit>%|(?!and\b|or\b|not\b)[A-Za-zµ°][A-Za-zµ°]*"
    r"(?:\^-?\d)?(?:[/*][A-Za-z]+(?:\^-?\d)?)*))?"
    r"|(?P<name>[A-Za-z_]\w*(?:\.(?:\*|\w+))*)|(?P<op><=|>=|==|!=|[-+*/<>(),]))"
)
COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")

Kind = Literal["point", "difference", "either", "other"]
"""of temperatures: a point of a scale, a difference of two, a number of kelvins; or no temperature at all"""


class ExpressionError(ValueError):
    """An expression that cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant in SI."""

    value: float
    unit: str
    """of SI, as pint writes it in base units; empty for none"""
    kind: Kind = "other"


@dataclass(frozen=True, slots=True)
class Name:
    """A signal, or a pattern of signals."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of :data:`FUNCTIONS`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """``+ - * /`` or a comparison."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """``and``, ``or`` or, with one term, ``not``."""

    op: str
    terms: tuple[Node, ...]


Node = Number | Name | Call | Binary | Logic


def parse(text: str) -> Node:
    """The tree of an expression. Raises :class:`ExpressionError`."""
    return _Parser(text).whole()


def names(node: Node) -> list[str]:
    """Every signal or pattern in an expression, in order."""
    match node:
        case Name(pattern):
            return [pattern]
        case Binary(_, left, right):
            return names(left) + names(right)
        case Call(_, inner) | Logic(_, inner):
            return [name for term in inner for name in names(term)]
    return []


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.at = 0

    def _split(self) -> list[re.Match[str]]:
        tokens, position = [], 0
        while self.text[position:].strip():
            token = TOKEN.match(self.text, position)
            if token is None:
                raise ExpressionError(f"{self.text!r}: cannot read {self.text[position:].strip()[:20]!r}")
            tokens.append(token)
            position = token.end()
        return tokens

    def whole(self) -> Node:
        node = self._or()
        if self.at < len(self.tokens):
            self._fail("an end, 'and', 'or' or a comparison")
        if not _is_logical(node):
            raise ExpressionError(f"{self.text!r} is neither true nor false: compare it with something")
        return node

    def _fail(self, wanted: str) -> NoReturn:
        found = repr(self.tokens[self.at].group().strip()) if self.at < len(self.tokens) else "the end"
        raise ExpressionError(f"{self.text!r}: expected {wanted}, found {found}")

    def _take(self, *words: str) -> str:
        """The next operator or word if it is one of these, else nothing."""
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            word = token["op"] or token["name"] or ""
            if word in words:
                self.at += 1
                return word
        return ""

    def _or(self) -> Node:
        terms = [self._and()]
        while self._take("or"):
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else Logic("or", self._logical(terms))

    def _and(self) -> Node:
        terms = [self._not()]
        while self._take("and"):
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else Logic("and", self._logical(terms))

    def _not(self) -> Node:
        if self._take("not"):
            return Logic("not", self._logical([self._not()]))
        return self._comparison()

    def _logical(self, terms: list[Node]) -> tuple[Node, ...]:
        if not all(map(_is_logical, terms)):
            raise ExpressionError(f"{self.text!r}: 'and', 'or' and 'not' stand between comparisons")
        return tuple(terms)

    def _comparison(self) -> Node:
        parts, ops = [self._sum()], []
        while op := self._take(*COMPARISONS):
            ops.append(op)
            parts.append(self._sum())
        pairs: list[Node] = [Binary(op, parts[i], parts[i + 1]) for i, op in enumerate(ops)]
        if not pairs:
            return parts[0]
        return pairs[0] if len(pairs) == 1 else Logic("and", tuple(pairs))

    def _sum(self) -> Node:
        node = self._product()
        while op := self._take("+", "-"):
            node = Binary(op, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._unary()
        while op := self._take("*", "/"):
            node = Binary(op, node, self._unary())
        return node

    def _unary(self) -> Node:
        if self._take("-"):
            inner = self._unary()
            if isinstance(inner, Number) and inner.kind == "other":
                return Number(-inner.value, inner.unit)
            if isinstance(inner, Number):
                return self._negative(inner)
            return Binary("-", Number(0.0, "any"), inner)
        return self._atom()

    def _negative(self, number: Number) -> Number:
        """``-5 degC`` is five degrees below zero, not minus 278 K."""
        if number.kind == "either":
            return Number(-number.value, number.unit, "difference")
        token = self.tokens[self.at - 1]
        return quantity(f"-{token['number']}", token["unit"], self.text)

    def _atom(self) -> Node:
        if self._take("("):
            node = self._or()
            if not self._take(")"):
                self._fail("')'")
            return node
        if self.at >= len(self.tokens):
            self._fail("a signal, a number or '('")
        token = self.tokens[self.at]
        if token["number"]:
            self.at += 1
            return quantity(token["number"], token["unit"] or "", self.text)
        if not token["name"] or token["name"] in ("and", "or", "not"):
            self._fail("a signal, a number or '('")
        self.at += 1
        name: str = token["name"]
        return self._call(name) if self._take("(") else Name(name)

    def _call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise ExpressionError(f"{self.text!r}: no function {name}(); there are {', '.join(FUNCTIONS)}")
        arguments: list[Node] = []
        while not self._take(")"):
            if arguments and not self._take(","):
                self._fail("',' or ')'")
            arguments.append(self._sum())
        most = TERMS.get(name, (1, 1))
        if not most[0] <= len(arguments) <= most[1]:
            raise ExpressionError(f"{self.text!r}: {name}() takes {most[0]} to {most[1]} terms, found {len(arguments)}")
        return Call(name, tuple(arguments))


def quantity(number: str, unit: str, where: str) -> Number:
    """A number with its unit in SI; ``K`` is a difference or a point, as what it meets needs."""
    if unit in ("", "%"):
        return Number(float(number) * (0.01 if unit else 1.0), "any" if float(number) == 0.0 and not unit else "")
    import pint

    try:
        read = registry().Quantity(float(number), unit).to_base_units()
    except (pint.errors.PintError, AttributeError, ValueError) as error:
        raise ExpressionError(f"{where!r}: no unit {unit!r} ({error})") from None
    offset = bool(registry().Quantity(0.0, unit).to_base_units().magnitude)
    base = base_unit(str(read.units))
    return Number(float(read.magnitude), base, "point" if offset else "either" if base == "kelvin" else "other")


def base_unit(unit: str) -> str:
    """A unit in base units, so that W and J/s are the same; empty for none."""
    if unit in ("", "1", "dimensionless"):
        return ""
    return str(registry().Quantity(1.0, unit).to_base_units().units).replace("dimensionless", "")


def _is_logical(node: Node) -> bool:
    return isinstance(node, Logic) or (isinstance(node, Binary) and node.op in COMPARISONS)
