"""Six pumps side by side: nominal point, affinity, staging, check valve, the pressure loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.pump_group import PumpGroup
from plant_models.media import MEDIA, WATER
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances, numbers

SIZES: dict[str, Any] = {
    "n_pumps": 6,
    "m_flow_nominal": 290.0,
    "dp_nominal": 230e3,
    "volume": 6.0,
    "dp_design": 130e3,
    "dp_lowest": 30e3,
    "dp_highest": 160e3,
    "T_start": 305.15,
}
GROUP = PumpGroup(**SIZES)
points = component_points.points(GROUP, {"integral": st.floats(-0.5, 1.5)})
ANSWERS = answers_and_derivatives(GROUP)


def point(dp: float = 230e3, **changes: float) -> dict[str, float]:
    v = checks.start(GROUP, inlet__p=1e5, outlet__p=1e5 + dp, sense_high__p=2.5e5, sense_low__p=1.2e5)
    return v | {"y": 1.0, "integral": 1.0, "inlet.T": 305.15, "outlet.T": 305.15} | changes


def outputs(dp: float = 230e3, **changes: float) -> dict[str, float]:
    return {name: float(value) for name, value in GROUP.equations(point(dp, **changes)).outputs.items()}


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(GROUP, v)
    assert energy < 1e-9
    assert mass < 1e-12


@given(points)
@settings(max_examples=50)
def test_symbols_and_numbers_agree_and_derivatives_are_finite(v: dict[str, float]) -> None:
    found = ANSWERS(v)
    assert np.all(np.isfinite(found))
    expected = numbers(GROUP, v)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [0.0, 1e-6, 0.5, 6.0])
@pytest.mark.parametrize("y", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("dp", [-5e5, 0.0, 1e-9, 312.5e3, 5e5])
def test_standstill_and_reversal_are_finite(n: float, y: float, dp: float) -> None:
    v = point(dp, n=n, y=y)
    assert np.all(np.isfinite(ANSWERS(v)))
    assert outputs(dp, n=n, y=y)["P_shaft"] >= 0.0


def test_nominal_point() -> None:
    """At nominal flow the ports see dp_nominal; the shafts bear head and fittings at the stated efficiency."""
    found = outputs()
    assert found["m_flow"] == pytest.approx(6 * 290.0, rel=1e-4)
    hydraulic = found["m_flow"] / WATER.rho(305.15) * (230e3 + GROUP.dp_fittings)
    assert found["P_shaft"] == pytest.approx(hydraulic / 0.80, rel=1e-4)
    assert found["P_el"] == pytest.approx(found["P_shaft"] / 0.93)
    assert found["dp"] == pytest.approx(130e3)


@given(st.floats(0.4, 1.0), st.floats(0.5, 1.0))
def test_affinity_laws(y: float, share: float) -> None:
    """m ~ y, dp ~ y2, P ~ y3 along one parabola, as far as the laminar corner of the flow law does not matter."""
    full, slow = outputs(share * 230e3), outputs(share * 230e3 * y * y, y=y)
    assert slow["m_flow"] == pytest.approx(y * full["m_flow"], rel=1e-3)
    assert slow["P_shaft"] == pytest.approx(y**3 * full["P_shaft"], rel=1e-3)


@given(st.floats(0.0, 3e5), st.floats(0.0, 3e5), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 6.0))
def test_flow_falls_with_pressure_and_rises_with_speed(
    dp: float, more: float, y: float, faster: float, n: float
) -> None:
    slow, fast = sorted((y, faster))
    assert outputs(dp + more, y=fast, n=n)["m_flow"] <= outputs(dp, y=fast, n=n)["m_flow"] + 1e-9
    assert outputs(dp, y=slow, n=n)["m_flow"] <= outputs(dp, y=fast, n=n)["m_flow"] + 1e-9


def test_flow_is_that_of_the_pumps_that_run() -> None:
    assert outputs(n=3.0)["m_flow"] == pytest.approx(0.5 * outputs()["m_flow"], rel=1e-4)
    assert outputs(n=3.0)["P_shaft"] == pytest.approx(0.5 * outputs()["P_shaft"], rel=1e-4)


@pytest.mark.parametrize("n", [0.0, 6.0])
def test_check_valves_let_next_to_nothing_back(n: float) -> None:
    found = outputs(230e3, n=n, y=0.0)
    assert -0.003 * 6 * 290.0 < found["m_flow"] < 0.0
    assert found["P_shaft"] == 0.0


def test_stopped_pumps_neither_move_nor_draw() -> None:
    found = outputs(0.0, n=0.0)
    assert abs(found["m_flow"]) < 1e-3 * 6 * 290.0
    assert found["P_el"] < 1e-3 * outputs()["P_el"]


def test_sensing_ports_pass_nothing() -> None:
    flows = GROUP.equations(point()).flows
    assert [flows[f"sense_{side}.{what}"] for side in ("high", "low") for what in ("m_flow", "H_flow")] == [0.0] * 4


def test_the_loop_speeds_up_below_its_set_point_and_does_not_wind_up() -> None:
    low = GROUP.equations(point() | {"sense_high.p": 2.0e5, "y": 0.8, "integral": 0.8}).rates
    assert low["y"] > 0.0
    assert low["integral"] > 0.0
    # at full speed the integral's rest is where the command leaves its stop
    assert GROUP.equations(point() | {"sense_high.p": 2.0e5, "integral": 1.0}).rates["integral"] == pytest.approx(0.0)
    assert GROUP.equations(point() | {"sense_high.p": 2.0e5, "integral": 1.3}).rates["integral"] < 0.0


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"dp_design": 170e3}, "dp_design = 170000 Pa lies outside dp_lowest .. dp_highest"),
        ({"n_pumps": 0}, "greater than or equal to 1"),
        ({"curvature": 0.6}, "less than 0.5"),
        ({"eta_hydraulic": 0.0}, "greater than 0"),
        ({"medium": "oil"}, "unknown medium 'oil'"),
    ],
)
def test_impossible_groups_are_refused(sizes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PumpGroup(**SIZES | sizes)


def test_running_pumps_pay_for_their_drives() -> None:
    """Each that runs adds its standby losses to the shafts, one that is off does not."""
    slow = {n: outputs(0.0, n=n, y=0.5) for n in (2.0, 6.0)}
    standby = 0.49 * GROUP.P_shaft_nominal * (1 / 0.93 - 1)
    for n, found in slow.items():
        assert found["P_el"] > found["P_shaft"] + n * standby
    assert outputs(0.0, n=0.0, y=0.5)["P_el"] < 1e-2 * standby


def test_pressure_loop_stops_at_the_lowest_speed() -> None:
    """No flow and far too much pressure: the drives stay at 30 % (pump manufacturers: 25..40 %)."""
    settled = checks.settle(GROUP, point(0.0) | {"sense_high.p": 6e5})
    assert settled["y"] == pytest.approx(0.3, abs=1e-3)


# --- by points of the data sheet --------------------------------------------------------------------------------------

POINTS: dict[str, Any] = {
    "m_flow": (0.0, 100.0, 200.0, 290.0, 350.0, 400.0),
    "dp": (320e3, 312e3, 288e3, 250e3, 212e3, 172e3),
    "efficiency": (0.0, 0.52, 0.75, 0.82, 0.79, 0.72),
}
CURVED = PumpGroup(**SIZES, curve=POINTS)


def test_pumps_by_points_run_on_their_points_less_the_fittings() -> None:
    for m_flow, head, eta in list(zip(*POINTS.values(), strict=True))[1:]:
        v = point(head - 20e3 * (m_flow / 290.0) ** 2)
        found = CURVED.equations(v).outputs
        assert found["m_flow"] == pytest.approx(6 * m_flow, rel=1e-3)
        assert found["P_shaft"] == pytest.approx(6 * m_flow * head / WATER.rho(305.15) / eta, rel=2e-4)


@pytest.mark.parametrize(("medium", "T"), [("water", 353.15), ("pg30", 293.15), ("eg50", 278.15)])
def test_efficiency_becomes_power_with_the_density_of_what_is_pumped(medium: str, T: float) -> None:
    """Water of 80 degC is 2.7 % lighter than the 998.2 kg/m3 of data sheets, half ethylene glycol 7 % heavier."""
    group = PumpGroup(**SIZES | {"medium": medium, "T_start": T}, curve=POINTS)
    rho = float(MEDIA[medium].rho(T))
    assert abs(rho / 998.2 - 1.0) > 0.02
    assert group.P_shaft_nominal == pytest.approx(290.0 * 250e3 / rho / 0.82, rel=1e-6)
    for m_flow, head, eta in list(zip(*POINTS.values(), strict=True))[1:]:
        assert group.shaft_power(6 * m_flow, 1.0, 6.0) == pytest.approx(6 * m_flow * head / rho / eta, rel=1e-5)
    stated = PumpGroup(
        **SIZES | {"medium": medium, "T_start": T}, curve=POINTS | {"efficiency": None, "P_shaft": (6e4,) * 6}
    )
    assert stated.shaft_power(600.0, 1.0, 6.0) == pytest.approx(3.6e5, rel=1e-5)


def test_efficiency_at_the_nominal_point_is_that_of_the_points() -> None:
    assert CURVED.eta_nominal == pytest.approx(0.82, rel=5e-3)  # of cold water, as data sheets are
    assert GROUP.eta_nominal == GROUP.eta_hydraulic


def test_pumps_by_points_rest_and_let_nothing_back() -> None:
    assert CURVED.equations(point(0.0, y=0.0)).outputs["P_shaft"] == 0.0
    assert -0.005 * 6 * 290.0 < CURVED.flow(230e3, 0.0, 6.0) < 0.0
    assert CURVED.flow(230e3, 1.0, 3.0) == pytest.approx(0.5 * CURVED.flow(230e3, 1.0, 6.0), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dp": (320e3, 312e3, 288e3, 290e3, 212e3, 172e3)}, "head does not fall"),
        ({"efficiency": None}, "by P_shaft or by efficiency"),
        ({"dp": (160e3, 156e3, 144e3, 125e3, 106e3, 86e3)}, "curve gives 125000 Pa at m_flow_nominal = 290 kg/s"),
        ({"m_flow": (0.0, 100.0)}, "found 2 flows, 6 heads"),
    ],
)
def test_points_that_are_no_pumps_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PumpGroup(**SIZES, curve=POINTS | change)


# --- in series --------------------------------------------------------------------------------------------------------

SERIES = PumpGroup(**SIZES | {"n_pumps": 3, "arrangement": "series"})
CURVE = {
    "m_flow": (0.0, 80.0, 160.0, 220.0, 290.0, 360.0),
    "dp": (325e3, 322e3, 306e3, 286e3, 250e3, 204e3),
    "efficiency": (0.0, 0.46, 0.70, 0.79, 0.80, 0.74),
}
SERIES_BY_CURVE = PumpGroup(**SIZES | {"n_pumps": 3, "arrangement": "series", "curve": CURVE})
BOTH = pytest.mark.parametrize("group", [SERIES, SERIES_BY_CURVE], ids=["parabola", "points"])


def in_series(group: PumpGroup, dp: float, **changes: float) -> dict[str, float]:
    return {k: float(x) for k, x in group.equations(point(dp, **{"n": 3.0, **changes})).outputs.items()}


@pytest.mark.parametrize("group", [SERIES, SERIES_BY_CURVE], ids=["parabola", "points"])
@given(data=st.data())
@settings(max_examples=40)
def test_in_series_balances_and_finite_derivatives(group: PumpGroup, data: st.DataObject) -> None:
    v = data.draw(component_points.points(group, {"integral": st.floats(-0.5, 1.5)}))
    energy, mass = imbalances(group, v)
    assert energy < 1e-9
    assert mass < 1e-12
    found, expected = answers_and_derivatives(group)(v), numbers(group, v)
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


@BOTH
@pytest.mark.parametrize("n", [0.0, 1e-6, 1.5, 3.0])
@pytest.mark.parametrize("y", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("dp", [-5e5, 0.0, 1e-9, 937.5e3, 1.5e6])
def test_in_series_standstill_and_reversal_are_finite(group: PumpGroup, n: float, y: float, dp: float) -> None:
    assert np.all(np.isfinite(answers_and_derivatives(group)(point(dp, n=n, y=y))))
    assert in_series(group, dp, n=n, y=y)["P_shaft"] >= 0.0


@BOTH
def test_in_series_heads_add_up_at_the_flow_of_one(group: PumpGroup) -> None:
    one = PumpGroup(**SIZES | {"n_pumps": 1, "curve": group.curve})
    for dp in (150e3, 200e3, 230e3, 270e3):
        alone = {k: float(x) for k, x in one.equations(point(dp, n=1.0)).outputs.items()}
        found = in_series(group, 3.0 * dp)
        assert found["m_flow"] == pytest.approx(alone["m_flow"], rel=2e-4)
        assert found["P_shaft"] == pytest.approx(3.0 * alone["P_shaft"], rel=2e-4)
        assert found["P_el"] == pytest.approx(3.0 * alone["P_el"], rel=1e-3)


@BOTH
def test_in_series_the_nominal_point_is_that_of_one_times_their_number(group: PumpGroup) -> None:
    found = in_series(group, 3.0 * 230e3)
    assert found["m_flow"] == pytest.approx(290.0, rel=1e-3)
    assert found["P_shaft"] == pytest.approx(3.0 * 290.0 / WATER.rho(305.15) * 250e3 / 0.80, rel=2e-3)


@BOTH
@pytest.mark.parametrize("running", [1.0, 2.0])
def test_in_series_the_others_are_passed_by_their_bypasses(group: PumpGroup, running: float) -> None:
    """A pump fewer lifts its head less, and its bypass drops what its fittings did: 20 kPa at nominal flow."""
    lost = (3.0 - running) * 250e3
    assert in_series(group, 3.0 * 230e3 - lost, n=running)["m_flow"] == pytest.approx(290.0, rel=1e-3)
    assert in_series(group, 3.0 * 230e3 - lost, n=running)["P_shaft"] == pytest.approx(
        running / 3.0 * in_series(group, 3.0 * 230e3)["P_shaft"], rel=1e-3
    )


def test_in_series_with_all_off_water_passes_forwards_and_next_to_none_back() -> None:
    assert in_series(SERIES, -60e3, n=0.0)["m_flow"] == pytest.approx(290.0, rel=1e-3)  # three bypasses of 20 kPa
    assert -0.01 * 290.0 < in_series(SERIES, 60e3, n=0.0)["m_flow"] < 0.0
    assert in_series(SERIES, -60e3, n=0.0)["P_shaft"] == 0.0


@BOTH
@given(y=st.floats(0.4, 1.0), share=st.floats(0.5, 1.0), n=st.sampled_from([1.0, 2.0, 3.0]))
def test_in_series_affinity_laws(group: PumpGroup, y: float, share: float, n: float) -> None:
    """m ~ y, dp ~ y2, P ~ y3 with any number that runs: bypasses are quadratic as well."""
    full = in_series(group, share * n * 200e3, n=n)
    slow = in_series(group, share * n * 200e3 * y * y, n=n, y=y)
    assert slow["m_flow"] == pytest.approx(y * full["m_flow"], rel=1e-3)
    assert slow["P_shaft"] == pytest.approx(y**3 * full["P_shaft"], rel=1e-3)


@BOTH
@given(
    dp=st.floats(0.0, 9e5), more=st.floats(0.0, 3e5), y=st.floats(0.0, 1.0), faster=st.floats(0.0, 1.0),
    n=st.floats(0.0, 3.0), other=st.floats(0.0, 3.0),
)  # fmt: skip
def test_in_series_flow_falls_with_pressure_and_rises_with_speed_and_pumps(
    group: PumpGroup, dp: float, more: float, y: float, faster: float, n: float, other: float
) -> None:
    slow, fast = sorted((y, faster))
    few, many = sorted((n, other))
    m = in_series(group, dp, y=fast, n=few)["m_flow"]
    assert in_series(group, dp + more, y=fast, n=few)["m_flow"] <= m + 1e-9
    assert in_series(group, dp, y=slow, n=few)["m_flow"] <= m + 1e-6
    if m > 0.0:  # backwards, more running pumps in the way let less back, as the law's leakage
        assert in_series(group, dp, y=fast, n=many)["m_flow"] >= m - 1e-3


def test_one_pump_in_series_is_refused() -> None:
    with pytest.raises(ValidationError, match="pumps in series are two at least, found n_pumps = 1"):
        PumpGroup(**SIZES | {"n_pumps": 1, "arrangement": "series"})
