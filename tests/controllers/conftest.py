"""A bench loop in an operating point, its measurements, and forecasts made up here: nothing of a run's true future."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from controllers.interface import Forecast
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import load_site

EUR_PER_MWH = 1 / 3.6e9
START = 1_736_726_400.0
"""a Monday, midnight UTC"""

ForecastMaker = Callable[..., Forecast]


@pytest.fixture(scope="session")
def bench() -> Plant:
    return Plant(load_site("bench_loop"))


@pytest.fixture
def simulator(bench: Plant) -> Simulator:
    simulator = Simulator(bench)
    for name, value in {"cdu.P_it": 7.5e5, "weather.T_dry": 281.15, "weather.T_wet": 279.15}.items():
        simulator.set(name, value)
    simulator.settle(6 * 3600.0)
    return simulator


@pytest.fixture
def measured(simulator: Simulator) -> dict[str, float]:
    return measure(simulator)


def measure(simulator: Simulator) -> dict[str, float]:
    return {name: simulator.get(name) for name in simulator.plant.vocabulary}


@pytest.fixture
def make_forecast() -> ForecastMaker:
    return forecast


def forecast(time: float = START, **changes: float | np.ndarray | None) -> Forecast:
    """Constant weather and load, a price with a cheap night; ``changes`` by signal name with ``__`` for the dot."""
    grid = time + np.arange(0.0, 86400.0 + 900.0, 900.0)
    hours = (grid - time) / 3600.0
    price = (60.0 - 30.0 * np.cos(2 * np.pi * (hours - 14.0) / 24.0)) * EUR_PER_MWH
    values: dict[str, object] = {
        "weather.T_dry": 281.15, "weather.T_wet": 279.15, "weather.p": 101325.0, "it.P_load": 7.5e5,
        "market.price_electricity": price, "market.co2_intensity": 0.05 / 3.6e6, "district.Q_demand": 1.5e5,
        "district.T_supply_required": 345.15, "district.T_return": 318.15,
    }  # fmt: skip
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    table: Mapping[str, np.ndarray] = {
        name: np.broadcast_to(np.asarray(value, dtype=float), grid.shape).copy()
        for name, value in values.items() if value is not None
    }  # fmt: skip
    return Forecast(grid, table)
