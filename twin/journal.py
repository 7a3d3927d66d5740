"""What was decided, written, noticed and ordered, append-only, in SQLite: a killed process loses one cycle at most.

Several programs may have it open: the loop, which writes what it does, and an operator's command, which leaves an order
(:class:`Order`) for the loop to take up. What is in force (overrides, alarms) is the outcome of the entries, so a
restart needs nothing else.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from twin.operation.alarm_state import AlarmChange, AlarmState, Priority
from twin.operation.overrides import Change, Override, OverrideChange

VERSION = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS writes (
    time REAL NOT NULL, signal TEXT NOT NULL, who TEXT NOT NULL, old REAL, new REAL, read_back REAL,
    status TEXT NOT NULL, message TEXT NOT NULL, rank TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS decisions (
    time REAL NOT NULL, source TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, duration_s REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    time REAL NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS overrides (
    time REAL NOT NULL, change TEXT NOT NULL, signal TEXT NOT NULL, value REAL NOT NULL, since REAL NOT NULL,
    until REAL NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, changed_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alarms (
    time REAL NOT NULL, alarm TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, priority TEXT NOT NULL,
    message TEXT NOT NULL, changed_by TEXT NOT NULL, until REAL);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, wall_time REAL NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcomes (
    id INTEGER PRIMARY KEY REFERENCES orders, time REAL NOT NULL, done INTEGER NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, time REAL NOT NULL, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS writes_of ON writes (signal, time);
CREATE INDEX IF NOT EXISTS alarms_of ON alarms (alarm);
"""
APPEND_ONLY = "".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb.upper()} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;\n"
    for table in ("writes", "decisions", "events", "overrides", "alarms", "orders", "outcomes")
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
    rank: str = ""
    why: str = ""

    @property
    def went_out(self) -> bool:
        """Whether the device took something; what the equipment tells later of a set-point is no write."""
        return self.status in ("written", "refreshed", "mismatch") and self.who != "equipment"


class Event(NamedTuple):
    """Something noticed: ``kind`` is ``alarm``, ``clear`` or ``info``."""

    time: float
    kind: str
    source: str
    message: str


class Order(NamedTuple):
    """What an operator wants of the loop; ``wall_time`` is this machine's clock, s, POSIX."""

    id: int
    wall_time: float
    who: str
    kind: str
    body: Mapping[str, Any]


class Outcome(NamedTuple):
    """What became of an order."""

    time: float
    done: bool
    message: str


class JournalError(RuntimeError):
    """The journal's file cannot be used."""


