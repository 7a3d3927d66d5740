"""A bank of 42 dry coolers of 2 MW, 8 K approach."""

import numpy as np
import pytest
from CoolProp.HumidAirProp import HAPropsSI
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.components.dry_cooler import DryCooler
from tests.strategies import component_checks as checks

ZERO = 273.15
SIZES = {
    "n_units": 42,
    "Q_flow_nominal": 2e6,
    "T_water_in_nominal": 45 + ZERO,
    "T_water_out_nominal": 35 + ZERO,
    "T_air_nominal": 27 + ZERO,
    "m_flow_air_nominal": 200.0,
    "dp_nominal": 60e3,
    "P_fan_nominal": 80e3,
    "volume": 1.0,
}
COOLER = DryCooler(**SIZES)


def point(dp=60e3, T_in=45.0, T_dry=27.0, T_wet=19.0, **changes):
    return checks.start(
        COOLER,
        **{
            "inlet__p": 1e5 + dp,
            "outlet__p": 1e5,
            "inlet__T": T_in + ZERO,
            "outlet__T": 30 + ZERO,
            "weather__T_dry": T_dry + ZERO,
            "weather__T_wet": T_wet + ZERO,
            "bypass": 0.0,
            "y_fan": 1.0,
        }
        | changes,
    )


def heat(**changes):
    return -float(COOLER.equations(point(**changes)).outputs["Q_flow"])


def test_nominal_point_is_reproduced():
    e = COOLER.equations(point(T=35 + ZERO))
    assert float(e.outputs["Q_flow"]) == pytest.approx(-84e6, rel=1e-9)
    assert float(e.rates["T"]) == pytest.approx(0.0, abs=1e-9)
    assert e.outputs["P_el"] == pytest.approx(42 * 80e3)
    assert e.outputs["m_flow_evaporated"] == pytest.approx(0.0, abs=1e-12)


def test_vendor_record_has_a_plausible_conductance():
    """2.93 MW at 35 °C air, 46.1 -> 40.6 °C, 117.7 kW: fans 4 % of the heat; the sizing gives NTU 0.5..2."""
    unit = DryCooler(
        Q_flow_nominal=2.93e6,
        T_water_in_nominal=46.1 + ZERO,
        T_water_out_nominal=40.6 + ZERO,
        T_air_nominal=35 + ZERO,
        m_flow_air_nominal=420.0,
        dp_nominal=60e3,
        P_fan_nominal=117.7e3,
        volume=1.5,
    )
    NTU = unit.UA_nominal / (420.0 * 1015.0)
    assert 0.5 < NTU < 2.0


def test_balances_at_random_points():
    for v in checks.random_points(COOLER, 100):
        checks.assert_balances(COOLER, v)


def test_symbols_agree_at_random_points():
    checks.assert_symbols_agree(COOLER, checks.random_points(COOLER, 40, seed=1))


def test_corners_are_finite():
    corners = [
        point(dp=dp, T_dry=T, T_wet=T - 2, y_fan=y, bypass=b, spray=s)
        for dp in (0.0, 60e3, -60e3)
        for T in (-20.0, 0.0, 45.0)
        for y in (0.0, 1.0)
        for b in (0.0, 1.0)
        for s in (0.0, 1.0)
    ]
    corners.append(point(T_in=27.0, T=27 + ZERO, outlet__T=27 + ZERO))
    checks.assert_symbols_agree(COOLER, iter(corners))


@given(
    dp=st.floats(1e2, 1e5),
    T_in=st.floats(10, 60),
    T_dry=st.floats(-20, 45),
    y=st.floats(0, 1),
    more=st.floats(1.0, 3.0),
)
def test_more_air_or_water_cools_more(dp, T_in, T_dry, y, more):
    base = {"T_in": T_in, "T_dry": T_dry, "T_wet": T_dry - 3, "y_fan": y}
    Q = heat(dp=dp, **base)
    sign = 1.0 if T_in >= T_dry else -1.0
    assert sign * heat(dp=dp * more, **base) >= sign * Q - 1e-9 * abs(Q)
    assert sign * heat(dp=dp, **base | {"y_fan": min(1.0, y * more)}) >= sign * Q - 1e-9 * abs(Q)


