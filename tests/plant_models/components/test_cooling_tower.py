"""A bank of four cooling tower cells of 10 MW, 4 K approach, 8 K range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from plant_models import psychrometrics
from plant_models.components.cooling_tower import CoolingTower
from tests.strategies import component_checks as checks

ZERO = 273.15
SIZES = {
    "n_units": 4,
    "Q_flow_nominal": 10e6,
    "T_water_in_nominal": 34 + ZERO,
    "T_water_out_nominal": 26 + ZERO,
    "T_wet_nominal": 22 + ZERO,
    "m_flow_air_nominal": 250.0,
    "dp_nominal": 60e3,
    "P_fan_nominal": 90e3,
    "volume": 40.0,
}
TOWER = CoolingTower(**SIZES)


def point(dp=60e3, T_in=34.0, T_dry=27.0, T_wet=22.0, **changes):
    return checks.start(
        TOWER,
        **{
            "inlet__p": 1e5 + dp,
            "outlet__p": 1e5,
            "inlet__T": T_in + ZERO,
            "outlet__T": 26 + ZERO,
            "weather__T_dry": T_dry + ZERO,
            "weather__T_wet": T_wet + ZERO,
            "bypass": 0.0,
            "y_fan": 1.0,
        }
        | changes,
    )


def leaving(**changes):
    """Leaving water in the steady state, K, and the outputs."""
    v = point(**changes)
    e = TOWER.equations(v)
    h_out = TOWER.fluid.h(v["inlet.T"]) + float(e.outputs["Q_flow"]) / float(e.outputs["m_flow"])
    return brentq(lambda T: TOWER.fluid.h(T) - h_out, 200.0, 400.0), e.outputs


def merkel(K, m_air, m_water, T_in, T_wet):
    """Leaving water by marching Merkel's equation up the fill: water against saturated air, 200 midpoint steps."""

    def h_saturated(T):
        return psychrometrics.saturated_enthalpy(T, 101325.0)

    def inlet(T_out):
        T, h, step = T_out, h_saturated(T_wet), K / 200
        for _ in range(200):
            flux = h_saturated(T) - h
            flux = h_saturated(min(T + flux * step / 2 / (m_water * 4182.0), 355.0)) - h - flux * step / 2 / m_air
            T, h = min(T + flux * step / (m_water * 4182.0), 355.0), h + flux * step / m_air
        return T

    return brentq(lambda T: inlet(T) - T_in, T_wet + 1e-6, T_in)


def test_nominal_point_is_reproduced():
    T_out, outputs = leaving()
    assert T_out == pytest.approx(26 + ZERO, abs=1e-6)
    assert outputs["Q_flow"] == pytest.approx(-40e6, rel=1e-9)
    assert outputs["P_el"] == pytest.approx(4 * 90e3)


@pytest.mark.parametrize(
    ("T_in", "T_wet", "share"),
    [
        (30, 22, 1.0),
        (34, 10, 1.0),
        (34, 22, 0.6),
        (28, 5, 1.0),
        (32, 18, 0.8),
        (45, 28, 1.0),
        (25, -5, 1.0),
        (60, 20, 0.5),
    ],
)
def test_off_design_agrees_with_the_integrated_merkel_equation(T_in, T_wet, share):
    m_air, m_water = 1000.0, TOWER.m_flow_nominal
    K = brentq(lambda K: merkel(K, m_air, m_water, 34 + ZERO, 22 + ZERO) - 26 - ZERO, 1000.0, 4000.0, xtol=1e-2)
    T_out, _ = leaving(T_in=T_in, T_wet=T_wet, T_dry=27.0, dp=60e3 * share**2)
    expected = merkel(K * share**0.4, m_air, m_water * share, T_in + ZERO, T_wet + ZERO)
    assert T_out == pytest.approx(expected, abs=0.05)


def hot(T_in, m_air_per_water=1 / 0.4, **changes):
    """A cell of 1 MW that cools to 29 °C at a wet bulb of 24 °C."""
    sizes = SIZES | {
        "n_units": 1, "Q_flow_nominal": 1e6, "T_water_in_nominal": T_in + ZERO, "T_water_out_nominal": 29 + ZERO,
        "T_wet_nominal": 24 + ZERO, "m_flow_air_nominal": 1e6 / 4184.0 / (T_in - 29) * m_air_per_water, "volume": 2.0,
    }  # fmt: skip
    return CoolingTower(**sizes | changes)


