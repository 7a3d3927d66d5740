"""Key figures of a run: one definition each, the same for every plant and every controller.

``docs/kpi.md`` explains them; :data:`DEFINITIONS` is the list that the report, ``kpis.json`` and its readers share.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from plant_models.signals import Account, Role, Vocabulary, Watch
from twin.definitions import DEFINITIONS
from twin.ledger import DATA_CENTRE, ELECTRICITY, IT, WATER, Array, Ledger
from twin.results import OnOff, ResultsError, RunResult, Thermal, write_text

MWH = 3.6e9
"""J"""
KWH = 3.6e6
"""J"""
HOUR = 3600.0
"""s"""
DAY = 86400.0
"""s"""
SPRAY_MIN = 0.01
"""kg/s (36 l/h): below it, a plant counts as dry; far under any real spray, over the tail of a smooth valve"""
PEAK_INTERVAL = 900.0
"""s: the quarter-hour at which European grids settle and charge power"""


def key_figures(result: RunResult, vocabulary: Vocabulary | None = None) -> dict[str, float | None]:
    """All key figures of a run, by the keys of :data:`DEFINITIONS`, in their order; None where one has no meaning.

    ``vocabulary`` states what each signal counts as; by default it is the one of the run. Raises ResultsError when the
    run did not record a signal that a figure needs.
    """
    ledger = Ledger(result, vocabulary)
    figures = _energy(ledger) | _money(ledger) | _water(ledger) | _limits(ledger) | _control(ledger)
    for name in ("energy", "mass"):
        balance = result.info.balances.get(name)
        figures[f"{name}_balance_error"] = None if balance is None else balance.relative
    it_MWh = figures["electricity_it_MWh"]
    figures["net_cost_EUR_per_MWh_IT"] = _ratio(figures["net_cost_EUR"], it_MWh)
    return {definition.key: figures[definition.key] for definition in DEFINITIONS}


def undefined(figures: dict[str, float | None]) -> dict[str, str]:
    """Why figures have no value, by their keys."""
    return {d.key: f"no {d.needs} in this run" for d in DEFINITIONS if d.needs and figures.get(d.key, 0.0) is None}


def with_reasons(figures: dict[str, float | None]) -> dict[str, float | dict[str, str] | None]:
    """The figures and, where some have no value, why: ``undefined``, by key."""
    reasons = undefined(figures)
    return {**figures, "undefined": reasons} if reasons else dict(figures)


def write_key_figures(folder: Path | str, figures: dict[str, float | None]) -> Path:
    """Write ``kpis.json`` into a run folder. Raises ResultsError when it cannot be written."""
    path = Path(folder) / "kpis.json"
    write_text(path, json.dumps(with_reasons(figures), indent=1) + "\n")
    return path


def limited(ledger: Ledger) -> dict[str, Thermal]:
    """How each limited temperature kept its limit: from every step of the simulation, or from the recorded samples."""
    kept = dict(ledger.info.thermal)
    for signal in ledger.vocabulary.values():
        if signal.limit and signal.unit == "K" and signal.name not in kept:
            excess = np.maximum(ledger.column(signal.name) - signal.upper, 0.0)
            kept[signal.name] = Thermal(
                violation_Ks=float(excess @ ledger.dt),
                excess_max_K=float(excess.max()),
                seconds=float((excess > 0) @ ledger.dt),
            )
    return kept


def switched(ledger: Ledger) -> dict[str, OnOff]:
    """The machines whose starts are counted: those of the run, or every heat recovery machine with a load ``y``."""
    if ledger.info.on_off:
        return ledger.info.on_off
    owners = {s.name.rpartition(".")[0] for s in ledger.signals(Account.ELECTRICITY_RECOVERY)}
    return {
        f"{owner}.y": OnOff(threshold=0.05)
        for owner in sorted(owners)
        if f"{owner}.y" in ledger.vocabulary and f"{owner}.y_set" in ledger.vocabulary
    }


def starts(ledger: Ledger) -> dict[str, int]:
    """Number of starts by signal of load."""
    counted = {}
    for name, machine in switched(ledger).items():
        if machine.starts is None:
            running = ledger.column(name) >= machine.threshold
            counted[name] = int(np.count_nonzero(running[1:] & ~running[:-1]))
        else:
            counted[name] = machine.starts
    return counted


def peak(edges: Array, power: Array, interval: float = PEAK_INTERVAL) -> float:
    """The highest mean over whole clock intervals (quarter-hours), W; the mean of all when the run has none.

    ``power`` holds the mean between each two of ``edges`` (s, POSIX).
    """
    energy = np.concatenate([[0.0], np.cumsum(power * np.diff(edges))])
    first, last = np.ceil(edges[0] / interval), np.floor(edges[-1] / interval)
    if last <= first:
        return float(energy[-1] / (edges[-1] - edges[0]))
    grid = np.arange(first, last + 1) * interval
    return float(np.max(np.diff(np.interp(grid, edges, energy))) / interval)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole is not None and whole > 0 else None


def _energy(ledger: Ledger) -> dict[str, float | None]:
    it, cooling, recovery = (ledger.total(account) for account in ELECTRICITY)
    centre = it + cooling
    reused = ledger.total(Account.HEAT_REUSED)
    delivered, demand = ledger.total(Account.HEAT_DELIVERED), ledger.total(Account.HEAT_DEMAND)
    return {
        "pue": _ratio(centre, it),
        "ere": _ratio(centre - reused, it),
        "erf": _ratio(reused, centre if it > 0 else None),
        "cue_kg_per_kWh": _ratio(ledger.co2_of(*DATA_CENTRE), it / KWH),
        "co2_t": (ledger.co2 + ledger.total(Account.CO2_FUEL)) / 1e3,
        "fuel_MWh": ledger.total(Account.FUEL) / MWH,
        "electricity_MWh": (centre + recovery) / MWH,
        "electricity_it_MWh": it / MWH,
        "electricity_cooling_MWh": cooling / MWH,
        "electricity_recovery_MWh": recovery / MWH,
        "heat_reused_MWh": reused / MWH,
        "heat_delivered_MWh": delivered / MWH,
        "heat_demand_MWh": demand / MWH,
        "heat_rejected_MWh": ledger.total(Account.HEAT_REJECTED) / MWH,
        "heat_demand_met": _ratio(delivered, demand),
        "peak_power_MW": peak(ledger.edges, ledger.electricity) / 1e6,
    }


def _money(ledger: Ledger) -> dict[str, float | None]:
    tariffs = ledger.info.tariffs
    revenue = ledger.total(Account.HEAT_DELIVERED) * tariffs.heat
    costs = {
        "electricity_cost_EUR": ledger.electricity_cost,
        "water_cost_EUR": ledger.total(*WATER) / 1e3 * tariffs.water,
        "fuel_cost_EUR": ledger.total(Account.FUEL) * tariffs.fuel,
        "co2_cost_EUR": (ledger.co2 + ledger.total(Account.CO2_FUEL)) * tariffs.co2,
        "start_cost_EUR": sum(number * switched(ledger)[name].start_cost for name, number in starts(ledger).items()),
        "operation_cost_EUR": ledger.total(Account.HEAT_PUMPED) * tariffs.heat_pump_operation,
    }
    net = sum(costs.values()) - revenue
    stored = ledger.stored_change
    cop = recovery_cop(ledger)
    unit = ledger.price_mean / cop + tariffs.heat_pump_operation if cop else 0.0
    worth = stored * unit if cop or stored == 0.0 else None
    return {
        **costs,
        "heat_revenue_EUR": revenue,
        "net_cost_EUR": net,
        "stored_heat_change_MWh": stored / MWH,
        "net_cost_with_store_EUR": None if worth is None else net - worth,
        "net_cost_besides_it_EUR": net - ledger.cost_of(*IT),
    }


def recovery_cop(ledger: Ledger) -> float | None:
    """Heat made for the network, delivered or stored, over the electricity of heat recovery; None where none was made.

    What is stored counts with what is delivered, so that heat out of the store does not pass for a better machine.
    """
    made = ledger.total(Account.HEAT_DELIVERED) + ledger.stored_change
    electricity = ledger.total(Account.ELECTRICITY_RECOVERY)
    return made / electricity if made > 0.0 and electricity > 0.0 else None


def _water(ledger: Ledger) -> dict[str, float | None]:
    evaporated, bled, loop = (ledger.total(account) / 1e3 for account in WATER)
    total = evaporated + bled + loop
    return {
        "wue_l_per_kWh": _ratio(total * 1e3, ledger.total(*IT) / KWH),
        "water_m3": total,
        "water_evaporated_m3": evaporated,
        "water_blowdown_m3": bled,
        "water_loop_m3": loop,
        "spray_hours": float((ledger.flow(Account.WATER_EVAPORATED) > SPRAY_MIN) @ ledger.dt) / HOUR,
    }


def _limits(ledger: Ledger) -> dict[str, float | None]:
    kept = limited(ledger).values()
    return {
        "thermal_violation_Kh": sum(limit.violation_Ks for limit in kept) / HOUR,
        "thermal_excess_max_K": max((limit.excess_max_K for limit in kept), default=0.0),
        "thermal_violation_s": sum(limit.seconds for limit in kept),
        **_watched(ledger, Watch.AIR, "air_violation_Kh", "air_excess_max_K"),
        **_watched(ledger, Watch.FROST, "frost_violation_Kh", "frost_excess_max_K"),
        **_watched(ledger, Watch.DEW, "condensation_Kh", "condensation_max_K"),
    }


def _watched(ledger: Ledger, kind: Watch, total: str, worst: str) -> dict[str, float | None]:
    """Sum and largest of one kind of limit; None where the plant has nothing of it, or the run did not note it."""
    kept = [k for name, k in ledger.info.watched.items() if ledger.vocabulary[name].watch is kind]
    if not kept:
        return {total: None, worst: None}
    return {total: sum(k.violation_Ks for k in kept) / HOUR, worst: max(k.excess_max_K for k in kept)}


def _control(ledger: Ledger) -> dict[str, float | None]:
    days = ledger.info.seconds / DAY
    decisions = ledger.result.decisions
    ratio = decisions["solve_s"].to_numpy(dtype=float) / ledger.info.controller_interval_s
    if np.isnan(ratio).any():
        raise ResultsError(f"the run of {ledger.info.site} has a decision without its computing time (solve_s)")
    known = ratio.size > 0
    return {
        "starts_per_day": sum(starts(ledger).values()) / days,
        "actuator_travel": _travel(ledger, days),
        "controller_time_ratio_mean": float(ratio.mean()) if known else None,
        "controller_time_ratio_p99": float(np.quantile(ratio, 0.99)) if known else None,
        "controller_time_ratio_max": float(ratio.max()) if known else None,
        "controller_failures": float((decisions["status"] != "ok").sum()),
    }


def _travel(ledger: Ledger, days: float) -> float | None:
    """Full strokes per day, mean over the set-points with two finite bounds."""
    strokes = [
        float(np.abs(np.diff(ledger.column(s.name))).sum()) / (s.upper - s.lower)
        for s in ledger.vocabulary.role(Role.INPUT)
        if 0 < s.upper - s.lower < np.inf
    ]
    return float(np.mean(strokes)) / days if strokes else None
