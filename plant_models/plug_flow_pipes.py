"""Plug flow in machines: one pipe, or two side by side, whose water moves as parcels (:mod:`plant_models.plug_flow`).

For each pipe, with m positive from inlet to outlet, and h_out, h_in held over a step (what emerges at either end if the
flow goes on as it does)::

    H_inlet   = m+ h(T_inlet)  - m- h_in
    H_outlet  = m- h(T_outlet) - m+ h_out
    d heat/dt = H_inlet + H_outlet + Q_flow     Q_flow: from the surroundings, held
    forward, backward, heat_in, heat_out        count m+, m-, m+ h(T_inlet), m- h(T_outlet) over the step

Heat losses act at the beginning of a step, exactly for water that stands; a parcel that takes n steps to pass has lost
n steps' heat. They are linear in enthalpy, with cp at the pipe's start temperature (water: within 0.6 % from 40 to
90 degC). What emerges in a step is mixed over the step. Where a step moves more than the pipe's content, what enters
leaves in the same step, and the loss is that of the content alone: choose steps shorter than the residence time.

The step is repeated where it moved more water than foreseen and what emerged is wrong by more than ``TOLERANCE``; what
remains is spread over the content, so that heat in and out closes to round-off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plant_models.component import Value, positive
from plant_models.media import Medium
from plant_models.plug_flow import Array, PlugFlow
from plant_models.signals import Signal, parameter, state

TOLERANCE = 4.0
"""J/kg, about 1 mK of water: what may emerge otherwise than it should"""
TOLERANCE_CONTENT = 0.4
"""J/kg, about 0.1 mK: by which a pipe's whole content may be corrected instead"""
MARGIN = 1e-6
"""share of the flow found, by which more is foreseen when a step is repeated"""

HELD = ("held.h_out", "held.h_in", "held.Q_flow")
COUNTED = ("count.forward", "count.backward", "count.heat_in", "count.heat_out")

Cooling = Callable[[Sequence[PlugFlow], float], Sequence[PlugFlow]]
"""(contents, s) -> contents after they have stood so long"""


@dataclass(frozen=True, slots=True)
class PipeSpec:
    """One pipe of a machine: how its signals begin, what it holds at the start."""

    prefix: str
    """``""`` or ``"supply."``"""
    fluid: Medium
    mass: float
    """kg"""
    T_start: float

    @property
    def h_start(self) -> float:
        """J/kg."""
        return float(self.fluid.h(self.T_start))

    def signals(self) -> tuple[Signal, ...]:
        """What the pipe keeps: its heat, and what it holds and counts over a step."""
        p = self.prefix
        counts = (("forward", "kg"), ("backward", "kg"), ("heat_in", "J"), ("heat_out", "J"))
        return (
            state(f"{p}heat", "J", "enthalpy of the water in the pipe", start=self.mass * self.h_start, energy=1.0),
            *(state(f"{p}count.{name}", unit, f"{name} within this step", start=0.0) for name, unit in counts),
            parameter(f"{p}held.h_out", "J/kg", "water that emerges at the outlet", default=self.h_start),
            parameter(f"{p}held.h_in", "J/kg", "water that emerges at the inlet", default=self.h_start),
            parameter(f"{p}held.Q_flow", "W", "heat from the surroundings", default=0.0),
        )

    def flows(self, v: Mapping[str, Value], m_flow: Value, T_inlet: Value, T_outlet: Value) -> tuple[Value, Value]:
        """Enthalpy flows into the pipe at its inlet and its outlet, W."""
        forward, backward = positive(m_flow), positive(-m_flow)
        return (
            forward * self.fluid.h(T_inlet) - backward * v[f"{self.prefix}held.h_in"],
            backward * self.fluid.h(T_outlet) - forward * v[f"{self.prefix}held.h_out"],
        )

    def rates(self, v: Mapping[str, Value], m_flow: Value, T_inlet: Value, T_outlet: Value) -> dict[str, Value]:
        """Of the pipe's states."""
        p, fluid = self.prefix, self.fluid
        forward, backward = positive(m_flow), positive(-m_flow)
        H_inlet, H_outlet = self.flows(v, m_flow, T_inlet, T_outlet)
        return {
            f"{p}heat": H_inlet + H_outlet + v[f"{p}held.Q_flow"],
            f"{p}count.forward": forward,
            f"{p}count.backward": backward,
            f"{p}count.heat_in": forward * fluid.h(T_inlet),
            f"{p}count.heat_out": backward * fluid.h(T_outlet),
        }

    def T_out(self, v: Mapping[str, Value], end: str = "out") -> Value:
        """Temperature that emerges at the outlet, or at the ``in``-let, K."""
        h, T = v[f"{self.prefix}held.h_{end}"], self.T_start
        for _ in range(4):  # cp varies by a per cent: the third is exact
            T = T - (self.fluid.h(T) - h) / self.fluid.cp(T)
        return T


