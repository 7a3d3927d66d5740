"""Cold plate: the OCP table, Hausen's Nusselt number, and what another coolant changes."""

from __future__ import annotations

import ht
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.components import cold_plate
from plant_models.media import PG25, WATER, find_medium

OCP = [(0.4, 0.0389), (0.6, 0.0300), (1.0, 0.0245), (1.4, 0.0220), (2.0, 0.0204), (2.4, 0.0197)]
"""l/min of PG25 through a 1 kW module, K/W from case to inlet: Open Compute Project, cold plate table"""
T = 313.15
litres = st.floats(0.3, 3.0)
temperatures = st.floats(283.15, 333.15)


@pytest.mark.parametrize(("flow", "R"), OCP)
def test_the_table(flow: float, R: float) -> None:
    assert cold_plate.resistance(flow) == pytest.approx(R, abs=1.5e-4)


@given(st.floats(0.1, 1e3))
def test_nusselt_is_hausens(Gz: float) -> None:
    """`ht`, Hausen with Re Pr D/L = Gz."""
    theirs = ht.conv_internal.laminar_entry_thermal_Hausen(Re=Gz, Pr=1.0, L=1.0, Di=1.0)
    assert cold_plate.nusselt(Gz) == pytest.approx(theirs, rel=1e-3)


@given(litres, temperatures)
def test_water_is_better_by_no_more_than_its_conductivity(flow: float, at: float) -> None:
    water, glycol = (cold_plate.resistance(flow, fluid, at) for fluid in (WATER, PG25))
    assert glycol * PG25.k(at) / WATER.k(at) < water < glycol


@given(litres, temperatures)
def test_more_glycol_conducts_less(flow: float, at: float) -> None:
    words = ("pg10", "pg25", "pg40", "pg55")
    resistances = [cold_plate.resistance(flow, find_medium(word), at) for word in words]
    assert resistances == sorted(resistances)


@given(litres, litres, temperatures, st.sampled_from(["water", "pg25", "eg40"]))
def test_more_flow_never_conducts_less(one: float, other: float, at: float, word: str) -> None:
    low, high = (cold_plate.resistance(V, find_medium(word), at) for V in sorted((one, other)))
    assert high <= low * (1 + 1e-12)


@given(litres, temperatures, st.sampled_from(["water", "pg25", "eg40"]))
def test_no_less_than_warming_the_coolant_takes(flow: float, at: float, word: str) -> None:
    fluid = find_medium(word)
    carried = flow * 1e-3 / 60.0 * fluid.rho(at) * fluid.cp(at)
    assert cold_plate.resistance(flow, fluid, at) >= 1.0 / carried


def test_smoothing_at_standstill_is_below_a_thousandth_in_the_working_range() -> None:
    """Widths: V_SMALL 0.01 l/min in UA, C_SMALL in the capacity flow."""
    for flow, _ in OCP:
        V = flow * 1e-3 / 60.0
        assert (1.0 + (cold_plate.V_SMALL / V) ** 2) ** 0.5 - 1.0 < 1e-3
    assert cold_plate.C_SMALL < 1e-3
