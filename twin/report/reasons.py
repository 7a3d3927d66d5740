"""Hours in which heat went to the air, sorted by why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plant_models.signals import Account
from twin.kpi import switched
from twin.ledger import Ledger
from twin.results import ResultsError

RECOVERED = 0.02
NO_DEMAND = 0.01
MET = 0.98
FULL = 0.95


@dataclass(frozen=True, slots=True)
class Reason:
    """A share of the run."""

    title: str
    explanation: str
    hours: float
    energy: float
    """heat given to the air in these hours, J"""


TEXTS = (
    ("All heat recovered", "less than 2 % of the water's heat went to the air"),
    ("No one asked for heat", "demand below 1 % of its highest in this run"),
    ("The network took all it asked for", "its demand was met; the GPUs make more heat than it needs"),
    ("Recovery at its limit", "demand was not met, and every heat pump ran within 5 % of its full load"),
    ("Not worth it, or held back", "demand was not met though heat pumps had capacity left: price, limits, controller"),
)


def reasons(ledger: Ledger) -> list[Reason]:
    """The run's hours by the first reason that holds (definitions: docs/kpi.md); reasons of no hours are left out.

    None where nothing can be given to the air.
    """
    if not ledger.has(Account.HEAT_REJECTED):
        return []
    rejected = np.maximum(ledger.flow(Account.HEAT_REJECTED), 0.0)
    if not ledger.has(Account.HEAT_DEMAND):
        energy, hours = float(rejected @ ledger.dt), float(ledger.dt.sum()) / 3600
        return [Reason("No heat sink", "this plant has no one to give its heat to", hours, energy)]
    demand, delivered = ledger.flow(Account.HEAT_DEMAND), ledger.flow(Account.HEAT_DELIVERED)
    available = rejected + np.maximum(ledger.flow(Account.HEAT_REUSED), 0.0)
    conditions = [
        rejected <= RECOVERED * available,
        demand <= NO_DEMAND * demand.max(),
        delivered >= MET * demand,
        _at_full_load(ledger),
    ]
    which = np.select(conditions, list(range(len(conditions))), default=len(conditions))
    found = [
        Reason(title, why, float((which == i) @ ledger.dt) / 3600, float((rejected * (which == i)) @ ledger.dt))
        for i, (title, why) in enumerate(TEXTS)
    ]
    return [reason for reason in found if reason.hours > 0]


def _at_full_load(ledger: Ledger) -> np.ndarray:
    """Whether every switched machine ran at its full load: the upper bound of its load, whatever the run reached."""
    full = np.ones(len(ledger.dt), dtype=bool)
    machines = switched(ledger)
    for name in machines:
        full &= ledger.column(name) >= FULL * _full_load(ledger, name)
    return full if machines else np.zeros(len(ledger.dt), dtype=bool)


def _full_load(ledger: Ledger, name: str) -> float:
    """The upper bound of a load, or of the set-point that commands it. Raises ResultsError where neither has one."""
    for known in (name, f"{name}_set"):
        if known in ledger.vocabulary and 0.0 < ledger.vocabulary[known].upper < np.inf:
            return ledger.vocabulary[known].upper
    raise ResultsError(
        f"the full load of {name} is not known: neither it nor {name}_set has an upper bound in the run's vocabulary"
    )
