"""The shipped sites' figures hang together, and are those that were published."""

from __future__ import annotations

from pathlib import Path

import pytest

from plant_models.components.cdu import Cdu
from plant_models.components.chiller import Chiller
from plant_models.components.cooling_tower import CoolingTower
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.pump_group import PumpGroup
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.heat_transfer import counter_flow
from plant_models.plant import Plant
from plant_models.site import SiteError, list_sites, load_site

SITES = ("rovaltain", "rovaltain@36", "rovaltain@109", "frontier", "bench_loop")
GPUS_PER_RACK = 72


@pytest.fixture(scope="module", params=SITES)
def plant(request: pytest.FixtureRequest) -> Plant:
    return Plant(load_site(request.param))


def of(plant: Plant, kind: type) -> list:
    return [c for c in plant.components.values() if isinstance(c, kind)]


def heat_to_reject(plant: Plant) -> float:
    """All IT power, the CDUs' pumps and the trim chillers' drive at full load, W."""
    to_air = sum(c.P_it_nominal * (1.0 - c.rack.liquid_fraction) for c in of(plant, Cdu))
    chillers = of(plant, Chiller)
    drive = to_air / chillers[0].COP_nominal if chillers else 0.0
    return sum(c.P_it_nominal + c.P_pump_nominal for c in of(plant, Cdu)) + drive


def test_coolers_reject_the_full_load_with_reserve(plant: Plant) -> None:
    capacity = sum(c.n_units * c.Q_flow_nominal for c in (*of(plant, DryCooler), *of(plant, CoolingTower)))
    assert 1.02 < capacity / heat_to_reject(plant) < 1.4


def test_chillers_carry_the_air_side_with_reserve(plant: Plant) -> None:
    to_air = sum(c.P_it_nominal * (1.0 - c.rack.liquid_fraction) for c in of(plant, Cdu))
    if to_air == 0.0:
        pytest.skip("all heat to liquid")
    assert 1.05 < sum(c.Q_flow_nominal for c in of(plant, Chiller)) / to_air < 1.5


def test_pumps_move_what_cdus_and_chillers_take_with_one_standing_by(plant: Plant) -> None:
    wanted = sum(c.m_flow_fws_nominal for c in of(plant, Cdu))
    wanted += sum(c.m_flow_condenser_nominal for c in of(plant, Chiller)) * 0.8
    (group,) = of(plant, PumpGroup)
    able = group.n_pumps * group.m_flow_nominal
    assert able > wanted
    assert (max(group.n_pumps - 1, 1)) * group.m_flow_nominal > 0.85 * wanted


def test_cdu_approach_at_full_load(plant: Plant) -> None:
    """3..5 K between facility supply and technology supply, as vendors state; 10 K rise on either side."""
    for cdu in of(plant, Cdu)[:1]:
        heat = cdu.P_it_nominal * cdu.rack.liquid_fraction
        C_fws, C_tcs = cdu.m_flow_fws_nominal * 4180.0, cdu.m_flow_tcs_nominal * 3950.0
        assert 9.0 < heat / C_fws < 12.0
        assert 8.0 < heat / C_tcs < 12.0
        span = heat / float(counter_flow(cdu.UA_nominal, C_fws, C_tcs))  # hot inlet over cold inlet
        assert 3.0 < span - heat / C_tcs < 5.0


def test_rovaltain_is_the_plant_that_its_title_says() -> None:
    plant = Plant(load_site("rovaltain"))
    cdus, pumps, (store,) = of(plant, Cdu), of(plant, HeatPump), of(plant, StratifiedTank)
    assert sum(c.racks for c in cdus) * GPUS_PER_RACK == 40_320
    assert sum(c.P_it_nominal for c in cdus) == pytest.approx(73.9e6, rel=1e-3)
    assert sum(p.Q_flow_sink_nominal for p in pumps) == 20e6
    assert store.C_layer * store.n_layers * (store.T_hot - store.T_cold) / 3.6e9 == pytest.approx(105, rel=0.03)
    for name, power in (("rovaltain@36", 36e6), ("rovaltain@109", 109e6)):
        cdus = of(Plant(load_site(name)), Cdu)
        assert sum(c.P_it_nominal for c in cdus) == pytest.approx(power, rel=1e-3)


def test_frontier_has_its_published_figures() -> None:
    """25 CDUs, 27.7 MW at most, 94.5 % to liquid, 8.5 kW of electricity a CDU's pump."""
    plant = Plant(load_site("frontier"))
    cdus = of(plant, Cdu)
    assert len(cdus) == 25
    assert sum(c.P_it_nominal for c in cdus) == pytest.approx(27.7e6, rel=5e-3)
    assert cdus[0].rack.liquid_fraction == 0.945
    assert cdus[0].P_pump_nominal / cdus[0].eta_motor == pytest.approx(8.5e3, rel=0.01)


@pytest.mark.parametrize(("dT", "COP"), [(35.0, 4.45), (45.0, 3.54)])
def test_heat_pumps_of_rovaltain_against_the_market(dT: float, COP: float) -> None:
    """Jesper et al. (2021): COP = 1.4480e12 (dT + 177.46)^-4.9469, dT from source inlet to sink outlet; within 7 %."""
    pump = of(Plant(load_site("rovaltain")), HeatPump)[0]
    assert 1.4480e12 * (dT + 177.46) ** -4.9469 == pytest.approx(COP, abs=0.01)
    sink = 348.15
    assert float(pump.cop(sink - dT - 10.0, sink, 1.0)) == pytest.approx(COP, rel=0.07)


def test_a_heat_pump_needs_a_price_of_its_operation(tmp_path: Path) -> None:
    lines = list_sites()["bench_loop"].read_text(encoding="utf-8").splitlines()
    path = tmp_path / "x.yaml"
    path.write_text("\n".join(line for line in lines if "heat_pump_operation" not in line), encoding="utf-8")
    with pytest.raises(SiteError, match="tariffs: heat_pump is a heat pump, whose operation has no price: add"):
        load_site(path)
