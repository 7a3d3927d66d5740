"""The one vocabulary: every quantity's name, unit, role, bounds and description.

A signal's dotted name is its identity from the physics to the report: ``cdu.07.T_supply``, ``heat_pump.2.P_el``.
Components declare their signals with local names (``T_supply``); the plant puts the component's name before them.
"""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from plant_models.plausible import KELVIN, T_PLAUSIBLE

SLACK = 1e-9
"""relative (absolute below 1), by which a value may be beyond a bound: round-off"""
MOST = sys.float_info.max


class Role(StrEnum):
    """What a signal is to the plant."""

    STATE = "state"
    """integrated in time by the plant"""
    INPUT = "input"
    """a set-point or command that a controller writes"""
    DISTURBANCE = "disturbance"
    """comes from outside: weather, load, demand, prices"""
    PARAMETER = "parameter"
    """constant in one run, different between machines of one type: fouling, health"""
    OUTPUT = "output"
    """computed from the others"""


class Account(StrEnum):
    """What a flow counts as in the balances and the key figures (see docs/kpi.md)."""

    ELECTRICITY_IT = "electricity.it"
    ELECTRICITY_COOLING = "electricity.cooling"
    ELECTRICITY_RECOVERY = "electricity.recovery"
    """heat pumps and pumps beyond the handover: outside the data centre by ISO/IEC 30134-6"""
    WATER_EVAPORATED = "water.evaporated"
    WATER_BLOWDOWN = "water.blowdown"
    """bled, blown down and drifted"""
    WATER_LOOP = "water.loop"
    """top-up of the closed loops"""
    HEAT_REUSED = "heat.reused"
    """metered at the handover, before the heat pump"""
    HEAT_PUMPED = "heat.pumped"
    """given by the heat pumps to the network's side"""
    HEAT_DELIVERED = "heat.delivered"
    """received by the heat consumers"""
    HEAT_DEMAND = "heat.demand"
    HEAT_REJECTED = "heat.rejected"
    """given to the outside air"""
    FUEL = "fuel"
    """burnt, by its lower heating value"""
    CO2_FUEL = "co2.fuel"
    """of the fuel burnt; that of the electricity comes from the grid's intensity"""


class Watch(StrEnum):
    """A limit beside the chips' that a temperature should keep; each kind has key figures of its own."""

    AIR = "air"
    """not above the signal's ``upper``: air that racks draw in"""
    FROST = "frost"
    """not below 2 degC: water at machines in the outside air"""
    DEW = "dew"
    """not below the outside air's dew point: surfaces in ventilated halls"""


@dataclass(frozen=True, slots=True)
class Signal:
    """A named quantity, in SI units.

    ``energy`` (J per unit) and ``mass`` (kg per unit) say what a state stores; ``boundary`` says that an output is a
    flow of ``"energy"`` (W) or ``"mass"`` (kg/s) across the plant's boundary, positive INTO the plant. Together they
    make the balances of a run, with no knowledge of the machine.
    """

    name: str
    unit: str
    role: Role
    description: str
    default: float = math.nan
    lower: float = -math.inf
    upper: float = math.inf
    rate_max: float = math.inf
    """inputs: fastest change that equipment allows, unit per second"""
    energy: float = 0.0
    mass: float = 0.0
    boundary: str | None = None
    account: Account | None = None
    shared: bool = False
    """the name is already the plant's (``weather.T_dry``), not the component's"""
    limit: bool = False
    """outputs: ``upper`` is a limit of the equipment; the time above it is reported as thermal violation"""
    watch: Watch | None = None
    """temperatures: what else they should keep"""

    def under(self, owner: str) -> Signal:
        """This signal as the plant names it, below the component ``owner``."""
        return self if self.shared else replace(self, name=f"{owner}.{self.name}")

    @property
    def allowed(self) -> tuple[float, float]:
        """What it may be set to: its bounds, of temperatures 150..1500 K where they are open; finite."""
        low, high = T_PLAUSIBLE if self.unit == "K" else (-MOST, MOST)
        return max(self.lower, low), min(self.upper, high)

    @property
    def reach(self) -> tuple[float, float]:
        """The same, wider by round-off."""
        low, high = self.allowed
        return max(low - SLACK * max(1.0, abs(low)), -MOST), min(high + SLACK * max(1.0, abs(high)), MOST)

    def check(self, value: float, name: str = "") -> None:
        """Raise ValueError for a value (SI) that it cannot be set to; ``name``: what the message calls it."""
        low, high = self.reach
        if not low <= value <= high:
            raise ValueError(self._refused(value, name or self.name))

    def _refused(self, value: float, name: str) -> str:
        if not math.isfinite(value):
            return f"{name}: {value} is not a number that a plant can have"
        unit = "" if self.unit == "1" else f" {self.unit}"
        low, high = self.allowed
        if high >= MOST:
            wanted = f"it is at least {low:g}{unit}"
        elif low <= -MOST:
            wanted = f"it is at most {high:g}{unit}"
        else:
            wanted = f"it lies in {low:g} .. {high:g}{unit}"
        hint = f"; {KELVIN}" if self.unit == "K" else ""
        return f"{name} = {value:.7g}{unit}: {wanted}{hint}"