@given(
    dp=st.floats(1e2, 1e5), T_in=st.floats(15, 60), T_dry=st.floats(-20, 45), y=st.floats(0, 1), spray=st.floats(0, 1)
)
def test_water_settles_between_air_and_inlet(dp, T_in, T_dry, y, spray):
    v = point(dp=dp, T_in=T_in, T_dry=T_dry, T_wet=T_dry - 5, y_fan=y, spray=spray)
    e = COOLER.equations(v)
    T_air = float(e.outputs["T_air_in"])
    h_out = COOLER.fluid.h(T_in + ZERO) + float(e.outputs["Q_flow"]) / float(e.outputs["m_flow"])
    lower, upper = sorted((T_air, T_in + ZERO))
    assert COOLER.fluid.h(lower - 0.01) <= h_out <= COOLER.fluid.h(upper + 0.01)
    assert T_air >= T_dry - 5 + ZERO - 1e-6


def test_spray_cools_by_the_pads_and_evaporates_what_the_air_takes_up():
    dry, wet = COOLER.equations(point(T_dry=35, T_wet=20)), COOLER.equations(point(T_dry=35, T_wet=20, spray=1.0))
    assert wet.outputs["T_air_in"] == pytest.approx(35 - 0.7 * 15 + ZERO)
    assert wet.outputs["Q_flow"] < 1.5 * dry.outputs["Q_flow"]
    w = [HAPropsSI("W", "T", T, "B", 20 + ZERO, "P", 101325) for T in (35 + ZERO, 24.5 + ZERO)]
    m_air = 42 * 200 * 300.15 / 308.15
    assert wet.outputs["m_flow_evaporated"] == pytest.approx(m_air * (w[1] - w[0]), rel=0.02)
    assert wet.outputs["m_flow_bled"] == pytest.approx(wet.outputs["m_flow_evaporated"] / 3)
    liters_per_kWh = float(wet.outputs["m_flow_evaporated"]) * 3.6e6 / -float(wet.outputs["Q_flow"])
    assert 0.5 < liters_per_kWh < 1.6


@pytest.mark.parametrize("changes", [{"T_dry": 4.0, "T_wet": 1.0}, {"dp": 0.0, "T_dry": 35.0}])
def test_no_spray_in_frost_or_without_flow(changes):
    e = COOLER.equations(point(spray=1.0, **changes))
    assert float(e.outputs["m_flow_evaporated"]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("T_dry", "T_in", "share"),
    [(10, 42, 1.0), (27, 42, 0.3), (-20, 42, 1.0), (-20, 42, 0.6), (-3, 36, 0.4), (20, 32, 1.0), (8, 31, 0.3)],
)
def test_leaving_water_is_held_by_fans_and_bypass(T_dry, T_in, share):
    settled = checks.settle(
        COOLER, point(dp=60e3 * share**2, T_in=T_in, T_dry=T_dry, T_wet=T_dry - 3, y_fan=0.5, T_leaving_set=30 + ZERO)
    )
    assert settled["T"] == pytest.approx(30 + ZERO, abs=0.1)
    assert -0.01 <= settled["y_fan"] <= 1.0
    assert min(settled["y_fan"], settled["bypass"]) < 0.02


OPEN = DryCooler(**SIZES, damper_leakage=1.0)


@pytest.mark.parametrize(("T_in", "share"), [(42, 0.1), (31, 0.3), (20, 0.2), (6, 0.05)])
def test_frost_thermostat_keeps_the_coil_from_freezing_as_far_as_the_bypass_can(T_in, share):
    """Without dampers: little water in the coil would freeze there, so the bypass closes and all of it undercools."""
    settled = checks.settle(
        OPEN, point(dp=60e3 * share**2, T_in=T_in, T_dry=-20, T_wet=-21, y_fan=0.0, T_leaving_set=30 + ZERO)
    )
    T_coil = float(OPEN.equations(settled).outputs["T_coil"])
    assert settled["T"] < 30 + ZERO
    assert settled["y_fan"] == pytest.approx(0.0, abs=1e-3)
    assert T_coil > OPEN.T_coil_min or settled["bypass"] == pytest.approx(0.0, abs=1e-3)


