"""Each rule of the sequences at its thresholds, with its memory; and that nothing measured leads them astray."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.chip_reserve import lowest_speed
from controllers.envelope import lowest_dry_temperature
from controllers.interface import Decision
from controllers.plant_view import PlantView
from controllers.sequences import (
    APPROACH_CDU,
    APPROACH_DRY,
    APPROACH_WET,
    DP_RESPOND,
    DP_TRIM,
    LEAST_TIME,
    PUMP_LOWEST,
    SINK_MARGIN,
    Sequences,
)
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import P_AIR, T_DRY, T_WET, Role
from plant_models.site import load_site
from tests.strategies.calm_plant import calm, plant_of

NOW = 1.7e9
STEP = Sequences.interval


class Shift:
    """Sequences over several decisions: ``decide`` moves the clock on by one interval."""

    def __init__(self, site: str | Plant) -> None:
        self.plant: Plant = plant_of(site) if isinstance(site, str) else site
        self.view = PlantView(self.plant)
        self.sequences = Sequences(self.plant)
        self.seen = calm(self.plant)
        self.now = NOW

    def decide(self, changes: Mapping[str, float] | None = None) -> Decision:
        self.seen |= changes or {}
        self.now += STEP
        return self.sequences.step(self.now, self.seen, None)

    def steps(self, seconds: float) -> int:
        """Decisions until ``seconds`` have passed."""
        return math.ceil(seconds / STEP)


@pytest.fixture
def bench() -> Shift:
    return Shift("bench_loop")


@pytest.fixture
def rovaltain() -> Shift:
    return Shift("rovaltain")


@pytest.fixture
def frontier() -> Shift:
    return Shift("frontier")


@pytest.mark.parametrize("site", ["bench_loop", "rovaltain", "frontier"])
def test_a_calm_plant_gets_good_setpoints_for_all_its_inputs(site: str) -> None:
    decision = Shift(site).decide()
    assert (decision.status, decision.source, decision.message) == ("ok", "sequences", "")
    assert decision.setpoints.keys() == plant_of(site).setpoints().keys()


# --- leaving water and CDUs ------------------------------------------------------------------------------------------


def test_leaving_water_floats_an_approach_above_dry_bulb_between_its_bounds(bench: Shift) -> None:
    cooler = bench.view.dry_coolers["dry_cooler"]
    for T_dry, expected in (
        (290.0, 290.0 + APPROACH_DRY),
        (308.0, cooler.T_leaving_design),
        (263.15, cooler.T_leaving_lowest),
    ):
        decision = bench.decide({T_DRY.name: T_dry, T_WET.name: T_dry - 8.0 if T_dry > 280 else T_dry - 1.0})
        assert decision.setpoints["dry_cooler.T_leaving_set"] == pytest.approx(expected)


def test_leaving_water_of_towers_follows_the_wet_bulb(frontier: Shift) -> None:
    decision = frontier.decide({T_DRY.name: 305.0, T_WET.name: 291.0})
    name, tower = next(iter(frontier.view.towers.items()))
    assert tower.T_leaving_lowest < 291.0 + APPROACH_WET < tower.T_leaving_design
    assert decision.setpoints[f"{name}.T_leaving_set"] == pytest.approx(291.0 + APPROACH_WET)


def test_in_muggy_weather_the_water_stays_above_the_dew_point(bench: Shift) -> None:
    muggy = {T_DRY.name: 308.15, T_WET.name: 307.65, P_AIR.name: 1e5}
    decision = bench.decide(muggy)
    dry = lowest_dry_temperature(muggy)
    design = bench.view.cdus["cdu"].T_supply_design
    assert dry > design - 1.0
    assert decision.setpoints["cdu.T_supply_set"] >= dry
    assert decision.setpoints["dry_cooler.T_leaving_set"] >= dry - APPROACH_CDU


def test_supply_setpoint_is_an_approach_above_the_facility_water_and_at_most_design(bench: Shift) -> None:
    cdu = bench.view.cdus["cdu"]
    assert bench.decide({"fws.supply.T": 300.0}).setpoints["cdu.T_supply_set"] == pytest.approx(300.0 + APPROACH_CDU)
    assert bench.decide({"fws.supply.T": 330.0}).setpoints["cdu.T_supply_set"] == pytest.approx(cdu.T_supply_design)


def test_secondary_pump_follows_the_load_but_could_take_full_load(bench: Shift) -> None:
    cdu = bench.view.cdus["cdu"]
    at_rest = bench.decide({"cdu.P_it_total": 0.0}).setpoints["cdu.y_pump"]
    assert at_rest == pytest.approx(max(PUMP_LOWEST, lowest_speed(cdu, 304.65)))
    busy = bench.decide({"cdu.P_it_total": 0.97 * cdu.P_it_nominal}).setpoints["cdu.y_pump"]
    assert busy == pytest.approx(0.97)
    warm = bench.decide({"cdu.P_it_total": 0.0, "cdu.T_supply": 318.0}).setpoints["cdu.y_pump"]
    assert warm == pytest.approx(max(PUMP_LOWEST, lowest_speed(cdu, 318.0))), "what is measured counts, not the aim"
    assert bench.decide({"cdu.P_it_total": 2 * cdu.P_it_nominal}).setpoints["cdu.y_pump"] == 1.0


# --- spray -----------------------------------------------------------------------------------------------------------


def hot(shift: Shift, fans: float = 1.0, excess: float = 5.0) -> dict[str, float]:
    """Fans at ``fans``, the water ``excess`` kelvin above its design temperature."""
    seen = {f"{name}.y_fan": fans for name in shift.view.dry_coolers}
    return seen | {f"{name}.T": c.T_leaving_design + excess for name, c in shift.view.dry_coolers.items()}


def spraying(decision: Decision) -> int:
    return round(sum(value for name, value in decision.setpoints.items() if name.endswith(".spray")))


def test_spray_comes_bank_by_bank_each_after_its_least_time(rovaltain: Shift) -> None:
    counts = [spraying(rovaltain.decide(hot(rovaltain))) for _ in range(20)]
    banks, least = len(rovaltain.view.dry_coolers), rovaltain.steps(LEAST_TIME["spray"])
    assert counts[0] == 1
    assert all(0 <= later - sooner <= 1 for sooner, later in pairwise(counts))
    assert all(counts[i] == counts[0] for i in range(least))
    assert counts[-1] == min(banks, 1 + (len(counts) - 1) // least)


def test_spray_needs_fans_at_full_speed_and_a_reason(rovaltain: Shift) -> None:
    assert spraying(rovaltain.decide(hot(rovaltain, fans=0.96))) == 0
    assert spraying(rovaltain.decide(hot(rovaltain, excess=3.9))) == 0
    some = dict.fromkeys(list(hot(rovaltain))[:1], 0.9)
    assert spraying(rovaltain.decide(hot(rovaltain) | some)) == 0, "one cooler still has room"
    name, cdu = next(iter(rovaltain.view.cdus.items()))
    near = {f"{name}.T_gpu_max": cdu.rack.T_gpu_limit - 3.9}
    assert spraying(rovaltain.decide(hot(rovaltain, excess=0.0) | near)) == 1, "chips near their limit are a reason"


def test_spray_goes_when_the_dry_banks_have_room_and_not_before(rovaltain: Shift) -> None:
    while spraying(rovaltain.decide(hot(rovaltain))) < 3:
        pass
    for _ in range(3):
        rovaltain.decide(hot(rovaltain, fans=0.9, excess=-1.0))
    assert spraying(rovaltain.decide()) == 3, "between 0.85 and 0.97 of fan speed nothing moves"
    counts = [spraying(rovaltain.decide(hot(rovaltain, fans=0.5, excess=-1.0))) for _ in range(12)]
    least = rovaltain.steps(LEAST_TIME["spray"])
    assert counts == [max(2 - i // least, 0) for i in range(12)]


def test_the_only_bank_sprays_until_its_own_fans_have_much_room(bench: Shift) -> None:
    assert spraying(bench.decide(hot(bench))) == 1
    for _ in range(4):
        assert spraying(bench.decide(hot(bench, fans=0.65, excess=-2.0))) == 1
    assert spraying(bench.decide(hot(bench, fans=0.55, excess=-2.0))) == 0


# --- facility pumps --------------------------------------------------------------------------------------------------


def test_pressure_responds_to_the_most_open_valve_trims_slowly_and_stays_in_bounds(rovaltain: Shift) -> None:
    group = rovaltain.view.pumps["fws_pump"]
    names = [f"{name}.valve" for name in rovaltain.view.cdus]
    start = rovaltain.decide().setpoints["fws_pump.dp_set"]
    assert start == group.dp_design, "0.85 to 0.95 is the dead band"
    cold = {"fws.supply.T": 283.15}
    shut = dict.fromkeys(names, 0.5) | cold
    trimmed = rovaltain.decide(shut).setpoints["fws_pump.dp_set"]
    assert trimmed == start - DP_TRIM
    one_open = shut | {names[3]: 0.97}
    assert rovaltain.decide(one_open).setpoints["fws_pump.dp_set"] == trimmed + DP_RESPOND
    for _ in range(60):
        low = rovaltain.decide(shut).setpoints["fws_pump.dp_set"]
    for _ in range(60):
        high = rovaltain.decide(one_open).setpoints["fws_pump.dp_set"]
    assert (low, high) == (group.dp_lowest, group.dp_highest)


def test_pressure_is_kept_for_full_load_where_the_water_is_warm(rovaltain: Shift) -> None:
    """Jobs start faster than a reset follows: what nominal load needs at 32 °C is the design's pressure."""
    group = rovaltain.view.pumps["fws_pump"]
    shut = {f"{name}.valve": 0.5 for name in rovaltain.view.cdus}
    lowest = []
    for T in (288.15, 298.15, 305.15):
        for _ in range(60):
            low = rovaltain.decide(shut | {"fws.supply.T": T}).setpoints["fws_pump.dp_set"]
        lowest.append(low)
    assert group.dp_lowest == lowest[0] < lowest[1] < lowest[2] == group.dp_design


