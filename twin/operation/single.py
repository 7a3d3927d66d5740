"""One loop for one journal: two that write the same plant would each undo the other's work."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another loop has this journal."""


@contextmanager
def only_one(journal: Path) -> Iterator[None]:
    """Holds the journal's lock; the operating system gives it back however the process ends.

    Raises :class:`AlreadyRunning` at once if another process has it.
    """
    path = journal.with_name(journal.name + ".lock")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(
                f"another heatloop run has the journal {journal}: stop it, or give this one its own with --journal"
            ) from None
        yield
