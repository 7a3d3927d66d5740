"""Runs a plant through time: an implicit fixed step with exact Jacobians, component by component, node by node.

Each step is a stiffly accurate diagonally implicit Runge-Kutta step (SDIRK2 of Alexander, gamma = 1 - 1/sqrt(2), second
order and L-stable; or implicit Euler). Each stage is solved by Newton's method on the whole differential-algebraic
system: components eliminate their own states (:mod:`plant_models.equations`), what is left are the nodes' pressures and
temperatures, one small dense system (:mod:`plant_models.assembly`). Inputs are held over a step.

Sources: R. Alexander, SIAM J. Numer. Anal. 14 (1977) 1006, doi 10.1137/0714068; E. Hairer, G. Wanner, Solving ODEs II,
2nd ed. (1996), IV.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant_models import compiled
from plant_models.assembly import Array, Assembly, Engine, Index, NoConvergence, Places
from plant_models.carried import Carriers
from plant_models.plant import Plant
from plant_models.signals import MARKET, T_DRY, T_WET, WET_ABOVE, Role, Signal, UnknownSignal, check_wet_bulb

GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
SCHEMES = {"sdirk2": GAMMA, "euler": 1.0}
MOST_HALVINGS = 6


def quickest(assembly: Assembly) -> Engine:
    """Machine code where there is a C compiler, else the interpreter: the same results to round-off."""
    if compiled.compiler() is None:
        from plant_models.interpreted import Interpreted

        return Interpreted(assembly)
    from plant_models.machine_code import MachineCode

    return MachineCode(assembly)


class PlantDiverged(RuntimeError):
    """The plant's equations have no solution that Newton's method finds; the message says when and where."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A conserved quantity over a run: what is stored more, what came in, what went out (J or kg)."""

    stored_change: float
    came_in: float
    went_out: float

    @property
    def error(self) -> float:
        """What does not close, relative to what passed through."""
        return abs(self.stored_change - self.came_in + self.went_out) / max(self.came_in + self.went_out, 1.0)


