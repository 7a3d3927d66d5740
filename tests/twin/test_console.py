"""Progress where there is no terminal: plain lines that come while the work goes on."""

from __future__ import annotations

import pytest

from twin.console import progress


def test_a_log_gets_a_line_for_every_tenth_of_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as shown:
        shown.begin("one")
        shown.begin("two [x]")
        shown.tell("one", 0.0)
        assert capsys.readouterr().err == "one: 0 %, 0 s\n", "at once, not at the end"
        for percent in range(101):
            shown.tell("one", percent / 100)
            if percent % 50 == 0:
                shown.tell("two [x]", percent / 100)
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("one")] == [f"one: {10 * i} %, 0 s" for i in range(1, 11)]
    assert [line for line in lines if line.startswith("two")] == [f"two [x]: {p} %, 0 s" for p in (0, 50, 100)]


def test_results_stay_apart_from_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as shown:
        shown.begin("one")
        shown.tell("one", 1.0)
    assert capsys.readouterr().out == ""
