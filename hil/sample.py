"""A measured value is never alone: it has the time it was read and a quality."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quality(StrEnum):
    """Whether a value may be used."""

    GOOD = "good"
    BAD = "bad"
    """read, but a sentinel, NaN or outside its valid range"""
    LOST = "lost"
    """not read: the value is the last good one, or NaN"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value in SI, the time it was read (s, POSIX, of the field's clock) and its quality."""

    value: float
    time: float
    quality: Quality = Quality.GOOD
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether the value may be used."""
        return self.quality is Quality.GOOD
