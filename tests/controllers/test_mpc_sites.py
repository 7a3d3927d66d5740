"""The MPC runs any plant that controllers can run: what a site lacks is left out; extremes of weather and load."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.interface import Decision, Forecast
from controllers.mpc.controller import Mpc
from controllers.mpc.design import reduce_plant
from controllers.plant_view import PlantView
from controllers.sequences import Sequences
from plant_models.components.heat_pump import HeatPump
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import list_sites, load_site

START = 1_736_726_400.0
EUR_PER_MWH = 1 / 3.6e9
ForecastMaker = Callable[..., Forecast]


def without(folder: Path, *machines: str) -> Plant:
    """The bench loop with fewer machines."""
    data: dict[str, Any] = yaml.safe_load(list_sites()["bench_loop"].read_text(encoding="utf-8"))
    data.pop("devices", None)
    for machine in machines:
        del data["components"][machine]
    for name, node in list(data["nodes"].items()):
        node["ports"] = [port for port in node["ports"] if port.split(".")[0] not in machines]
        if not node["ports"]:
            del data["nodes"][name]
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return Plant(load_site(path))


def at(plant: Plant, T_dry: float, load: float) -> dict[str, float]:
    """What is measured ten minutes after weather and load have come."""
    simulator, view = Simulator(plant), PlantView(plant)
    for name, cdu in view.cdus.items():
        simulator.set(f"{name}.P_it", load * cdu.P_it_nominal)
    simulator.set("weather.T_dry", T_dry)
    simulator.set("weather.T_wet", T_dry - (3.0 if T_dry < 300.0 else 12.0))
    for _ in range(20):
        simulator.step(30.0)
    return {name: simulator.get(name) for name in plant.vocabulary}


def expected(make: ForecastMaker, plant: Plant, measured: dict[str, float], load: float, now: float = START,
             **changes: float) -> Forecast:  # fmt: skip
    view = PlantView(plant)
    capacity = sum(pump.Q_flow_sink_nominal for pump in view.heat_pumps.values())
    network = {"Q_demand": 0.5 * capacity, "T_supply_required": 345.15, "T_return": 318.15}
    values = {f"{d}__{signal}": value for d in view.districts for signal, value in network.items()}
    total = load * sum(cdu.P_it_nominal for cdu in view.cdus.values())
    weather = {"weather__T_dry": measured["weather.T_dry"], "weather__T_wet": measured["weather.T_wet"]}
    return make(now, **(weather | {"it__P_load": total} | values | changes))


def test_without_recovery_it_cools(tmp_path: Path, make_forecast: ForecastMaker):
    keeps_deciding(without(tmp_path, "heat_pump", "buffer", "district", "district_vessel"), make_forecast)


def test_with_hardly_a_store_heat_follows_demand(make_forecast: ForecastMaker):
    plant = Plant(load_site("bench_loop", {"components.buffer.volume": "0.5 m^3"}))
    plan = keeps_deciding(plant, make_forecast).plan
    assert plan is not None
    pump = plant.components["heat_pump"]
    assert isinstance(pump, HeatPump)
    capacity = pump.capacity(plan.values["fws.return.T"] - 10.0)  # as it is cooled nominally
    assert (plan.values["heat_pump.y"] * capacity).mean() == pytest.approx(0.5, abs=0.1)


def keeps_deciding(plant: Plant, make_forecast: ForecastMaker) -> Decision:
    mpc = Mpc(plant, Sequences(plant))
    measured = at(plant, 283.15, 0.8)
    for now in (START, START + 300.0, START + 600.0, START + 900.0):
        forecast = expected(make_forecast, plant, measured, 0.8, now=now)
        decision = mpc.step(now, measured, forecast)
        assert (decision.source, decision.status) == ("mpc", "ok"), decision.message
    assert set(decision.setpoints) == set(plant.setpoints())
    return decision


@pytest.mark.slow
@pytest.mark.parametrize("site", ["bench_loop", "frontier", "rovaltain"])
def test_plans_at_extremes(site: str, make_forecast: ForecastMaker):
    """-20 and 45 degC, no load and all of it, prices below zero and far above: a plan every time."""
    plant = Plant(load_site(site))
    mpc = Mpc(plant, Sequences(plant))
    fresh = mpc.snapshot()
    for T_dry, load in itertools.product((253.15, 283.15, 318.15), (0.0, 0.5, 1.0)):
        measured = at(plant, T_dry, load)
        for price in (-50.0, 60.0, 600.0):
            mpc.restore(fresh)
            forecast = expected(
                make_forecast, plant, measured, load, market__price_electricity=price * EUR_PER_MWH
            )  # fmt: skip
            decision = mpc.step(START, measured, forecast)
            assert (decision.source, decision.status) == ("mpc", "ok"), (T_dry, load, price, decision.message)
            for name, value in decision.setpoints.items():
                signal = plant.vocabulary[name]
                assert signal.lower - 1e-9 <= value <= signal.upper + 1e-9, name


def test_reduced_figures_of_the_reference_plant():
    design = reduce_plant(PlantView(Plant(load_site("rovaltain"))))
    assert design.cdus.count == 70
    assert design.coolers.count == 7
    assert design.heat_capacity == pytest.approx(20e6)
    assert design.store_capacity * 30.0 / 3.6e9 == pytest.approx(103.0, rel=0.02)  # 3,000 m3, 30 K
    halls = 7 * 255.0
    assert design.line * halls**2 == pytest.approx(40e3, rel=1e-6)  # hall pipes, 20 kPa each way


def test_no_temperature_crosses_in_the_reduced_model():
    """Chips warmer than their coolant; more pump speed never heats a chip; more load never cools one."""
    from controllers.mpc.model import ReducedPlant

    reduced = ReducedPlant(reduce_plant(PlantView(Plant(load_site("rovaltain")))))
    nominal = reduced.design.cdus.machine.P_it_nominal
    for T, load in itertools.product((290.0, 305.0, 320.0), (0.1, 0.5, 1.0)):
        slow, fast = (reduced.chips(load * nominal, T, y) for y in (0.5, 0.9))
        assert T < fast.T_return < slow.T_return < slow.T_gpu
        assert fast.T_gpu < slow.T_gpu
        assert reduced.chips(1.05 * load * nominal, T, 0.5).T_gpu > slow.T_gpu


def test_reduced_model_agrees_with_the_plant(bench: Plant, simulator: Simulator):
    """Chips, exchanger, cooler and pump of the settled bench loop, against the reduced model at the same point."""
    from controllers.mpc.model import ReducedPlant

    reduced = ReducedPlant(reduce_plant(PlantView(bench)))
    get = simulator.get
    chips = reduced.chips(get("cdu.P_it"), get("cdu.T_supply"), get("cdu.pump"))
    assert chips.T_gpu == pytest.approx(get("cdu.T_gpu_max"), abs=0.05)
    assert chips.P_total == pytest.approx(get("cdu.P_it_total"), rel=1e-3)
    assert chips.T_return == pytest.approx(get("cdu.T_return"), abs=0.2)
    m = get("cdu.m_flow_fws")
    exchanged = reduced.exchange(m / 22.0, get("cdu.pump"), 1.0) * (get("cdu.T_return") - get("fws.supply.T"))
    assert exchanged == pytest.approx(get("cdu.Q_flow"), rel=5e-3)
    weather = get("weather.T_dry"), get("weather.T_wet"), get("weather.p")
    rejected = reduced.rejection(m, get("fws.warm.T"), get("dry_cooler.y_fan"), 0.0, weather, 1.0)
    assert rejected.Q_flow == pytest.approx(-get("dry_cooler.Q_flow"), rel=5e-3)
    assert rejected.P_el == pytest.approx(get("dry_cooler.P_el"), rel=1e-6)
    assert reduced.pumping(m, get("pump.dp")) == pytest.approx(get("pump.P_shaft"), rel=0.2)
