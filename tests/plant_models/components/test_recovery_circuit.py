"""The recovery machines joined into one circuit: facility water, direct exchanger, heat pumps, store, district."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import Site

C = 273.15
PUMP = {"drive": "pump", "m_flow_nominal": 100.0}


def site() -> Site:
    """Two heat pumps on a large pool of facility water; the exchanger preheats their district water."""
    components: dict[str, dict[str, Any]] = {
        "heat_pump": {"kind": "heat_pump", "count": 2, "Q_flow_sink_nominal": 10e6},
        "store": {"kind": "stratified_tank", "volume": 3000.0, "height": 20.0, "m_flow_nominal": 150.0},
        "district": {"kind": "district", "m_flow_max": 250.0},
        "direct": {"kind": "plate_exchanger", "primary": PUMP, "secondary": PUMP, "UA_nominal": 2e6},
        "separator": {
            "kind": "pipe", "m_flow_nominal": 400.0, "dp_nominal": 1e3, "volume": 5.0, "cells": 2, "T_start": 45 + C,
        },
        "basin": {
            "kind": "pipe", "m_flow_nominal": 800.0, "dp_nominal": 1e3, "volume": 1e5, "cells": 1, "T_start": 40 + C,
        },
        "fws_expansion": {"kind": "expansion", "p_set": 1e5, "mass": 1000.0, "T_start": 310.0},
        "dh_expansion": {"kind": "expansion", "p_set": 2e5, "mass": 1000.0, "T_start": 310.0},
    }  # fmt: skip
    nodes = {
        "fws": {"volume": 5.0, "T_start": 40 + C, "ports": [
            "heat_pump.evaporator_in", "direct.primary_in", "basin.outlet", "fws_expansion.port"]},
        "cooled": {"volume": 5.0, "T_start": 40 + C, "ports": [
            "heat_pump.evaporator_out", "direct.primary_out", "basin.inlet"]},
        "supply": {"volume": 5.0, "T_start": 75 + C, "ports": [
            "heat_pump.condenser_out", "store.top", "district.supply"]},
        "back": {"volume": 5.0, "T_start": 45 + C, "ports": [
            "store.bottom", "district.return", "dh_expansion.port", "direct.secondary_in", "separator.inlet"]},
        "preheated": {"volume": 5.0, "T_start": 45 + C, "ports": [
            "direct.secondary_out", "separator.outlet", "heat_pump.condenser_in"]},
    }  # fmt: skip
    return Site.model_validate({
        "name": "recovery", "title": "heat recovery alone",
        "location": {"name": "x", "latitude": 45.0, "longitude": 5.0, "altitude": 100.0, "time_zone": "Europe/Paris"},
        "tariffs": {"heat": 1e-8, "water": 1.0, "co2": 0.0, "heat_pump_start": 0.0, "heat_pump_operation": 0.0},
        "outlook": {"load_factor": 0.5, "annual_heat": 1e12, "electricity_mean": 1e-8},
        "components": components, "nodes": nodes,
    })  # fmt: skip


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(Plant(site()))


def both(simulator: Simulator, name: str, value: float) -> None:
    for number in (1, 2):
        simulator.set(f"heat_pump.{number}.{name}", value)


def test_hard_switching_keeps_the_balances(simulator: Simulator) -> None:
    """Everything is switched every hour, at random, also to set-points that mean off."""
    rng = np.random.default_rng(1)
    simulator.reset_accounts()
    for _ in range(18):
        for number in (1, 2):
            simulator.set(f"heat_pump.{number}.y_set", float(rng.choice([0.0, 0.2, 0.3, 0.6, 1.0])))
        simulator.set("district.Q_demand", float(rng.choice([0.0, 5e6, 20e6, 60e6])))
        simulator.set("district.T_return", C + float(rng.uniform(25, 50)))
        simulator.set("direct.y", float(rng.integers(0, 2)))
        for _ in range(60):
            simulator.step(60.0)
            assert simulator.get("district.Q_flow_delivered") <= simulator.get("district.Q_demand") + 1.0
    for quantity in ("energy", "mass"):
        assert simulator.balance(quantity).error < 1e-8


def test_heat_pumps_store_and_district_work_together(simulator: Simulator) -> None:
    """16 MW of 20 MW charge the store over the demand of 8 MW; then they stop, and the store serves the demand."""
    both(simulator, "y_set", 0.8 / 1.1)  # the source is warm: capacity_max
    both(simulator, "T_sink_set", 77 + C)
    simulator.set("direct.y", 0.0)
    simulator.set("district.Q_demand", 8e6)
    before = simulator.get("store.Q_stored")
    for _ in range(360):
        simulator.step(60.0)
    assert simulator.get("heat_pump.1.T_sink_out") == pytest.approx(77 + C, abs=0.2)
    assert simulator.get("district.Q_flow_unmet") < 0.005 * 8e6
    assert simulator.get("store.Q_stored") - before == pytest.approx(8e6 * 6 * 3600, rel=0.12)
    both(simulator, "y_set", 0.0)
    for _ in range(240):
        simulator.step(60.0)
    assert simulator.get("heat_pump.1.P_el") == pytest.approx(0.0, abs=1.0)
    assert simulator.get("store.m_flow") < -50.0
    assert simulator.get("district.Q_flow_unmet") < 0.005 * 8e6


def test_no_consumer_no_harm(simulator: Simulator) -> None:
    """Full load into a district that takes nothing: the store fills, then the machines limit themselves."""
    both(simulator, "y_set", 1.0)
    simulator.set("district.Q_demand", 0.0)
    for _ in range(12 * 60):
        simulator.step(60.0)
        assert simulator.get("heat_pump.1.T_sink_out") < 365.15 + 0.5, "the circulation pumps go on warming the water"
    assert simulator.get("heat_pump.1.Q_flow_sink") < 4e6
    assert simulator.get("store.fraction_charged") > 1.0
