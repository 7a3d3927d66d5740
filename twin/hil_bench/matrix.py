"""The requirement matrix: for each requirement, which expectations of which scenarios showed it, with what result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twin.hil_bench.verdict import Outcome


@dataclass(slots=True)
class Requirement:
    """One line of the matrix."""

    id: str
    text: str
    shown: list[tuple[str, str, str]] = field(default_factory=list)
    """scenario, expectation, status"""

    @property
    def status(self) -> str:
        """``failed`` if any expectation did, ``passed`` if one did and none failed, else ``not shown``."""
        found = {status for _, _, status in self.shown}
        return "failed" if "failed" in found else "passed" if "passed" in found else "not shown"


def matrix(outcomes: Sequence[Outcome], texts: Mapping[str, str]) -> list[Requirement]:
    """A line for every requirement of the list and every other that scenarios name."""
    lines = {key: Requirement(key, text) for key, text in texts.items()}
    for outcome in outcomes:
        statuses = {id(v.expectation): v.status for v in outcome.verdicts}
        for expectation in outcome.scenario.expect:
            status = statuses.get(id(expectation), "failed" if outcome.error else "skipped")
            for key in expectation.requirement:
                line = lines.setdefault(key, Requirement(key, ""))
                line.shown.append((outcome.scenario.name, str(expectation), status))
    return list(lines.values())


def markdown(lines: Sequence[Requirement]) -> str:
    """The matrix as a table."""
    rows = ["| requirement | what it asks | result | shown by |", "|---|---|---|---|"]
    for line in lines:
        by: dict[str, str] = {}
        for scenario, _, status in line.shown:
            by[scenario] = "failed" if "failed" in (status, by.get(scenario)) else status
        cells = ", ".join(name if status == "passed" else f"{name} ({status})" for name, status in by.items())
        rows.append(f"| {line.id} | {line.text.replace('|', '/')} | {line.status} | {cells or 'no scenario'} |")
    return "\n".join(rows) + "\n"
