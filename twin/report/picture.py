"""The plant picture: lines of water from hot to cold, machines between them, with the run's mean values on it."""

from __future__ import annotations

from dataclasses import dataclass

from plant_models.signals import Account
from twin.ledger import ELECTRICITY, Ledger
from twin.report.display import THIN, ZERO_C, energy, number, power, title_of
from twin.report.graph import Box, Graph, graph_of
from twin.report.svg import drawing, tag, text

ROW, COLUMN, BOX_WIDTH, BOX_HEIGHT = 88.0, 164.0, 148.0, 60.0
LEFT, TOP = 132.0, 20.0
LONG = 15
"""letters of a title that fit a box in full size"""
PART = {
    "it": "power",
    "distribution": "cooling",
    "rejection": "air",
    "recovery": "recovery",
    "store": "store",
    "consumer": "heat",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A box, its column and the row gap (0: above the first line) that it stands in."""

    box: Box
    column: int
    gap: int
    rows: tuple[int, ...]


def draw(ledger: Ledger) -> str:
    """The picture; empty where the run does not carry its plant."""
    graph = graph_of(ledger)
    if not graph.boxes or not graph.buses:
        return ""
    placed = arrange(graph)
    columns = max(p.column for p in placed) + 1
    gaps = {p.gap for p in placed}
    last = len(graph.buses) - 1
    top = TOP + (ROW - 16 if 0 in gaps else 0)
    width = LEFT + columns * COLUMN
    height = top + last * ROW + (ROW if last + 1 in gaps else 34)
    return drawing(
        width,
        height,
        *_lines(graph, placed, top),
        *(_box(p, top) for p in placed),
        label="The plant: machines between the lines of water, mean values of the run",
        class_="plant",
        style=f"min-width:{width * 0.8:.0f}px;max-width:{width * 1.1:.0f}px",
    )


def arrange(graph: Graph, hang_above: frozenset[int] = frozenset({0})) -> list[Placed]:
    """A column and a gap for every box; boxes that do not meet share a column.

    A box with one line hangs below it, or above it where its row is one of ``hang_above``.
    """
    row = {bus.name: i for i, bus in enumerate(graph.buses)}
    taken: list[list[tuple[int, int]]] = []
    placed: list[Placed] = []
    for box in graph.boxes:
        rows = tuple(sorted({row[bus] for bus in box.buses.values()}))
        low, high = rows[0], rows[-1]
        gap = (low + high + 1) // 2 if high > low else (low if low in hang_above else low + 1)
        span = (min(low, gap - 1), max(high, gap))
        parts = [p.box.part for p in placed if p.box.part != box.part]
        start = min((p.column for p in placed if parts and p.box.part == parts[-1]), default=0)
        free = (c for c in range(start, len(taken)) if all(span[1] <= a or span[0] >= b for a, b in taken[c]))
        column = next(free, len(taken))
        if column == len(taken):
            taken.append([])
        taken[column].append(span)
        placed.append(Placed(box, column, gap, rows))
    return placed


def _lines(graph: Graph, placed: list[Placed], top: float) -> list[str]:
    low, high = graph.buses[-1].T, graph.buses[0].T
    parts = []
    for i, bus in enumerate(graph.buses):
        columns = [p.column for p in placed if i in p.rows]
        y = top + i * ROW
        warmth = (bus.T - low) / (high - low) if high - low > 0.5 else 0.5
        colour = f"--w:{warmth:.3f}"
        first, last = LEFT + min(columns) * COLUMN, LEFT + max(columns) * COLUMN + BOX_WIDTH - 4
        parts += [
            tag("line", x1=LEFT - 8, x2=first, y1=y, y2=y, class_="leader"),
            tag("line", x1=first, x2=last, y1=y, y2=y, class_="bus", style=colour),
            text(f"{bus.T - ZERO_C:.1f}{THIN}°C", LEFT - 16, y + 1, "bus-T", text_anchor="end"),
            text(title_of(bus.name), LEFT - 16, y + 16, "bus-name", text_anchor="end"),
        ]
        for p in placed:
            if i in p.rows:
                parts += _stubs(p, i, y, top, colour)
    return parts


def _stubs(p: Placed, row: int, y: float, top: float, colour: str) -> list[str]:
    """The short pipes from a box to one of its lines; several lines on one side stand beside each other."""
    above = row < p.gap
    edge = _y(p, top) + (0 if above else BOX_HEIGHT)
    side = [r for r in p.rows if (r < p.gap) == above]
    x = _x(p) + BOX_WIDTH * (side.index(row) + 1) / (len(side) + 1)
    return [
        tag("line", x1=x, x2=x, y1=y, y2=edge, class_="bus stub", style=colour),
        tag("circle", cx=x, cy=y, r=4.2, class_="joint", style=colour),
    ]


def _x(p: Placed) -> float:
    return LEFT + p.column * COLUMN


def _y(p: Placed, top: float) -> float:
    return top + (p.gap - 0.5) * ROW - BOX_HEIGHT / 2


def _box(p: Placed, top: float) -> str:
    x, y = _x(p), _y(p, top)
    facts = _facts(p.box)
    small = "font-size:11.5px" if len(p.box.title) > LONG else None
    lines = [text(p.box.title, x + 12, y + (22 if facts else 35), "box-name", style=small)]
    lines += [text(fact, x + 12, y + 38 + 14 * i, "box-fact") for i, fact in enumerate(facts[:2])]
    return tag(
        "g",
        tag("rect", x=x, y=y, width=BOX_WIDTH, height=BOX_HEIGHT, rx=7, class_="box"),
        tag("rect", x=x, y=y + 10, width=4, height=BOX_HEIGHT - 20, rx=2, class_=f"box-mark {PART[p.box.part]}"),
        *lines,
    )


def _facts(box: Box) -> list[str]:
    """At most two lines: what the box does on average, and what it draws."""
    a = box.accounts
    facts = []
    if Account.ELECTRICITY_IT in a:
        facts.append(f"{power(a[Account.ELECTRICITY_IT])} computing")
    if Account.HEAT_REJECTED in a:
        facts.append(f"{power(a[Account.HEAT_REJECTED])} to the air")
    if Account.HEAT_DELIVERED in a:
        facts.append(f"{power(a[Account.HEAT_DELIVERED])} received")
    if Account.HEAT_DEMAND in a:
        facts.append(f"{power(a[Account.HEAT_DEMAND])} asked for")
    if Account.HEAT_REUSED in a:
        facts.append(f"{power(a[Account.HEAT_REUSED])} recovered")
    if Account.FUEL in a:
        facts.append(f"{power(a[Account.FUEL])} of fuel")
    if box.part == "store":
        word = "charged" if box.energy >= 0 else "discharged"
        facts.append(f"{energy(abs(box.energy))} {word}")
    drawn = sum(a.get(account, 0.0) for account in ELECTRICITY if account is not Account.ELECTRICITY_IT)
    if drawn > 0:
        facts.append(f"{power(drawn)} electric")
    if Account.WATER_LOOP in a:
        facts.append(f"{number(a[Account.WATER_LOOP] * 86.4, 2)}{THIN}m³/d top-up")
    return facts
