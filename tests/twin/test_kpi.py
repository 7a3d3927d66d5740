import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.signals import MARKET, Account, Signal, Vocabulary, output, setpoint, state
from tests.strategies.run_results import make_run
from twin.definitions import DEFINITIONS
from twin.kpi import key_figures, peak, write_key_figures
from twin.results import (
    CO2_ELECTRICITY,
    COST_ELECTRICITY,
    Balance,
    OnOff,
    ResultsError,
    RunInfo,
    RunResult,
    Tariffs,
    Thermal,
    empty_plans,
)

ASKED = {
    "pue",
    "ere",
    "erf",
    "wue_l_per_kWh",
    "cue_kg_per_kWh",
    "electricity_MWh",
    "electricity_cost_EUR",
    "heat_delivered_MWh",
    "heat_demand_met",
    "heat_revenue_EUR",
    "net_cost_EUR",
    "water_m3",
    "spray_hours",
    "thermal_violation_Kh",
    "thermal_excess_max_K",
    "peak_power_MW",
    "starts_per_day",
    "actuator_travel",
    "controller_time_ratio_mean",
    "controller_time_ratio_p99",
    "controller_time_ratio_max",
    "controller_failures",
    "energy_balance_error",
    "mass_balance_error",
}

START = datetime(2025, 1, 6, tzinfo=UTC)


Values = dict[Signal, float | list[float]]


def one_day(signals: Values, decisions: pd.DataFrame | None = None, **info: object) -> RunResult:
    """A day of 24 hourly intervals; a list is repeated to fill them."""
    columns = {s.name: np.resize(np.asarray(values, dtype=float), 24) for s, values in signals.items()}
    time = pd.DatetimeIndex([START + timedelta(hours=h + 1) for h in range(24)])
    if decisions is None:
        decisions = pd.DataFrame({"time": time, "source": "x", "status": "ok", "message": "", "solve_s": 36.0})
    facts = {
        "scenario": {},
        "site": "made",
        "title": "Made",
        "start": START,
        "end": START + timedelta(days=1),
        "step_s": 30.0,
        "record_s": 3600.0,
        "controller": "x",
        "controller_interval_s": 3600.0,
    }
    return RunResult(
        RunInfo.model_validate(facts | info),
        pd.DataFrame({"time": time} | columns),
        decisions,
        empty_plans(),
        Vocabulary(signals),
    )


def flow(name: str, account: Account, unit: str = "W", boundary: str | None = None) -> Signal:
    return output(name, unit, name, account=account, boundary=boundary)


PRICES: Values = {MARKET[0]: 50 / 3.6e9, MARKET[1]: 0.04 / 3.6e6}
IT = flow("rack.P", Account.ELECTRICITY_IT, boundary="energy")
COOLING = flow("fan.P_el", Account.ELECTRICITY_COOLING)
RECOVERY = flow("hp.P_el", Account.ELECTRICITY_RECOVERY)


def test_every_figure_that_was_asked_for_is_there_and_defined_once() -> None:
    keys = [definition.key for definition in DEFINITIONS]
    assert len(set(keys)) == len(keys)
    assert set(keys) >= ASKED
    assert list(key_figures(make_run(days=0.2, halls=1, cdus=2))) == keys


def test_the_docs_define_every_figure_with_its_unit() -> None:
    text = (Path(__file__).parents[2] / "docs" / "kpi.md").read_text(encoding="utf-8")
    for definition in DEFINITIONS:
        assert f"`{definition.key}`" in text, f"docs/kpi.md does not define {definition.key}"
        assert definition.standard in text


def test_effectiveness_figures_against_figures_by_hand() -> None:
    # 10 MW IT, 1 MW cooling, 2 MW heat pump that takes 4 MW: PUE 11/10, ERF 4/11, ERE 7/10, CUE 0.04 * 1.1
    run = one_day(
        {
            **PRICES,
            IT: 10e6,
            COOLING: 1e6,
            RECOVERY: 2e6,
            flow("hp.Q", Account.HEAT_REUSED): 4e6,
            flow("net.Q", Account.HEAT_DELIVERED): 6e6,
            flow("net.Q_demand", Account.HEAT_DEMAND): 8e6,
        }
    )
    k = key_figures(run)
    assert k["pue"] == pytest.approx(1.1)
    assert k["erf"] == pytest.approx(4 / 11)
    assert k["ere"] == pytest.approx(0.7)
    assert k["cue_kg_per_kWh"] == pytest.approx(0.044)
    assert k["electricity_MWh"] == pytest.approx(13 * 24)
    assert k["heat_delivered_MWh"] == pytest.approx(6 * 24)
    assert k["heat_demand_met"] == pytest.approx(0.75)
    assert k["peak_power_MW"] == pytest.approx(13)


