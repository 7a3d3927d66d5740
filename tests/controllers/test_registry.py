"""Controllers by their word."""

from __future__ import annotations

import pytest

from controllers.fixed import Fixed
from controllers.registry import CONTROLLERS, ControllerError, make_controller
from controllers.sequences import Sequences
from tests.strategies.calm_plant import plant_of


@pytest.mark.parametrize(("name", "kind"), [("fixed", Fixed), ("sequences", Sequences)])
def test_by_name(name: str, kind: type) -> None:
    controller = make_controller(name, plant_of("bench_loop"))
    assert isinstance(controller, kind)
    assert controller.name == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mcp", "unknown controller 'mcp'; did you mean mpc? Known: fixed, sequences, mpc"),
        ("sequence", "unknown controller 'sequence'; did you mean sequences? Known: fixed, sequences, mpc"),
        ("", "unknown controller ''; Known: fixed, sequences, mpc"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(name: str, says: str) -> None:
    with pytest.raises(ControllerError) as refused:
        make_controller(name, plant_of("bench_loop"))
    assert str(refused.value) == says
    assert all(known in says for known in CONTROLLERS)


@pytest.mark.parametrize("name", ["fixed", "sequences"])
def test_settings_for_one_that_has_none_are_refused(name: str) -> None:
    with pytest.raises(ControllerError, match=f"'{name}' has no settings, found horizon"):
        make_controller(name, plant_of("bench_loop"), {"horizon": "24 h"})