def test_pumps_stage_down_one_at_a_time_and_up_at_once(rovaltain: Shift) -> None:
    group = rovaltain.view.pumps["fws_pump"]
    least = rovaltain.steps(LEAST_TIME["pump"])
    little = {"fws_pump.m_flow": 2.2 * group.m_flow_nominal, "fws_pump.y": 0.6}
    counts = [rovaltain.decide(little).setpoints["fws_pump.n_on"] for _ in range(6 * least)]
    assert counts == [max(group.n_pumps - 1 - i // least, 3.0) for i in range(6 * least)], "3 pumps: 2.2 > 0.75 x 2"
    more = {"fws_pump.m_flow": 3.1 * group.m_flow_nominal}
    assert rovaltain.decide(more).setpoints["fws_pump.n_on"] == 4
    assert rovaltain.decide({"fws_pump.y": 0.96}).setpoints["fws_pump.n_on"] == 5, "speed is a reason as well"
    assert rovaltain.decide(little).setpoints["fws_pump.n_on"] == 5, "has just been switched on"


def test_pump_staging_does_not_hunt_at_any_flow() -> None:
    for share in (0.3, 0.76, 1.01, 1.9, 2.6, 3.3, 5.2, 6.9):
        shift = Shift("rovaltain")
        nominal = shift.view.pumps["fws_pump"].m_flow_nominal
        seen = {"fws_pump.m_flow": share * nominal, "fws_pump.y": 0.8}
        counts = [shift.decide(seen).setpoints["fws_pump.n_on"] for _ in range(60)]
        assert len(set(counts[-20:])) == 1, share
        assert sorted(counts, reverse=True) == counts
        assert counts[-1] >= share


SERIES = {
    "components.pump.arrangement": "series", "components.pump.n_pumps": 3, "components.pump.dp_nominal": "95 kPa",
    "components.pump.m_flow_nominal": "25 kg/s",
}  # fmt: skip


@pytest.mark.parametrize("speed", [0.31, 0.5, 0.6, 0.69, 0.7, 0.8, 0.9, 0.96])
def test_pumps_in_series_stage_by_speed_and_do_not_hunt(speed: float) -> None:
    """All speeds are those at which three pumps lift what is needed; with fewer they run faster by the root."""
    shift = Shift(Plant(load_site("bench_loop", SERIES)))
    on, counts = 3.0, []
    for _ in range(6 * shift.steps(LEAST_TIME["pump"])):
        now = min(speed * math.sqrt(3.0 / on), 1.0)
        on = shift.decide({"pump.m_flow": 20.0, "pump.y": now}).setpoints["pump.n_on"]
        counts.append(on)
    expected = next(n for n in (1.0, 2.0, 3.0) if n == 3.0 or speed * math.sqrt(3.0 / n) < 0.85)
    assert counts[-1] == expected
    assert sorted(counts, reverse=True) == counts


def test_pumps_in_series_hold_their_pressure_in_a_plant() -> None:
    plant = Plant(load_site("bench_loop", SERIES))
    simulator = Simulator(plant)
    for n_on in (3.0, 2.0, 3.0):
        simulator.set("pump.n_on", n_on)
        simulator.settle(3600.0)
        assert simulator.get("pump.dp") == pytest.approx(simulator.get("pump.dp_set"), rel=2e-3)
        assert 20.0 < simulator.get("pump.m_flow") < 26.0
    simulator.set("pump.n_on", 1.0)  # too few: full speed, less pressure
    simulator.settle(3600.0)
    assert simulator.get("pump.y") > 0.999
    assert simulator.get("pump.dp") < 0.9 * simulator.get("pump.dp_set")
    assert simulator.balance("energy").error < 1e-9


# --- heat pumps ------------------------------------------------------------------------------------------------------


def shares(decision: Decision) -> list[float]:
    return [value for name, value in decision.setpoints.items() if name.endswith(".y_set") and "heat_pump" in name]


def heat(shift: Shift, demand: float, charged: float = 0.6) -> dict[str, float]:
    """Demand as a share of all heat pumps' capacity, and the store's state."""
    capacity = sum(pump.Q_flow_sink_nominal for pump in shift.view.heat_pumps.values())
    return {"district.Q_demand": demand * capacity, "store.fraction_charged": charged,
            "buffer.fraction_charged": charged}  # fmt: skip


def test_the_fewest_machines_that_can_share_the_demand(rovaltain: Shift) -> None:
    assert shares(rovaltain.decide(heat(rovaltain, 0.4))) == pytest.approx([0.8, 0.0])
    rovaltain.now += LEAST_TIME["heat_pump"]
    assert shares(rovaltain.decide(heat(rovaltain, 0.9))) == pytest.approx([0.9, 0.9])


def test_a_second_machine_waits_until_its_minimum_load_is_wanted(rovaltain: Shift) -> None:
    pump = rovaltain.view.heat_pumps["heat_pump.1"]
    rovaltain.decide(heat(rovaltain, 0.4))
    rovaltain.now += LEAST_TIME["heat_pump"]
    just_more = 0.5 * (1.0 + 0.9 * pump.y_min)
    assert shares(rovaltain.decide(heat(rovaltain, just_more))) == pytest.approx([1.0, 0.0])
    enough = 0.5 * (1.0 + 1.1 * pump.y_min)
    assert shares(rovaltain.decide(heat(rovaltain, enough))) == pytest.approx([enough, enough])


def test_a_machine_rests_and_runs_for_its_least_time(bench: Shift) -> None:
    least = bench.steps(LEAST_TIME["heat_pump"])
    pump = bench.view.heat_pumps["heat_pump"]
    assert shares(bench.decide(heat(bench, 0.5))) == pytest.approx([0.5])
    runs = [shares(bench.decide(heat(bench, 0.0, charged=1.0)))[0] for _ in range(least + 2)]
    assert runs == pytest.approx([pump.y_min] * (least - 1) + [0.0] * 3), "at minimum load while it may not stop"
    rests = [shares(bench.decide(heat(bench, 0.8, charged=0.3)))[0] for _ in range(least)]
    assert rests[: least - 3] == [0.0] * (least - 3)
    assert rests[-1] == pytest.approx(1.0)


def test_store_bands_full_stops_and_half_empty_starts(bench: Shift) -> None:
    bench.decide(heat(bench, 0.4, 0.5))
    bench.now += LEAST_TIME["heat_pump"]
    assert shares(bench.decide(heat(bench, 0.9, 0.96))) == [0.0], "full: even with demand, the store gives it"
    bench.now += LEAST_TIME["heat_pump"]
    assert shares(bench.decide(heat(bench, 0.9, 0.7))) == [0.0], "and goes on giving down to the middle"
    bench.now += LEAST_TIME["heat_pump"]
    assert shares(bench.decide(heat(bench, 0.9, 0.59)))[0] > 0.9
    bench.now += LEAST_TIME["heat_pump"]
    assert shares(bench.decide(heat(bench, 0.9, 0.94)))[0] > 0.5, "charging goes on up to full"


def test_an_empty_store_asks_for_more_than_the_demand(bench: Shift) -> None:
    middle = shares(bench.decide(heat(bench, 0.4, 0.6)))[0]
    empty = shares(bench.decide(heat(bench, 0.4, 0.0)))[0]
    assert middle == pytest.approx(0.4)
    assert empty == pytest.approx(0.4 + 0.8 * 0.6)


def test_no_demand_and_a_half_full_store_is_a_stop(bench: Shift) -> None:
    assert shares(bench.decide(heat(bench, 0.0, 0.6))) == [0.0]


def test_condenser_temperature_follows_the_network_within_the_machines_range(bench: Shift) -> None:
    pump = bench.view.heat_pumps["heat_pump"]
    for asked, given_ in ((340.0, 340.0 + SINK_MARGIN), (300.0, pump.T_sink_set_min), (390.0, pump.T_sink_set_max)):
        decision = bench.decide({"district.T_supply_required": asked})
        assert decision.setpoints["heat_pump.T_sink_set"] == pytest.approx(given_)


# --- what is not measured --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, None])
@pytest.mark.parametrize(
    ("signal", "depends"),
    [
        (T_DRY.name, ["dry_cooler.T_leaving_set", "cdu.T_supply_set", "cdu.y_pump"]),
        ("fws.supply.T", ["cdu.T_supply_set", "cdu.y_pump"]),
        ("cdu.valve", ["pump.dp_set", "pump.n_on"]),
        ("pump.m_flow", ["pump.dp_set", "pump.n_on"]),
        ("dry_cooler.y_fan", ["dry_cooler.spray"]),
        ("cdu.T_gpu_max", ["dry_cooler.spray"]),
        ("district.Q_demand", ["heat_pump.y_set", "heat_pump.T_sink_set"]),
        ("buffer.fraction_charged", ["heat_pump.y_set", "heat_pump.T_sink_set"]),
    ],
)
def test_a_missing_measurement_is_said_and_leaves_commissioned_setpoints(
    bench: Shift, signal: str, depends: list[str], bad: float | None
) -> None:
    before = bench.decide(hot(bench) | {"cdu.valve": 0.99, "cdu.P_it_total": 0.0})
    commissioned = bench.plant.setpoints()
    seen = dict(bench.seen)
    if bad is None:
        del seen[signal]
    else:
        seen[signal] = bad
    decision = bench.sequences.step(bench.now, seen, None)
    assert decision.status == "bad_measurement"
    assert signal in decision.message
    assert {name: decision.setpoints[name] for name in depends} == {name: commissioned[name] for name in depends}
    others = [name for name in commissioned if name not in depends and "dp_set" not in name]
    assert {n: decision.setpoints[n] for n in others} == {n: before.setpoints[n] for n in others}


def test_one_silent_cdu_costs_only_its_own_setpoints(rovaltain: Shift) -> None:
    whole = rovaltain.decide({f"{name}.valve": 0.5 for name in rovaltain.view.cdus})
    silent = {name: math.nan for name in rovaltain.seen if name.startswith("cdu.07.")}
    decision = rovaltain.decide(silent)
    commissioned = rovaltain.plant.setpoints()
    changed = {n for n, value in decision.setpoints.items() if value != whole.setpoints[n]}
    assert changed == {"cdu.07.T_supply_set", "cdu.07.y_pump"}, "and the pressure is not trimmed behind its back"
    assert all(decision.setpoints[name] == commissioned[name] for name in changed)
    assert decision.status == "bad_measurement"
    assert "cdu.07." in decision.message
    assert len(decision.message) < 200
    warned = rovaltain.decide({"cdu.08.valve": 0.97})
    assert warned.setpoints["fws_pump.dp_set"] > decision.setpoints["fws_pump.dp_set"]


def test_nothing_measured_is_the_plant_as_commissioned(rovaltain: Shift) -> None:
    decision = rovaltain.sequences.step(NOW, {}, None)
    assert decision.setpoints == rovaltain.plant.setpoints()
    assert decision.status == "bad_measurement"


# --- state -----------------------------------------------------------------------------------------------------------


def test_a_snapshot_continues_exactly_and_travels_as_json() -> None:
    first, second = Shift("rovaltain"), Shift("rovaltain")
    for _ in range(5):
        first.decide(hot(first) | heat(first, 0.9, 0.2) | {"fws_pump.y": 0.6, "fws_pump.m_flow": 100.0})
    snapshot = first.sequences.snapshot()
    text = json.dumps(snapshot, allow_nan=False)
    second.sequences.restore(json.loads(text))
    second.seen, second.now = dict(first.seen), first.now
    for change in ({"fws_pump.m_flow": 50.0}, heat(first, 0.1, 0.97), hot(first, 0.4, -3.0), {}):
        for _ in range(6):
            assert first.decide(change) == second.decide(change)
    assert json.dumps(snapshot) == text, "a snapshot is not changed by what follows"
    assert first.sequences.snapshot() == second.sequences.snapshot() != snapshot


def test_restoring_twice_from_one_snapshot_is_the_same_twice(bench: Shift) -> None:
    snapshot = bench.sequences.snapshot()
    runs = []
    for _ in range(2):
        bench.sequences.restore(snapshot)
        bench.now = NOW
        runs.append([bench.decide({"cdu.valve": 0.2}).setpoints["pump.dp_set"] for _ in range(4)])
    assert runs[0] == runs[1]


def test_a_clock_set_back_does_not_stop_switching(bench: Shift) -> None:
    bench.decide(hot(bench))
    bench.now -= 86400.0
    assert spraying(bench.decide(hot(bench, fans=0.3, excess=-3.0))) == 0


# --- whatever is measured --------------------------------------------------------------------------------------------

ANY = st.floats(allow_nan=True, allow_infinity=True)
LIKELY = st.floats(-50.0, 400.0)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), site=st.sampled_from(["bench_loop", "frontier"]))
def test_no_measurement_leads_a_setpoint_out_of_its_bounds(data: st.DataObject, site: str) -> None:
    shift = Shift(site)
    names = sorted(shift.seen)
    for _ in range(4):
        chosen = data.draw(st.lists(st.sampled_from(names), unique=True, max_size=12))
        values = {name: data.draw(st.one_of(ANY, LIKELY)) for name in chosen}
        decision = shift.decide(values)
        for signal in shift.plant.vocabulary.role(Role.INPUT):
            assert signal.lower <= decision.setpoints[signal.name] <= signal.upper, signal.name
        json.dumps(shift.sequences.snapshot(), allow_nan=False)


def test_colder_water_takes_more_of_a_machine(rovaltain: Shift) -> None:
    """Nominal heat needs 1/capacity of the machines' full speed from water 10 K colder than nominal."""
    pump = rovaltain.view.heat_pumps["heat_pump.1"]
    returns = {f"{rovaltain.view.return_}.T": pump.T_source_in_nominal - 10.0}
    capacity = float(pump.capacity(pump.T_source_out_nominal - 10.0))
    assert shares(rovaltain.decide(returns | heat(rovaltain, 0.6))) == pytest.approx([0.6 / capacity] * 2)
