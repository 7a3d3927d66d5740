"""A hall's supply pipe: balances, transport delay, loss, standstill."""

from __future__ import annotations

import math
from typing import Any

import fluids
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import brentq

from plant_models.component import Component
from plant_models.components.pipe import Pipe
from plant_models.media import WATER
from plant_models.signals import Role
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances, numbers, run
from tests.strategies.component_settled import settled

SIZES: dict[str, Any] = {
    "m_flow_nominal": 255.0,
    "dp_nominal": 20e3,
    "volume": 19.0,
    "cells": 10,
    "UA": 100.0,
    "T_start": 305.15,
}
PIPE = Pipe(**SIZES)
points = component_points.points(PIPE)
ANSWERS = answers_and_derivatives(PIPE)


def point(pipe: Component = PIPE, dp: float = 20e3, **changes: float) -> dict[str, float]:
    return checks.start(pipe, inlet__p=1e5 + dp, outlet__p=1e5, **changes)


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(PIPE, v)
    assert energy < 1e-9
    assert mass < 1e-12


@given(points)
@settings(max_examples=50)
def test_symbols_and_numbers_agree_and_derivatives_are_finite(v: dict[str, float]) -> None:
    found = ANSWERS(v)
    assert np.all(np.isfinite(found))
    expected = numbers(PIPE, v)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dp", [0.0, 1e-9, -1e-9, -20e3])
def test_standstill_and_reversal_are_finite(dp: float) -> None:
    assert np.all(np.isfinite(ANSWERS(point(dp=dp))))


def test_nominal_drop() -> None:
    assert PIPE.equations(point()).outputs["m_flow"] == pytest.approx(255.0, rel=1e-6)
    assert PIPE.equations(point(dp=-20e3)).outputs["m_flow"] == pytest.approx(-255.0, rel=1e-6)


@pytest.mark.parametrize(("dp", "first", "last"), [(20e3, 1, 10), (-20e3, 10, 1)])
def test_what_leaves_has_the_temperature_of_the_last_cell_in_either_direction(dp: float, first: int, last: int) -> None:
    v = point(dp=dp, inlet__T=313.15, outlet__T=313.15) | {f"cell.{last:02d}.T": 300.15}
    answer = PIPE.equations(v)
    leaving = "outlet" if dp > 0 else "inlet"
    assert answer.flows[f"{leaving}.H_flow"] == pytest.approx(answer.flows[f"{leaving}.m_flow"] * WATER.h(300.15))
    assert answer.rates[f"cell.{first:02d}.T"] > 0.0


@pytest.mark.parametrize("cells", [5, 20])
def test_a_front_arrives_after_the_residence_time_smeared_by_its_share(cells: int) -> None:
    """Mean and spread of n equal tanks in series: tau and tau/sqrt(n) (Levenspiel, Chemical Reaction Engineering)."""
    pipe = Pipe(**SIZES | {"cells": cells, "UA": 0.0})
    residence = 19.0 * WATER.rho(305.15) / 255.0
    v = point(pipe, inlet__T=306.15, outlet__T=305.15)
    times = np.linspace(0.0, 4 * residence, 801)
    out = run(pipe, v, times[-1], t_eval=times).y[-1] - 305.15
    density = np.gradient(out, times)
    mean = np.trapezoid(density * times, times)
    spread = math.sqrt(np.trapezoid(density * (times - mean) ** 2, times))
    assert mean == pytest.approx(residence, rel=0.01)
    assert spread == pytest.approx(residence / math.sqrt(cells), rel=0.03)
    assert np.all(np.diff(out) >= -1e-6)
    assert out.max() <= 1.0 + 1e-3


def test_standing_water_cools_to_its_surroundings_and_no_further() -> None:
    pipe = Pipe(**SIZES | {"UA": 5000.0, "cells": 2})
    tau = pipe.cells * pipe._C_cell / 5000.0
    for share in (0.5, 1.0, 3.0):
        v = settled(pipe, point(pipe, dp=0.0), share * tau)
        assert v["cell.01.T"] - 293.15 == pytest.approx(12.0 * math.exp(-share), rel=1e-4)


def test_loss_of_a_flowing_pipe() -> None:
    pipe = Pipe(**SIZES | {"UA": 20e3, "cells": 100, "T_ambient": 283.15})
    v = settled(pipe, point(pipe, inlet__T=343.15))
    NTU = 20e3 / (255.0 * WATER.cp(340.0))
    assert v["cell.100.T"] - 283.15 == pytest.approx(60.0 * math.exp(-NTU), rel=1e-4)
    assert pipe.equations(v).outputs["Q_flow_ambient"] < 0.0


@pytest.mark.parametrize(
    "sizes", [{"cells": 0}, {"volume": -1.0}, {"dp_nominal": 0.0}, {"UA": -1.0}, {"medium": "oil"}]
)
def test_impossible_pipes_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"greater than|unknown medium"):
        Pipe(**SIZES | sizes)


# --- by its sizes -----------------------------------------------------------------------------------------------------

