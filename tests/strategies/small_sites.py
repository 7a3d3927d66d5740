"""Small plants of one to three CDUs, with towers or dry coolers, with or without an air side and heat recovery."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st

from plant_models import compiled
from plant_models.plant import Plant
from plant_models.signals import Role, Signal
from plant_models.site import Site

HEAD: dict[str, Any] = {
    "title": "made by a test",
    "location": {"name": "x", "latitude": 45.0, "longitude": 5.0, "altitude": 100.0, "time_zone": "Europe/Paris"},
    "tariffs": {"heat": 1e-8, "water": 1.0, "co2": 0.0, "heat_pump_start": 0.0, "heat_pump_operation": 0.0},
    "outlook": {"load_factor": 0.5, "annual_heat": 1e12, "electricity_mean": 1e-8},
}


def small_site(
    n_cdus: int = 1, racks: int = 2, liquid: float = 0.87, recovery: bool = True, air: bool = True, tower: bool = False,
    cushion: bool = False,
) -> Site:  # fmt: skip
    """A plant whose sizes fit each other: 1 MW of IT power a CDU, 10 K on either side; ``cushion``: of gas."""
    cold, hot = 303.15, 313.15
    facility = 22.0 * n_cdus + (8.0 if air else 0.0)
    components: dict[str, Any] = {
        "cdu": {
            "kind": "cdu", "count": n_cdus, "racks": racks, "load_spread": 0.06,
            "rack": {"P_it_nominal": 1.0e6 / racks, "liquid_fraction": liquid},
            "m_flow_tcs_nominal": 23.3, "P_pump_nominal": 11e3, "volume_line": 0.4, "UA_nominal": 250e3,
            "m_flow_fws_nominal": 22.0, "dp_exchanger_nominal": 40e3, "dp_valve_nominal": 40e3, "volume_fws": 0.15,
            "T_supply_design": 308.15, "T_supply_lowest": 293.15, "T_supply_highest": 318.15,
        },
        "pump": {
            "kind": "pump_group", "n_pumps": 2, "m_flow_nominal": 0.7 * facility, "dp_nominal": 190e3, "volume": 0.5,
            "dp_design": 95e3, "dp_lowest": 40e3, "dp_highest": 120e3, "T_start": cold,
        },
        "bypass": {"kind": "control_valve", "m_flow_nominal": 5.0, "dp_nominal": 1e5, "volume": 0.1, "T_start": cold},
        "main": {"kind": "pipe", "m_flow_nominal": facility, "dp_nominal": 5e3, "volume": 1.0, "cells": 3, "UA": 50.0,
                 "T_start": hot},
        "vessel": {"kind": "expansion", "p_set": 150e3, "mass": 500.0, "T_start": cold, "leak_nominal": 1e-4},
    }  # fmt: skip
    rejected = {"T_water_in_nominal": hot, "T_water_out_nominal": cold, "dp_nominal": 60e3, "n_units": n_cdus,
                "Q_flow_nominal": 1.3e6, "P_fan_nominal": 40e3}  # fmt: skip
    if tower:
        components["reject"] = rejected | {
            "kind": "cooling_tower", "T_wet_nominal": 297.15, "m_flow_air_nominal": 40.0, "volume": 3.0,
        }  # fmt: skip
    else:
        components["reject"] = rejected | {
            "kind": "dry_cooler", "T_air_nominal": 295.15, "m_flow_air_nominal": 110.0, "volume": 0.4,
        }  # fmt: skip
    nodes: dict[str, list[Any]] = {
        "fws.supply": [cold, "pump.outlet", "cdu.inlet", "bypass.inlet", "pump.sense_high"],
        "fws.return": [hot, "cdu.outlet", "bypass.outlet", "main.inlet", "pump.sense_low"],
        "fws.warm": [hot, "main.outlet", "reject.inlet"],
        "fws.cold": [cold, "reject.outlet", "pump.inlet", "vessel.port"],
        "room": [None, "cdu.room"],
    }
    if cushion:
        components["vessel"] = {
            "kind": "membrane_vessel", "volume": 0.3, "water": {"supply": 2.0, "return": 2.0}, "p_precharge": 1e5,
            "p_safety": 3e5, "T_start": 283.15, "T_max": 323.15,
        }  # fmt: skip
        nodes["fws.supply"].append("vessel.supply")
        nodes["fws.return"].append("vessel.return")
    if air:
        heat = 1.1e6 * n_cdus * max(1.0 - liquid, 0.05)
        components |= {
            "air_handler": {
                "kind": "air_handler", "Q_flow_nominal": heat, "T_room_nominal": 308.15, "T_water_in_nominal": 291.15,
                "T_water_out_nominal": 299.15, "m_flow_air_nominal": heat / 11e3, "dp_nominal": 60e3,
                "P_fan_nominal": 0.03 * heat, "volume": 0.3,
            },
            "chiller": {"kind": "chiller", "Q_flow_nominal": 1.3 * heat, "dp_condenser_nominal": 40e3,
                        "dp_valve_nominal": 40e3},
            "chw_vessel": {"kind": "expansion", "p_set": 150e3, "mass": 100.0, "T_start": 291.15},
        }  # fmt: skip
        nodes["fws.supply"].append("chiller.condenser_in")
        nodes["fws.return"].append("chiller.condenser_out")
        nodes["room"].append("air_handler.room")
        nodes["chw.supply"] = [291.15, "chiller.evaporator_out", "air_handler.inlet"]
        nodes["chw.return"] = [299.15, "air_handler.outlet", "chiller.evaporator_in", "chw_vessel.port"]
    if recovery:
        components |= {
            "heat_pump": {
                "kind": "heat_pump", "Q_flow_sink_nominal": 3e5 * n_cdus, "COP_nominal": 4.5,
                "T_source_in_nominal": hot, "T_source_out_nominal": cold, "T_sink_in_nominal": 318.15,
                "T_sink_out_nominal": 348.15, "y_commissioned": 0.5,
            },
            "store": {"kind": "stratified_tank", "volume": 20.0, "height": 6.0, "n_layers": 6,
                      "m_flow_nominal": 5.0 * n_cdus, "T_hot": 348.15, "T_cold": 318.15},
            "district": {"kind": "district", "m_flow_max": 6.0 * n_cdus, "Q_demand_design": 1.4e5 * n_cdus},
            "dh_vessel": {"kind": "expansion", "p_set": 150e3, "mass": 200.0, "T_start": 318.15},
        }  # fmt: skip
        nodes["fws.return"].append("heat_pump.evaporator_in")
        nodes["fws.warm"].append("heat_pump.evaporator_out")
        nodes["dh.supply"] = [343.15, "heat_pump.condenser_out", "store.top", "district.supply"]
        nodes["dh.return"] = [318.15, "district.return", "store.bottom", "heat_pump.condenser_in", "dh_vessel.port"]
    blocks = {
        name: {"medium": "none", "heat_capacity": 5e6, "T_start": 303.15, "ports": ports}
        if T_start is None
        else {"volume": 0.5, "T_start": T_start, "ports": ports}
        for name, (T_start, *ports) in nodes.items()
    }
    return Site.model_validate({"name": "small", **HEAD, "components": components, "nodes": blocks})


@st.composite
def small_sites(draw: st.DrawFn) -> Site:
    """Any of them; without an air side all heat goes to the liquid."""
    flags = {name: draw(st.booleans()) for name in ("recovery", "air", "tower", "cushion")}
    liquid = draw(st.sampled_from([0.6, 0.87, 1.0])) if flags["air"] else 1.0
    return small_site(draw(st.integers(1, 3)), draw(st.integers(1, 3)), liquid, **flags)


def outside_values(signal: Signal) -> st.SearchStrategy[float]:
    """Values that a set-point or a disturbance may take: its bounds, or a range for what has none."""
    lower, upper = signal.lower, signal.upper
    if signal.name.startswith("weather.T"):
        lower, upper = 253.15, 318.15
    elif signal.unit == "W":
        lower, upper = 0.0, 1.2 * signal.default
    elif signal.unit == "kg/s":
        lower, upper = 0.0, 0.1
    elif signal.unit == "K":
        lower, upper = max(lower, signal.default - 30.0), min(upper, signal.default + 30.0)
    elif not (math.isfinite(lower) and math.isfinite(upper)):
        lower, upper = 0.5 * signal.default, 1.5 * signal.default
    return st.one_of(st.sampled_from([lower, upper]), st.floats(lower, upper))


@st.composite
def settings_of(draw: st.DrawFn, plant: Plant) -> dict[str, float]:
    """Random values of every set-point, disturbance and parameter; a wet bulb not above the dry bulb."""
    drawn = {
        signal.name: draw(outside_values(signal))
        for signal in plant.vocabulary.role(Role.INPUT, Role.DISTURBANCE, Role.PARAMETER)
        if not signal.name.startswith("market.")
    }
    if "weather.T_wet" in drawn:
        drawn["weather.T_wet"] = drawn["weather.T_dry"] - draw(st.floats(0.0, 20.0)) * max(
            0.0, (drawn["weather.T_dry"] - 253.15) / 65.0
        )
        drawn["weather.T_wet"] = min(drawn["weather.T_wet"], plant.vocabulary["weather.T_wet"].upper)
    return drawn


@contextmanager
def interpreted() -> Iterator[None]:
    """Plants built inside are not compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEATLOOP_COMPILER", "none")
        compiled.compiler.cache_clear()
        yield
    compiled.compiler.cache_clear()
