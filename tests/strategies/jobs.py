"""Work that tests hand to other processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from twin.mistakes import UserError

Tell = Callable[[float], None]


def square(number: float, tell: Tell) -> float:
    tell(0.5)
    return number * number


def misuse(number: float, tell: Tell) -> float:
    tell(0.1)
    raise UserError(f"{number:g} will not do")


def break_down(number: float, tell: Tell) -> float:
    tell(0.1)
    return number / 0


def be_killed(number: float, tell: Tell) -> float:
    tell(0.1)
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave(number: float, tell: Tell) -> float:
    tell(0.1)
    os._exit(3)


def any_of(what: str, number: float, tell: Tell) -> float:
    """Different work in one call."""
    if what == "wait":
        time.sleep(number)
        return number
    done: float = {"square": square, "misuse": misuse, "break": break_down, "kill": be_killed, "leave": leave}[what](
        number, tell
    )
    return done
