"""How a site becomes a plant: names, groups, nodes, vocabulary, odd components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from plant_models.component import Component, Equations, HeatPort, Port, Value
from plant_models.components.catalog import CATALOG
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import Account, Role, Signal, UnknownSignal, output, setpoint
from plant_models.site import Site, load_site
from tests.strategies.small_sites import HEAD, interpreted, small_site


@pytest.fixture(scope="module")
def rovaltain() -> Plant:
    return Plant(load_site("rovaltain"))


def test_the_reference_plant_is_what_it_says(rovaltain: Plant) -> None:
    cdus = [rovaltain.components[name] for name in rovaltain.of_kind("cdu")]
    assert len(cdus) == 70
    assert sum(cdu.racks for cdu in cdus) * 72 == 40_320  # type: ignore[attr-defined]
    assert sum(cdu.P_it_nominal for cdu in cdus) == pytest.approx(73.9e6, rel=1e-3)  # type: ignore[attr-defined]
    assert len(rovaltain.of_kind("heat_pump", "chiller")) == 2 + 7


def test_ten_cdus_to_a_hall(rovaltain: Plant) -> None:
    halls = [rovaltain.node_of(name, "inlet") for name in rovaltain.of_kind("cdu")]
    assert halls == [f"hall.supply.{i}" for i in range(1, 8) for _ in range(10)]


def test_machines_of_equal_size_share_their_equations(rovaltain: Plant) -> None:
    sizes = {group.component.kind: len(group.names) for group in rovaltain.groups}
    assert sizes["cdu"] == 70
    assert sizes["heat_pump"] == 2
    names = [name for group in rovaltain.groups for name in group.names]
    assert sorted(names) == sorted(rovaltain.components)


def test_machines_of_other_size_do_not() -> None:
    site = small_site()
    sizes = {name: array.component.model_dump() for name, array in site.components.items()}
    nodes = {name: spec.model_dump() for name, spec in site.nodes.items()}
    sizes["wide"] = sizes["main"] | {"m_flow_nominal": 99.0}
    for node, port in (("fws.return", "wide.inlet"), ("fws.warm", "wide.outlet")):
        nodes[node]["ports"] = (*nodes[node]["ports"], port)
    plant = Plant(Site.model_validate({"name": "x", **HEAD, "components": sizes, "nodes": nodes}))
    assert sum(group.component.kind == "pipe" for group in plant.groups) == 2


def test_every_signal_has_one_name_unit_and_description(rovaltain: Plant) -> None:
    for name, signal in rovaltain.vocabulary.items():
        assert signal.name == name
        assert signal.description
        assert signal.unit
        if signal.role is not Role.OUTPUT:
            assert np.isfinite(signal.default), name
            assert signal.lower <= signal.default <= signal.upper, name


def test_nodes_are_states_with_a_pressure(rovaltain: Plant) -> None:
    T, p = (rovaltain.vocabulary[f"fws.supply.{q}"] for q in "Tp")
    assert T.role is Role.STATE
    assert T.energy == pytest.approx(25.0 * 995 * 4180, rel=2e-3)  # 25 m3 of water at 32 °C
    assert p.role is Role.OUTPUT
    assert "hall.air.1.p" not in rovaltain.vocabulary


def test_setpoints_are_as_commissioned(rovaltain: Plant) -> None:
    assert rovaltain.setpoints()["fws_pump.dp_set"] == 130e3
    assert rovaltain.setpoints()["cdu.70.T_supply_set"] == pytest.approx(309.15)


def test_fluid_ports_leave_out_the_heat_ports(rovaltain: Plant) -> None:
    assert [port.name for port in rovaltain.fluid_ports("cdu.01")] == ["inlet", "outlet"]


def test_shared_signals_stand_once(rovaltain: Plant) -> None:
    assert sum(name == "weather.T_dry" for name in rovaltain.vocabulary) == 1
    assert rovaltain.vocabulary["weather.T_dry"].role is Role.DISTURBANCE


class Heater(Component):
    """No states: electricity into a room."""

    kind: Literal["heater"] = "heater"
    ports: ClassVar[tuple[Port, ...]] = (HeatPort("room"),)
    P_default: float = 100.0

    def signals(self) -> tuple[Signal, ...]:
        return (
            setpoint("P", "W", "power", default=self.P_default, lower=0.0, upper=1e3),
            output("P_el", "W", "power", boundary="energy", account=Account.ELECTRICITY_COOLING),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        return Equations({}, {"room.Q_flow": -v["P"]}, {"P_el": v["P"]})


class Wall(Component):
    """No states, no inputs, no outputs: heat between two rooms."""

    kind: Literal["wall"] = "wall"
    ports: ClassVar[tuple[Port, ...]] = (HeatPort("left"), HeatPort("right"))

    def signals(self) -> tuple[Signal, ...]:
        return ()

    def equations(self, v: Mapping[str, Value]) -> Equations:
        Q = 10.0 * (v["left.T"] - v["right.T"])
        return Equations({}, {"left.Q_flow": Q, "right.Q_flow": -Q}, {})


def room(ports: list[str], T: float) -> dict[str, Any]:
    return {"medium": "none", "heat_capacity": 1e5, "T_start": T, "ports": ports}


def test_a_plant_of_rooms_alone_without_any_water_or_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rooms and a wall have a closed solution: T_1 - T_2 relaxes with C/(2 G), their mean rises with P."""
    for toy in (Heater, Wall):
        monkeypatch.setitem(CATALOG, toy.model_fields["kind"].default, toy)
    components = {"heater": {"kind": "heater"}, "wall": {"kind": "wall", "count": 2}}
    nodes = {"one": room(["heater.room", "wall.left"], 300.0), "two": room(["wall.right"], 290.0)}
    with interpreted():
        site = Site.model_validate({"name": "x", **HEAD, "components": components, "nodes": nodes})
        simulator = Simulator(Plant(site))
    for _ in range(100):
        simulator.step(10.0)
    steady, decay = 100.0 / (2 * 20.0), np.exp(-1000.0 * 2 * 20.0 / 1e5)
    difference = steady + (10.0 - steady) * decay
    assert simulator.get("one.T") - simulator.get("two.T") == pytest.approx(difference, abs=1e-4)
    assert simulator.get("one.T") + simulator.get("two.T") == pytest.approx(590.0 + 100.0 * 1000.0 / 1e5, abs=1e-9)
    assert simulator.balance("energy").error < 1e-12
    assert simulator.balance("mass").error == 0.0
    assert simulator.circulation == (0.0, 0.0)


def test_unknown_names_are_answered_with_near_ones(rovaltain: Plant) -> None:
    with pytest.raises(UnknownSignal, match=r"unknown signal 'fws.suply.T'; did you mean fws.supply.T"):
        rovaltain.vocabulary["fws.suply.T"]