SIZED: dict[str, Any] = {
    "m_flow_nominal": 66.0, "diameter": 0.21, "length": 30.0, "K": 4.4, "volume": 1.04, "cells": 3, "T_start": 305.15,
}  # fmt: skip


def test_a_pipe_by_its_sizes_drops_what_fluids_says() -> None:
    """Darcy-Weisbach with Clamond's solution of Colebrook; Churchill is within 3 % of it."""
    sized, T = Pipe(**SIZED), 305.15
    v = 66.0 / (float(WATER.rho(T)) * math.pi / 4.0 * 0.21**2)
    factor = fluids.friction_factor(float(WATER.rho(T)) * v * 0.21 / float(WATER.mu(T)), eD=4.5e-5 / 0.21)
    drop = (factor * 30.0 / 0.21 + 4.4) * float(WATER.rho(T)) * v * v / 2.0
    assert sized.friction_nominal == pytest.approx(drop, rel=0.01)
    assert sized.flow(sized.friction_nominal, T) == pytest.approx(66.0, rel=1e-9)
    assert sized.flow(-sized.friction_nominal, T) == pytest.approx(-66.0, rel=1e-9)


@pytest.mark.parametrize("transport", ["cells", "plug_flow"])
def test_a_pipe_by_its_sizes_holds_what_its_bore_does(transport: str) -> None:
    """pi/4 d² L, unless fittings are said to hold some more."""
    bare = Pipe(**SIZED | {"transport": transport, "volume": None})
    assert bare.content == pytest.approx(math.pi / 4.0 * 0.21**2 * 30.0, rel=1e-12)
    held = Pipe(**SIZED | {"transport": transport, "volume": 1.1 * bare.content})
    assert held.content == 1.1 * bare.content
    if transport == "cells":
        stored = sum(s.energy for s in bare.signals() if s.role is Role.STATE)
        T = 305.15
        assert stored == pytest.approx(bare.content * float(WATER.rho(T) * WATER.cp(T)), rel=1e-12)


def test_cold_glycol_flows_less_than_warm() -> None:
    brine = Pipe(**SIZED | {"medium": "pg30", "diameter": 0.03, "m_flow_nominal": 0.5, "volume": None})
    assert brine.flow(2e3, 273.15) < 0.9 * brine.flow(2e3, 323.15)


@given(st.floats(-2e5, 2e5), st.floats(0.0, 1e5), st.floats(275.0, 370.0), st.floats(-30.0, 30.0))
def test_more_pressure_always_moves_more(dp: float, more: float, T: float, rise: float) -> None:
    for sizes in (SIZED, SIZES):
        pipe = Pipe(**sizes | {"rise": rise})
        assert pipe.flow(dp + more, T) >= pipe.flow(dp, T) - 1e-12


def test_water_stands_in_a_column_of_its_weight() -> None:
    for sizes in (SIZED, SIZES):
        pipe = Pipe(**sizes | {"rise": 20.0})
        assert pipe.flow(float(WATER.rho(305.15)) * 9.80665 * 20.0, 305.15) == pytest.approx(0.0, abs=1e-9)


def test_a_warm_riser_beside_a_cold_one_draws() -> None:
    """Two columns of 20 m, 60 and 20 degC: the difference of their weights, some 3 kPa, circulates the water."""
    warm, cold = Pipe(**SIZED | {"rise": 20.0}), Pipe(**SIZED | {"rise": -20.0})
    push = float(WATER.rho(293.15) - WATER.rho(333.15)) * 9.80665 * 20.0
    dp = brentq(lambda p: warm.flow(p, 333.15) - cold.flow(-p, 293.15), 1.9e5, 2.0e5)
    m_flow = warm.flow(dp, 333.15)
    friction = m_flow**2 / 66.0**2 * (warm.friction_nominal + cold.friction_nominal)
    assert 2.9e3 < push < 3.1e3
    assert friction == pytest.approx(push, rel=0.1)


@pytest.mark.parametrize("transport", ["cells", "plug_flow"])
@pytest.mark.parametrize("dp", [0.0, 1e-9, -1e-9, 3e4, -3e4])
def test_a_pipe_by_its_sizes_is_finite_at_standstill(transport: str, dp: float) -> None:
    pipe = Pipe(**SIZED | {"transport": transport, "rise": 6.0})
    assert np.all(np.isfinite(answers_and_derivatives(pipe)(point(pipe, dp=dp))))


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"length": None}, "diameter and length belong together"),
        ({"dp_nominal": 2e4}, "found both"),
        ({"diameter": None, "length": None}, "found neither"),
        ({"roughness": 0.02}, "more than 5 % of the diameter"),
        ({"volume": 100.0}, r"volume = 100 m\^3 contradicts .* whose bore holds 1\.04 m\^3"),
        ({"volume": 0.8}, r"volume = 0\.8 m\^3 contradicts"),
        ({"diameter": None, "length": None, "K": 0.0, "dp_nominal": 2e4, "volume": None}, "state the volume"),
        ({"rise": 31.0}, "a pipe of 30 m cannot rise by 31 m"),
        ({"diameter": None, "length": None, "dp_nominal": 2e4}, "K counts with a diameter"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Pipe(**SIZED | sizes)