@pytest.mark.parametrize(("T_in", "K"), [(35, 0.310), (45, 0.542), (50, 0.603), (55, 0.645), (60, 0.675)])
def test_size_is_that_of_merkels_integral(T_in, K):
    """K/m_a of the integral, 0.4 kg of water to a kg of air, by 4000 midpoints with ASHRAE's saturated air."""
    tower = hot(T_in)
    assert tower.K_nominal / tower.m_flow_air_nominal == pytest.approx(K, rel=0.005)


def test_hot_water_far_from_the_nominal_point():
    """35/29/24 °C; 60 °C in at half flow and a wet bulb of 20 °C: 28.0 °C by the integral, 4000 midpoints."""
    tower = hot(35, m_air_per_water=35.0 / (1e6 / 4184.0 / 6))
    v = point(T_in=60, T_dry=25, T_wet=20) | {"T": 30 + ZERO, "outlet.T": 30 + ZERO, "inlet.p": 1e5 + 15e3}
    assert float(tower.equations(v).outputs["T_fill"]) - ZERO == pytest.approx(28.02, abs=0.1)


def test_a_nominal_point_that_the_model_cannot_follow_is_refused():
    with pytest.raises(ValueError, match=r"wider than the model follows.*smaller range"):
        hot(77, T_water_out_nominal=13 + ZERO, T_wet_nominal=8 + ZERO)
    with pytest.raises(ValueError, match=r"nominal point is impossible.*state more air"):
        hot(45, m_air_per_water=0.3)


def test_evaporation_is_the_latent_share_of_the_heat():
    for T_in, T_dry, T_wet in ((34, 27, 22), (34, 12, 10), (30, 35, 20)):
        _, outputs = leaving(T_in=T_in, T_dry=T_dry, T_wet=T_wet)
        latent = float(outputs["m_flow_evaporated"]) * 2.45e6 / -float(outputs["Q_flow"])
        assert 0.6 < latent < 1.35
        assert outputs["m_flow_bled"] == pytest.approx(outputs["m_flow_evaporated"] / 3)


def test_evaporation_closes_the_humidity_balance_at_nominal():
    """Air leaving with the enthalpy balance's enthalpy, saturated or less: between 1.0 and 1.6 l/kWh."""
    _, outputs = leaving()
    liters_per_kWh = float(outputs["m_flow_evaporated"]) * 3.6e6 / -float(outputs["Q_flow"])
    assert 1.0 < liters_per_kWh < 1.6


def test_balances_at_random_points():
    for v in checks.random_points(TOWER, 60):
        checks.assert_balances(TOWER, v)


def test_symbols_agree_at_random_points():
    checks.assert_symbols_agree(TOWER, checks.random_points(TOWER, 30, seed=1))


def test_corners_are_finite():
    corners = [
        point(dp=dp, T_dry=T, T_wet=T - 2, y_fan=y, bypass=b)
        for dp in (0.0, 60e3, -60e3)
        for T in (-20.0, 0.0, 2.0, 45.0)
        for y in (0.0, 1.0)
        for b in (0.0, 1.0)
    ]
    corners += [point(T_in=22.0), point(T_in=95.0), point(T_in=22.0, T_dry=22.0), point(T_in=5.0)]
    checks.assert_symbols_agree(TOWER, iter(corners))


@given(
    dp=st.floats(1e3, 1e5),
    T_in=st.floats(5, 60),
    T_wet=st.floats(-20, 32),
    depression=st.floats(0.1, 15),
    y=st.floats(0, 1),
)
def test_water_is_never_colder_than_the_wet_bulb(dp, T_in, T_wet, depression, y):
    T_out, outputs = leaving(dp=dp, T_in=T_in, T_dry=T_wet + depression, T_wet=T_wet, y_fan=y)
    lower, upper = sorted((T_wet + ZERO, T_in + ZERO))
    assert lower - 0.01 <= T_out <= upper + 0.01
    assert outputs["m_flow_evaporated"] >= 0.0


@given(dp=st.floats(1e3, 1e5), T_wet=st.floats(-20, 30), y=st.floats(0, 1), more=st.floats(1.0, 3.0))
def test_more_air_or_water_cools_more(dp, T_wet, y, more):
    base = {"T_in": 34.0, "T_dry": T_wet + 3, "T_wet": T_wet, "y_fan": y, "dp": dp}
    Q = -float(TOWER.equations(point(**base)).outputs["Q_flow"]) * (1 - 1e-9)
    for change in ({"dp": dp * more}, {"y_fan": min(1.0, y * more)}):
        assert -float(TOWER.equations(point(**base | change)).outputs["Q_flow"]) >= Q


