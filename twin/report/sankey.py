"""Where the heat went: sources on the left, sinks on the right, ribbons as wide as their energy."""

from __future__ import annotations

from dataclasses import dataclass

from plant_models.signals import Account
from twin.ledger import Ledger
from twin.report.display import energy
from twin.report.svg import drawing, tag, text

GAP = 40.0
NODE = 12.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Energy from one place to another, J."""

    source: str
    sink: str
    energy: float
    colour: str


WATER, RECOVERY, NETWORK = "Facility water", "Heat recovery", "Heat network"
COLUMN = {
    "GPUs and servers": 0,
    "Boilers": 1,
    "Pumps and chillers": 0,
    "Water cooled down": 0,
    WATER: 1,
    "Heat pump electricity": 1,
    "Store, discharged": 1,
    "Network cooled down": 1,
    "Pumps": 1,
    RECOVERY: 2,
    NETWORK: 2,
    "Consumers": 3,
    "District network": 3,
    "Store, charged": 3,
    "Losses and warming up": 3,
    "Outside air": 3,
    "Pipes and warming up": 3,
}


def heat_flows(ledger: Ledger) -> list[Flow]:
    """The run's heat by account; what is left between accounts is what pipes lost and water stored.

    All electricity of heat recovery is shown, so what its motors give to their rooms is among its losses.
    """
    it, reused, rejected = (
        ledger.total(account) for account in (Account.ELECTRICITY_IT, Account.HEAT_REUSED, Account.HEAT_REJECTED)
    )
    pumps = _heat_of_cooling(ledger)
    flows = [
        Flow("GPUs and servers", WATER, it, "power"),
        Flow("Pumps and chillers", WATER, pumps, "cooling"),
        Flow(WATER, RECOVERY, reused, "heat"),
        Flow(WATER, "Outside air", rejected, "air"),
    ]
    flows += _rest(it + pumps - reused - rejected, WATER, "Pipes and warming up", "Water cooled down")
    delivered = ledger.total(Account.HEAT_DELIVERED)
    if reused > 0 or delivered > 0:
        drive, fuel = ledger.total(Account.ELECTRICITY_RECOVERY), ledger.total(Account.FUEL)
        charged = ledger.stored_change
        place, drives = (RECOVERY, "Heat pump electricity") if ledger.has(Account.HEAT_REUSED) else (NETWORK, "Pumps")
        flows += [
            Flow(drives, place, drive, "recovery"),
            Flow("Boilers", place, fuel, "power"),
            Flow(place, "District network" if place == RECOVERY else "Consumers", delivered, "heat"),
        ]
        flows += _rest(charged, place, "Store, charged", "Store, discharged")
        left = reused + drive + fuel - delivered - charged
        flows += _rest(left, place, "Losses and warming up", "Network cooled down")
    least = 2e-4 * max(sum(flow.energy for flow in flows if flow.sink == place) for place in (WATER, RECOVERY, NETWORK))
    return [flow for flow in flows if flow.energy > least]


def _heat_of_cooling(ledger: Ledger) -> float:
    """What pumps and compressors of the data centre turn into heat of its water, J."""
    owners = {s.name.rpartition(".")[0] for s in ledger.signals(Account.ELECTRICITY_COOLING)}
    return sum(
        max(ledger.integral(s.name), 0.0)
        for s in ledger.vocabulary.values()
        if s.boundary == "energy" and s.account is None and s.name.rpartition(".")[0] in owners
    )


def _rest(energy: float, place: str, out: str, into: str) -> list[Flow]:
    """A remainder as a flow in its direction."""
    return [Flow(place, out, energy, "loss") if energy >= 0 else Flow(into, place, -energy, "loss")]


def draw(flows: list[Flow]) -> str:
    """The picture for wide and for narrow pages."""
    return "".join(
        f'<div class="{class_}">{_picture(flows, width, height)}</div>'
        for class_, width, height in (("wide", 920.0, 380.0), ("narrow", 400.0, 420.0))
    )


def _picture(flows: list[Flow], width: float, height: float) -> str:
    narrow = width < 600
    names = [name for name in COLUMN if any(name in (flow.source, flow.sink) for flow in flows)]
    size = {
        name: max(sum(f.energy for f in flows if f.sink == name), sum(f.energy for f in flows if f.source == name))
        for name in names
    }
    columns = [[name for name in names if COLUMN[name] == c] for c in range(4)]
    columns[1].sort(key=lambda name: name == WATER)
    top, bottom = 30.0, height - 18.0
    scale = min(
        (bottom - top - GAP * (len(column) - 1)) / sum(size[name] for name in column) for column in columns if column
    )
    left, right = (4.0, width - 4.0) if narrow else (150.0, width - 170.0)
    xs = [left + share * (right - left - NODE) for share in ((0, 0.42, 0.66, 1) if narrow else (0, 1 / 3, 2 / 3, 1))]
    place: dict[str, float] = {}
    for c, column in enumerate(columns):
        used = sum(size[name] for name in column) * scale
        gap = min((bottom - top - used) / (len(column) - 1), 70.0) if len(column) > 1 else 0.0
        y = top if c >= 2 else bottom - used - gap * (len(column) - 1)
        y = top if c == 0 else y
        for name in column:
            place[name] = y
            y += size[name] * scale + gap
    if WATER in place:
        place[WATER] = max(top + (RECOVERY in place) * 46, top)
        if "Heat pump electricity" in place:
            place["Heat pump electricity"] = top - 12
    return _ribbons(flows, place, size, scale, xs, width, height, narrow)


def _ribbons(
    flows: list[Flow],
    place: dict[str, float],
    size: dict[str, float],
    scale: float,
    xs: list[float],
    width: float,
    height: float,
    narrow: bool,
) -> str:
    leaving, arriving = dict(place), dict(place)
    parts = []
    for flow in sorted(flows, key=lambda f: (place[f.source], place[f.sink])):
        thick = max(flow.energy * scale, 0.8)
        x0, x1 = xs[COLUMN[flow.source]] + NODE, xs[COLUMN[flow.sink]]
        y0, y1 = leaving[flow.source] + thick / 2, arriving[flow.sink] + thick / 2
        leaving[flow.source] += thick
        arriving[flow.sink] += thick
        said = f"{flow.source} → {flow.sink}: {energy(flow.energy)}"
        parts.append(
            tag(
                "path",
                tag("title", said),
                d=_ribbon(x0, x1, y0 - thick / 2, y1 - thick / 2, thick),
                class_=f"ribbon {flow.colour}",
            )
        )
    for name, y in place.items():
        c, tall = COLUMN[name], max(size[name] * scale, 1.5)
        x = xs[c]
        parts.append(tag("rect", x=x, y=y, width=NODE, height=tall, class_="place", rx=2))
        anchor, at = {0: ("end", x - 8), 3: ("start", x + NODE + 8)}.get(c, ("middle", x + NODE / 2))
        if narrow:
            anchor, at = ("end", x - 4) if c == 3 else ("start", x + NODE + 4)
        if narrow and c == 2:
            continue
        high = y - 18 if c in (1, 2) and not narrow else y + min(tall / 2, 60.0) - 3
        parts += [
            text(name, at, high, "name", text_anchor=anchor),
            text(energy(size[name]), at, high + 14, "amount", text_anchor=anchor),
        ]
    return drawing(width, height, *parts, label="Where the heat went", class_="sankey")


def _ribbon(x0: float, x1: float, y0: float, y1: float, thick: float) -> str:
    """The ``d`` of a band of even height from (x0, y0) to (x1, y1), upper edges."""
    bend = (x0 + x1) / 2
    there = f"M{x0:.1f} {y0:.1f}C{bend:.1f} {y0:.1f} {bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    y0, y1 = y0 + thick, y1 + thick
    return f"{there}V{y1:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y0:.1f} {x0:.1f} {y0:.1f}Z"
