"""Whether what stands in a room bears the air that the room may be set to.

A heat node has what holds its temperature (:meth:`Component.holds_up_to`, air handlers) and what stops working where
it is too warm (:meth:`Component.bears`, racks with a share of air, fans): a set-point that switches machines off in
silence is a mistake in the site.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from plant_models.circuits import Attachments, Mistake
from plant_models.component import Component, HeatPort


def mistakes(machines: Mapping[str, Component], attached: Attachments) -> Iterator[Mistake]:
    """Machines that are off, or partly so, at the highest set-point of their room."""
    held: dict[str, tuple[float, str]] = {}
    borne: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for name, machine in machines.items():
        for port in machine.ports:
            if not isinstance(port, HeatPort):
                continue
            node = attached[name, port.name]
            highest, limit = machine.holds_up_to(port.name), machine.bears(port.name)
            if highest is not None:
                held[node] = max(held.get(node, (0.0, "")), (highest, name))
            if limit is not None:
                borne[node].append((limit, name))
    for node, (highest, holder) in held.items():
        for limit, name in borne[node]:
            if limit < highest:
                yield (
                    name,
                    f"works undisturbed up to {limit:g} K in {node}, which {holder} may be set to hold at {highest:g} "
                    "K: lower that highest set-point, or correct what the machine bears",
                )
