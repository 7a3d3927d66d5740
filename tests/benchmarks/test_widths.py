"""Every smoothing width: below 0.1 % where its machine works, on the page, and none in the code that is not listed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import plant_models
from benchmarks.widths import page
from benchmarks.widths.laws import LAWS
from benchmarks.widths.machines import MACHINES
from benchmarks.widths.width import LIMIT, Width

WIDTHS = (*LAWS, *MACHINES)
SMOOTHING = {"at_least", "at_most", "softplus", "smoothstep", "tanh", "mass_flow", "seen", "upstream", "released"}
CONSTANTS = ("_SMALL", "_WIDTH", "_BAND", "_END")
ELSEWHERE = {"smooth", "mathx", "machine_code", "network.solver"}
"""modules that define the functions, or whose constants are a solver's"""


@pytest.mark.parametrize("width", WIDTHS, ids=lambda w: f"{w.where}: {w.what}")
def test_a_width_is_not_seen_where_the_machine_works_and_is_on_the_page(width: Width) -> None:
    effect = width.effect()
    assert 0.0 <= effect < LIMIT
    [line] = [row for row in page.PAGE.read_text(encoding="utf-8").splitlines() if page.cells(width) in row]
    shown = float(line.split(" | ")[3])
    assert shown == pytest.approx(effect, rel=1.0, abs=1e-12), "run `make validate`"
    assert line == page.line(width, shown), "run `make validate`"


def in_the_code() -> Iterator[str]:
    """Functions of plant_models that smooth something, and constants that say over what."""
    root = Path(plant_models.__file__).parent
    for path in root.rglob("*.py"):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module in ELSEWHERE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for statement in tree.body:
            names = [t.id for t in getattr(statement, "targets", []) if isinstance(t, ast.Name)]
            yield from (f"{module}.{name}" for name in names if name.endswith(CONSTANTS))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
                if SMOOTHING & {getattr(call, "id", getattr(call, "attr", "")) for call in calls}:
                    yield f"{module}.{function.name}"


def test_no_width_of_the_code_is_missing() -> None:
    listed = {place for width in WIDTHS for place in width.places}
    found = set(in_the_code())
    assert found - listed == set(), "give it a line in benchmarks/widths"
    assert listed - found == set(), "no longer in the code"


def test_the_page_lists_nothing_else() -> None:
    rows = [row for row in page.PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    assert len(rows) == len(WIDTHS) + len({width.where for width in WIDTHS})  # and a head for each table


def test_a_width_that_is_too_wide_is_seen() -> None:
    """The measure itself: a bound rounded over a tenth of the range is not lost."""
    from benchmarks.widths.width import difference, sharp_at_least
    from plant_models import drive

    points = [0.2, 0.3, 0.4]
    assert difference(lambda y: drive.staged(y, 0.2)[1], points, {"drive.at_least": sharp_at_least}) > LIMIT
