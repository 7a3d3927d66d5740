"""What is wrong with water circuits is found before anything runs, and told in the plant's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plant_models import circuits
from plant_models.component import Component
from plant_models.components.cdu import Cdu
from plant_models.components.expansion import Expansion
from plant_models.components.membrane_vessel import MembraneVessel
from plant_models.components.pipe import Pipe
from plant_models.components.plate_exchanger import PlateExchanger
from plant_models.components.pump_group import PumpGroup
from plant_models.site import list_sites, load_site

PIPE = Pipe(m_flow_nominal=20.0, dp_nominal=1e4, volume=1.0, cells=1, T_start=300.0)
VESSEL = Expansion(p_set=1e5, mass=100.0, T_start=300.0)
PUMP = PumpGroup(
    n_pumps=1, m_flow_nominal=20.0, dp_nominal=2e5, volume=0.1, dp_design=1e5, dp_lowest=3e4, dp_highest=1e5,
    T_start=300.0,
)  # fmt: skip
SIDE: dict[str, Any] = {"drive": "pump", "m_flow_nominal": 10.0}
LOOP = {
    ("pump", "inlet"): "cold", ("pump", "outlet"): "hot", ("pump", "sense_high"): "hot", ("pump", "sense_low"): "cold",
    ("pipe", "inlet"): "hot", ("pipe", "outlet"): "cold", ("vessel", "port"): "cold",
}  # fmt: skip
MACHINES: dict[str, Component] = {"pump": PUMP, "pipe": PIPE, "vessel": VESSEL}
WATER = {"hot": "water", "cold": "water"}


def found(
    machines: Mapping[str, Component], attached: Mapping[tuple[str, str], str], media: Mapping[str, str] = WATER
) -> list[tuple[str, str]]:
    return list(circuits.mistakes(machines, attached, media))


def test_a_loop_with_a_vessel_is_good() -> None:
    assert found(MACHINES, LOOP) == []


def test_a_loop_without_a_vessel() -> None:
    machines = {name: machine for name, machine in MACHINES.items() if name != "vessel"}
    assert found(machines, LOOP) == [
        (
            "hot",
            "the circuit of hot, cold has no expansion vessel, so nothing holds its pressure: attach a machine of kind "
            "expansion or membrane_vessel to one of these nodes",
        )
    ]


def test_a_vessel_that_takes_up_another_circuits_expansion() -> None:
    cushion = MembraneVessel(
        volume=0.2, water={"warm": 1.0, "away": 1.0}, p_precharge=1e5, p_safety=3e5, T_start=300.0
    )  # fmt: skip
    machines = {"pump": PUMP, "pipe": PIPE, "vessel": cushion, "other": VESSEL, "round": PIPE, "back": PIPE}
    attached = {key: node for key, node in LOOP.items() if key[0] != "vessel"} | {
        ("vessel", "port"): "cold", ("vessel", "warm"): "hot", ("vessel", "away"): "far", ("other", "port"): "far",
        ("round", "inlet"): "far", ("round", "outlet"): "near", ("back", "inlet"): "near", ("back", "outlet"): "far",
    }  # fmt: skip
    assert found(machines, attached, WATER | {"far": "water", "near": "water"}) == [
        (
            "vessel",
            "holds the pressure of the circuit of cold, but vessel.away senses far, which is another circuit's: put it "
            "on a node of its own circuit",
        )
    ]


def test_a_dead_end() -> None:
    media = WATER | {"end": "water"}
    attached = LOOP | {("stub", "inlet"): "hot", ("stub", "outlet"): "end"}
    assert found({**MACHINES, "stub": PIPE}, attached, media) == [
        ("end", "flow through stub.outlet has nowhere to go: no other machine's flow passes this node")
    ]


def test_a_node_that_is_only_measured() -> None:
    attached = LOOP | {("pump", "sense_high"): "far", ("other", "port"): "far"}
    assert found({**MACHINES, "other": VESSEL}, attached, WATER | {"far": "water"}) == [
        ("far", "no machine's flow passes this node")
    ]


def test_sensing_ports_join_no_circuits() -> None:
    """A pump that senses another circuit has water of its own only."""
    attached = LOOP | {("pump", "sense_high"): "b.hot", ("two", "inlet"): "b.hot", ("two", "outlet"): "b.cold"}
    attached |= {("three", "inlet"): "b.cold", ("three", "outlet"): "b.hot"}
    mistakes = found({**MACHINES, "two": PIPE, "three": PIPE}, attached, WATER | {"b.hot": "water", "b.cold": "water"})
    assert [node for node, _ in mistakes] == ["b.hot"]
    assert "circuit of b.hot, b.cold has no expansion vessel" in mistakes[0][1]


def test_both_sides_of_an_exchanger_are_circuits_of_their_own() -> None:
    exchanger = PlateExchanger(primary=SIDE, secondary=SIDE, UA_nominal=1e5)
    nodes = {f"{side}.{end}": "water" for side in ("a", "b") for end in ("in", "out")}
    attached = {("x", f"{port}_{end}"): f"{side}.{end}" for port, side in (("primary", "a"), ("secondary", "b"))
                for end in ("in", "out")}  # fmt: skip
    assert circuits.circuits({"x": exchanger}, attached, list(nodes)) == [["a.in", "a.out"], ["b.in", "b.out"]]


def test_between_two_vessels_water_may_go() -> None:
    """An open line from one pressure to another, such as a test rig's."""
    attached = {("pipe", "inlet"): "hot", ("pipe", "outlet"): "cold", ("high", "port"): "hot", ("low", "port"): "cold"}
    assert found({"pipe": PIPE, "high": VESSEL, "low": VESSEL}, attached) == []
    only_one = {key: node for key, node in attached.items() if key[0] != "low"}
    assert [node for node, _ in found({"pipe": PIPE, "high": VESSEL}, only_one)] == ["hot", "cold"]


def test_another_liquid() -> None:
    assert found(MACHINES, LOOP, WATER | {"hot": "pg25"}) == [
        ("hot", "holds pg25, but pump.outlet carries water"),
        ("hot", "holds pg25, but pipe.inlet carries water"),
    ]


def test_a_cdu_takes_facility_water_only() -> None:
    sizes = load_site("bench_loop").components["cdu"].component
    assert isinstance(sizes, Cdu)
    assert sizes.medium_at("inlet") == "water"
    exchanger = PlateExchanger(primary=SIDE, secondary=SIDE | {"medium": "pg25"}, UA_nominal=1e5)
    assert [exchanger.medium_at(f"{side}_in") for side in ("primary", "secondary")] == ["water", "pg25"]


def test_shipped_sites_have_good_circuits() -> None:
    for name in list_sites():
        site = load_site(name)  # would raise
        media = {node: spec.medium for node, spec in site.node_instances().items() if spec.is_fluid}
        assert len(circuits.circuits(site.instances(), site.attachments(), list(media))) >= 2
