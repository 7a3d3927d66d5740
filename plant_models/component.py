"""What a machine is to the plant: ports, signals and equations.

A component is a frozen pydantic model (its fields are its sizes, with units in the site file) that declares its
signals and states its equations once, for NumPy floats and CasADi symbols alike. Components meet in nodes only:

- a *fluid port* sees its node's pressure and temperature, ``v["inlet.p"]`` (Pa) and ``v["inlet.T"]`` (K), and gives
  ``inlet.m_flow`` (kg/s) and ``inlet.H_flow`` (W), both positive INTO the component;
- a *heat port* sees ``v["room.T"]`` (K) and gives ``room.Q_flow`` (W), positive INTO the component.

So a machine is testable alone: hand :meth:`Component.equations` a mapping of floats.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from plant_models.carrier import Carrier
from plant_models.mathx import abs_
from plant_models.media import Medium, find_medium
from plant_models.signals import Role, Signal
from plant_models.site_mistakes import Misfit
from plant_models.units import Liquid

Value = Any
"""a float, a NumPy array or a CasADi symbol: equations are written for all of them"""


@dataclass(frozen=True, slots=True)
class FluidPort:
    """Where water enters or leaves."""

    name: str
    group: str = ""
    """ports of one group belong to one hydraulic circuit inside the component; circuits exchange heat, not water"""
    flow: Literal["in", "out", "either", "none", ""] = ""
    """which way water goes by design, ``none`` where a sensor sits; empty: as the name says (``inlet``, ``..._in``,
    ``outlet``, ``..._out``)"""

    @property
    def direction(self) -> Literal["in", "out", "either"]:
        """Which way water goes by design: ``either`` where neither the machine nor the port's name says so."""
        if self.flow == "none":
            return "either"
        if self.flow:
            return self.flow
        word = self.name.rpartition("_")[2]
        return "in" if word in ("in", "inlet") else "out" if word in ("out", "outlet") else "either"

    @property
    def senses(self) -> bool:
        """Whether it is a sensor's: it sees the node and passes no water."""
        return self.flow == "none"


@dataclass(frozen=True, slots=True)
class HeatPort:
    """Where heat enters or leaves without water."""

    name: str


Port = FluidPort | HeatPort


@dataclass(slots=True)
class Equations:
    """What a component answers: rates of its states (unit/s), flows at its ports, outputs."""

    rates: dict[str, Value] = field(default_factory=dict)
    flows: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)


def _known_medium(word: str) -> str:
    return find_medium(word).name


MediumName = Annotated[str, AfterValidator(_known_medium)]
"""the word for a liquid, a key of ``MEDIA``: ``water``, ``pg25``, ``meg30`` ..."""


class Component(BaseModel, ABC):
    """Base of all machines. Subclasses fix ``kind`` (the word in the site file), ``ports``, signals and equations."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: str
    ports: ClassVar[tuple[Port, ...]] = ()
    holds_pressure: ClassVar[bool] = False
    """whether it gives its circuits, those of its ports that pass water, a reference of pressure"""
    drives: ClassVar[tuple[str, str] | None] = None
    """(from, to): ports between which it pushes water and lets none back, as a pump with a check valve does"""
    passes: ClassVar[tuple[str, str] | None] = None
    """(from, to): ports between which it lets water pass in this direction only, as a check valve does"""
    either_way: ClassVar[bool] = False
    """whether water may pass it from its outlets to its inlets, as a pipe"""
    senses: ClassVar[tuple[str, str] | None] = None
    """(high, low): ports whose pressure difference its speed control holds"""

    @model_validator(mode="after")
    def _liquids_stay_liquid(self) -> Self:
        """Temperatures of its liquids are where these are liquid, and their properties known."""
        found: list[tuple[tuple[str], str]] = []
        for name, field_info in type(self).model_fields.items():
            for mark in field_info.metadata:
                if isinstance(mark, Liquid):
                    found += [((name,), what) for what in self._not_liquid(getattr(self, name), mark)]
        if found:
            raise Misfit(*found)
        return self

    def _not_liquid(self, T: float, mark: Liquid) -> Iterator[str]:
        ports = [port.name for port in self.ports if isinstance(port, FluidPort) and not port.senses]
        carried = [self.medium_at(port) for port in ports if mark.port in ("", port)]
        words = [getattr(self, mark.medium)] if mark.medium else carried
        for word in dict.fromkeys(words):
            try:
                find_medium(word).check(T)
            except ValueError as error:
                yield str(error)

    @abstractmethod
    def signals(self) -> tuple[Signal, ...]:
        """States, inputs, disturbances, parameters and outputs, with local names."""

    @abstractmethod
    def equations(self, v: Mapping[str, Value]) -> Equations:
        """Rates, port flows and outputs at the signals and port variables ``v``."""

    def medium_at(self, port: str) -> str:
        """The liquid that a fluid port carries, a key of ``MEDIA``: the field ``medium``, or water."""
        return str(getattr(self, "medium", "water"))

    def climb_to(self, port: str) -> float:
        """Of a fluid port over the first port of its group, m: machines count as level."""
        return 0.0

    def holds_up_to(self, port: str) -> float | None:
        """The highest temperature, K, that it may be set to hold at a heat port; None if it holds none."""
        return None

    def bears(self, port: str) -> float | None:
        """The temperature of a heat port, K, up to which it works undisturbed; None if it minds none."""
        return None

    def carrier(self) -> Carrier | None:
        """A new carrier of what the machine carries beside its states (plug flow), or None if all is in its states."""
        return None

    def pressure_held(self) -> float | None:
        """The gauge pressure, Pa, that it is set to hold at its port; None if it holds none, or one that follows."""
        return None

    def p_start(self) -> float:
        """Of a machine that holds its circuits' pressure: the gauge pressure that it starts with, Pa."""
        return 0.0

    def filling(self) -> tuple[str, ...]:
        """States that fill or empty for days while all else rests, local names: a search for rest holds them."""
        return ()

    def defaults(self) -> dict[str, float]:
        """Start states, commissioned set-points and design disturbances: a valid ``v`` but for the ports."""
        return {s.name: s.default for s in self.signals() if s.role is not Role.OUTPUT}


def through(fluid: Medium, m_flow: Value, T_inlet: Value, T_volume: Value, T_outlet: Value) -> tuple[Value, Value]:
    """Enthalpy flows into a one-volume passage at its inlet and its outlet port, W, upwind in either direction.

    ``m_flow`` (kg/s) is positive from inlet to outlet; a reversed flow leaves by the inlet with the volume's state.
    """
    forward, backward = positive(m_flow), positive(-m_flow)
    h_volume = fluid.h(T_volume)
    H_inlet = forward * fluid.h(T_inlet) - backward * h_volume
    H_outlet = backward * fluid.h(T_outlet) - forward * h_volume
    return H_inlet, H_outlet


def positive(x: Value) -> Value:
    """The positive part of x: exact, so that forward minus backward flow is the flow itself."""
    return 0.5 * (x + abs_(x))
