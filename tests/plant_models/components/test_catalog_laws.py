"""What every machine in the catalog owes, whatever it is: balances, finite and right derivatives, passive ports."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.component import FluidPort
from plant_models.components.catalog import CATALOG
from tests.strategies.catalog_machines import awkward_points, compiled, machines, points
from tests.strategies.component_points import imbalances

KINDS = sorted(machines())


def evaluate(kind: str, v: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """All answers of a machine and their derivatives by all variables, from CasADi."""
    names, _, function = compiled(kind)
    values, derivatives = function([v[name] for name in names])
    return np.array(values).ravel(), np.array(derivatives)


def test_every_kind_has_an_example() -> None:
    """A new machine is tested here once a shipped site or one in examples/sites has it."""
    assert set(machines()) >= set(CATALOG)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_energy_and_mass_balance_at_random_points(kind: str, data: st.DataObject) -> None:
    energy, mass = imbalances(machines()[kind], data.draw(points(machines()[kind])))
    assert energy < 1e-9
    assert mass < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_balances_finite_answers_and_derivatives_at_awkward_points(kind: str) -> None:
    for v in awkward_points(machines()[kind]):
        values, derivatives = evaluate(kind, v)
        _, answers, _ = compiled(kind)
        assert np.all(np.isfinite(values)), [a for a, x in zip(answers, values, strict=True) if not np.isfinite(x)]
        assert np.all(np.isfinite(derivatives)), v
        energy, mass = imbalances(machines()[kind], v)
        assert energy < 1e-9
        assert mass < 1e-12


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_derivatives_are_those_of_finite_differences(kind: str, data: st.DataObject) -> None:
    """By a step to either side; where these differ the equations bend, and the derivative lies between them or is 0."""
    v = data.draw(points(machines()[kind]))
    names, answers, _ = compiled(kind)
    values, derivatives = evaluate(kind, v)
    magnitudes = np.maximum(np.abs(np.array([v[name] for name in names])), 1e-3)
    round_off = 1e-13 * (np.max(np.abs(derivatives) * magnitudes, axis=1) + np.abs(values))
    heat = np.array(["Q_flow" in answer or "H_flow" in answer or "P_" in answer for answer in answers])
    round_off += np.where(heat, 4e-15 * np.max(np.abs(values)), 0.0)  # differences of large flows
    for j, name in enumerate(names):
        step = 1e-2 if name.endswith(".p") else 2e-6 if 240.0 < v[name] < 400.0 else 1e-6 * max(abs(v[name]), 1.0)
        above = (evaluate(kind, v | {name: v[name] + step})[0] - values) / step
        below = (values - evaluate(kind, v | {name: v[name] - step})[0]) / step
        nearer = (evaluate(kind, v | {name: v[name] + 0.5 * step})[0] - values) / (0.5 * step)
        slack = 3.0 * round_off / step + 2e-3 * np.maximum(np.abs(above), np.abs(below)) + np.where(heat, 1e-7, 1e-9)
        slack += 3.0 * np.abs(above - nearer)  # curvature
        bend = np.abs(above - below) > 2.0 * slack
        low = np.minimum(above, below) - slack
        high = np.maximum(above, below) + slack
        low, high = np.where(bend, np.minimum(low, 0.0), low), np.where(bend, np.maximum(high, 0.0), high)
        for i in np.flatnonzero((derivatives[:, j] < low) | (derivatives[:, j] > high)):
            pytest.fail(f"{answers[i]} by {name}: {derivatives[i, j]:.6g}, differences {below[i]:.6g}, {above[i]:.6g}")


@pytest.mark.parametrize("kind", ["air_handler", "cooling_tower", "dry_cooler"])
@pytest.mark.parametrize("T_in", [290.0, 310.0, 340.0])
def test_derivatives_at_standstill_are_the_mean_of_both_sides(kind: str, T_in: float) -> None:
    """Heat bends where the water turns round and comes from the other side: at exactly no flow, no slope is lost."""
    machine = machines()[kind]
    names, answers, _ = compiled(kind)
    v = machine.defaults() | {"inlet.T": T_in, "outlet.T": 317.0, "inlet.p": 0.0, "outlet.p": 0.0}
    v |= {"room.T": 308.0} if kind == "air_handler" else {"weather.T_dry": 290.0, "weather.T_wet": 285.0}
    values, derivatives = evaluate(kind, v)
    heat, step = answers.index("Q_flow"), 1e-4
    for name in ("inlet.p", "outlet.p"):
        above = (evaluate(kind, v | {name: step})[0] - values)[heat] / step
        below = (values - evaluate(kind, v | {name: -step})[0])[heat] / step
        assert abs(above - below) > 1.0
        slope = derivatives[heat, names.index(name)]
        assert slope == pytest.approx(0.5 * (above + below), abs=1e-3 * abs(above - below))
        assert abs(slope) > 0.0


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_more_pressure_at_a_port_pushes_more_into_it(kind: str, data: st.DataObject) -> None:
    """So that a network of machines has one solution only."""
    v = data.draw(points(machines()[kind]))
    names, answers, _ = compiled(kind)
    _, derivatives = evaluate(kind, v)
    for port in machines()[kind].ports:
        if isinstance(port, FluidPort):
            slope = derivatives[answers.index(f"{port.name}.m_flow"), names.index(f"{port.name}.p")]
            assert slope >= -1e-15
