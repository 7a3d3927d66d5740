"""Substation: balances, its loop, the exact exchanger, what the consumer lacks."""

from __future__ import annotations

import ht
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.bench import Bench
from plant_models.components.substation import Substation
from plant_models.media import WATER
from tests.strategies.component_checks import assert_symbols_agree, random_points
from tests.strategies.component_points import imbalances, points

C = 273.15
SUBSTATION = Substation(Q_flow_nominal=1e6)
DEMANDS = {"Q_demand": st.one_of(st.just(0.0), st.floats(0.0, 2e6)), "integral": st.floats(-0.5, 1.5)}
HOURS = np.linspace(0.0, 4 * 3600.0, 49)


@given(v=points(SUBSTATION, DEMANDS))
def test_balances_close_everywhere(v: dict[str, float]) -> None:
    energy, mass = imbalances(SUBSTATION, v)
    assert energy < 1e-9
    assert mass == 0.0


def test_numbers_and_symbols_agree_with_finite_derivatives() -> None:
    still = {"supply.p": 0.0, "return.p": 0.0, "Q_demand": 0.0, "supply.T": 313.15, "return.T": 313.15}
    some = list(random_points(SUBSTATION, 50))
    assert_symbols_agree(
        SUBSTATION, iter([*some, some[0] | still, some[1] | {"T_supply_required": some[1]["T_return"]}])
    )


def test_its_surface_is_that_of_the_mean_difference() -> None:
    """10 K at the hot end, 5 K at the cold end: 7.213 K (Incropera, eq. 11.15); 1 MW takes 138.6 kW/K."""
    assert pytest.approx(1e6 / 7.2135, rel=1e-4) == SUBSTATION.UA_nominal


@pytest.mark.parametrize("load", [0.2, 0.5, 0.9])
def test_it_holds_what_the_consumer_asks_for(load: float) -> None:
    table = Bench(SUBSTATION).run(HOURS, {"supply.p": 8e4, "supply.T": 82 + C, "Q_demand": load * 1e6})
    assert table["T_secondary"][-1] == pytest.approx(70 + C, abs=0.1)
    assert table["Q_flow_delivered"][-1] == pytest.approx(load * 1e6, rel=5e-3)
    assert abs(table["Q_flow_unmet"][-1]) < 1e-4 * load * 1e6  # not 0.12 %, with what it asks for


def test_it_is_the_exact_counter_flow_exchanger() -> None:
    """Steady state against the effectiveness-NTU relation of the library ht, at the model's own UA and flows."""
    table = Bench(SUBSTATION).run(HOURS, {"supply.p": 8e4, "supply.T": 82 + C, "Q_demand": 0.6e6})
    now = {name: column[-1] for name, column in table.items()}
    m_1, m_2 = now["m_flow"], now["m_flow_secondary"]
    film = [(r**-0.8) for r in (m_1 / SUBSTATION.m_flow_nominal, m_2 / SUBSTATION.m_flow_secondary_nominal)]
    UA = SUBSTATION.UA_nominal / (0.5 * film[0] + 0.5 * film[1])
    C_1, C_2 = m_1 * float(WATER.cp(82 + C)), m_2 * float(WATER.cp(40 + C))
    C_min, C_max = min(C_1, C_2), max(C_1, C_2)
    eps = ht.effectiveness_from_NTU(UA / C_min, C_min / C_max, subtype="counterflow")
    assert now["Q_flow_delivered"] == pytest.approx(eps * C_min * 42.0, rel=2e-3)


def test_with_too_cold_a_network_the_consumer_lacks_heat() -> None:
    table = Bench(SUBSTATION).run(HOURS, {"supply.p": 8e4, "supply.T": 60 + C, "Q_demand": 0.8e6})
    assert table["valve"][-1] > 0.99
    assert table["T_secondary"][-1] < 60 + C
    assert table["Q_flow_unmet"][-1] == pytest.approx(0.8e6 - table["Q_flow_delivered"][-1])
    assert table["Q_flow_unmet"][-1] > 0.2e6


def test_without_demand_the_valve_closes() -> None:
    table = Bench(SUBSTATION).run(HOURS, {"supply.p": 8e4, "supply.T": 82 + C, "Q_demand": 0.0})
    assert table["valve"][-1] < 0.01
    assert table["m_flow"][-1] < 0.03 * SUBSTATION.m_flow_nominal
    assert table["T_secondary"][-1] < 82 + C + 0.01


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"T_secondary_out_nominal": 81 + C}, "the temperatures of the nominal point cross"),
        ({"T_secondary_in_nominal": 68 + C}, "must be at least 5 K above T_secondary_in_nominal"),
    ],
)
def test_impossible_nominal_points(changes: dict[str, float], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Substation(Q_flow_nominal=1e6, **changes)