@settings(max_examples=8, deadline=None)
@given(load=st.floats(0.05, 0.3), flow=st.floats(0.15, 1.0), T_dry=st.floats(-20, 0), T_set=st.floats(15, 40))
def test_little_load_in_frost_keeps_its_set_point_and_never_freezes(load, flow, T_dry, T_set):
    """From warm water and fast fans down to 5 % of the load at -20 °C, at every set-point that is allowed."""
    v = point(
        dp=60e3 * flow**2, T_in=T_set + 10 * load / flow, T_dry=T_dry, T_wet=T_dry - 0.5, T_leaving_set=T_set + ZERO
    )
    for minutes in (5, 5, 10, 100):
        v = checks.settle(COOLER, v, hours=minutes / 60)
        assert min(v["T"], float(COOLER.equations(v).outputs["T_coil"])) > ZERO + 0.5
    assert v["T"] == pytest.approx(T_set + ZERO, abs=0.3)


def test_shut_dampers_leave_a_trace_of_the_natural_draught():
    """5 % of the nominal heat enters a bank whose fans stand at -20 °C: only dampers keep the water from freezing."""
    still = {"dp": 60e3 * 0.05**2, "T_in": 40.0, "T_dry": -20.0, "T_wet": -21.0, "y_fan": 0.0}
    assert heat(**still) < 0.02 * 84e6
    assert -float(OPEN.equations(point(**still)).outputs["Q_flow"]) > 0.1 * 84e6


@given(y=st.floats(0.0, 1.0), T_dry=st.floats(-20, 45))
def test_fans_cost_more_than_the_cube_of_their_speed(y, T_dry):
    P = float(COOLER.equations(point(y_fan=y, T_dry=T_dry)).outputs["P_el"])
    density = 300.15 / (T_dry + ZERO)
    assert 42 * 80e3 * 0.88 * y**3 * density * (1 - 1e-9) <= P
    full = float(COOLER.equations(point(y_fan=1.0, T_dry=T_dry)).outputs["P_el"])
    assert full * (1 + 1e-9) >= P


def test_coil_and_bypass_mix_to_what_leaves():
    v = point(bypass=0.4, T_dry=5.0, T_wet=3.0, y_fan=0.2)
    e = COOLER.equations(v)
    coil, whole = (float(COOLER.fluid.h(T)) for T in (e.outputs["T_coil"], v["inlet.T"]))
    m = float(e.outputs["m_flow"])
    assert 0.6 * m * (coil - whole) == pytest.approx(float(e.outputs["Q_flow"]), rel=2e-3)
    closed = COOLER.equations(point(bypass=1.0, T_dry=5.0, T_wet=3.0)).outputs["T_coil"]
    assert float(closed) == pytest.approx(5.0 + ZERO, abs=0.01)


def test_fans_saturate_in_heat_without_windup():
    hot = checks.settle(COOLER, point(T_in=48, T_dry=45, T_wet=25))
    assert hot["y_fan"] == pytest.approx(1.0, abs=1e-3)
    assert hot["integral"] <= 1.0 + 1e-6
    cool = checks.settle(COOLER, {**hot, "weather.T_dry": 20 + ZERO, "inlet.T": 42 + ZERO}, hours=0.5)
    assert cool["T"] == pytest.approx(30 + ZERO, abs=0.5)


def test_fans_stop_without_water():
    assert checks.settle(COOLER, point(dp=0.0, T=40 + ZERO), hours=1)["y_fan"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T_water_out_nominal": 26 + ZERO}, "T_air_nominal < T_water_out_nominal"),
        ({"m_flow_air_nominal": 50.0}, "nominal point is impossible"),
        ({"T_leaving_design": 350.0}, "outside T_leaving_lowest"),
        ({"n_units": 0}, "n_units"),
        ({"fan_power": 1.0}, "fan_power"),
    ],
)
def test_impossible_sizes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        DryCooler(**SIZES | changes)


def test_all_signals_are_answered():
    e = COOLER.equations(point())
    assert np.all(np.isfinite([float(x) for x in e.outputs.values()]))
    assert set(e.outputs) == {s.name for s in COOLER.signals() if s.role == "output"}
    assert set(e.rates) == {s.name for s in COOLER.signals() if s.role == "state"}
