"""The report of a test as a page that needs nothing but a browser: verdicts, traces with fault marks, events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from twin.hil_bench.evaluate import Traces, find
from twin.hil_bench.expression import ExpressionError, names
from twin.hil_bench.matrix import Requirement
from twin.hil_bench.scenario import FAULTS, HilScenario
from twin.hil_bench.verdict import Outcome
from twin.report.charts import Chart, Level, Line, Span
from twin.report.display import number, shown

COLOURS = ("heat", "water", "power", "chips", "recovery", "store", "air", "cooling")
MOST_LINES = 8
"""of a chart; where a pattern stands for more, the lowest and the highest are drawn"""
MOST_EVENTS = 200

ENVIRONMENT = Environment(
    loader=PackageLoader("twin.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


def report(outcome: Outcome) -> str:
    """The page of one scenario."""
    scenario = outcome.scenario
    return ENVIRONMENT.get_template("hil.html.j2").render(
        o=outcome, s=scenario, zone_name="UTC", faults=[(_when(f.at), _when(f.end) if np.isfinite(f.end) else "the end",
        f.fault, ", ".join(f.of), FAULTS[f.fault]) for f in scenario.faults],
        stimuli=[(_when(x.at), x.signal, f"to {x.to}" if x.to is not None else f"by {x.by}", _when(x.over))
                 for x in scenario.stimuli],
        acts=[(_when(x.at), x.act.replace("_", " "), ", ".join(x.of), " ".join([x.command, x.value]).strip())
              for x in scenario.operator],
        charts=Markup("".join(_charts(outcome))),
        events=[(_when(t), *rest) for t, *rest in outcome.events[:MOST_EVENTS]],
        more=max(0, len(outcome.events) - MOST_EVENTS), number=number,
    )  # fmt: skip


def index(outcomes: Sequence[Outcome], requirements: Sequence[Requirement]) -> str:
    """The page of all scenarios of a run and the requirement matrix."""
    return ENVIRONMENT.get_template("hil_index.html.j2").render(
        outcomes=outcomes, requirements=requirements, zone_name="UTC", number=number,
        count={status: sum(o.status == status for o in outcomes) for status in ("passed", "failed", "skipped")},
    )  # fmt: skip


def _charts(outcome: Outcome) -> list[str]:
    """One chart for each expectation and each pattern to plot, every set of signals once."""
    if outcome.traces is None:
        return []
    groups: dict[tuple[str, ...], str] = {}
    for expectation in outcome.scenario.expect:
        patterns = tuple(dict.fromkeys(p for p in names(expectation.node) if not p.startswith(("alarm.", "device."))))
        if patterns:
            groups.setdefault(patterns, str(expectation))
    for pattern in outcome.scenario.plot:
        groups.setdefault((pattern,), pattern)
    charts = []
    for patterns, title in groups.items():
        for unit, members in _by_unit(patterns, outcome.traces).items():
            charts.append(_chart(title, unit, members, outcome.scenario, outcome.traces))
    return charts


def _by_unit(patterns: Sequence[str], traces: Traces) -> dict[str, list[str]]:
    units: dict[str, list[str]] = {}
    for pattern in patterns:
        try:
            found = find(pattern, traces.columns)
        except ExpressionError:
            continue  # judged already, with its message
        for name in found:
            if name in traces.values:
                units.setdefault(traces.columns[name].unit, []).append(name)
    return units


def _chart(title: str, unit: str, members: Sequence[str], scenario: HilScenario, traces: Traces) -> str:
    start = scenario.start.timestamp()
    values, label = shown(np.array([traces.values[name] for name in members]), unit)
    if unit == "1":
        values, label = values / 100.0, ""
    if len(members) > MOST_LINES:
        middle = np.argsort(values.mean(axis=1))[len(members) // 2]
        picked = [(f"highest of {len(members)}", values.max(axis=0)), ("lowest", values.min(axis=0)),
                  (members[middle], values[middle])]  # fmt: skip
    else:
        picked = [(name, values[i]) for i, name in enumerate(members)]
    time = start + traces.time
    lines = [Line(name, time, v, COLOURS[i % len(COLOURS)]) for i, (name, v) in enumerate(picked)]
    uppers = {traces.columns[name].upper for name in members if np.isfinite(traces.columns[name].upper)}
    levels = []
    if len(uppers) == 1 and unit == "K":
        limit = float(shown(np.array(uppers.pop()), unit)[0])
        if limit <= float(np.nanmax(values)) + 15.0:
            levels = [Level("limit", limit)]
    spans = [Span(f"{f.fault} {', '.join(f.of)}".strip(), start + f.at, start + min(f.end, scenario.duration))
             for f in scenario.faults]  # fmt: skip
    spans += [Span(x.signal, start + x.at, start + x.at + max(x.over, scenario.step)) for x in scenario.stimuli]
    spans += [Span(f"{x.act} {', '.join(x.of)}", start + x.at, start + x.at + scenario.step) for x in scenario.operator]
    end = float(time[-1]) if len(time) > 1 else start + 1.0
    return Chart(title, label, start, end, UTC, lines=lines, levels=levels, spans=spans).draw()


def _when(seconds: float) -> str:
    minutes, rest = divmod(float(seconds), 60.0)
    return f"{minutes:.0f}:{rest:02.0f}"
