"""The quick rooms of the validation: every row within its tolerance, every machine named, the page up to date."""

import pytest

from benchmarks.validation import page
from benchmarks.validation.gaps import GAPS
from benchmarks.validation.rooms import ROOMS
from benchmarks.validation.row import compare
from plant_models.components.catalog import CATALOG


@pytest.mark.parametrize("room", [room for room in ROOMS if room.quick], ids=lambda room: room.name)
def test_every_row_is_within_its_tolerance_and_on_the_page(room):
    shown = page.PAGE.read_text(encoding="utf-8")
    rows = room.rows()
    assert rows
    for row in rows:
        assert row.ok, f"{row.machine}, {row.quantity}: {row.error:.3g} over {row.tolerance:.3g}"
        assert f"| {row.quantity} |" in shown, "run `make validate`"
        assert f"## {row.machine}\n" in shown


def test_every_machine_is_on_the_page_or_says_that_there_is_no_source():
    shown = page.PAGE.read_text(encoding="utf-8")
    for kind in CATALOG:
        assert f"## {kind}\n" in shown or kind in GAPS, f"give {kind} a row, or a line in benchmarks/validation/gaps.py"
        assert f"## {kind}\n" in shown or f"- `{kind}`" in shown, "run `make validate`"


def test_compare_shows_the_worst_case():
    row = compare("media", "q", "s", [1.0, 2.2, 3.0], [1.0, 2.0, 3.1], unit="K", tolerance=0.15)
    assert (row.ours, row.theirs, row.cases) == (2.2, 2.0, 3)
    assert row.error == pytest.approx(0.2)
    assert not row.ok
    assert compare("media", "q", "s", 2.2, 2.0, unit="K", tolerance=0.15, relative=True).ok


def test_what_is_not_a_number_fails():
    row = compare("media", "q", "s", [1.0, float("nan")], [1.5, 1.0], unit="K", tolerance=1.0)
    assert not row.ok


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="media, q"):
        compare("media", "q", "s", [1.0], [1.0, 2.0], unit="K", tolerance=1.0)
