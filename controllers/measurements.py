"""Measured values that are handed out only where they are good: there, a number, and possible."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping

from plant_models.signals import Vocabulary

FINITE = (-sys.float_info.max, sys.float_info.max)


class NotMeasured(KeyError):
    """A signal without a good value."""

    def __str__(self) -> str:
        return str(self.args[0])


class Measurements(Mapping[str, float]):
    """Good values by signal name; asking for any other raises :class:`NotMeasured` and is noted in ``missing``.

    Good is a finite value, and for what comes from outside (weather, prices) one within its bounds.
    """

    def __init__(self, values: Mapping[str, float], vocabulary: Vocabulary) -> None:
        self._values, self._bounds = values, vocabulary.bounds_outside
        self.missing: dict[str, None] = {}
        """names that were asked for in vain, in the order of asking"""

    def __getitem__(self, name: str) -> float:
        value = self._values.get(name, math.nan)
        lower, upper = self._bounds.get(name, FINITE)
        if lower <= value <= upper:
            return value
        self.missing[name] = None
        raise NotMeasured(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def known(self, names: Iterable[str]) -> dict[str, float]:
        """The good ones among ``names``. Raises NotMeasured if there is none."""
        found, last = {}, ""
        values, bounds = self._values, self._bounds
        for name in names:
            value = values.get(name, math.nan)
            lower, upper = bounds.get(name, FINITE)
            if lower <= value <= upper:
                found[name] = value
            else:
                self.missing[name] = None
                last = name
        if not found:
            raise NotMeasured(last)
        return found
