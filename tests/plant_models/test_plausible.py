"""Quantities in units that are not theirs are refused; symbols, and what is odd but possible, pass."""

from __future__ import annotations

from collections.abc import Callable

import casadi as ca
import numpy as np
import pytest

from plant_models import psychrometrics as ps
from plant_models.components.chiller import Chiller
from plant_models.components.control_valve import ControlValve
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.pipe import Pipe
from plant_models.components.plate_exchanger import ExchangerSide, PlateExchanger
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.components.substation import Substation
from plant_models.media import PG25, WATER
from plant_models.site import NodeSpec, SiteError, load_site

KELVIN = "temperatures are in kelvin"


@pytest.mark.parametrize("of", [WATER.rho, WATER.cp, WATER.h, WATER.mu, WATER.k, PG25.rho, ps.saturation_pressure])
@pytest.mark.parametrize("T", [25.0, 80, -40.0, np.float64(25.0), np.array([300.0, 25.0]), 2000.0])
def test_properties_take_kelvin(of: Callable[[object], object], T: object) -> None:
    with pytest.raises(ValueError, match=KELVIN):
        of(T)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ps.wet_bulb(298.15, 50, 101325.0), "a relative humidity of 50: it is a share, 0 .. 1; 50 % is 0.5"),
        (lambda: ps.wet_bulb(25.0, 0.5, 101325.0), KELVIN),
        (lambda: ps.wet_bulb(298.15, 0.5, 1013.25), "1013.25 hPa is 101325"),
        (lambda: ps.wet_bulb(298.15, -0.5, 101325.0), "between 0 and 1"),
        (lambda: ps.dew_point(298.15, 50.0), "50 % is 0.5"),
        (lambda: ps.dew_point(25.0, 0.5), KELVIN),
        (lambda: ps.dew_point(np.array([290.0, 298.15]), np.array([0.4, 50.0])), "50 % is 0.5"),
        (lambda: ps.humidity_ratio_wet_bulb(25.0, 290.0, 1e5), KELVIN),
        (lambda: ps.relative_humidity(298.15, 20.0, 1e5), KELVIN),
    ],
)
def test_moist_air_takes_kelvin_shares_and_pascal(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


def test_symbols_and_missing_values_pass() -> None:
    T = ca.SX.sym("T")
    for of in (
        WATER.rho,
        WATER.h,
        ps.saturation_pressure,
        lambda T: ps.wet_bulb(T, 0.5, 1e5),
        lambda T: ps.dew_point(T, T),
    ):
        assert isinstance(of(T), ca.SX)
    assert np.isnan(WATER.rho(np.array([np.nan, 300.0]))[0])
    assert WATER.rho(np.array([])).size == 0


@pytest.mark.parametrize(
    "machine",
    [
        lambda: DryCooler(Q_flow_nominal=1e6, T_water_in_nominal=42, T_water_out_nominal=32, T_air_nominal=24,
                          m_flow_air_nominal=90.0, dp_nominal=6e4, P_fan_nominal=4e4, volume=0.4),
        lambda: Substation(Q_flow_nominal=1e6, T_primary_in_nominal=80, T_primary_out_nominal=45,
                           T_secondary_out_nominal=70, T_secondary_in_nominal=40),
        lambda: StratifiedTank(volume=40.0, height=6.0, m_flow_nominal=5.0, T_hot=80),
        lambda: Pipe(m_flow_nominal=10.0, diameter=0.1, length=300.0, T_start=20),
    ],
)  # fmt: skip
def test_machines_take_kelvin(machine: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=KELVIN):
        machine()


C = 273.15
CHILLED = {"Q_flow_nominal": 1e6, "COP_nominal": 3.0, "dp_condenser_nominal": 4e4, "dp_valve_nominal": 4e4}


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (lambda: Chiller(**CHILLED, T_chw_in_nominal=C - 2.0, T_chw_out_nominal=C - 6.0, T_chw_design=C - 6.0,
                         T_chw_lowest=C - 8.0, T_chw_highest=C),
         r"T_chw_out_nominal: water is fitted from 2.0 to 130.0 °C, found -6.0 °C"),
        (lambda: HeatPump(Q_flow_sink_nominal=1e5, COP_nominal=3.0, T_source_in_nominal=C, T_source_out_nominal=C - 5),
         r"T_source_out_nominal: water is fitted .* found -5.0 °C"),
        (lambda: Pipe(m_flow_nominal=10.0, diameter=0.1, length=300.0, T_start=C - 20.0), "T_start: water .* -20.0 °C"),
        (lambda: Pipe(medium="pg25", m_flow_nominal=10.0, diameter=0.1, length=300.0, T_start=C - 20.0), "pg25 .* -20"),
        (lambda: PlateExchanger(primary=ExchangerSide(drive="pump", m_flow_nominal=20.0), UA_nominal=2e5,
                                secondary=ExchangerSide(drive="pump", medium="eg30", m_flow_nominal=20.0),
                                T_start=C + 115.0),
         r"T_start: eg30 is fitted .* found 115.0 °C"),
        (lambda: NodeSpec(volume=0.1, T_start=C - 20.0, ports=("a.b",)), "T_start: water .* found -20.0 °C"),
    ],
)  # fmt: skip
def test_liquids_are_liquid_by_design(machine: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        machine()


def test_a_brine_may_be_colder_than_the_water_on_the_other_side() -> None:
    cold = {"T_source_in_nominal": C - 1.0, "T_source_out_nominal": C - 5.0, "T_source_min": C - 10.0}
    HeatPump(Q_flow_sink_nominal=1e5, COP_nominal=2.5, source_medium="eg30", **cold)
    with pytest.raises(ValueError, match="T_source_out_nominal: water"):
        HeatPump(Q_flow_sink_nominal=1e5, COP_nominal=2.5, **cold)


def test_networks_of_130_degC_are_known() -> None:
    Pipe(m_flow_nominal=10.0, diameter=0.1, length=300.0, T_start=C + 130.0)
    Pipe(medium="pg35", m_flow_nominal=10.0, diameter=0.1, length=300.0, T_start=C - 10.0)


def test_a_frozen_node_is_named_with_its_line() -> None:
    with pytest.raises(SiteError, match=r"nodes.fws.supply.T_start: water is fitted from 2.0 to 130.0 °C"):
        load_site("bench_loop", {"nodes.fws.supply.T_start": "-20 degC"})
    with pytest.raises(SiteError, match=r"components.pump.T_start: water is fitted from 2.0 to 130.0 °C"):
        load_site("bench_loop", {"components.pump.T_start": "-20 degC"})


def test_a_valve_by_its_data_sheet_is_given_as_text() -> None:
    room = {"volume": 0.01, "T_start": 300.0}
    with pytest.raises(ValueError, match=r"Kv\n.*36 m\^3/s is more than any valve passes"):
        ControlValve(Kv=36, **room)
    assert ControlValve(Kv="36 m^3/h", **room).Kv == pytest.approx(0.01)
