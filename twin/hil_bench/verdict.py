"""From traces to verdicts: each expectation passed, failed or not judged, with the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin.hil_bench.evaluate import Traces, find, holds, sides
from twin.hil_bench.expression import ExpressionError, Node, names
from twin.hil_bench.scenario import Expectation, HilScenario

Bools = NDArray[np.bool_]
Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one expectation."""

    expectation: Expectation
    status: Status
    evidence: str
    at: float | None = None
    """s since the start: when it failed, or came true"""


@dataclass(slots=True)
class Outcome:
    """What came of one scenario on one bench."""

    scenario: HilScenario
    bench: str
    traces: Traces | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    error: str = ""
    """why it could not be run to its end"""
    refused: bool = False
    """whether that lies in what was handed in or in what it met, as a port that is taken: a mistake and no verdict"""
    slow: bool = False
    """whether the bench could not keep the plant's time: a run at a lower speed may"""
    trace: str = ""
    """traceback, where that is a defect of heatloop"""
    skipped: str = ""
    """why it was not run on this bench"""
    wall_s: float = 0.0
    events: list[tuple[float, str, str, str]] = field(default_factory=list)
    """of the journal: s since the start, kind, source, message"""
    figures: dict[str, float] = field(default_factory=dict)
    """of the run itself: CPU time of this process, steps, lateness, overruns"""

    @property
    def status(self) -> Status:
        """Of the whole scenario."""
        if self.error or any(v.status == "failed" for v in self.verdicts):
            return "failed"
        judged = any(v.status == "passed" for v in self.verdicts)
        return "passed" if judged and not self.skipped else "skipped"


def judge(expectation: Expectation, traces: Traces) -> Verdict:
    """The verdict on one expectation. Raises ExpressionError for a signal that does not exist."""
    node = expectation.node
    unseen = _unrecorded(node, traces)
    if unseen:
        return Verdict(expectation, "skipped", f"{unseen[0]} cannot be observed on this bench")
    true = holds(node, traces)
    window = (traces.time >= expectation.since - 1e-6) & (traces.time <= expectation.until + 1e-6)
    every = np.broadcast_to(true.all(axis=0), traces.time.shape)
    if expectation.kind == "never":
        return _throughout(expectation, traces, ~np.broadcast_to(true.any(axis=0), traces.time.shape), window)
    if expectation.kind == "always":
        return _throughout(expectation, traces, every, window)
    if expectation.kind == "settles":
        assert expectation.time is not None  # the model saw to it
        return _settles(expectation, traces, every, window)
    if expectation.time is not None:
        window &= traces.time <= expectation.since + expectation.time + 1e-6
    hits = np.flatnonzero(every & window)
    if hits.size:
        at = float(traces.time[hits[0]])
        return Verdict(expectation, "passed", f"true at {_clock(at)}", at)
    last = int(np.flatnonzero(window)[-1]) if window.any() else len(window) - 1
    return Verdict(expectation, "failed", _said(f"not true until {_clock(traces.time[last])}", node, traces, last),
                   float(traces.time[last]))  # fmt: skip


def _throughout(expectation: Expectation, traces: Traces, good: Bools, window: Bools) -> Verdict:
    """True at every instant of the window, but for spells not longer than the grace."""
    if not window.any():
        return Verdict(expectation, "skipped", "the run ended before")
    worst = (0.0, -1)
    for begin, end in _spells(~good & window):
        length = float(traces.time[min(end, len(good) - 1)] - traces.time[begin])
        if length > worst[0] or worst[1] < 0:
            worst = (length, begin)
    if worst[1] < 0:
        return Verdict(expectation, "passed", "throughout")
    length, begin = worst
    if length <= expectation.grace and expectation.grace > 0:
        return Verdict(expectation, "passed", f"but for at most {_clock(length)} at a time")
    first = next(begin for begin, end in _spells(~good & window))
    what = f"not so for {_clock(length)} from {_clock(traces.time[begin])}"
    middle = begin + max(0, round(0.5 * length / max(float(traces.time[1] - traces.time[0]), 1e-9)))
    if expectation.kind == "never":
        return Verdict(expectation, "failed", what.replace("not so", "it was"), float(traces.time[first]))
    return Verdict(expectation, "failed", _said(what, expectation.node, traces, middle), float(traces.time[first]))


def _settles(expectation: Expectation, traces: Traces, good: Bools, window: Bools) -> Verdict:
    late = window & (traces.time > expectation.since + (expectation.time or 0.0) + 1e-6)
    wrong = np.flatnonzero(~good & late)
    if not late.any():
        return Verdict(expectation, "skipped", "the run ended before it had to be settled")
    if wrong.size:
        at = int(wrong[0])
        text = _said(f"not settled at {_clock(traces.time[at])}", expectation.node, traces, at)
        return Verdict(expectation, "failed", text, float(traces.time[at]))
    bad = np.flatnonzero(~good & window)
    since = float(traces.time[bad[-1] + 1]) if bad.size else expectation.since
    return Verdict(expectation, "passed", f"from {_clock(since)} on", since)


def _spells(wrong: Bools) -> list[tuple[int, int]]:
    """First index of every run of true values, and the first after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wrong, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _said(what: str, node: Node, traces: Traces, at: int) -> str:
    detail = sides(node, traces, at)
    return f"{what}: {detail}" if detail else what


def _unrecorded(node: Node, traces: Traces) -> list[str]:
    asked = [name for pattern in names(node) for name in find(pattern, traces.columns)]
    return [name for name in asked if name not in traces.values and name not in traces.absent]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(float(seconds), 60.0)
    return f"{minutes:.0f} min {rest:.0f} s" if minutes else f"{rest:.0f} s"


__all__ = ["ExpressionError", "Outcome", "Verdict", "judge"]
