"""Machines found by what they are, on any site, whatever their names."""

from __future__ import annotations

import re

import pytest
import yaml

from controllers.plant_view import PlantView, UncontrollablePlant
from controllers.sequences import Sequences
from plant_models.plant import Plant
from plant_models.site import list_sites, load_site
from tests.strategies.calm_plant import calm, plant_of


def test_every_machine_of_the_reference_plant_has_its_job() -> None:
    view = PlantView(plant_of("rovaltain"))
    assert len(view.cdus) == 70
    assert (view.supply, view.return_) == ("fws.supply", "fws.return")
    assert list(view.heat_pumps) == ["heat_pump.1", "heat_pump.2"]
    assert list(view.exchangers) == ["dh_exchanger"]
    assert (list(view.tanks), list(view.districts)) == (["store"], ["district"])
    assert list(view.valves) == ["fws_bypass"]
    assert view.chillers
    assert view.air_handlers
    assert view.coolers == view.dry_coolers
    assert not view.towers


def test_a_site_without_heat_sink_has_no_machines_for_it() -> None:
    view = PlantView(plant_of("frontier"))
    assert len(view.cdus) == 25
    assert view.coolers == view.towers != {}
    for machines in (view.heat_pumps, view.exchangers, view.tanks, view.districts, view.dry_coolers):
        assert machines == {}


def test_names_do_not_matter(tmp_path: object) -> None:
    text = list_sites()["bench_loop"].read_text(encoding="utf-8")
    for old, new in (("cdu", "rack_cooler"), ("pump", "mover"), ("dry_cooler", "roof"), ("fws", "loop")):
        text = re.sub(rf"(?m)^  {old}:", f"  {new}:", text)
        text = re.sub(rf"\b{old}\.", f"{new}.", text)
    data = yaml.safe_load(text)
    data["devices"] = []
    path = f"{tmp_path}/renamed.yaml"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        yaml.safe_dump(data, file)
    plant = Plant(load_site(path))
    view = PlantView(plant)
    assert list(view.cdus) == ["rack_cooler"]
    assert list(view.pumps) == ["mover"]
    assert view.supply == "loop.supply"
    assert Sequences(plant).step(0.0, calm(plant), None).status == "ok"


class _Bare:
    """A plant of only some machines."""

    def __init__(self, *kinds: str) -> None:
        whole = plant_of("bench_loop")
        self.site = whole.site
        self.components = {name: c for name, c in whole.components.items() if c.kind in kinds}


@pytest.mark.parametrize(
    ("kinds", "lacks"),
    [
        (("pump_group", "dry_cooler"), "cdu"),
        (("cdu", "dry_cooler"), "pump_group"),
        (("cdu", "pump_group"), "dry_cooler or cooling_tower"),
    ],
)
def test_a_plant_that_cannot_be_run_is_refused_by_what_it_lacks(kinds: tuple[str, ...], lacks: str) -> None:
    with pytest.raises(UncontrollablePlant, match=f"site bench_loop has no {lacks}: mpc needs a {lacks}"):
        PlantView(_Bare(*kinds)).need_data_centre("mpc")  # type: ignore[arg-type]
