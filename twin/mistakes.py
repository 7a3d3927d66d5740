"""What counts as a user's mistake, and how it is told; everything else is a defect of heatloop.

The rule is one of classes, not of places: an error is a mistake in what was handed in if its class is one that heatloop
defines, the operating system's, or pydantic's. A bare ValueError or KeyError is none of them, as that is also what
NumPy or pandas raise when heatloop uses them wrongly; so whoever checks what users write raises a class of its own.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

OUR_PACKAGES = ("plant_models", "controllers", "hil", "twin")
LONGEST_FOUND = 100
"""characters of a wrong value that a message quotes"""


class UserError(ValueError):
    """Something handed in that cannot be used, where no other class says it better."""


class Defect(RuntimeError):
    """A defect of heatloop that another process met; the message holds its traceback."""


def is_expected(error: BaseException) -> bool:
    """Whether the error is about what the user handed in: file system, sockets, and every error class of our own."""
    ours = type(error).__module__.partition(".")[0] in OUR_PACKAGES and not isinstance(error, Defect)
    if ours or isinstance(error, OSError):
        return True
    from pydantic import ValidationError

    return isinstance(error, ValidationError)


def explain(error: BaseException) -> str:
    """The error as one paragraph."""
    if isinstance(error, OSError) and error.errno is not None:
        return _explain_os(error)
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return explain_fields(error, error.title)
    paragraph = "\n".join(line for line in str(error).splitlines() if line.strip())
    return paragraph or type(error).__name__


def explain_fields(error: ValidationError, where: str, known: tuple[str, ...] = ()) -> str:
    """One line for each wrong key below ``where``; ``known`` are the keys that its top level may have."""
    lines = []
    for item in error.errors():
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key"
            if known and len(item["loc"]) == 1:
                lines.append(f"{where}: {item['loc'][0]}: unknown key; known: {', '.join(known)}")
                continue
        found = "" if item["type"] == "missing" else f", found {_short(item['input'])}"
        key = ".".join(map(str, item["loc"]))
        lines.append(f"{where}: {key}: {message}{found}" if key else f"{where}: {message}{found}")
    return "\n".join(lines)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_FOUND else f"{text[:LONGEST_FOUND]} ..."


def _explain_os(error: OSError) -> str:
    """What the operating system refused, and what to do about it."""
    what = f"{error.filename}: {error.strerror}" if error.filename else (error.strerror or str(error))
    advice = {
        errno.ENOENT: "check the path",
        errno.EACCES: "choose another folder or file, or change its permissions",
        errno.EROFS: "choose a folder on a disk that can be written",
        errno.ENOSPC: "free some space or choose another folder",
        errno.EADDRINUSE: "another program listens on this port; stop it, or choose another port with --port",
        errno.ECONNREFUSED: "nothing listens there; start it first, or check host and port",
    }.get(error.errno or 0)
    return f"{what}; {advice}" if advice else what