class Journal:
    """One SQLite file; ``:memory:`` for none. Raises :class:`JournalError` if the file cannot be opened or written.

    With ``must_exist`` a missing file is an error in place of a new one.
    """

    def __init__(self, path: str | Path, *, must_exist: bool = False) -> None:
        self.path = path
        if must_exist and not Path(path).is_file():
            raise JournalError(f"no journal {path}; heatloop run makes it, --journal names another")
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            with self.whole():
                self._bring_up_to_date()
        except sqlite3.Error as error:
            raise JournalError(f"journal {path}: {error}; give a writable file in an existing folder") from None

    def _bring_up_to_date(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise JournalError(f"journal {self.path} is of a later heatloop (format {version}, known {VERSION})")
        if version == VERSION:
            return
        for statement in _statements(SCHEMA + APPEND_ONLY):
            self._db.execute(statement)
        known = {row[1] for row in self._db.execute("PRAGMA table_info(writes)")}
        for column in {"rank", "why"} - known:  # of the first format
            self._db.execute(f"ALTER TABLE writes ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
        self._db.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """What is appended inside is kept all or not at all."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- what the loop did ---

    def add_writes(self, entries: Iterable[WriteEntry]) -> None:
        """Appends set-points, all or none."""
        rows = [tuple(None if isinstance(x, float) and math.isnan(x) else x for x in entry) for entry in entries]
        if rows:
            with self.whole():
                self._db.executemany(
                    "INSERT INTO writes (time, signal, who, old, new, read_back, status, message, rank, why) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows,
                )  # fmt: skip

    def add_decision(
        self, time: float, source: str, status: str, message: str, duration_s: float,
        snapshot: tuple[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """Appends a decision, and keeps the state (key, value) in which it left the controller; both or none."""
        with self.whole():
            self._db.execute(
                "INSERT INTO decisions VALUES (?, ?, ?, ?, ?)", (time, source, status, message, duration_s)
            )
            if snapshot is not None:
                self._put(snapshot[0], time, snapshot[1])

    def add_event(self, time: float, kind: str, source: str, message: str) -> None:
        """Appends an event."""
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (time, kind, source, message))

    def writes(self, signal: str | None = None, since: float = -math.inf) -> list[WriteEntry]:
        """Set-points in order, of one signal or of all, from a time on."""
        rows = self._db.execute(
            "SELECT time, signal, who, old, new, read_back, status, message, rank, why FROM writes "
            "WHERE (?1 IS NULL OR signal = ?1) AND time >= ?2 ORDER BY rowid", (signal, since),
        )  # fmt: skip
        return [WriteEntry(*row[:3], *map(_number, row[3:6]), *row[6:]) for row in rows]

    def last_held(self) -> dict[str, float]:
        """The value last written and confirmed, by signal."""
        rows = self._db.execute(
            "SELECT signal, read_back FROM writes WHERE rowid IN (SELECT max(rowid) FROM writes "
            "WHERE status IN ('written', 'refreshed', 'confirmed') AND read_back IS NOT NULL GROUP BY signal)"
        )
        return dict(rows)

    def newest(self) -> float | None:
        """Time of the last entry about writes or events, or None."""
        (time,) = self._db.execute(
            "SELECT max(time) FROM (SELECT max(time) AS time FROM writes UNION ALL SELECT max(time) FROM events)"
        ).fetchone()
        return None if time is None else float(time)

    def events(self, kind: str | None = None, since: float = -math.inf) -> list[Event]:
        """Events in order, of one kind or of all, from a time on."""
        rows = self._db.execute("SELECT * FROM events WHERE time >= ? ORDER BY rowid", (since,))
        return [Event(*row) for row in rows if kind in (None, row[1])]

    def decisions(self) -> list[tuple[float, str, str, str, float]]:
        """Time, source, status, message and duration (s) of every decision."""
        return list(self._db.execute("SELECT * FROM decisions ORDER BY rowid"))

    # --- overrides and alarms ---

    def add_override(self, change: OverrideChange) -> None:
        """Appends that an override was set, cancelled or has expired."""
        o = change.override
        self._db.execute(
            "INSERT INTO overrides VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (change.time, change.change, o.signal, o.value, o.since, o.until, o.who, o.reason, change.by),
        )

    def overrides(self) -> list[OverrideChange]:
        """Everything that happened to overrides, in order."""
        rows = self._db.execute("SELECT * FROM overrides ORDER BY rowid")
        return [OverrideChange(time, _change(change), Override(*of), by) for time, change, *of, by in rows]

    def add_alarm(self, change: AlarmChange) -> None:
        """Appends a transition of an alarm."""
        self._db.execute(
            "INSERT INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (change.time, change.alarm, change.before, change.after, change.priority, change.message, change.by,
             None if math.isnan(change.until) else change.until),
        )  # fmt: skip

    def alarms(self, *, last_only: bool = False) -> list[AlarmChange]:
        """Transitions of alarms in order; with ``last_only`` the last one of each."""
        which = "WHERE rowid IN (SELECT max(rowid) FROM alarms GROUP BY alarm)" if last_only else ""
        rows = self._db.execute(f"SELECT * FROM alarms {which} ORDER BY rowid")
        return [
            AlarmChange(time, name, AlarmState(before), AlarmState(after), Priority(priority), message, by,
                        _number(until))
            for time, name, before, after, priority, message, by, until in rows
        ]  # fmt: skip

    # --- orders ---

    def add_order(self, wall_time: float, who: str, kind: str, body: Mapping[str, Any]) -> int:
        """Leaves an order for the loop; returns its number."""
        row = self._db.execute(
            "INSERT INTO orders (wall_time, who, kind, body) VALUES (?, ?, ?, ?)",
            (wall_time, who, kind, json.dumps(body)),
        )
        assert row.lastrowid is not None  # of a table with a row id
        return row.lastrowid

    def open_orders(self) -> list[Order]:
        """Orders that nobody has taken up, in order."""
        rows = self._db.execute("SELECT * FROM orders WHERE id NOT IN (SELECT id FROM outcomes) ORDER BY id")
        return [Order(number, wall_time, who, kind, json.loads(body)) for number, wall_time, who, kind, body in rows]

    def add_outcome(self, order: int, time: float, done: bool, message: str) -> None:
        """Appends what became of an order."""
        self._db.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?)", (order, time, int(done), message))

    def outcome(self, order: int) -> Outcome | None:
        """What became of an order; None while nobody has taken it up."""
        row = self._db.execute("SELECT time, done, message FROM outcomes WHERE id = ?", (order,)).fetchone()
        return Outcome(row[0], bool(row[1]), row[2]) if row else None

    # --- what is kept in one copy ---

    def keep(self, key: str, time: float, value: Any) -> None:
        """Keeps JSON-ready data under a key, in place of what was there."""
        self._put(key, time, value)

    def _put(self, key: str, time: float, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, time, json.dumps(value)))

    def kept(self, key: str) -> tuple[float, Any] | None:
        """Time and value of what was kept, or None."""
        row = self._db.execute("SELECT time, value FROM state WHERE key = ?", (key,)).fetchone()
        return (row[0], json.loads(row[1])) if row else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _change(text: str) -> Change:
    if text not in ("set", "cancelled", "expired"):
        raise JournalError(f"the journal holds an override that was {text!r}")
    return text  # type: ignore[return-value]  # one of the three


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, triggers whole."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
