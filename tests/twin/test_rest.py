"""What `heatloop check` says about rest: of a plant that rests, one whose loop hunts, one with something that fills."""

from __future__ import annotations

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import load_site
from tests.strategies.catalog_machines import EXAMPLE_SITES
from twin.commands.rest import at_rest, in_a_sentence


def found(site: str, **changes: object) -> dict[str, object]:
    simulator = Simulator(Plant(load_site(site, {key.replace("__", "."): value for key, value in changes.items()})))
    simulator.settle(3600.0)
    return at_rest(simulator)


def test_a_sound_plant_rests_with_its_store_held() -> None:
    answer = found("bench_loop")
    assert answer == {"held": ["buffer"], "settled": True, "moving": [], "why": ""}
    assert in_a_sentence(answer) == "It comes to rest there, the content of buffer held."


def test_a_loop_that_hunts_is_told() -> None:
    """Boilers whose integral time is a tenth of what it should be, behind a kilometre and a half of pipe."""
    answer = found(str(EXAMPLE_SITES / "heat_network.yaml"), components__boiler__reset="20 s")
    assert not answer["settled"]
    moving = answer["moving"]
    assert isinstance(moving, list)
    assert moving
    assert all(movement["high"] - movement["low"] > 0.05 for movement in moving if movement["unit"] == "K")
    assert "It does not come to rest there" in in_a_sentence(answer)
    assert "goes to and fro" in in_a_sentence(answer)


def test_a_strainer_that_clogs_is_held() -> None:
    answer = found(str(EXAMPLE_SITES / "two_floors.yaml"))
    assert answer["held"] == ["strainer", "vessel"]
    assert answer["settled"]
