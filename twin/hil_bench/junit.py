"""Verdicts as JUnit XML, the format that build servers read: a suite for a scenario, a case for an expectation."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from twin.hil_bench.verdict import Outcome, Verdict


def junit(outcomes: Sequence[Outcome]) -> str:
    """The document. Failures are verdicts, errors are scenarios that could not be run to their end."""
    root = Xml.Element("testsuites", name="heatloop hil test")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for outcome in outcomes:
        counts = _suite(root, outcome)
        totals = {key: totals[key] + counts[key] for key in totals}
    for key, value in totals.items():
        root.set(key, str(value))
    root.set("time", f"{sum(o.wall_s for o in outcomes):.3f}")
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _suite(root: Xml.Element, outcome: Outcome) -> dict[str, int]:
    scenario = outcome.scenario
    suite = Xml.SubElement(root, "testsuite", name=scenario.name, time=f"{outcome.wall_s:.3f}")
    properties = Xml.SubElement(suite, "properties")
    for name, value in (
        ("title", scenario.title), ("site", scenario.site), ("bench", outcome.bench),
        ("controller", scenario.controller), ("requirements", " ".join(scenario.requirements)),
    ):  # fmt: skip
        Xml.SubElement(properties, "property", name=name, value=clean(value))
    verdicts = list(outcome.verdicts)
    counts = {
        "tests": max(1, len(verdicts)),
        "failures": sum(v.status == "failed" for v in verdicts),
        "errors": int(bool(outcome.error)),
        "skipped": sum(v.status == "skipped" for v in verdicts) + int(not verdicts and bool(outcome.skipped)),
    }
    for key, number in counts.items():
        suite.set(key, str(number))
    for verdict in verdicts:
        _case(suite, outcome, verdict)
    if not verdicts:
        case = Xml.SubElement(suite, "testcase", classname=scenario.name, name=clean(scenario.title), time="0")
        if outcome.skipped:
            Xml.SubElement(case, "skipped", message=clean(outcome.skipped))
        if outcome.error:
            Xml.SubElement(case, "error", message=clean(outcome.error)).text = clean(outcome.error)
    elif outcome.error:
        Xml.SubElement(suite, "system-err").text = clean(outcome.error)
    return counts


def _case(suite: Xml.Element, outcome: Outcome, verdict: Verdict) -> None:
    ids = " ".join(verdict.expectation.requirement)
    name = f"{ids}: {verdict.expectation}" if ids else str(verdict.expectation)
    case = Xml.SubElement(suite, "testcase", classname=outcome.scenario.name, name=clean(name), time="0")
    if verdict.status == "failed":
        Xml.SubElement(case, "failure", message=clean(verdict.evidence)).text = clean(verdict.evidence)
    elif verdict.status == "skipped":
        Xml.SubElement(case, "skipped", message=clean(verdict.evidence))
    else:
        Xml.SubElement(case, "system-out").text = clean(verdict.evidence)


def clean(text: str) -> str:
    """Text without the control characters that XML cannot carry."""
    return "".join(c for c in text if c in "\t\n" or ord(c) >= 0x20)
