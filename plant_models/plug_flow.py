"""Water in a pipe as a row of parcels that are pushed through: transport delay without numerical diffusion.

What enters at one end moves on unmixed and leaves at the other end after the pipe's content has been pushed out, in
either direction; standing water waits and cools. Parcels are of mixed water each: a step's inflow is one, and parcels
smaller than the pipe's content over ``parcels`` are joined as they enter, so a front keeps its shape to within one step
or that share of the content, whichever is longer.

Usable alone, with plain numbers; nothing here knows a plant. Any quantity per kg that mixes linearly may be carried;
here it is called h, J/kg. The idea is that of J. van der Heijde et al., Energy Convers. Manag. 151 (2017) 158, doi
10.1016/j.enconman.2017.08.072, there by following residence times, here by following the water.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PARCELS = 200


@dataclass(frozen=True, slots=True)
class PlugFlow:
    """The content of a pipe at one instant; what changes it returns a new one."""

    mass: Array
    """kg, the parcels from the pipe's inlet to its outlet"""
    h: Array
    """J/kg, of each"""
    content: float
    """kg, of all parcels: what comes in pushes as much out"""
    parcels: int = PARCELS

    @classmethod
    def filled(cls, mass: float, h: float, parcels: int = PARCELS) -> PlugFlow:
        """A pipe of ``mass`` kg, all of it at ``h`` J/kg. Raises ValueError where it holds nothing."""
        if not mass > 0 or parcels < 1:
            raise ValueError(f"a pipe holds water in one parcel at least, found {mass:g} kg, {parcels} parcels")
        return cls(np.array([mass]), np.array([h]), mass, parcels)

    @property
    def heat(self) -> float:
        """Enthalpy of the content, J."""
        return float(self.mass @ self.h)

    @property
    def backwards(self) -> PlugFlow:
        """The same pipe seen from its other end."""
        return self._with(self.mass[::-1], self.h[::-1])

    def next_out(self, amount: float, h_behind: float) -> float:
        """Mean of the next ``amount`` kg at the outlet, J/kg; of the last drop for 0 kg.

        What is needed beyond the pipe's content is at ``h_behind``.
        """
        if amount <= 0.0:
            return float(self.h[-1])
        kept, rest = self._cut(amount)
        leaving = float(self.mass[kept:] @ self.h[kept:])
        return (leaving + rest * (float(self.h[kept - 1]) if kept else h_behind)) / amount

    def mixed(self, amount: float) -> PlugFlow:
        """With the last ``amount`` kg (at most the content) before the outlet as one parcel."""
        amount = min(amount, self.content)
        if amount <= self.mass[-1]:
            return self
        kept, rest = self._cut(amount)
        h = self.next_out(amount, float(self.h[0]))
        mass = self.mass[:kept].copy()
        if kept and rest < mass[-1]:
            mass[-1] -= rest
        elif kept:
            mass, kept = mass[:-1], kept - 1
        return self._with(np.append(mass, amount), np.append(self.h[:kept], h))

    def pushed(self, amount: float, h_entering: float) -> PlugFlow:
        """After ``amount`` kg at ``h_entering`` came in at the inlet and as many left at the outlet."""
        if amount <= 0.0:
            return self
        kept, rest = self._cut(amount)
        if kept == 0 or amount >= self.content:
            return PlugFlow.filled(self.content, h_entering, self.parcels)
        mass, h = self.mass[:kept], self.h[:kept]
        if rest < mass[-1]:
            mass = mass.copy()
            mass[-1] -= rest
        elif kept > 1:
            mass, h = mass[:-1], h[:-1]
        if mass[0] * self.parcels < self.content:  # join small parcels as they enter
            joined = mass[0] + amount
            h_joined = (mass[0] * h[0] + amount * h_entering) / joined
            mass, h = mass.copy(), h.copy()
            mass[0], h[0] = joined, h_joined
            return self._with(mass, h)
        return self._with(np.concatenate(([amount], mass)), np.concatenate(([h_entering], h)))

    def warmed(self, heat: float) -> PlugFlow:
        """With ``heat`` J spread evenly over the content."""
        return self._with(self.mass, self.h + heat / self.content)

    def relaxed(self, number: float, h_surroundings: float) -> PlugFlow:
        """After the water has come nearer its surroundings: by the share 1 - exp(-number) of the difference.

        ``number`` = UA t/(M cp) of the whole pipe and the time t.
        """
        return self._with(self.mass, self.h + (h_surroundings - self.h) * -math.expm1(-number))

    def _with(self, mass: Array, h: Array) -> PlugFlow:
        return PlugFlow(mass, h, self.content, self.parcels)

    def _cut(self, amount: float) -> tuple[int, float]:
        """How many parcels are not wholly within the last ``amount`` kg, and kg taken of the last of these."""
        from_outlet = self.mass[::-1].cumsum()
        whole = int(from_outlet.searchsorted(amount, side="right"))
        return len(self.mass) - whole, amount - (float(from_outlet[whole - 1]) if whole else 0.0)


def relaxed_pair(
    one: PlugFlow, other: PlugFlow, common: float, between: float, h_surroundings: float
) -> tuple[PlugFlow, PlugFlow]:
    """Two equal pipes side by side, the inlet of one beside the outlet of the other, after they exchanged heat.

    The mean of what lies side by side comes nearer the surroundings by the share 1 - exp(-common), its difference
    shrinks by 1 - exp(-between): the exact solution for standing water. Parcels stay mixed.
    """
    turned = other.backwards
    share_1, share_2 = one.mass / one.content, turned.mass / turned.content
    ends_1, ends_2 = share_1.cumsum()[:-1], share_2.cumsum()[:-1]
    starts = np.concatenate(([0.0], np.sort(np.concatenate((ends_1, ends_2)))))
    width = np.diff(np.append(starts, max(1.0, starts[-1])))
    at_1, at_2 = ends_1.searchsorted(starts, side="right"), ends_2.searchsorted(starts, side="right")
    h_1, h_2 = one.h[at_1], turned.h[at_2]
    mean = (0.5 * (h_1 + h_2) - h_surroundings) * math.expm1(-common)
    half = 0.5 * (h_1 - h_2) * math.expm1(-between)
    changed_1 = one.h + np.bincount(at_1, width * (mean + half), len(share_1)) / share_1
    changed_2 = turned.h + np.bincount(at_2, width * (mean - half), len(share_2)) / share_2
    return one._with(one.mass, changed_1), turned._with(turned.mass, changed_2).backwards