def state(
    name: str,
    unit: str,
    description: str,
    *,
    start: float,
    energy: float = 0.0,
    mass: float = 0.0,
    lower: float = -math.inf,
    upper: float = math.inf,
    watch: Watch | None = None,
) -> Signal:
    """A state that starts at ``start`` and stores ``energy`` J and ``mass`` kg per unit."""
    return Signal(name, unit, Role.STATE, description, start, lower, upper, energy=energy, mass=mass, watch=watch)


def setpoint(
    name: str, unit: str, description: str, *, default: float, lower: float, upper: float, rate_max: float = math.inf
) -> Signal:
    """An input as commissioned at ``default``, between ``lower`` and ``upper``."""
    return Signal(name, unit, Role.INPUT, description, default, lower, upper, rate_max)


def disturbance(
    name: str,
    unit: str,
    description: str,
    *,
    default: float,
    lower: float = -math.inf,
    upper: float = math.inf,
    shared: bool = False,
) -> Signal:
    """A quantity from outside; ``default`` is its design value."""
    return Signal(name, unit, Role.DISTURBANCE, description, default, lower, upper, shared=shared)


def parameter(
    name: str, unit: str, description: str, *, default: float, lower: float = -math.inf, upper: float = math.inf
) -> Signal:
    """A constant of one machine that a study or a calibration may change."""
    return Signal(name, unit, Role.PARAMETER, description, default, lower, upper)


def output(
    name: str,
    unit: str,
    description: str,
    *,
    boundary: str | None = None,
    account: Account | None = None,
    upper: float = math.inf,
    limit: bool = False,
    watch: Watch | None = None,
) -> Signal:
    """A computed quantity."""
    return Signal(
        name, unit, Role.OUTPUT, description, upper=upper, boundary=boundary, account=account, limit=limit, watch=watch
    )


T_DRY = disturbance(
    "weather.T_dry", "K", "outside air, dry bulb", default=293.15, lower=223.15, upper=328.15, shared=True
)
T_WET = disturbance(
    "weather.T_wet", "K", "outside air, wet bulb", default=288.15, lower=223.15, upper=313.15, shared=True
)
P_AIR = disturbance("weather.p", "Pa", "outside air pressure", default=101325.0, lower=6e4, upper=1.1e5, shared=True)
PRICE_ELECTRICITY = disturbance(
    "market.price_electricity", "EUR/J", "electricity price at the meter", default=60 / 3.6e9, shared=True
)
CO2_INTENSITY = disturbance(
    "market.co2_intensity", "kg/J", "CO2 of the electricity drawn", default=0.05 / 3.6e6, lower=0.0, shared=True
)
MARKET = (PRICE_ELECTRICITY, CO2_INTENSITY)


WET_ABOVE = 0.1
"""K, by which a wet bulb may be above the dry bulb: measured and rounded saturated air"""


def check_wet_bulb(T_dry: float, T_wet: float) -> None:
    """Raise ValueError for a wet bulb above the dry bulb (K): such air does not exist."""
    if T_wet > T_dry + WET_ABOVE:
        raise ValueError(
            f"{T_WET.name} = {T_wet:g} K is above {T_DRY.name} = {T_dry:g} K: no air is like that; set both together"
        )


class UnknownSignal(KeyError):
    """A name that the vocabulary does not have; the message names the nearest ones."""

    def __init__(self, said: str, name: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(said)
        self._name, self._known = name, tuple(known)

    def __str__(self) -> str:
        # not when it is raised: many only ask whether there is such a name, and the nearest ones take long to find
        near = difflib.get_close_matches(self._name, self._known, n=3)
        return str(self.args[0]) + (f"; did you mean {', '.join(near)}?" if near else "")


class Vocabulary(Mapping[str, Signal]):
    """All signals of a plant, in order, by name."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._signals: dict[str, Signal] = {}
        for signal in signals:
            known = self._signals.setdefault(signal.name, signal)
            if known is not signal and not (known.shared and known == signal):
                raise ValueError(f"signal {signal.name!r} is declared twice")

    def __getitem__(self, name: str) -> Signal:
        try:
            return self._signals[name]
        except KeyError:
            raise UnknownSignal(f"unknown signal {name!r}", name, self._signals) from None

    @cached_property
    def reach(self) -> dict[str, tuple[float, float]]:
        """What each signal may be set to (:attr:`Signal.reach`)."""
        return {s.name: s.reach for s in self._signals.values()}

    @cached_property
    def bounds_outside(self) -> dict[str, tuple[float, float]]:
        """Bounds of what comes from outside, the disturbances: the largest numbers where a signal has none."""
        return {s.name: (max(s.lower, -MOST), min(s.upper, MOST)) for s in self.role(Role.DISTURBANCE)}

    def __iter__(self) -> Iterator[str]:
        return iter(self._signals)

    def __len__(self) -> int:
        return len(self._signals)

    def role(self, *roles: Role) -> list[Signal]:
        """The signals of these roles, in order."""
        return [signal for signal in self._signals.values() if signal.role in roles]
