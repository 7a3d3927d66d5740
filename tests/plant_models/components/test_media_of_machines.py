"""Machines carry the liquid that a site states: sized by it, balanced with it, and refused at nodes of another."""

from __future__ import annotations

import pytest

from plant_models.component import Component, FluidPort
from plant_models.components.cdu import Cdu
from plant_models.components.heat_pump import HeatPump
from plant_models.media import MEDIA
from plant_models.site import load_site
from tests.strategies.component_points import imbalances

CDU = load_site("bench_loop").components["cdu"].component
HEAT_PUMP = HeatPump(Q_flow_sink_nominal=2e6, T_source_out_nominal=283.15, T_source_in_nominal=288.15, COP_nominal=3.2)


def _changed(machine: Component, **changes: object) -> Component:
    return type(machine).model_validate(machine.model_dump() | changes)


MACHINES = [
    (_changed(CDU, fws_medium="pg30"), {"inlet": "pg30", "outlet": "pg30"}),
    (_changed(HEAT_PUMP, source_medium="meg30"),
     {"evaporator_in": "meg30", "evaporator_out": "meg30", "condenser_in": "water", "condenser_out": "water"}),
]  # fmt: skip


@pytest.mark.parametrize(("machine", "media"), MACHINES)
def test_ports_name_the_liquid_and_balances_close(machine: Component, media: dict[str, str]) -> None:
    ports = [port.name for port in machine.ports if isinstance(port, FluidPort)]
    assert {port: MEDIA[machine.medium_at(port)].name for port in ports} == {p: MEDIA[m].name for p, m in media.items()}
    drops = {"inlet.p": 80e3, "outlet.p": 0.0, "evaporator_in.p": 0.0, "evaporator_out.p": 0.0,
             "condenser_in.p": 0.0, "condenser_out.p": 0.0}  # fmt: skip
    v = machine.defaults() | {f"{p.name}.T": 300.0 for p in machine.ports} | drops
    v |= {"y": 0.8} if isinstance(machine, HeatPump) else {}
    energy, mass = imbalances(machine, v)
    assert energy < 1e-9
    assert mass < 1e-12


def test_a_brine_of_less_heat_needs_more_flow() -> None:
    brine = _changed(HEAT_PUMP, source_medium="meg30")
    assert isinstance(brine, HeatPump)
    T_1, T_2 = HEAT_PUMP.T_source_in_nominal, HEAT_PUMP.T_source_out_nominal
    rises = [float(MEDIA[medium].h(T_1) - MEDIA[medium].h(T_2)) for medium in ("water", "meg30")]
    assert brine.m_flow_source_nominal / HEAT_PUMP.m_flow_source_nominal == pytest.approx(rises[0] / rises[1])
    assert brine.m_flow_sink_nominal == HEAT_PUMP.m_flow_sink_nominal


def test_glycol_in_the_facility_water_takes_less_heat() -> None:
    outlets = []
    for machine in (CDU, _changed(CDU, fws_medium="pg30")):
        assert isinstance(machine, Cdu)
        v = machine.defaults() | {"inlet.p": 80e3, "outlet.p": 0.0, "inlet.T": 303.15, "outlet.T": 303.15,
                                  "room.T": 300.0, "valve": 1.0, "T_return": 318.15}  # fmt: skip
        outlets.append(float(machine.equations(v).outputs["Q_flow"]))
    assert 0.9 * outlets[0] < outlets[1] < outlets[0]
