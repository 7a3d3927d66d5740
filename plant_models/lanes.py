"""Writes a CasADi Function as straight-line C for several members of a group at once (see ``native/lanes.h``)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import casadi as ca

NATIVE = Path(__file__).parent / "native"

FORMS = {
    "ASSIGN": "{0}", "ADD": "{0} + {1}", "SUB": "{0} - {1}", "MUL": "{0} * {1}", "DIV": "{0} / {1}", "NEG": "-{0}",
    "EXP": "exp_({0})", "LOG": "log_({0})", "POW": "pow_({0}, {1})", "CONSTPOW": "pow_({0}, {1})",
    "SQRT": "sqrt_({0})", "SQ": "{0} * {0}", "TWICE": "{0} + {0}", "INV": "1.0 / {0}", "FABS": "abs_({0})",
    "SIGN": "sign_({0})", "FMIN": "least({0}, {1})", "FMAX": "most({0}, {1})", "LT": "truth({0} < {1})",
    "LE": "truth({0} <= {1})", "EQ": "truth({0} == {1})", "NE": "truth({0} != {1})", "NOT": "no({0})",
    "AND": "both({0}, {1})", "OR": "either({0}, {1})", "IF_ELSE_ZERO": "if_({0}, {1})", "FLOOR": "floor_({0})",
    "CEIL": "ceil_({0})", "SIN": "sin_({0})", "COS": "cos_({0})", "TAN": "tan_({0})", "ATAN": "atan_({0})",
    "SINH": "sinh_({0})", "COSH": "cosh_({0})", "TANH": "tanh_({0})", "ERF": "erf_({0})", "LOG1P": "log1p_({0})",
    "EXPM1": "expm1_({0})", "HYPOT": "hypot_({0}, {1})",
}  # fmt: skip
"""CasADi's elementary operations in C"""


@cache
def _operations() -> dict[int, str]:
    """Names of CasADi's operations by their code."""
    return {code: name[3:] for name, code in vars(ca).items() if name.startswith("OP_") and isinstance(code, int)}


def function(made: ca.Function, arguments: list[str], results: list[str]) -> str:
    """C text of an SX Function ``made`` under its own name: (arguments, results), each a pointer to V.

    An argument ``k`` is one double for all lanes. Raises ValueError for an operation without a form in C.
    """
    parameters = ["double k" if name == "k" else f"const V *restrict {name}" for name in arguments]
    parameters += [f"V *restrict {name}" for name in results]
    lines = [f"void {made.name()}({', '.join(parameters)})", "{"]
    lines += [f"    {line};" for line in _statements(made, arguments, results)]
    return "\n".join([*lines, "}", ""])


def _instructions(made: ca.Function) -> Iterator[tuple[str, int, list[int], list[int]]]:
    """(operation, number of the instruction, what it takes, what it gives); values carry their instruction's number."""
    holder: dict[int, int] = {}
    for i in range(made.n_instructions()):
        operation = _operations()[made.instruction_id(i)]
        takes, gives = made.instruction_input(i), made.instruction_output(i)
        if operation not in ("INPUT", "CONST"):
            takes = [holder[place] for place in takes]
        yield operation, i, takes, gives
        if operation != "OUTPUT":
            holder[gives[0]] = i


def _statements(made: ca.Function, arguments: list[str], results: list[str]) -> Iterator[str]:
    instructions = list(_instructions(made))
    constants = {i: made.instruction_constant(i) for operation, i, _, _ in instructions if operation == "CONST"}
    divisors = Counter(takes[1] for operation, _, takes, _ in instructions if operation == "DIV")
    inverted: set[int] = set()
    for operation, i, takes, gives in instructions:
        names = [f"v{j}" for j in takes]
        if operation == "OUTPUT":
            yield f"{results[gives[0]]}[{gives[1]}] = {names[0]}"
            continue
        if operation == "CONST":
            text = f"splat({_number(constants[i])})"
        elif operation == "INPUT":
            name = arguments[takes[0]]
            text = "splat(k)" if name == "k" else f"{name}[{takes[1]}]"
        elif operation == "DIV" and constants.get(takes[1]):
            text = f"{names[0]} * {_number(1.0 / constants[takes[1]])}"
        elif operation == "DIV" and divisors[takes[1]] > 1:
            # a division takes as long as twenty multiplications
            if takes[1] not in inverted:
                inverted.add(takes[1])
                yield f"const V r{takes[1]} = 1.0 / {names[1]}"
            text = f"{names[0]} * r{takes[1]}"
        elif operation in FORMS:
            text = FORMS[operation].format(*names)
        else:
            raise ValueError(f"{made.name()}: no form in C for CasADi's {operation}")
        yield f"const V v{i} = {text}"


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value) if value >= 0 else f"({value!r})"
    return "NAN" if math.isnan(value) else ("INFINITY" if value > 0 else "(-INFINITY)")