def test_money_against_figures_by_hand() -> None:
    run = one_day(
        {
            **PRICES,
            MARKET[0]: [0.0, 100 / 3.6e9],
            IT: [10e6, 20e6],
            flow("net.Q", Account.HEAT_DELIVERED): 5e6,
            flow("hp.Q_sink", Account.HEAT_PUMPED): 4e6,
            flow("t.m", Account.WATER_EVAPORATED, "kg/s"): 1.0,
        },
        tariffs=Tariffs(heat=30 / 3.6e9, water=4.0, co2=0.1, heat_pump_operation=2.5 / 3.6e9),
        on_off={"hp.y": OnOff(threshold=0.3, starts=3, start_cost=100.0)},
    )
    k = key_figures(run)
    assert k["electricity_cost_EUR"] == pytest.approx(12 * 20 * 100)
    assert k["heat_revenue_EUR"] == pytest.approx(5 * 24 * 30)
    assert k["water_cost_EUR"] == pytest.approx(86.4 * 4)
    assert k["co2_cost_EUR"] == pytest.approx(15 * 24 * 40 * 0.1)
    assert k["start_cost_EUR"] == pytest.approx(300)
    assert k["operation_cost_EUR"] == pytest.approx(4 * 24 * 2.5)
    besides = -3600 + 345.6 + 1440 + 300 + 240
    assert k["net_cost_EUR"] == pytest.approx(24000 + besides)
    assert k["net_cost_besides_it_EUR"] == pytest.approx(besides)
    assert k["net_cost_EUR_per_MWh_IT"] == pytest.approx((24000 + besides) / 360)


def test_a_boundary_flow_out_of_the_plant_counts_positive() -> None:
    run = one_day(
        {
            **PRICES,
            IT: 1e6,
            flow("dc.Q", Account.HEAT_REJECTED, boundary="energy"): -0.7e6,
            flow("t.m", Account.WATER_EVAPORATED, "kg/s", boundary="mass"): -0.5,
            flow("x.m", Account.WATER_LOOP, "kg/s", boundary="mass"): 0.25,
        }
    )
    k = key_figures(run)
    assert k["heat_rejected_MWh"] == pytest.approx(0.7 * 24)
    assert k["water_m3"] == pytest.approx(0.75 * 86.4)
    assert k["wue_l_per_kWh"] == pytest.approx(0.75 * 3.6)


def test_the_simulations_own_integrals_come_first() -> None:
    run = one_day({**PRICES, IT: 1e6}, integrals={IT.name: 2 * 3.6e9, COST_ELECTRICITY: 77.0, CO2_ELECTRICITY: 5000.0})
    k = key_figures(run)
    assert k["electricity_MWh"] == pytest.approx(2.0)
    assert k["electricity_cost_EUR"] == 77.0
    assert k["co2_t"] == 5.0


def test_spray_hours_count_hours_not_machines() -> None:
    a, b = (flow(f"dc.{i}.m", Account.WATER_EVAPORATED, "kg/s") for i in (1, 2))
    assert key_figures(one_day({**PRICES, IT: 1e6, a: [1, 0, 0, 0], b: [1, 1, 0, 1e-3]}))["spray_hours"] == 12


def test_thermal_limits_from_samples_and_from_every_step() -> None:
    a, b = (output(f"cdu.{i}.T", "K", "chip", upper=350.0, limit=True) for i in (1, 2))
    hot: Values = {**PRICES, IT: 1e6, a: [351, 349], b: [349, 349, 349, 353]}
    k = key_figures(one_day(hot))
    assert k["thermal_violation_Kh"] == pytest.approx(12 * 1 + 6 * 3)
    assert k["thermal_excess_max_K"] == 3
    assert k["thermal_violation_s"] == 18 * 3600
    k = key_figures(one_day(hot, thermal={"cdu.1.T": Thermal(violation_Ks=7200, excess_max_K=9, seconds=60)}))
    assert k["thermal_violation_Kh"] == pytest.approx(2 + 6 * 3)
    assert k["thermal_excess_max_K"] == 9


