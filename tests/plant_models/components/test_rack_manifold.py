"""The ladder of a rack's manifold against the closed form for many branches without friction, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.rack_manifold import RackManifold
from plant_models.media import PG25, WATER

T = 309.15
M_FLOW = 2.9


def bassiouny_martin(arrangement: str, strength: float, x: np.ndarray) -> np.ndarray:
    """Branch flow over the mean at 0 <= x <= 1 along the headers, without friction; Bassiouny and Martin 1984.

    ``strength`` is rho w0^2 over the pressure drop of the mean branch. Dividing header k = 1/2, combining k* = 1: the
    header's flow W obeys W'' = M^2 W (U) or W'' = M^2 W - strength (Z), M^2 = strength/2, W(0) = 1, W(1) = 0.
    """
    M = np.sqrt(0.5 * strength)
    if arrangement == "U":
        return np.asarray(M * np.cosh(M * (1.0 - x)) / np.sinh(M))
    A, particular = -1.0, 2.0
    B = (-particular - A * np.cosh(M)) / np.sinh(M)
    return np.asarray(-M * (A * np.sinh(M * x) + B * np.cosh(M * x)))


@pytest.mark.parametrize("arrangement", ["U", "Z"])
@pytest.mark.parametrize("velocity", [1.0, 1.8, 3.0])
def test_many_trays_without_friction_are_the_closed_form(arrangement: str, velocity: float) -> None:
    sizes = RackManifold(trays=400, arrangement=arrangement, velocity_nominal=velocity, height=1e-6)  # type: ignore[arg-type]
    found = np.array(sizes.distribution(M_FLOW, M_FLOW, PG25, T).shares)
    strength = PG25.rho(T) * velocity**2 / sizes.dp_tray_nominal
    expected = bassiouny_martin(arrangement, strength, np.linspace(0.0, 1.0, 400))
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.ptp(expected) + 2e-4)


@given(
    st.sampled_from(["U", "Z"]), st.integers(1, 40), st.floats(0.3, 2.0), st.floats(3e4, 2e5), st.floats(0.1, 1.0),
    st.sampled_from([PG25, WATER]),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_shares_add_up_and_the_rack_drops_about_what_a_tray_drops(arrangement, trays, velocity, dp, load, fluid):  # type: ignore[no-untyped-def]
    sizes = RackManifold(trays=trays, arrangement=arrangement, velocity_nominal=velocity, dp_tray_nominal=dp)
    found = sizes.distribution(load * M_FLOW, M_FLOW, fluid, T)
    assert sum(found.shares) == pytest.approx(trays)
    assert min(found.shares) > 0.0
    tray = dp * load**2
    dynamic = fluid.rho(T) * (velocity * load) ** 2
    assert 0.8 * tray - 2.0 * dynamic < found.dp < 1.2 * tray + 6.0 * dynamic


def test_the_inlet_feeds_the_near_trays_of_u_and_the_far_ones_of_z() -> None:
    u, z = (
        RackManifold(arrangement=a).distribution(M_FLOW, M_FLOW, PG25, T).shares  # type: ignore[arg-type]
        for a in ("U", "Z")
    )
    assert list(u) == sorted(u, reverse=True)
    assert list(z) == sorted(z)
    assert 0.97 < min(*u, *z) < max(*u, *z) < 1.03, "a manifold of usual width spreads the flow within a few per cent"


@given(st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.sampled_from(["U", "Z"]))
@settings(deadline=None, max_examples=20)
def test_a_wider_manifold_spreads_the_flow_better(one: float, other: float, arrangement: str) -> None:
    wide, narrow = (
        np.ptp(RackManifold(velocity_nominal=v, arrangement=arrangement).distribution(M_FLOW, M_FLOW, PG25, T).shares)  # type: ignore[arg-type]
        for v in sorted((one, other))
    )
    assert wide <= narrow + 1e-9


def test_shares_hardly_depend_on_the_flow() -> None:
    sizes = RackManifold()
    full, little = (sizes.distribution(load * M_FLOW, M_FLOW, PG25, T).shares for load in (1.0, 0.3))
    np.testing.assert_allclose(full, little, atol=3e-3)


def test_a_manifold_that_is_too_narrow_is_refused() -> None:
    sizes = RackManifold(velocity_nominal=20.0, arrangement="Z", dp_tray_nominal=5e3)
    with pytest.raises(ValueError, match="velocity_nominal = 20 m/s is too much for a manifold of 18 trays"):
        sizes.distribution(M_FLOW, M_FLOW, PG25, T)
    with pytest.raises(ValidationError, match="greater than 0"):
        RackManifold(dp_tray_nominal=0.0)
