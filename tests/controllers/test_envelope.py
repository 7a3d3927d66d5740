"""The last word on set-points: what it changes, what it refuses, how fast it lets things move."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.envelope import CHIP_MARGIN, DEW_POINT_MARGIN, Correction, Envelope, lowest_dry_temperature
from controllers.plant_view import PlantView
from plant_models.psychrometrics import wet_bulb
from plant_models.signals import P_AIR, T_DRY, T_WET
from tests.strategies.calm_plant import calm, plant_of

SEEN = calm(plant_of("bench_loop"))
GOOD = {"cdu.T_supply_set": 305.0, "cdu.y_pump": 0.7, "pump.dp_set": 8e4, "dry_cooler.T_leaving_set": 300.0}


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(PlantView(plant_of("bench_loop")))


def target(envelope: Envelope, name: str) -> float:
    return float(envelope.targets[envelope.names.index(name)])


def by_signal(corrections: Sequence[Correction]) -> dict[str, Correction]:
    return {correction.signal: correction for correction in corrections}


def test_it_starts_as_commissioned(envelope: Envelope) -> None:
    commissioned = plant_of("bench_loop").setpoints()
    assert dict(zip(envelope.names, envelope.values.tolist(), strict=True)) == commissioned
    assert np.array_equal(envelope.advance(1e6), list(commissioned.values()))


def test_good_setpoints_pass_unchanged(envelope: Envelope) -> None:
    assert envelope.check(GOOD, SEEN) == []
    assert {name: target(envelope, name) for name in GOOD} == GOOD


def test_bounds_are_kept_and_said(envelope: Envelope) -> None:
    found = by_signal(envelope.check(GOOD | {"pump.dp_set": 9e9, "dry_cooler.spray": -1.0}, SEEN))
    assert found.keys() == {"pump.dp_set", "dry_cooler.spray"}
    assert found["pump.dp_set"].given == target(envelope, "pump.dp_set") == 1.2e5
    assert str(found["pump.dp_set"]) == "pump.dp_set: asked 9e+09, given 120000 (outside 40000..120000)"
    assert target(envelope, "dry_cooler.spray") == 0.0


def test_an_unknown_signal_is_refused_and_said(envelope: Envelope) -> None:
    before = envelope.targets.copy()
    (correction,) = envelope.check({"cdu.T_suply_set": 305.0, "cdu.T_supply": 305.0} | GOOD, SEEN)[:1]
    assert correction.signal == "cdu.T_suply_set"
    assert correction.reason == "not an input of this plant"
    outputs = by_signal(envelope.check({"cdu.T_gpu_max": 300.0}, SEEN))
    assert outputs["cdu.T_gpu_max"].reason == "not an input of this plant"
    assert before.shape == envelope.targets.shape


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_the_last_target_kept(envelope: Envelope, bad: float) -> None:
    envelope.check(GOOD, SEEN)
    (correction,) = envelope.check({"pump.dp_set": bad}, SEEN)
    assert correction.given == target(envelope, "pump.dp_set") == GOOD["pump.dp_set"]
    assert "not a number" in str(correction)


def test_hot_chips_get_full_flow_and_cool_water(envelope: Envelope) -> None:
    cdu = PlantView(plant_of("bench_loop")).cdus["cdu"]
    warm = {"cdu.T_supply_set": cdu.T_supply_design + 5.0, "cdu.y_pump": 0.5}
    limit = cdu.rack.T_gpu_limit - CHIP_MARGIN
    assert envelope.check(warm, SEEN | {"cdu.T_gpu_max": limit - 0.1}) == []
    found = by_signal(envelope.check(warm, SEEN | {"cdu.T_gpu_max": limit + 0.1}))
    assert found.keys() == warm.keys()
    assert "chips of cdu at their limit" in str(found["cdu.y_pump"])
    assert target(envelope, "cdu.y_pump") == 1.0
    assert target(envelope, "cdu.T_supply_set") == cdu.T_supply_design
    cooler = {"cdu.T_supply_set": cdu.T_supply_design - 3.0, "cdu.y_pump": 1.0}
    assert envelope.check(cooler, SEEN | {"cdu.T_gpu_max": limit + 5.0}) == [], "what helps is let through"


@pytest.mark.parametrize("asked", [{}, {"cdu.y_pump": math.nan, "cdu.T_supply_set": math.nan}])
def test_chips_are_protected_when_the_controller_says_nothing_of_use(
    envelope: Envelope, asked: dict[str, float]
) -> None:
    envelope.check({"cdu.y_pump": 0.4}, SEEN)
    envelope.check(asked, SEEN | {"cdu.T_gpu_max": 400.0})
    assert target(envelope, "cdu.y_pump") == 1.0


@pytest.mark.parametrize("seen", [{"cdu.T_gpu_max": math.nan}, {}])
def test_chips_of_unknown_temperature_count_as_hot(envelope: Envelope, seen: dict[str, float]) -> None:
    found = by_signal(envelope.check({"cdu.y_pump": 0.4}, seen))
    assert "chips of cdu at an unknown temperature" in str(found["cdu.y_pump"])
    assert target(envelope, "cdu.y_pump") == 1.0


MUGGY = SEEN | {T_DRY.name: 303.15, T_WET.name: 301.15, P_AIR.name: 1e5}


def test_supply_stays_above_the_dew_point(envelope: Envelope) -> None:
    lowest = lowest_dry_temperature(MUGGY)
    (correction,) = envelope.check({"cdu.T_supply_set": lowest - 4.0}, MUGGY)
    assert correction.reason == "room dew point"
    assert target(envelope, "cdu.T_supply_set") == pytest.approx(lowest)
    assert envelope.check({"cdu.T_supply_set": lowest + 0.1}, MUGGY) == []


def test_chilled_water_of_the_air_handlers_stays_above_the_dew_point() -> None:
    plant = plant_of("rovaltain")
    warm = {T_DRY.name: 298.15, T_WET.name: float(wet_bulb(298.15, 0.6, 101325.0)), P_AIR.name: 101325.0}
    envelope, lowest = Envelope(PlantView(plant)), lowest_dry_temperature(warm)
    chillers = [name for name in envelope.names if name.endswith(".T_chw_set")]
    assert len(chillers) == 7
    assert plant.vocabulary[chillers[0]].lower < lowest < plant.vocabulary[chillers[0]].upper
    found = by_signal(envelope.check({chillers[0]: lowest - 3.0, chillers[1]: lowest + 0.1}, calm(plant) | warm))
    assert found[chillers[0]].reason == "room dew point"
    assert target(envelope, chillers[0]) == pytest.approx(lowest)
    assert chillers[1] not in found


def test_the_last_known_dew_point_holds_when_the_weather_station_is_silent(envelope: Envelope) -> None:
    lowest = lowest_dry_temperature(MUGGY)
    envelope.check({}, MUGGY)
    for bad in (math.nan, 1e9):
        envelope.check({"cdu.T_supply_set": 295.0}, SEEN | {T_DRY.name: bad, T_WET.name: bad})
        assert target(envelope, "cdu.T_supply_set") == pytest.approx(lowest)
    envelope.check({"cdu.T_supply_set": 295.0}, SEEN)
    assert target(envelope, "cdu.T_supply_set") == 295.0


@pytest.mark.parametrize(("T_dry", "humidity"), [(303.15, 0.6), (293.15, 0.4), (303.15, 1.0)])
def test_lowest_dry_temperature_is_the_dew_point_and_a_margin(T_dry: float, humidity: float) -> None:
    T_wet = float(wet_bulb(T_dry, humidity, 101325.0))
    # Magnus' formula (Sonntag 1990, 17.62 and 243.12 degC), good to 0.1 K here
    gamma = math.log(humidity) + 17.62 * (T_dry - 273.15) / (243.12 + T_dry - 273.15)
    dew = 273.15 + 243.12 * gamma / (17.62 - gamma)
    found = lowest_dry_temperature({T_DRY.name: T_dry, T_WET.name: T_wet})
    assert found == pytest.approx(dew + DEW_POINT_MARGIN, abs=0.15)


def test_setpoints_move_no_faster_than_the_equipment_allows(envelope: Envelope) -> None:
    signal = plant_of("bench_loop").vocabulary["pump.dp_set"]
    i = envelope.names.index("pump.dp_set")
    envelope.check({"pump.dp_set": signal.lower, "pump.n_on": 0.0}, SEEN)
    moved = envelope.advance(10.0).copy()
    assert moved[i] == pytest.approx(signal.default - 10.0 * signal.rate_max)
    assert moved[envelope.names.index("pump.n_on")] == 0.0, "what has no rate jumps"
    assert envelope.advance(1e4)[i] == signal.lower


@pytest.mark.parametrize("dt", [0.0, -5.0])
def test_no_time_or_a_clock_set_back_moves_nothing(envelope: Envelope, dt: float) -> None:
    before = envelope.values.copy()
    envelope.check({"pump.dp_set": 5e4, "pump.n_on": 0.0}, SEEN)
    assert np.array_equal(envelope.advance(dt), before)
    assert np.all(np.isfinite(envelope.advance(1.0)))


def test_tracking_starts_without_a_bump(envelope: Envelope) -> None:
    envelope.check(GOOD, SEEN)
    envelope.track({"pump.dp_set": 5e4, "cdu.y_pump": math.nan, "no.such": 1.0})
    i = envelope.names.index("pump.dp_set")
    assert envelope.advance(10.0)[i] == 5e4
    assert target(envelope, "cdu.y_pump") == GOOD["cdu.y_pump"]


def test_tracked_from_beyond_its_bounds_a_setpoint_comes_back_at_its_rate(envelope: Envelope) -> None:
    signal = plant_of("bench_loop").vocabulary["pump.dp_set"]
    i = envelope.names.index("pump.dp_set")
    envelope.track({"pump.dp_set": signal.upper + 1e4})
    assert envelope.advance(1.0)[i] == pytest.approx(signal.upper + 1e4 - signal.rate_max)
    assert envelope.advance(1e4)[i] == signal.upper


NAMES = sorted(plant_of("bench_loop").setpoints())
ANY = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=80, deadline=None)
@given(
    asked=st.dictionaries(st.sampled_from([*NAMES, "nonsense"]), ANY),
    measured=st.dictionaries(st.sampled_from(sorted(SEEN)), ANY),
    dt=st.floats(-1e6, 1e6),
)
def test_whatever_is_asked_and_measured_setpoints_are_possible(
    asked: dict[str, float], measured: dict[str, float], dt: float
) -> None:
    plant = plant_of("bench_loop")
    envelope = Envelope(PlantView(plant))
    envelope.check(asked, SEEN | measured)
    for name, value in zip(envelope.names, envelope.advance(dt), strict=True):
        signal = plant.vocabulary[name]
        assert signal.lower <= value <= signal.upper, name
