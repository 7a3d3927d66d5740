"""Set-points as commissioned."""

from __future__ import annotations

import json
import math

from controllers.fixed import Fixed
from tests.strategies.calm_plant import calm, plant_of


def test_the_sites_defaults_whatever_happens() -> None:
    plant = plant_of("rovaltain")
    controller = Fixed(plant)
    for seen in ({}, calm(plant), dict.fromkeys(calm(plant), math.nan)):
        decision = controller.step(1.7e9, seen, None)
        assert decision.setpoints == plant.setpoints()
        assert (decision.status, decision.source) == ("ok", "fixed")


def test_no_one_who_gets_a_decision_can_move_the_next() -> None:
    controller = Fixed(plant_of("bench_loop"))
    first = controller.step(0.0, {}, None).setpoints
    assert isinstance(first, dict)
    first["pump.dp_set"] = -1.0
    assert controller.step(900.0, {}, None).setpoints == plant_of("bench_loop").setpoints()


def test_it_has_no_state() -> None:
    controller = Fixed(plant_of("bench_loop"))
    assert json.dumps(controller.snapshot()) == "{}"
    controller.restore({})
    assert controller.step(0.0, {}, None).status == "ok"