@dataclass(frozen=True, slots=True)
class _Pipe:
    """A pipe's content, and what flowed through it in the last step."""

    content: PlugFlow
    forward: float = 0.0
    """kg/s"""
    backward: float = 0.0
    h_inlet: float = 0.0
    """J/kg, what came in at the inlet when something did last"""
    h_outlet: float = 0.0


class PlugFlowPipes:
    """The carrier (:mod:`plant_models.carried`) of a machine's pipes; ``cooling`` says what standing does to them."""

    def __init__(self, specs: Iterable[PipeSpec], cooling: Cooling) -> None:
        specs = tuple(specs)
        self.held: Sequence[str] = [f"{s.prefix}{name}" for s in specs for name in HELD]
        self.counted: Sequence[str] = [f"{s.prefix}{name}" for s in specs for name in COUNTED]
        self.stores: Sequence[str] = [f"{s.prefix}heat" for s in specs]
        self._cooling = cooling
        self._pipes = tuple(
            _Pipe(PlugFlow.filled(s.mass, s.h_start), h_inlet=s.h_start, h_outlet=s.h_start) for s in specs
        )
        self._dt = 0.0
        self._cooled: Sequence[PlugFlow] = ()
        self._expected = self._found = self._pipes

    @property
    def contents(self) -> tuple[PlugFlow, ...]:
        """What is in the pipes."""
        return tuple(pipe.content for pipe in self._pipes)

    def begin(self, dt: float) -> None:
        """A step of ``dt`` s begins."""
        self._dt = dt
        self._cooled = self._cooling(self.contents, dt)
        self._expected = self._pipes

    def foreseen(self) -> Array:
        """What emerges at the ends and the heat from the surroundings, if the flow is as expected."""
        values = []
        for pipe, cooled, expected in zip(self._pipes, self._cooled, self._expected, strict=True):
            values.append(cooled.next_out(expected.forward * self._dt, expected.h_inlet))
            values.append(cooled.backwards.next_out(expected.backward * self._dt, expected.h_outlet))
            values.append((cooled.heat - pipe.content.heat) / self._dt)
        return np.array(values)

    def agrees(self, counts: Array, stored: Array) -> bool:
        """Whether the pipes' heat is that of their water, moved on by what was counted."""
        agreed, found, better = True, [], []
        for i, (cooled, expected) in enumerate(zip(self._cooled, self._expected, strict=True)):
            forward, backward, heat_in, heat_out = (float(c) for c in counts[4 * i : 4 * i + 4])
            least = 1e-12 * cooled.content
            h_inlet = heat_in / forward if forward > least else expected.h_inlet
            h_outlet = heat_out / backward if backward > least else expected.h_outlet
            content = cooled
            if forward > least:
                content = content.mixed(expected.forward * self._dt).pushed(forward, h_inlet)
            if backward > least:
                turned = content.backwards.mixed(expected.backward * self._dt)
                content = turned.pushed(backward, h_outlet).backwards
            amiss = float(stored[i]) - content.heat
            moved = max(forward, 0.0) + max(backward, 0.0)
            if abs(amiss) > TOLERANCE * moved and abs(amiss) > TOLERANCE_CONTENT * content.content:
                agreed = False
            pipe = _Pipe(content.warmed(amiss), forward / self._dt, backward / self._dt, h_inlet, h_outlet)
            found.append(pipe)
            better.append(replace(pipe, forward=(1 + MARGIN) * pipe.forward, backward=(1 + MARGIN) * pipe.backward))
        self._found, self._expected = tuple(found), tuple(better)
        return agreed

    def move(self) -> None:
        """Take what was last counted as what happened."""
        self._pipes = self._found

    def snapshot(self) -> tuple[_Pipe, ...]:
        """Everything that the future depends on."""
        return self._pipes

    def restore(self, snapshot: tuple[_Pipe, ...]) -> None:
        """Return to a snapshot."""
        self._pipes = snapshot

    def packed(self, snapshot: tuple[_Pipe, ...]) -> dict[str, Array]:
        """A snapshot as arrays, exactly."""
        arrays: dict[str, Array] = {}
        for i, pipe in enumerate(snapshot):
            content, last = pipe.content, (pipe.forward, pipe.backward, pipe.h_inlet, pipe.h_outlet)
            arrays |= {f"{i}.mass": content.mass, f"{i}.h": content.h}
            arrays[f"{i}.rest"] = np.array([content.content, content.parcels, *last])
        return arrays

    def unpacked(self, arrays: Mapping[str, Array]) -> tuple[_Pipe, ...]:
        """The snapshot that :meth:`packed` made these arrays from. Raises KeyError for one that is missing."""
        found = []
        for i in range(len(self._pipes)):
            content, parcels, *last = (float(v) for v in arrays[f"{i}.rest"])
            found.append(_Pipe(PlugFlow(arrays[f"{i}.mass"], arrays[f"{i}.h"], content, int(parcels)), *last))
        return tuple(found)
