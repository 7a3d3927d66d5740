"""What the stores hold more at the end than at the start, and what it is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plant_models.signals import PRICE_ELECTRICITY, Account
from tests.strategies.run_results import make_run
from twin.kpi import MWH, key_figures, recovery_cop
from twin.ledger import Ledger
from twin.results import RunResult
from twin.scenario import Scenario
from twin.simulation import simulate


@pytest.fixture(scope="module")
def run() -> RunResult:
    return simulate(Scenario(site="bench_loop", days=0.08, controller="sequences"))


def with_info(run: RunResult, **changes: object) -> RunResult:
    return replace(run, info=run.info.model_copy(update=changes))


def test_stored_heat_counts_at_the_price_of_making_it(run: RunResult) -> None:
    figures = key_figures(run)
    stored = run.info.stored_heat["buffer.Q_stored"]
    assert stored != 0.0
    assert figures["stored_heat_change_MWh"] == pytest.approx(stored / MWH)
    made = run.info.integrals["district.Q_flow_delivered"] + stored
    drawn = sum(
        run.info.integrals[s.name] for s in run.vocabulary.values() if s.account is Account.ELECTRICITY_RECOVERY
    )
    seconds = run.trajectories["time"].diff().dt.total_seconds().fillna(300.0).to_numpy()
    price = float(run.trajectories[PRICE_ELECTRICITY.name].to_numpy(float) @ seconds / seconds.sum())
    assert figures["net_cost_EUR"] is not None
    worth = figures["net_cost_EUR"] - (figures["net_cost_with_store_EUR"] or 0.0)
    assert run.info.tariffs.heat_pump_operation == pytest.approx(2.7 / MWH)
    assert worth == pytest.approx(stored * (price * drawn / made + 2.7 / MWH), rel=1e-4)


def test_who_empties_the_store_gains_nothing(run: RunResult) -> None:
    emptied = with_info(run, stored_heat={"buffer.Q_stored": -0.1 * MWH})
    figures = key_figures(emptied)
    assert figures["net_cost_with_store_EUR"] > figures["net_cost_EUR"]  # type: ignore[operator]
    filled = recovery_cop(Ledger(with_info(run, stored_heat={"buffer.Q_stored": 0.1 * MWH})))
    drained = recovery_cop(Ledger(emptied))
    assert drained is not None
    assert filled is not None
    assert drained < filled, "heat out of the store does not pass for a better machine"


def test_without_a_figure_of_the_simulation_the_recorded_values_count(run: RunResult) -> None:
    column = run.trajectories["buffer.Q_stored"].to_numpy(float)
    figures = key_figures(with_info(run, stored_heat={}))
    assert figures["stored_heat_change_MWh"] == pytest.approx((column[-1] - column[0]) / MWH)


def test_where_no_heat_was_made_what_left_the_store_has_no_price(run: RunResult) -> None:
    cold = with_info(run, stored_heat={"buffer.Q_stored": -1e6 * MWH})
    assert key_figures(cold)["net_cost_with_store_EUR"] is None


def test_a_plant_without_a_store_costs_what_it_costs() -> None:
    figures = key_figures(make_run(days=0.5, district=False, store=False, cdus=7))
    assert figures["stored_heat_change_MWh"] == 0.0
    assert figures["net_cost_with_store_EUR"] == figures["net_cost_EUR"]
