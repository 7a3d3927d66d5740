"""The report of one run: a page that needs nothing but a browser, for a planning engineer and for a neighbour."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from plant_models.signals import Account
from twin.definitions import DEFINITIONS
from twin.kpi import key_figures, limited
from twin.ledger import Ledger
from twin.report import picture, sankey
from twin.report.display import THIN, duration, energy, number, period, power, volume, zone
from twin.report.figures import Figures
from twin.report.reasons import reasons
from twin.results import RunResult, write_text

TOWER_WATER = 1.1
"""l/kWh of IT electricity that open cooling towers take (national laboratories' and operators' figures, NREL)"""
CONTROLLERS = {
    "fixed": "set-points as commissioned",
    "sequences": "rule-based sequences",
    "mpc": "optimal control that looks ahead",
}
EVENTS = 12

ENVIRONMENT = Environment(
    loader=PackageLoader("twin.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the three numbers on top."""

    colour: str
    name: str
    value: str
    unit: str
    notes: tuple[str, ...]


def write_report(run_folder: Path | str) -> Path:
    """Write ``report.html`` beside the run's data and say where it is. Raises ResultsError."""
    folder = Path(run_folder)
    path = folder / "report.html"
    write_text(path, report(RunResult.load(folder)))
    return path


def report(result: RunResult) -> str:
    """The page as text."""
    ledger = Ledger(result)
    figures, k = Figures(ledger), key_figures(result)
    info = result.info
    local, zone_name = zone(info.time_zone)
    return ENVIRONMENT.get_template("report.html.j2").render(
        info=info, k=k, zone_name=zone_name,
        period=period(info.start.astimezone(local), info.end.astimezone(local)),
        duration=duration(info.seconds), controller=CONTROLLERS.get(info.controller, ""),
        synthetic=sorted(name for name, source in info.sources.items() if source.synthetic),
        headlines=headlines(ledger, k), summary=summary(ledger, k),
        picture=Markup(picture.draw(ledger)), sankey=Markup(sankey.draw(sankey.heat_flows(ledger))),
        sections=_sections(figures), reasons=_reasons(ledger), rows=[(d, number(k[d.key], 4)) for d in DEFINITIONS],
        decisions=len(result.decisions), events=_events(result, figures),
        controller_time=Markup(figures.controller_time()),
        scenario=json.dumps(info.scenario, indent=2, ensure_ascii=False, default=str),
        computes=ledger.has(Account.ELECTRICITY_IT),
        hours=number(info.seconds / 3600, 2), number=number, energy=energy, volume=volume,
    )  # fmt: skip


def _sections(figures: Figures) -> dict[str, Markup]:
    drawn = {
        "temperatures": figures.hottest() + figures.heat_map() + figures.water_temperatures(),
        "heat": figures.heat() + figures.store(),
        "plans": figures.plans(),
        "electricity": figures.electricity() + figures.price(),
        "water": figures.water(),
    }
    return {name: Markup(html) for name, html in drawn.items()}


def headlines(ledger: Ledger, k: dict[str, float | None]) -> list[Headline]:
    """Water, heat and electricity in words for everyone."""
    water, it = k["water_m3"] or 0.0, k["electricity_it_MWh"] or 0.0
    days = ledger.info.seconds / 86400
    daily = THIN.join(volume(water / days))
    per_it = f", {number(k['wue_l_per_kWh'], 2)}{THIN}l per kWh of computing" if it > 0 else ""
    notes = [f"{daily} a day{per_it}"]
    if water < 0.8 * TOWER_WATER * it:
        towers = float(f"{TOWER_WATER * it:.2g}")
        notes.append(f"open cooling towers would take about {number(towers)}{THIN}m³")
    unit, scale = ("MWh", 1.0) if (k["electricity_MWh"] or 0.0) >= 10 else ("kWh", 1e3)
    lines = [Headline("water", "Water drunk", *volume(water), tuple(notes))]
    if ledger.has(Account.HEAT_DEMAND):
        met = k["heat_demand_met"]
        asked = "nothing was asked for" if met is None else f"{met * 100:.0f}{THIN}% of what the network asked for"
        share = "" if k["erf"] is None else f"{k['erf'] * 100:.0f}{THIN}% of the data centre's energy used again"
        given = number((k["heat_delivered_MWh"] or 0.0) * scale)
        lines.append(Headline("heat", "Heat given", given, unit, (asked, share)))
    else:
        lines.append(Headline("air", "Heat given", "none", "", ("this plant has no one to give its heat to",)))
    cooling = power(ledger.total(Account.ELECTRICITY_COOLING) / ledger.info.seconds)
    extra = "no computing here: pumps and what else heat for others takes"
    if it > 0:
        extra = (
            f"{number((k['pue'] or 1.0) * 100 - 100, 2)}{THIN}% on top of computing, to cool it: {cooling} on average"
        )
    peak = f"highest quarter-hour {power((k['peak_power_MW'] or 0.0) * 1e6)}"
    lines.append(Headline("power", "Electricity", number((k["electricity_MWh"] or 0.0) * scale), unit, (extra, peak)))
    return lines


def summary(ledger: Ledger, k: dict[str, float | None]) -> list[str]:
    """What happened, in a few sentences."""
    said = []
    if ledger.has(Account.ELECTRICITY_IT):
        said.append(f"The racks drew {power(ledger.total(Account.ELECTRICITY_IT) / ledger.info.seconds)} on average.")
    if ledger.has(Account.FUEL):
        said.append(f"Boilers burnt {energy(ledger.total(Account.FUEL))} of fuel.")
    kept = limited(ledger)
    if kept:
        worst = max(limit.excess_max_K for limit in kept.values())
        above = sum(1 for limit in kept.values() if limit.seconds > 0)
        said.append(
            f"{above} of {len(kept)} groups of chips were above their limit at times, by {number(worst, 2)} K at most."
            if above
            else "Every chip stayed below its temperature limit."
        )
    if ledger.has(Account.HEAT_DEMAND) and ledger.has(Account.HEAT_REUSED):
        said.append(
            f"{energy(ledger.total(Account.HEAT_REUSED))} of their heat were recovered, "
            f"{energy(ledger.total(Account.HEAT_REJECTED))} went to the outside air."
        )
    spray, hours = k["spray_hours"] or 0.0, ledger.info.seconds / 3600
    if ledger.has(Account.WATER_EVAPORATED):
        said.append(
            f"Water was put into the air stream in {number(spray, 2)} of {number(hours)} hours."
            if spray
            else "No water was put into the air stream."
        )
    failures, decisions = k["controller_failures"] or 0.0, len(ledger.result.decisions)
    if failures:
        said.append(f"{failures:.0f} of {decisions} decisions fell back on the rule-based sequences.")
    return said


def _reasons(ledger: Ledger) -> list[dict[str, Any]]:
    found = reasons(ledger)
    total = sum(reason.hours for reason in found)
    return [{"reason": reason, "share": reason.hours / total} for reason in found]


def _events(result: RunResult, figures: Figures) -> dict[str, Any]:
    """Decisions that were not good, the first of them with their words."""
    bad = result.decisions[result.decisions["status"] != "ok"]
    first = bad.head(EVENTS)
    clock = first["time"].dt.tz_convert(figures.zone).dt.strftime("%a %d %b, %H:%M")
    rows = first.assign(time=clock)[["time", "status", "source", "message"]].to_dict("records")
    return {"rows": rows, "count": len(bad), "by_source": result.decisions["source"].value_counts().to_dict()}