@pytest.mark.parametrize(("T_dry", "share"), [(10, 1.0), (10, 0.3), (-20, 1.0), (-20, 0.3)])
def test_leaving_water_is_held_also_in_frost(T_dry, share):
    settled = checks.settle(TOWER, point(dp=60e3 * share**2, T_dry=T_dry, T_wet=T_dry - 3, T_leaving_set=24 + ZERO))
    assert settled["T"] == pytest.approx(24 + ZERO, abs=0.1)
    assert min(settled["y_fan"], settled["bypass"]) < 0.02


@pytest.mark.parametrize("share", [1.0, 0.3, 0.06])
@pytest.mark.parametrize(("T_in", "T_dry"), [(3.0, -20.0), (8.0, -20.0), (3.0, -5.0), (15.0, -25.0)])
def test_leaving_water_does_not_freeze(share, T_in, T_dry):
    """Wanted colder than frost allows, with little heat or none in the water: fans stop, then the fill is left dry."""
    v = point(dp=60e3 * share**2, T_in=T_in, T_dry=T_dry, T_wet=T_dry - 1, T=T_in + ZERO, T_leaving_set=10 + ZERO)
    settled = checks.settle(TOWER, v | {"y_fan": 1.0, "integral": 1.0})
    assert settled["T"] > TOWER.T_frost - 0.01
    out = TOWER.equations(settled).outputs
    if float(out["T_fill"]) < TOWER.T_frost:
        assert settled["y_fan"] < 1e-3


def test_fans_are_stopped_by_the_frost_thermostat_only_in_frost():
    cold = checks.settle(TOWER, point(T_in=14.0, T_dry=-15.0, T_wet=-16.0, T=14 + ZERO, T_leaving_set=10 + ZERO))
    assert cold["y_fan"] < 0.5
    assert cold["T"] >= TOWER.T_frost
    mild = checks.settle(TOWER, point(T_in=14.0, T_dry=9.0, T_wet=8.0, T=14 + ZERO, T_leaving_set=10 + ZERO))
    assert mild["y_fan"] == pytest.approx(1.0, abs=1e-3)


def test_bled_is_by_cycles_of_concentration_and_at_least_the_drift():
    out = TOWER.equations(point()).outputs
    assert float(out["m_flow_bled"]) == pytest.approx(float(out["m_flow_evaporated"]) / 3.0)
    leaky = CoolingTower(**SIZES, drift=0.01, cycles=100.0).equations(point()).outputs
    assert float(leaky["m_flow_bled"]) == pytest.approx(0.01 * TOWER.m_flow_nominal, rel=1e-4)
    assert float(leaky["m_flow_bled"]) > float(leaky["m_flow_evaporated"]) / 99.0


def test_the_slope_for_newtons_method_is_that_of_saturated_air():
    for T in np.linspace(245.0, 340.0, 40):
        if abs(T - ZERO) > 0.2:
            ends = [psychrometrics.saturated_enthalpy(T + dT, 101325.0) for dT in (-0.01, 0.01)]
            slope = psychrometrics.saturated_enthalpy_slope(T, 101325.0)
            assert slope == pytest.approx((ends[1] - ends[0]) / 0.02, rel=0.01)


def test_nothing_evaporates_and_fans_stop_without_water():
    v = point(dp=0.0, T_dry=35.0, T_wet=20.0)
    assert float(TOWER.equations(v).outputs["m_flow_evaporated"]) == 0.0
    assert checks.settle(TOWER, v, hours=1)["y_fan"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T_wet_nominal": 27 + ZERO}, "T_wet_nominal < T_water_out_nominal"),
        ({"m_flow_air_nominal": 50.0}, "nominal point is impossible"),
        ({"T_leaving_design": 350.0}, "outside T_leaving_lowest"),
        ({"cycles": 1.0}, "cycles"),
        ({"drift": 0.05}, "drift"),
    ],
)
def test_impossible_sizes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CoolingTower(**SIZES | changes)


def test_all_signals_are_answered():
    e = TOWER.equations(point())
    assert np.all(np.isfinite([float(x) for x in e.outputs.values()]))
    assert set(e.outputs) == {s.name for s in TOWER.signals() if s.role == "output"}