def test_starts_are_rising_edges() -> None:
    y, y_set = state("hp.y", "1", "load", start=0), setpoint("hp.y_set", "1", "load", default=0, lower=0, upper=1)
    signals: Values = {**PRICES, IT: 1e6, RECOVERY: 1e6, y: [0, 0.5, 0.6, 0.5, 0, 0.2], y_set: 0.5}
    assert key_figures(one_day(signals))["starts_per_day"] == 8, "two a cycle: 0 to 0.5 and 0 to 0.2; four cycles"
    above = key_figures(one_day(signals, on_off={"hp.y": OnOff(threshold=0.25)}))
    assert above["starts_per_day"] == 4


def test_travel_is_in_full_strokes_a_day_and_skips_unbounded_inputs() -> None:
    a = setpoint("a.y", "1", "", default=0, lower=0, upper=2)
    b = setpoint("b.T", "K", "", default=0, lower=0, upper=10)
    c = setpoint("c.T", "K", "", default=0, lower=0, upper=np.inf)
    run = one_day({**PRICES, IT: 1e6, a: [0, 1], b: 5.0, c: [0, 100]})
    assert key_figures(run)["actuator_travel"] == pytest.approx((23 * 0.5 + 0) / 2)


def test_controller_time_and_failures() -> None:
    time = pd.DatetimeIndex([START + timedelta(minutes=15 * i) for i in range(4)])
    decisions = pd.DataFrame(
        {
            "time": time,
            "source": "mpc",
            "status": ["ok", "ok", "late", "failed"],
            "message": "",
            "solve_s": [36.0, 36.0, 36.0, 360.0],
        }
    )
    k = key_figures(one_day({**PRICES, IT: 1e6}, decisions))
    assert k["controller_time_ratio_mean"] == pytest.approx(0.0325)
    assert k["controller_time_ratio_max"] == pytest.approx(0.1)
    assert 0.09 < k["controller_time_ratio_p99"] < 0.1
    assert k["controller_failures"] == 2
    assert key_figures(one_day({**PRICES, IT: 1e6}, decisions.iloc[:0]))["controller_time_ratio_max"] is None
    with pytest.raises(ResultsError, match="without its computing time"):
        key_figures(one_day({**PRICES, IT: 1e6}, decisions.assign(solve_s=np.nan)))


def test_a_plant_without_sink_water_or_load_has_no_invented_figures() -> None:
    k = key_figures(one_day({**PRICES, IT: 0.0}))
    assert [k[name] for name in ("pue", "erf", "wue_l_per_kWh", "heat_demand_met", "actuator_travel")] == [None] * 5
    assert k["energy_balance_error"] is None
    assert (k["water_m3"], k["heat_delivered_MWh"], k["starts_per_day"], k["thermal_violation_Kh"]) == (0, 0, 0, 0)


def test_balances_are_relative() -> None:
    k = key_figures(
        one_day(
            {**PRICES, IT: 1e6},
            balances={
                "energy": Balance(stored_change=1, in_=3e9, out=1e9, error=400.0),
                "mass": Balance(stored_change=0, in_=0, out=0, error=1e-3, content=1e6),
            },
        )
    )
    assert k["energy_balance_error"] == pytest.approx(1e-7)
    assert k["mass_balance_error"] == pytest.approx(1e-9)


def test_a_signal_that_was_not_recorded_is_named() -> None:
    run = one_day({**PRICES, IT: 1e6})
    run.trajectories = run.trajectories.drop(columns=IT.name)
    with pytest.raises(ResultsError, match=r"did not record rack\.P"):
        key_figures(run)


def test_another_vocabulary_accounts_differently() -> None:
    run = one_day({**PRICES, IT: 10e6, COOLING: 1e6})
    moved = Vocabulary([*MARKET, IT, flow(COOLING.name, Account.ELECTRICITY_RECOVERY)])
    assert key_figures(run)["pue"] == pytest.approx(1.1)
    assert key_figures(run, moved)["pue"] == pytest.approx(1.0)


@given(st.lists(st.floats(0, 1e8), min_size=3, max_size=40))
def test_peak_lies_between_mean_and_maximum(power: list[float]) -> None:
    edges, values = np.arange(len(power) + 1) * 300.0, np.asarray(power)
    found = peak(edges, values)
    assert found <= values.max() * (1 + 1e-9) + 1e-6
    whole = values[: len(values) // 3 * 3].reshape(-1, 3).mean(axis=1)
    assert found == pytest.approx(whole.max(), rel=1e-9, abs=1e-3)


def test_figures_are_written_as_json(tmp_path: Path) -> None:
    path = write_key_figures(tmp_path, {"pue": 1.05, "heat_demand_met": None})
    written = json.loads(path.read_text())
    assert written.pop("undefined") == {"heat_demand_met": "no heat demand in this run"}
    assert written == {"pue": 1.05, "heat_demand_met": None}
