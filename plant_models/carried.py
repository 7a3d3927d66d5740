"""What machines carry beside their states: content that moves on once a step, as the water in a plug-flow pipe does.

Such a machine's equations see *held* inputs, constant over a step (what emerges from the pipe), and count in states
what goes in and out during the step. A step is: foresee what emerges; solve the plant's equations; where more flowed
than foreseen and that makes a difference, foresee again and repeat the step; then move the content on by what was
counted.

The machine's stored energy is a state like any other, so the plant's balance does not know of all this; the content
follows that state, not the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from plant_models.assembly import Array, Assembly, Index
from plant_models.carrier import Carrier

MOST_ATTEMPTS = 4


class Carriers:
    """All carriers of a plant; false if there are none."""

    def __init__(self, assembly: Assembly) -> None:
        self._a = a = assembly
        self._all: list[tuple[Carrier, Array, Index, Array, Index, Index]] = []
        for i, group in enumerate(a.plant.groups):
            inputs = {s.name: j for j, s in enumerate(a.layouts[i].inputs)}
            states = {s.name: j for j, s in enumerate(a.layouts[i].states)}
            for member in range(len(group.names)):
                carrier = group.component.carrier()
                if carrier is None:
                    break
                self._all.append(
                    (
                        carrier,
                        a.u.block(i)[member],
                        np.array([inputs[name] for name in carrier.held]),
                        a.x.block(i)[member],
                        np.array([states[name] for name in carrier.counted]),
                        np.array([states[name] for name in carrier.stores]),
                    )
                )

    def __len__(self) -> int:
        return len(self._all)

    def step(self, dt: float, solve: Callable[[], None]) -> None:
        """A step of ``dt`` s of the plant, which ``solve`` makes. What it raises leaves the states as before."""
        x, z = self._a.x.all.copy(), self._a.z.copy()
        for carrier, *_ in self._all:
            carrier.begin(dt)
        for attempt in range(MOST_ATTEMPTS):
            for carrier, u, held, *_ in self._all:
                u[held] = carrier.foreseen()
            if attempt:
                self._a.x.all[:], self._a.z[:] = x, z
            solve()
            agreed = [carrier.agrees(mine[n], mine[e]) for carrier, _, _, mine, n, e in self._all]
            if all(agreed):
                break
        for carrier, _, _, mine, counted, _ in self._all:
            carrier.move()
            mine[counted] = 0.0

    def snapshot(self) -> list[Any]:
        """Everything that the future depends on."""
        return [carrier.snapshot() for carrier, *_ in self._all]

    def restore(self, snapshot: list[Any]) -> None:
        """Return to a snapshot."""
        for (carrier, *_), content in zip(self._all, snapshot, strict=True):
            carrier.restore(content)

    def packed(self, snapshot: list[Any]) -> dict[str, Array]:
        """A snapshot as arrays, for a file."""
        return {
            f"{i}.{name}": array
            for i, ((carrier, *_), content) in enumerate(zip(self._all, snapshot, strict=True))
            for name, array in carrier.packed(content).items()
        }

    def unpacked(self, arrays: Mapping[str, Array]) -> list[Any]:
        """The snapshot that :meth:`packed` made these arrays from. Raises KeyError for one that is missing."""
        found: list[Any] = []
        for i, (carrier, *_) in enumerate(self._all):
            mine = {name.removeprefix(f"{i}."): array for name, array in arrays.items() if name.startswith(f"{i}.")}
            found.append(carrier.unpacked(mine))
        return found
