"""Set-points as commissioned, and the thermostats of a commissioned plant."""

from __future__ import annotations

import json
import math

import pytest

from controllers.fixed import STORE_EMPTY, STORE_FULL, Fixed
from plant_models.signals import T_DRY
from tests.strategies.calm_plant import calm, plant_of


def switched(plant_name: str, what: str) -> set[str]:
    """The set-points that thermostats move."""
    return {name for name in plant_of(plant_name).setpoints() if name.endswith(what)}


@pytest.mark.parametrize("site", ["rovaltain", "bench_loop", "frontier"])
def test_the_sites_defaults_but_for_heat_pumps_and_spray(site: str) -> None:
    plant = plant_of(site)
    for T_dry, hot in ((250.0, 0.0), (288.15, 0.6), (315.0, 1.0)):
        seen = calm(plant) | {T_DRY.name: T_dry, "store.fraction_charged": hot, "buffer.fraction_charged": hot}
        decision = Fixed(plant).step(1.7e9, seen, None)
        moved = {name for name, value in decision.setpoints.items() if value != plant.setpoints()[name]}
        assert moved <= switched(site, ".y_set") | switched(site, ".spray")
        assert (decision.status, decision.source) == ("ok", "fixed")


def test_without_measurements_all_is_as_commissioned() -> None:
    plant = plant_of("rovaltain")
    for seen in ({}, dict.fromkeys(calm(plant), math.nan)):
        decision = Fixed(plant).step(1.7e9, seen, None)
        assert decision.setpoints == plant.setpoints()
        assert decision.status == "bad_measurement"
        assert "store.fraction_charged" in decision.message


def test_a_blind_thermostat_does_not_hold_up_the_other() -> None:
    """Without the store's sensors the pads still open by the air, and the other way round."""
    plant = plant_of("rovaltain")
    hot_day = calm(plant) | {T_DRY.name: 308.15, "store.fraction_charged": math.nan}
    decision = Fixed(plant).step(0.0, hot_day, None)
    assert decision.setpoints["dry_cooler.1.spray"] == 1.0
    assert decision.setpoints["heat_pump.1.y_set"] == plant.setpoints()["heat_pump.1.y_set"]
    no_air = calm(plant) | {T_DRY.name: math.nan, "store.fraction_charged": 0.0}
    decision = Fixed(plant).step(0.0, no_air, None)
    assert decision.setpoints["heat_pump.2.y_set"] == 1.0
    assert decision.setpoints["dry_cooler.1.spray"] == 0.0


def loads(controller: Fixed, hot: float) -> tuple[float, ...]:
    seen = calm(plant_of("rovaltain")) | {"store.fraction_charged": hot}
    setpoints = controller.step(0.0, seen, None).setpoints
    return tuple(setpoints[f"heat_pump.{i}.y_set"] for i in (1, 2))


def test_heat_pumps_start_one_after_the_other_and_stop_at_the_full_store() -> None:
    controller = Fixed(plant_of("rovaltain"))
    assert loads(controller, STORE_EMPTY + 0.01) == (0.0, 0.0)
    assert loads(controller, STORE_EMPTY - 0.01) == (1.0, 0.0)
    assert loads(controller, 0.5 * STORE_EMPTY + 0.01) == (1.0, 0.0)
    assert loads(controller, 0.5 * STORE_EMPTY - 0.01) == (1.0, 1.0)
    assert loads(controller, STORE_FULL - 0.01) == (1.0, 1.0)
    assert loads(controller, STORE_FULL + 0.01) == (0.0, 0.0)
    assert loads(controller, STORE_EMPTY + 0.01) == (0.0, 0.0)


def test_pads_open_above_the_nominal_air_temperature_with_hysteresis() -> None:
    plant = plant_of("rovaltain")
    controller = Fixed(plant)
    opens = plant.components["dry_cooler.1"].T_air_nominal  # type: ignore[attr-defined]
    given = []
    for above in (-0.1, 0.1, -1.9, -2.1, -0.1):
        seen = calm(plant) | {T_DRY.name: opens + above}
        given.append(controller.step(0.0, seen, None).setpoints["dry_cooler.7.spray"])
    assert given == [0.0, 1.0, 1.0, 0.0, 0.0]


def test_no_one_who_gets_a_decision_can_move_the_next() -> None:
    controller = Fixed(plant_of("bench_loop"))
    first = controller.step(0.0, {}, None).setpoints
    assert isinstance(first, dict)
    first["pump.dp_set"] = -1.0
    assert controller.step(900.0, {}, None).setpoints == plant_of("bench_loop").setpoints()


def test_a_restored_controller_goes_on_as_the_first() -> None:
    first, second = Fixed(plant_of("rovaltain")), Fixed(plant_of("rovaltain"))
    loads(first, 0.1)
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert loads(second, 0.8) == loads(first, 0.8) == (1.0, 1.0)
