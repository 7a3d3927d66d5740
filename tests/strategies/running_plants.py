"""Simulators of plants, started once and taken back to their start for every test."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import Role
from plant_models.site import load_site
from tests.strategies.small_sites import interpreted, small_site

ZERO = 273.15
"""K of 0 °C"""


@cache
def _shipped(name: str) -> tuple[Simulator, dict[str, Any]]:
    return _started(Simulator(Plant(load_site(name))))


@cache
def _made(**sizes: Any) -> tuple[Simulator, dict[str, Any]]:
    with interpreted():
        return _started(Simulator(Plant(small_site(**sizes))))


def _started(simulator: Simulator) -> tuple[Simulator, dict[str, Any]]:
    simulator.settle(2 * 3600.0)
    return simulator, simulator.snapshot()


def _again(simulator: Simulator, start: dict[str, Any]) -> Simulator:
    simulator.restore(start)
    simulator.reset_accounts()
    return simulator


def shipped(name: str) -> Simulator:
    """A shipped site, settled for two hours, its accounts at zero."""
    return _again(*_shipped(name))


def made(**sizes: Any) -> Simulator:
    """A small site (see :func:`small_site`) likewise; interpreted."""
    return _again(*_made(**sizes))


def all_finite(simulator: Simulator) -> bool:
    """Whether every signal is a number."""
    return bool(np.all(np.isfinite(simulator.get_many(list(simulator.plant.vocabulary)))))


def temperatures(plant: Plant) -> list[str]:
    """Names of all temperatures that are states."""
    return [s.name for s in plant.vocabulary.role(Role.STATE) if s.unit == "K"]
