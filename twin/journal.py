"""What was decided, written and noticed, append-only, in SQLite: a killed process loses one cycle at most."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS writes (
    time REAL NOT NULL, signal TEXT NOT NULL, who TEXT NOT NULL, old REAL, new REAL, read_back REAL,
    status TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decisions (
    time REAL NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, duration_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    time REAL NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, message TEXT NOT NULL);
"""
APPEND_ONLY = "".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb.upper()} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;\n"
    for table in ("writes", "decisions", "events")
    for verb in ("update", "delete")
)


class WriteEntry(NamedTuple):
    """A set-point on its way: time in s (POSIX), values in SI; NaN where unknown."""

    time: float
    signal: str
    who: str
    old: float
    new: float
    read_back: float
    status: str
    message: str = ""


class Event(NamedTuple):
    """Something noticed: ``kind`` is ``alarm``, ``clear`` or ``info``."""

    time: float
    kind: str
    source: str
    message: str


class JournalError(RuntimeError):
    """The journal's file cannot be used."""


class Journal:
    """One SQLite file; ``:memory:`` for none. Raises :class:`JournalError` if the file cannot be opened or written."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(SCHEMA + APPEND_ONLY)
        except sqlite3.Error as error:
            raise JournalError(f"journal {path}: {error}; give a writable file in an existing folder") from None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def add_writes(self, entries: Iterable[WriteEntry]) -> None:
        """Appends set-points, all or none."""
        rows = [tuple(None if isinstance(x, float) and math.isnan(x) else x for x in entry) for entry in entries]
        if rows:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def add_decision(self, time: float, source: str, status: str, message: str, duration_s: float) -> None:
        """Appends a decision."""
        self._db.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?)", (time, source, status, message, duration_s))

    def add_event(self, time: float, kind: str, source: str, message: str) -> None:
        """Appends an event."""
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (time, kind, source, message))

    def writes(self, signal: str | None = None) -> list[WriteEntry]:
        """Set-points in order, of one signal or of all."""
        where, arguments = ("WHERE signal = ?", (signal,)) if signal else ("", ())
        rows = self._db.execute(f"SELECT * FROM writes {where} ORDER BY rowid", arguments)
        return [
            WriteEntry(time, name, who, _number(old), _number(new), _number(back), status, message)
            for time, name, who, old, new, back, status, message in rows
        ]

    def events(self, kind: str | None = None) -> list[Event]:
        """Events in order, of one kind or of all."""
        rows = self._db.execute("SELECT * FROM events ORDER BY rowid")
        return [Event(*row) for row in rows if kind in (None, row[1])]

    def decisions(self) -> list[tuple[float, str, str, str, float]]:
        """Time, source, status, message and duration (s) of every decision."""
        return list(self._db.execute("SELECT * FROM decisions ORDER BY rowid"))


def _number(value: float | None) -> float:
    return math.nan if value is None else value
