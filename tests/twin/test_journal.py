import math
import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from twin.journal import Journal, JournalError, WriteEntry

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


@pytest.mark.parametrize("table", ["writes", "events", "decisions"])
def test_it_is_append_only(tmp_path, table):
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.add_writes([ENTRY])
        journal.add_event(0.0, "info", "runtime", "")
        journal.add_decision(0.0, "mpc", "ok", "", 0.0)
    with sqlite3.connect(path) as db:
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET time = 0"):
            with pytest.raises(sqlite3.DatabaseError, match="append-only"):
                db.execute(statement)


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
