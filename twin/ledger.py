"""The flows of a run by what they count as: electricity, water and heat, whichever machines they come from.

The key figures and the report ask for accounts (:class:`plant_models.signals.Account`) and never for machines, so
they hold for every plant that a site file can describe.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from plant_models.signals import CO2_INTENSITY, PRICE_ELECTRICITY, Account, Signal, Vocabulary
from twin.results import CO2_ELECTRICITY, COST_ELECTRICITY, ResultsError, RunResult

Array = NDArray[np.float64]

IT = (Account.ELECTRICITY_IT,)
DATA_CENTRE = (Account.ELECTRICITY_IT, Account.ELECTRICITY_COOLING)
ELECTRICITY = (*DATA_CENTRE, Account.ELECTRICITY_RECOVERY)
WATER = (Account.WATER_EVAPORATED, Account.WATER_BLOWDOWN, Account.WATER_LOOP)

_OUTFLOWS = frozenset({*WATER, Account.HEAT_REUSED, Account.HEAT_DELIVERED, Account.HEAT_REJECTED}) - {
    Account.WATER_LOOP
}


def is_stored_heat(signal: Signal) -> bool:
    """Whether a signal says how much heat a store holds."""
    return signal.name.endswith(".Q_stored") and signal.unit == "J"


class Ledger:
    """Totals and time series by account of one run.

    Every account is positive in the direction of its name: heat rejected is positive when it leaves the plant,
    electricity when it is drawn, loop water when it is topped up. A signal that also stands in the plant's balance
    (``boundary``, positive INTO the plant) is turned accordingly.
    """

    def __init__(self, result: RunResult, vocabulary: Vocabulary | None = None) -> None:
        self.result = result
        self.info = result.info
        self.vocabulary = result.vocabulary if vocabulary is None else vocabulary
        if len(result.recorded) == 0:
            raise ResultsError(f"the run of {result.info.site} has no recorded interval: nothing to account for")
        time = result.recorded["time"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
        self.edges: Array = np.concatenate([[result.info.start.timestamp()], time])
        """start of the run and end of every recorded interval, s, POSIX"""
        self.dt: Array = np.diff(self.edges)
        """length of every recorded interval, s"""
        if np.any(self.dt <= 0):
            raise ResultsError(f"the recorded times of the run of {result.info.site} do not increase after its start")

    def signals(self, *accounts: Account) -> list[Signal]:
        """The signals that count as one of ``accounts``."""
        return [signal for signal in self.vocabulary.values() if signal.account in accounts]

    def has(self, *accounts: Account) -> bool:
        """Whether the plant has any signal of ``accounts``."""
        return bool(self.signals(*accounts))

    def of_owner(self, owner: str) -> list[Signal]:
        """The signals of one machine, its own and its parts'."""
        return self._by_machine.get(owner, [])

    @cached_property
    def _by_machine(self) -> dict[str, list[Signal]]:
        machines = {component.name for component in self.info.picture.components}
        found: dict[str, list[Signal]] = {}
        for signal in self.vocabulary.values():
            owner = signal.name
            while owner and owner not in machines:
                owner = owner.rpartition(".")[0]
            found.setdefault(owner, []).append(signal)
        return found

    def column(self, name: str) -> Array:
        """The recorded values of one signal. Raises ResultsError when it was not recorded."""
        if name not in self.result.recorded:
            raise ResultsError(
                f"the run of {self.info.site} did not record {name}, which its figures need; record it and run again"
            )
        return self.result.recorded[name].to_numpy(dtype=float)

    def flow(self, *accounts: Account) -> Array:
        """Mean flow in every recorded interval, W or kg/s, summed over all signals of ``accounts``."""
        total = np.zeros(len(self.dt))
        for signal in self.signals(*accounts):
            total += self.sign(signal) * self.column(signal.name)
        return total

    def total(self, *accounts: Account) -> float:
        """J or kg over the run: the simulation's own integrals, or recorded means where it kept none."""
        return sum((self.sign(signal) * self.integral(signal.name) for signal in self.signals(*accounts)), 0.0)

    def integral(self, name: str) -> float:
        """The integral of one signal in W or kg/s over the run, J or kg."""
        exact = self.info.integrals.get(name)
        return float(self.column(name) @ self.dt) if exact is None else exact

    @cached_property
    def stored_change(self) -> float:
        """Heat that all stores hold more at the end than at the start, J.

        The simulation's own figures, or the difference of the first and the last recorded value where it kept none.
        """
        total = 0.0
        for name in (signal.name for signal in self.vocabulary.values() if is_stored_heat(signal)):
            if name in self.info.stored_heat:
                total += self.info.stored_heat[name]
            else:
                column = self.column(name)
                total += float(column[-1] - column[0])
        return total

    @cached_property
    def price_mean(self) -> float:
        """Mean electricity price over the run's time, EUR/J."""
        return float(self.column(PRICE_ELECTRICITY.name) @ self.dt / self.dt.sum())

    @staticmethod
    def sign(signal: Signal) -> float:
        """-1 for a signal that states an outflow as a negative inflow, else 1."""
        return -1.0 if signal.boundary is not None and signal.account in _OUTFLOWS else 1.0

    def water_by_account(self) -> dict[Account, float]:
        """Water drunk, kg, by where it went."""
        return {account: self.total(account) for account in WATER}

    @cached_property
    def electricity(self) -> Array:
        """All electric power drawn on the site in every interval, W."""
        return self.flow(*ELECTRICITY)

    @cached_property
    def electricity_cost(self) -> float:
        """EUR for all electricity drawn."""
        exact = self.info.integrals.get(COST_ELECTRICITY)
        return self.cost_of(*ELECTRICITY) if exact is None else exact

    def cost_of(self, *accounts: Account) -> float:
        """EUR for the electricity of ``accounts``, from recorded means."""
        return float((self.column(PRICE_ELECTRICITY.name) * self.flow(*accounts)) @ self.dt)

    @cached_property
    def co2(self) -> float:
        """CO2 of all electricity drawn, kg."""
        exact = self.info.integrals.get(CO2_ELECTRICITY)
        return self.co2_of(*ELECTRICITY) if exact is None else exact

    def co2_of(self, *accounts: Account) -> float:
        """CO2 of the electricity of ``accounts``, kg, from recorded means."""
        return float((self.column(CO2_INTENSITY.name) * self.flow(*accounts)) @ self.dt)
