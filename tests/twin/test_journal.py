import math
import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.journal import SCHEMA, Journal, JournalError, Order, WriteEntry
from twin.operation.alarm_state import AlarmChange, AlarmState, Priority
from twin.operation.overrides import Override, OverrideChange, Overrides

HAND = Override("pump.y", 0.5, 0.0, 3600.0, "anna", "flushing")
ENTRY = WriteEntry(1e9, "pump.y", "mpc", 0.5, 0.6, math.nan, "failed", "no answer")


def test_what_goes_in_comes_out(tmp_path):
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.add_writes([ENTRY, ENTRY._replace(signal="cooler.T_set", read_back=300.0)])
        journal.add_writes([])
        journal.add_event(1e9, "alarm", "plant", "gone")
        journal.add_event(1e9 + 1, "clear", "plant", "back")
        journal.add_decision(1e9, "mpc", "ok", "", 0.25)
    with Journal(tmp_path / "j.sqlite") as journal:
        (entry,) = journal.writes("pump.y")
        assert entry[:5] == ENTRY[:5]
        assert math.isnan(entry.read_back)
        assert entry.message == "no answer"
        assert len(journal.writes()) == 2
        assert [e.kind for e in journal.events()] == ["alarm", "clear"]
        assert journal.events("alarm")[0].message == "gone"
        assert journal.decisions() == [(1e9, "mpc", "ok", "", 0.25)]


@pytest.mark.parametrize("table", ["writes", "events", "decisions", "overrides", "alarms", "orders", "outcomes"])
def test_it_is_append_only(tmp_path, table):
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.add_writes([ENTRY])
        journal.add_event(0.0, "info", "runtime", "")
        journal.add_decision(0.0, "mpc", "ok", "", 0.0)
        journal.add_override(OverrideChange(0.0, "set", HAND))
        journal.add_alarm(
            AlarmChange(0.0, "plant", AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, Priority.HIGH, "gone")
        )
        journal.add_outcome(journal.add_order(0.0, "anna", "mode", {"mode": "off"}), 0.0, True, "")
    with sqlite3.connect(path) as db:
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET time = 0"):
            with pytest.raises(sqlite3.DatabaseError, match="append-only"):
                db.execute(statement.replace("time = 0", "wall_time = 0" if table == "orders" else "time = 0"))


def test_an_unwritable_place(tmp_path):
    with pytest.raises(JournalError, match="give a writable file in an existing folder"):
        Journal(tmp_path / "nowhere" / "j.sqlite")


def test_a_killed_process_leaves_whole_transactions(tmp_path):
    path = tmp_path / "j.sqlite"
    program = (
        "import sys\nfrom twin.journal import Journal, WriteEntry\nj = Journal(sys.argv[1])\ni = 0\n"
        "while True:\n"
        "    j.add_writes(WriteEntry(float(i), f's{k}', 'x', 0.0, 0.0, 0.0, 'written') for k in range(10))\n"
        "    i += 1\n"
        "    if i == 50: print('going', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "going\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    with Journal(path) as journal:
        times = [entry.time for entry in journal.writes()]
    assert len(times) >= 500
    assert all(times.count(t) == 10 for t in {times[0], times[-1], times[len(times) // 2]})


changes = st.lists(
    st.tuples(st.sampled_from(["set", "cancelled", "expired"]), st.sampled_from(["pump.y", "cooler.T_set", "fan.y"]),
              st.floats(0.0, 1.0)),
    max_size=20,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(changes)
def test_the_journal_replayed_is_the_state(asked):
    live = Overrides()
    with Journal(":memory:") as journal:
        for time, (kind, signal, value) in enumerate(asked):
            of = Override(signal, value, float(time), time + 60.0, "anna", "a reason")
            change = OverrideChange(float(time), kind, of, "anna")
            journal.add_override(change)
            live.apply(change)
        assert Overrides(journal.overrides()).in_force() == live.in_force()


def test_transitions_of_alarms_come_back_as_they_were():
    first = AlarmChange(1.0, "plant", AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, Priority.HIGH, "gone")
    second = AlarmChange(
        2.0, "plant", AlarmState.UNACKNOWLEDGED, AlarmState.SHELVED, Priority.HIGH, "known", "anna", 99.0
    )
    with Journal(":memory:") as journal:
        journal.add_alarm(first)
        journal.add_alarm(second)
        assert journal.alarms()[1] == second
        assert journal.alarms()[0].message == "gone"
        assert journal.alarms(last_only=True) == [second]


def test_an_order_is_open_until_it_is_answered(tmp_path):
    with Journal(tmp_path / "j.sqlite") as loop, Journal(tmp_path / "j.sqlite") as operator:
        number = operator.add_order(5.0, "anna", "mode", {"mode": "off"})
        assert loop.open_orders() == [Order(number, 5.0, "anna", "mode", {"mode": "off"})]
        assert operator.outcome(number) is None
        loop.add_outcome(number, 7.0, False, "no")
        assert loop.open_orders() == []
        assert operator.outcome(number) == (7.0, False, "no")


def test_what_belongs_together_is_kept_together():
    with Journal(":memory:") as journal:

        def halfway():
            with journal.whole():
                journal.add_event(0.0, "info", "x", "half")
                journal.add_decision(0.0, "mpc", "ok", "", 0.0, ("controller.mpc", {"a": 1}))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            halfway()
        assert (journal.events(), journal.decisions(), journal.kept("controller.mpc")) == ([], [], None)
        journal.add_decision(3.0, "mpc", "ok", "", 0.0, ("controller.mpc", {"a": 1}))
        assert journal.kept("controller.mpc") == (3.0, {"a": 1})


def test_what_a_device_held_last_is_known():
    with Journal(":memory:") as journal:
        for status, value in (("written", 0.5), ("refreshed", 0.6), ("failed", 0.7), ("shadow", 0.8)):
            back = math.nan if status in ("failed", "shadow") else value
            journal.add_writes([ENTRY._replace(status=status, new=value, read_back=back)])
        assert journal.last_held() == {"pump.y": 0.6}


def test_a_journal_of_the_first_format_is_continued(tmp_path):
    path = tmp_path / "old.sqlite"
    first = SCHEMA.replace(", rank TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT ''", "").split(";")
    with sqlite3.connect(path) as db:
        for statement in first[:3]:
            db.execute(statement)
        db.execute("INSERT INTO writes VALUES (1, 'pump.y', 'mpc', 0.5, 0.6, 0.6, 'written', '')")
    with Journal(path) as journal:
        journal.add_writes([ENTRY._replace(rank="manual", why="flushing")])
        old, new = journal.writes()
        assert (old.new, old.rank) == (0.6, "")
        assert (new.rank, new.why) == ("manual", "flushing")


def test_a_later_format_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "j.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match=r"of a later heatloop \(format 99, known 2\)"):
        Journal(tmp_path / "j.sqlite")


def test_an_operator_needs_a_journal_that_is_there(tmp_path):
    with pytest.raises(JournalError, match="heatloop run makes it"):
        Journal(tmp_path / "j.sqlite", must_exist=True)
