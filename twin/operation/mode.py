"""How much the loop may do. There is one loop; only what becomes of a set-point differs."""

from __future__ import annotations

from enum import StrEnum

from twin.operation.arbiter import Rank


class Mode(StrEnum):
    """The four modes."""

    OFF = "off"
    """reads, alarms and journals; decides nothing, writes nothing"""
    SHADOW = "shadow"
    """decides and journals what it would write; writes nothing"""
    ADVISORY = "advisory"
    """the controller advises; operators' overrides are written"""
    AUTO = "auto"

    @property
    def decides(self) -> bool:
        """Whether the controller is asked."""
        return self is not Mode.OFF

    def writes(self, rank: Rank) -> bool:
        """Whether a set-point of this rank goes out."""
        return self is Mode.AUTO or (self is Mode.ADVISORY and rank is Rank.MANUAL)

    @property
    def word(self) -> str:
        """What the journal calls a set-point that stayed at home."""
        return "advised" if self is Mode.ADVISORY else "shadow"


class ModeError(ValueError):
    """A mode that there is not."""


def known_mode(word: str) -> Mode:
    """The mode of that name. Raises :class:`ModeError`."""
    try:
        return Mode(word)
    except ValueError:
        raise ModeError(f"unknown mode {word!r}; known: {', '.join(Mode)}") from None
