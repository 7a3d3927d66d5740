"""What can go wrong with a request. Whatever is raised, no value of it has been used."""

from __future__ import annotations

from typing import Final

EXCEPTIONS: Final = {
    1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 5: "acknowledge", 6: "busy",
    8: "memory parity error", 10: "gateway path unavailable", 11: "gateway target does not answer",
}  # fmt: skip
"""Modbus Application Protocol V1.1b3, section 7"""


class TransportError(Exception):
    """A request that brought no valid answer."""


class NotConnected(TransportError):
    """There is no connection to the device."""


class NoAnswer(TransportError):
    """The device stayed silent until the time-out."""


class WrongReply(TransportError):
    """An answer came that does not fit the request; nothing of it is used."""


class WrongEcho(WrongReply):
    """A write confirmed with another value: a device that limits what it is told. The connection is sound."""


class Refused(TransportError):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int, what: str, why: str = "") -> None:
        meaning = EXCEPTIONS.get(code, "unknown") + (f": {why}" if why else "")
        super().__init__(f"{what}: device answered exception {code} ({meaning})")
        self.code, self.what = code, what
