"""Forward rollouts: what a plant would do under many sequences of inputs, all from the same present state.

    table = rollouts(simulator, ["dry_cooler.T_leaving_set"], sequences, ["cdu.T_supply"], dt=30.0)

Each rollout is what stepping by hand from a snapshot gives, to the last bit; the simulator is left as it was. A
:class:`Rollouts` keeps its copies of the plant for the next call, which a search or a learning controller wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from plant_models.assembly import Array
from plant_models.integrate import PlantDiverged, Simulator


class Rollouts:
    """Rolls sequences of ``inputs`` out into tables of ``outputs``, each of which may be any signals of the plant.

    ``workers`` > 1: as many threads, each but the first with a copy of the plant, which takes as long to make as the
    plant itself; machine code runs side by side in them, interpreted plants do not. Raises UnknownSignal, and
    ValueError for an input that cannot be set.
    """

    def __init__(self, simulator: Simulator, inputs: Sequence[str], outputs: Sequence[str], workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(f"rollouts need a worker, found workers = {workers}")
        self._simulator, self._n_inputs, self._n_outputs = simulator, len(inputs), len(outputs)
        self._copies = [simulator, *(simulator.copy() for _ in range(workers - 1))]
        self._ports = [(copy.writer(inputs), copy.reader(outputs)) for copy in self._copies]

    def __call__(self, sequences: Array, dt: float) -> Array:
        """The outputs after each step of ``dt`` s, shape (n, steps, outputs), from the simulator's present state.

        ``sequences`` (n, steps, inputs): values in SI, held over a step. Inputs that are not named stay as they are.
        Raises ValueError for another shape or a value outside its bounds, PlantDiverged with the sequence's index.
        """
        sequences = np.ascontiguousarray(sequences, dtype=float)
        if sequences.ndim != 3 or sequences.shape[2] != self._n_inputs:
            raise ValueError(f"expected sequences of shape (n, steps, {self._n_inputs}), found {sequences.shape}")
        present = self._simulator.snapshot()
        table = np.empty((*sequences.shape[:2], self._n_outputs))
        free: SimpleQueue[int] = SimpleQueue()
        for worker in range(len(self._copies)):
            free.put(worker)

        def roll(i: int) -> None:
            worker = free.get()
            try:
                copy = self._copies[worker]
                copy.restore(present)
                table[i] = copy.run(dt, sequences[i], *self._ports[worker])
            except (PlantDiverged, ValueError) as error:
                raise type(error)(f"sequence {i}: {error}") from error
            finally:
                free.put(worker)

        try:
            if len(self._copies) == 1:
                for i in range(len(sequences)):
                    roll(i)
            else:
                with ThreadPoolExecutor(len(self._copies)) as pool:
                    list(pool.map(roll, range(len(sequences))))
        finally:
            self._simulator.restore(present)
        return table


def rollouts(
    simulator: Simulator, inputs: Sequence[str], sequences: Array, outputs: Sequence[str], dt: float, workers: int = 1
) -> Array:
    """:class:`Rollouts` for once: outputs (n, steps, outputs) for ``sequences`` (n, steps, inputs) of ``dt`` s."""
    return Rollouts(simulator, inputs, outputs, workers)(sequences, dt)
