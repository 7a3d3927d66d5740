"""Whether a plant comes to rest at its design load and weather, for `heatloop check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plant_models.integrate import PlantDiverged
from plant_models.steady_state import Movement, steady_state

if TYPE_CHECKING:
    from plant_models.integrate import Simulator

SWINGS = {"K": 0.05, "1": 0.005}
"""by unit: what goes to and fro within six hours by no more than this counts as resting"""
SWING_REST = 1e-3
"""the same of other units, share of the value"""


def at_rest(simulator: Simulator) -> dict[str, Any]:
    """Bring the plant to rest from where it is, and say what does not, as JSON-ready data in SI units.

    What only fills or empties (:meth:`plant_models.component.Component.filling`) is held as it is.
    """
    machines = simulator.plant.components
    held = [f"{name}.{state}" for name, machine in machines.items() for state in machine.filling()]
    answer: dict[str, Any] = {"held": sorted({name for name in machines if machines[name].filling()})}
    try:
        found = steady_state(simulator, hold=held)
    except PlantDiverged as error:
        return answer | {"settled": False, "moving": [], "why": f"the search for it failed ({error})"}
    moving = [movement for movement in found.moving if _matters(movement)]
    return answer | {"settled": not moving, "moving": [_as_data(movement) for movement in moving],
                     "why": "; ".join(map(str, moving[:3]))}  # fmt: skip


def in_a_sentence(found: dict[str, Any]) -> str:
    """What :func:`at_rest` found, for a person."""
    holding = f", the content of {', '.join(found['held'])} held" if found["held"] else ""
    if found["settled"]:
        return f"It comes to rest there{holding}."
    more = len(found["moving"]) - 3
    return f"It does not come to rest there{holding}: {found['why']}" + (f"; and {more} more" if more > 0 else "") + "."


def _matters(movement: Movement) -> bool:
    size = max(abs(movement.low), abs(movement.high))
    return movement.high - movement.low > SWINGS.get(movement.unit, SWING_REST * size)


def _as_data(movement: Movement) -> dict[str, Any]:
    return {"signal": movement.name, "unit": movement.unit, "low": movement.low, "high": movement.high}