class Simulator:
    """A plant's state at one instant, and how to move on. Values go in and out by signal name, in SI."""

    def __init__(
        self, plant: Plant, scheme: str = "sdirk2", engine: Callable[[Assembly], Engine] | None = None
    ) -> None:
        """``engine`` is the quickest there is unless one is named: :class:`plant_models.referee.Referee`."""
        if scheme not in SCHEMES:
            raise ValueError(f"unknown scheme {scheme!r}; known: {', '.join(SCHEMES)}")
        self.plant, self.scheme = plant, scheme
        self.elapsed = 0.0
        """s since the last :meth:`settle`"""
        self._a = a = Assembly(plant)
        self._engine: Engine = (engine or quickest)(a)
        self._market = np.array([s.default for s in MARKET])
        for i, layout in enumerate(a.layouts):
            if layout.states:
                a.x.block(i)[:] = [s.default for s in layout.states]
            if layout.inputs:
                a.u.block(i)[:] = [s.default for s in layout.inputs]
        self._carriers = Carriers(a)
        self._places = self._find_places()
        self.reset_accounts()
        self._engine.evaluate()

    def _find_places(self) -> dict[str, tuple[Array, Index]]:
        """Signal name -> the vector that holds it, and where."""
        a, groups = self._a, self.plant.groups
        places = {
            name: (vector.all, np.array(index))
            for vector, signals in (
                (a.x, [lay.states for lay in a.layouts]),
                (a.u, [lay.inputs for lay in a.layouts]),
                (a.y, [lay.outputs for lay in a.layouts]),
            )
            for name, index in a.places(vector, signals, groups).items()
        }
        places |= {name: (a.z, np.array([i])) for i, name in enumerate(a.z_names)}
        return places | {s.name: (self._market, np.array([i])) for i, s in enumerate(MARKET)}

    @property
    def iterations(self) -> int:
        """Newton iterations so far."""
        return self._engine.iterations

    # values by name

    def set(self, name: str, value: float) -> None:
        """Set an input, disturbance, parameter or state.

        Raises UnknownSignal, or ValueError for an output and for a value that is no number or outside the signal's
        bounds.
        """
        self.set_many([name], [value])

    def set_many(self, names: Sequence[str], values: Iterable[float]) -> None:
        """Set many signals at once: all of them, or none where one is refused.

        What a state that is set then stores more counts as stored before: the balances are those of the run.
        """
        found, stores, reach = [], False, self.plant.vocabulary.reach
        for name, value in zip(names, values, strict=True):
            vector, index = self._place(name)
            signal = self.plant.vocabulary[name]
            if signal.role is Role.OUTPUT:
                raise ValueError(f"{name} is an output of the plant and cannot be set")
            low, high = reach[name]
            if not low <= value <= high:
                signal.check(value)
            stores = stores or signal.role is Role.STATE
            found.append((vector, index, value))
        if T_DRY.name in names and T_WET.name in names:
            given = dict(zip(names, (value for *_, value in found), strict=True))
            check_wet_bulb(given[T_DRY.name], given[T_WET.name])
        before = {quantity: self._stored(quantity) for quantity in self._stored_at_reset} if stores else {}
        for vector, index, value in found:
            vector[index] = value
        for quantity, amount in before.items():
            self._stored_at_reset[quantity] += self._stored(quantity) - amount

    def get(self, name: str) -> float:
        """The present value of any signal."""
        vector, index = self._place(name)
        return float(vector[index[0]])

    def get_many(self, names: Sequence[str]) -> Array:
        """The present values of many signals."""
        return np.array([self.get(name) for name in names])

    def writer(self, names: Sequence[str]) -> Writer:
        """A fast way to set the same inputs again and again."""
        places = [self._writable(name) for name in names]
        return Writer(places, [self.plant.vocabulary[name] for name in names])

    def reader(self, names: Sequence[str]) -> Reader:
        """A fast way to read the same signals again and again."""
        return Reader([self._place(name) for name in names])

    def _place(self, name: str) -> tuple[Array, Index]:
        try:
            return self._places[name]
        except KeyError:
            self.plant.vocabulary[name]  # raises UnknownSignal with the nearest names
            raise UnknownSignal(f"no machine of this plant uses {name!r}") from None

    def _writable(self, name: str) -> tuple[Array, Index]:
        place = self._place(name)
        if self.plant.vocabulary[name].role in (Role.OUTPUT, Role.STATE):
            raise ValueError(f"{name} is no input of the plant")
        return place

    # time

    def step(self, dt: float) -> None:
        """Move on by ``dt`` seconds with the inputs held. Raises PlantDiverged with the state before the step kept."""
        if not dt > 0:
            raise ValueError(f"a time step is positive, found {dt}")
        z = self._a.z.copy()
        try:
            self._step(dt)
        except NoConvergence as error:  # nothing but z has changed
            self._a.z[:] = z
            self._step_in_parts(dt, error)

    def run(self, dt: float, rows: Array, write: Writer, read: Reader) -> Array:
        """Many steps of ``dt`` s: what ``read`` reads after each, (steps, signals).

        Before each, ``write`` writes a row of ``rows`` (steps, inputs). Raises ValueError for rows that do not fit or
        hold a value outside its signal's bounds, PlantDiverged with the state before the step that has no solution.
        """
        rows = np.ascontiguousarray(rows, dtype=float)
        if rows.ndim != 2:
            raise ValueError(f"expected rows of {write.n} values, found an array of shape {rows.shape}")
        write.check(rows)
        if not dt > 0:
            raise ValueError(f"a time step is positive, found {dt}")
        table, done = np.empty((len(rows), read.n)), 0
        while done < len(rows):
            if not self._carriers:
                to = write.places, read.places, table[done:]
                steps = self._engine.run(dt, SCHEMES[self.scheme], rows[done:], *to)
                self._note_crossings()
                self.elapsed += steps * dt
                done += steps
            if done < len(rows):  # it has to be cut, or the engine takes one step at a time
                write(rows[done])
                self.step(dt)
                table[done] = read()
                done += 1
        return table

    def _step_in_parts(self, dt: float, reason: NoConvergence) -> None:
        """A step in two halves, in quarters ... until they have a solution."""
        before = self.snapshot()
        for halvings in range(1, MOST_HALVINGS + 1):
            parts = 2**halvings
            try:
                for _ in range(parts):
                    self._step(dt / parts)
            except NoConvergence as error:
                self.restore(before)
                reason = error
            else:
                return
        raise PlantDiverged(f"at {self.elapsed:.0f} s, step {dt:g} s: {reason}")

    def _step(self, dt: float) -> None:
        if self._carriers:
            self._carriers.step(dt, lambda: self._engine.step(dt, SCHEMES[self.scheme]))
        else:
            self._engine.step(dt, SCHEMES[self.scheme])
        self._note_crossings()
        self.elapsed += dt

    def _note_crossings(self) -> None:
        crossed = self._engine.crossed
        for quantity in ("energy", "mass"):
            self._came_in[quantity] += crossed[f"{quantity} in"]
            self._went_out[quantity] += crossed[f"{quantity} out"]
        self._unbalanced += crossed["unbalanced"]
        self._through += crossed["through"]

    def settle(self, duration: float, first_step: float = 5.0, last_step: float = 600.0) -> None:
        """Run with growing steps towards a steady state, and start the accounts anew."""
        end, dt = self.elapsed + duration, first_step
        while self.elapsed < end - 1e-6:
            self.step(min(dt, end - self.elapsed))
            dt = min(dt * 1.3, last_step)
        self.elapsed = 0.0
        self.reset_accounts()

    # accounts

    def reset_accounts(self) -> None:
        """Start the balances anew."""
        self._came_in = {"energy": 0.0, "mass": 0.0}
        self._went_out = {"energy": 0.0, "mass": 0.0}
        self._unbalanced = self._through = 0.0
        self._stored_at_reset = {"energy": self._stored("energy"), "mass": self._stored("mass")}

    def _stored(self, quantity: str) -> float:
        if quantity == "mass":
            return float(self._a.mass @ self._a.x.all)
        return float(self._a.energy @ self._a.x.all + self._a.capacity @ self._a.T)

    def balance(self, quantity: str = "energy") -> Balance:
        """The balance of ``energy`` (J) or ``mass`` (kg) since the last :meth:`reset_accounts`."""
        change = self._stored(quantity) - self._stored_at_reset[quantity]
        return Balance(change, self._came_in[quantity], self._went_out[quantity])

    @property
    def circulation(self) -> tuple[float, float]:
        """Since the last :meth:`reset_accounts`: kg that the nodes left unbalanced, kg that passed through them."""
        return self._unbalanced, self._through

    # the whole state

    def snapshot(self) -> dict[str, Any]:
        """Everything that the future depends on; exact."""
        a = self._a
        return {
            "x": a.x.all.copy(), "u": a.u.all.copy(), "y": a.y.all.copy(), "z": a.z.copy(),
            "market": self._market.copy(), "elapsed": self.elapsed, "circulation": self.circulation,
            "came_in": dict(self._came_in), "went_out": dict(self._went_out), "stored": dict(self._stored_at_reset),
            "carried": self._carriers.snapshot(),
        }  # fmt: skip

    def copy(self) -> Simulator:
        """Another simulator of the same plant in the same state, with the same scheme and engine."""
        other = Simulator(self.plant, self.scheme, type(self._engine))
        other.restore(self.snapshot())
        return other

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Return to a snapshot of the same plant; what follows is the same to the last bit."""
        a = self._a
        a.x.all[:], a.u.all[:], a.y.all[:], a.z[:] = (snapshot[key] for key in ("x", "u", "y", "z"))
        self._market[:] = snapshot["market"]
        self.elapsed = snapshot["elapsed"]
        self._came_in, self._went_out = dict(snapshot["came_in"]), dict(snapshot["went_out"])
        self._stored_at_reset = dict(snapshot["stored"])
        self._unbalanced, self._through = snapshot["circulation"]
        self._carriers.restore(snapshot["carried"])

    def packed_carried(self, content: list[Any]) -> dict[str, Array]:
        """What a snapshot says that machines carry (``carried``), as arrays for a file."""
        return self._carriers.packed(content)

    def unpacked_carried(self, arrays: Mapping[str, Array]) -> list[Any]:
        """The inverse of :meth:`packed_carried`. Raises KeyError for an array that is missing."""
        return self._carriers.unpacked(arrays)


class Writer:
    """Sets the same inputs from an array of ``n`` values."""

    def __init__(self, places: Sequence[tuple[Array, Index]], signals: Sequence[Signal]) -> None:
        self.n = len(places)
        self.places = Places.of([(vector, int(j), i) for i, (vector, index) in enumerate(places) for j in index])
        self._signals = tuple(signals)
        names = [s.name for s in signals]
        both = T_DRY.name in names and T_WET.name in names
        self._dry_and_wet = (names.index(T_DRY.name), names.index(T_WET.name)) if both else ()
        self._low, self._high = np.array([s.reach for s in signals]).reshape(-1, 2).T

    def __call__(self, values: Array) -> None:
        """Set the values, in the order of the names. Raises ValueError for one outside its signal's bounds."""
        self.check(values)
        for vector, there, here in self.places.parts:
            vector[there] = values[here]

    def check(self, rows: Array) -> None:
        """Raise ValueError for rows (..., signals) that do not fit or hold a value outside its signal's bounds."""
        if np.shape(rows)[-1:] != (self.n,):
            raise ValueError(f"expected {self.n} values in a row, found an array of shape {np.shape(rows)}")
        good = (rows >= self._low) & (rows <= self._high)
        if not good.all():
            first = np.argwhere(~good)[0]
            where = f" (row {first[0]})" if len(first) > 1 else ""
            signal = self._signals[first[-1]]
            signal.check(float(rows[tuple(first)]), signal.name + where)
        if self._dry_and_wet:
            dry, wet = (rows[..., i] for i in self._dry_and_wet)
            if np.any(wet > dry + WET_ABOVE):
                worst = int(np.argmax(wet - dry))
                check_wet_bulb(float(np.ravel(dry)[worst]), float(np.ravel(wet)[worst]))


class Reader:
    """Reads the same ``n`` signals into an array."""

    def __init__(self, places: Sequence[tuple[Array, Index]]) -> None:
        self.n = len(places)
        self.places = Places.of([(vector, int(index[0]), i) for i, (vector, index) in enumerate(places)])

    def __call__(self) -> Array:
        """The values, in the order of the names."""
        values = np.empty(self.n)
        for vector, there, here in self.places.parts:
            values[here] = vector[there]
        return values
