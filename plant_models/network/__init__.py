"""Steady water networks of any shape: :class:`Network` and the elements of its links.

Kept apart from the plant's own equations, which balance their nodes inside the integration: this is for sizing,
checking and commissioning questions, and for everything that is asked of a network alone.
"""

from plant_models.network.elements import (
    Element,
    Fluid,
    HazenWilliamsPipe,
    Pipe,
    PowerCurvePump,
    PressureIndependentValve,
    Pump,
    Resistance,
    Valve,
    drop,
)
from plant_models.network.network import Network
from plant_models.network.system import NetworkError, Solution

__all__ = [
    "Element",
    "Fluid",
    "HazenWilliamsPipe",
    "Network",
    "NetworkError",
    "Pipe",
    "PowerCurvePump",
    "PressureIndependentValve",
    "Pump",
    "Resistance",
    "Solution",
    "Valve",
    "drop",
]
