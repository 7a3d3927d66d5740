"""The CDU's own pumps, filter and dew-point interlock, and the GPUs of its racks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import brentq

from plant_models import hydraulics
from plant_models.components.cdu import Cdu
from plant_models.plant import Plant
from plant_models.psychrometrics import dew_point, relative_humidity
from plant_models.site import load_site
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances
from tests.strategies.component_settled import settled

SIZES: dict[str, Any] = Plant(load_site("bench_loop")).components["cdu"].model_dump()
CDU = Cdu(**SIZES)


def at(cdu: Cdu = CDU, **changes: float) -> dict[str, float]:
    """A point with facility water at 30 °C."""
    v = checks.start(cdu, inlet__p=1.8e5, outlet__p=1e5, inlet__T=303.15, outlet__T=313.15)
    return v | {k.replace("__", "."): x for k, x in changes.items()}


# --- flow -------------------------------------------------------------------------------------------------------------


@given(st.floats(0.0, 1.0))
def test_clean_and_with_all_pumps_flow_follows_speed_and_power_its_cube(y: float) -> None:
    out = CDU.equations(at(pump=y)).outputs
    assert out["m_flow_tcs"] == pytest.approx(y * CDU.m_flow_tcs_nominal, rel=1e-14)
    assert out["P_pump"] == pytest.approx(y**3 * CDU.P_pump_nominal, rel=1e-14)
    assert out["dp_filter"] == pytest.approx(y**2 * CDU.dp_filter_nominal)


@given(st.floats(0.05, 1.0), st.floats(0.0, 0.9), st.sampled_from([1, 2]), st.integers(2, 3))
@settings(deadline=None)
def test_flow_is_where_pump_curves_meet_the_circuit(y: float, clogged: float, running: int, pumps: int) -> None:
    """The same point found by a root of the curves of :mod:`plant_models.hydraulics`."""
    cdu = Cdu(**SIZES | {"pumps": pumps})
    nominal, head = cdu.m_flow_tcs_nominal, cdu.dp_tcs_nominal
    k_filter = hydraulics.fouled(hydraulics.coefficient(nominal, cdu.dp_filter_nominal), clogged)
    k_rest = hydraulics.coefficient(nominal, head - cdu.dp_filter_nominal)

    def surplus(m_flow: float) -> float:
        lift = hydraulics.pump_head(
            m_flow / running, y, m_flow_nominal=nominal / pumps, dp_nominal=head, curvature=cdu.curvature
        )
        return float(lift) - (m_flow / k_filter) ** 2 - (m_flow / k_rest) ** 2

    expected = brentq(surplus, 0.0, 2.0 * nominal, xtol=1e-10)
    out = cdu.equations(at(cdu, pump=y, filter_clogged=clogged, pumps_available=float(running))).outputs
    assert out["m_flow_tcs"] == pytest.approx(expected, rel=1e-6)
    assert out["dp_filter"] == pytest.approx((expected / k_filter) ** 2, rel=1e-6)
    power = hydraulics.pump_power(
        expected, y, running, P_nominal=cdu.P_pump_nominal / pumps, m_flow_nominal=nominal / pumps,
        curvature=cdu.curvature,
    )  # fmt: skip
    assert out["P_pump"] == pytest.approx(power, rel=1e-6)
    assert out["P_pump"] >= out["m_flow_tcs"] / cdu.tcs.rho(309.15) * (expected / k_rest) ** 2


def test_one_of_two_pumps_gives_more_than_half_the_flow_and_none_gives_none() -> None:
    flows = [CDU.equations(at(pump=1.0, pumps_available=n)).outputs["m_flow_tcs"] for n in (0.0, 1.0, 2.0)]
    assert flows[0] == 0.0
    assert 0.7 < flows[1] / flows[2] < 0.9  # vendors of N+1 units state four fifths
    assert np.all(np.isfinite(answers_and_derivatives(CDU)(at(pump=1.0, pumps_available=0.0))))


@given(component_points.points(CDU, {
    "valve_integral": st.floats(-0.5, 1.5), "P_it": st.floats(0.0, 1.3e6),
    "inlet.p": st.floats(0.0, 3e5), "outlet.p": st.floats(0.0, 3e5),
}))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_energy_balances_with_any_filter_and_any_pumps(v: dict[str, float]) -> None:
    assert imbalances(CDU, v)[0] < 1e-9


def test_racks_and_filter_that_take_more_than_the_pumps_have_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"filter and racks drop .* Pa at nominal flow, the pumps have"):
        Cdu(**SIZES | {"P_pump_nominal": 2e3})


# --- the pumps' own loop ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", ["flow", "dp"])
def test_the_loop_holds_its_share_as_long_as_the_speed_suffices(loop: str) -> None:
    cdu = Cdu(**SIZES | {"pump_loop": loop})
    clean, clogged = (settled(cdu, at(cdu, y_pump=0.7, filter_clogged=f, P_it=5e5)) for f in (0.0, 0.8))
    for v in (clean, clogged):
        out = cdu.equations(v).outputs
        assert out["m_flow_tcs"] == pytest.approx(0.7 * cdu.m_flow_tcs_nominal, rel=1e-4)
        assert out["dp_racks"] == pytest.approx(0.49 * cdu.dp_rack_nominal, rel=2e-4)
    assert clean["pump"] == pytest.approx(0.7, rel=1e-4)
    assert clogged["pump"] > 0.75


def test_a_loop_that_lacks_a_pump_runs_at_full_speed_and_does_not_wind_up() -> None:
    cdu = Cdu(**SIZES | {"pump_loop": "flow"})
    v = settled(cdu, at(cdu, y_pump=1.0, pumps_available=1.0, P_it=5e5))
    assert v["pump"] == pytest.approx(1.0, abs=1e-3)
    assert v["pump_integral"] <= 1.0 + 1e-3
    assert cdu.equations(v | {"y_pump": 0.7}).rates["pump"] < 0.0


def test_the_flow_loop_settles_like_its_lag() -> None:
    """Its integral cancels the drive's lag, so the error falls with the drive's time constant, a third of the ramp."""
    cdu = Cdu(**SIZES | {"pump_loop": "flow"})
    v = at(cdu, y_pump=0.6, pump=0.6, pump_integral=0.6) | {"y_pump": 0.7}
    after = settled(cdu, v, cdu.pump_ramp / 3.0)
    assert (0.7 - after["pump"]) / 0.1 == pytest.approx(np.exp(-1.0), rel=1e-2)


def test_an_unknown_loop_is_refused() -> None:
    with pytest.raises(ValidationError, match="'speed', 'flow' or 'dp'"):
        Cdu(**SIZES | {"pump_loop": "pressure"})


# --- dew point --------------------------------------------------------------------------------------------------------


def test_supply_never_goes_below_the_dew_point_and_its_margin() -> None:
    humid = {"weather.T_dry": 301.15, "weather.T_wet": 298.15}
    dew = float(dew_point(301.15, relative_humidity(301.15, 298.15, 101325.0)))
    v = settled(CDU, at(T_supply_set=294.15, P_it=3e5, inlet__T=290.15) | humid)
    assert CDU.equations(v).outputs["T_supply_held"] == pytest.approx(dew + 2.0, abs=0.2)
    assert v["T_supply"] == pytest.approx(dew + 2.0, abs=0.3)
    dry = settled(CDU, at(T_supply_set=294.15, P_it=3e5, inlet__T=290.15))
    assert dry["T_supply"] == pytest.approx(294.15, abs=0.1)
    assert CDU.equations(dry).outputs["T_supply_held"] == 294.15


# --- GPUs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"y_pump": 0.5, "pump": 0.5}, {"P_it": 2e5}, {"pumps_available": 1.0}])
def test_the_unit_states_the_hottest_of_all_its_gpus(changes: dict[str, float]) -> None:
    v = settled(CDU, at(**changes))
    out, gpus = CDU.equations(v).outputs, CDU.gpu_temperatures(v)
    assert list(gpus) == CDU.rack_names()
    assert sum(np.size(g.T_gpu) for g in gpus.values()) == 8 * 72
    assert out["T_gpu_max"] == pytest.approx(max(np.max(g.T_gpu) for g in gpus.values()), abs=1e-9)
    assert out["T_memory_max"] == pytest.approx(max(np.max(g.T_memory) for g in gpus.values()), abs=1e-9)


def test_hottest_rise_is_what_a_settled_unit_shows() -> None:
    v = settled(CDU, at(inlet__T=305.0))
    rises = [np.asarray(g.T_gpu) - v["T_supply"] for g in CDU.gpu_temperatures(v).values()]
    assert np.max(rises) / np.mean(rises) == pytest.approx(CDU.hottest_rise, rel=2e-3)
