"""Which liquids a run took beyond the temperatures that their properties are fitted for."""

from __future__ import annotations

from collections.abc import Iterable

from plant_models.plant import Node
from twin.trajectories import Recorded


def extrapolations(nodes: Iterable[Node], recorded: Recorded) -> list[str]:
    """One line a fluid node whose recorded temperature (K) left its liquid's fit: the results are extrapolated there.

    Nodes only, at the ends of the recording intervals; the insides of machines are not looked at.
    """
    found: list[str] = []
    if not len(recorded):
        return found
    for node in nodes:
        if node.medium is None:
            continue
        T = recorded[f"{node.name}.T"]
        for reached, off in ((T.min(), node.medium.T_min - T.min()), (T.max(), T.max() - node.medium.T_max)):
            if off > 0.0:
                found.append(
                    f"{node.name} reached {reached - 273.15:.1f} °C: {node.medium.name} is fitted from "
                    f"{node.medium.T_min - 273.15:.1f} to {node.medium.T_max - 273.15:.1f} °C"
                )
    return found
