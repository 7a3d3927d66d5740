"""Jobs in processes: each ends by itself, well or badly, and the others go on."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from tests.strategies.jobs import any_of
from twin.parallel import run_jobs


def test_good_bad_broken_and_killed_side_by_side() -> None:
    heard: dict[str, float] = {}
    jobs = {"a": ("square", 3.0), "b": ("misuse", 4.0), "c": ("break", 5.0), "d": ("kill", 6.0), "e": ("leave", 1.0),
            "f": ("square", 2.0)}  # fmt: skip
    outcomes = run_jobs(any_of, jobs, 2, heard.__setitem__)
    assert list(outcomes) == list(jobs)
    assert (outcomes["a"].result, outcomes["f"].result) == (9.0, 4.0)
    assert outcomes["a"].failure == outcomes["f"].failure == ""
    assert (outcomes["b"].failure, outcomes["b"].trace) == ("4 will not do", "")
    assert "division by zero" in outcomes["c"].failure
    assert "ZeroDivisionError" in outcomes["c"].trace
    assert "any_of" in outcomes["c"].trace
    assert outcomes["d"].failure == "its process was ended by SIGKILL; was there enough memory?"
    assert outcomes["e"].failure == "its process ended with code 3 before it was done"
    assert heard.keys() == jobs.keys()


def test_an_interruption_ends_the_processes() -> None:
    def interrupt(name: str, share: float) -> None:
        raise KeyboardInterrupt(name, share)

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_jobs(any_of, {"long": ("wait", 60.0), "short": ("square", 1.0)}, 2, interrupt)
    assert time.monotonic() - begun < 30.0
    assert multiprocessing.active_children() == []
