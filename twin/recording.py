"""What a run leaves behind while it is made: recorded signals, integrals, excess over limits, starts, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from controllers.interface import Decision
from plant_models.components.heat_pump import HeatPump
from plant_models.integrate import Simulator
from plant_models.signals import CO2_INTENSITY, PRICE_ELECTRICITY
from twin.ledger import ELECTRICITY, is_stored_heat
from twin.limits import Excess, Watched
from twin.results import CO2_ELECTRICITY, COST_ELECTRICITY, OnOff, Thermal, empty_plans

INTERNAL = ("rack", "cell", "count", "held")
"""parts of machines whose signals are not recorded, as no instrument shows them; nor are integrals of control loops"""
FLOW_UNITS = ("W", "kg/s")
ENVELOPE_SHOWN = 3
"""corrections by the envelope that a decision's row quotes"""


class Recorder:
    """Accumulates what a run leaves behind: means and samples, integrals, excess over limits, starts."""

    def __init__(self, simulator: Simulator, every: int) -> None:
        """Record every ``every`` steps."""
        self._every = every
        vocabulary = simulator.plant.vocabulary
        recorded = [s for s in vocabulary.values() if not is_internal(s.name)]
        self._mean = [s for s in recorded if s.unit in FLOW_UNITS]
        self._sample = [s for s in recorded if s.unit not in FLOW_UNITS]
        self._read_sample = simulator.reader([s.name for s in self._sample])
        self._power = np.array([float(s.account in ELECTRICITY) for s in self._mean])
        self._market = np.zeros(2)
        self._sum = np.zeros(len(self._mean))
        self._total = np.zeros(len(self._mean))
        limited = [s for s in vocabulary.values() if s.limit]
        self._limited = Excess([s.name for s in limited])
        self._upper = np.array([s.upper for s in limited])
        self._watched = Watched(vocabulary)
        self._pumps = {n: c for n, c in simulator.plant.components.items() if isinstance(c, HeatPump)}
        self._running = np.zeros(len(self._pumps), dtype=bool)
        self._starts = np.zeros(len(self._pumps), dtype=int)
        self._threshold = np.array([0.5 * c.y_min for c in self._pumps.values()])
        stored = [s.name for s in vocabulary.values() if is_stored_heat(s)]
        self._stored, self._read_stored = stored, simulator.reader(stored)
        self._stored_at_start = self._read_stored()
        self._times: list[float] = []
        self._rows: list[NDArray[np.float32]] = []
        self._count, self._now = 0, 0.0
        loads = [f"{n}.y" for n in self._pumps]
        self._running[:] = simulator.get_many(loads) >= self._threshold
        market = [PRICE_ELECTRICITY.name, CO2_INTENSITY.name]
        parts = [[s.name for s in self._mean], market, [s.name for s in limited], self._watched.names, loads]
        self._edges = np.cumsum([len(part) for part in parts[:-1]]).tolist()
        self.read = simulator.reader([name for part in parts for name in part])
        """what :meth:`note` is to be told of every step"""

    @property
    def steps_left(self) -> int:
        """Steps until the present recording interval ends: no more at a time."""
        return self._every - self._count

    def note(self, values: NDArray[np.float64], now: float, dt: float) -> None:
        """What ``read`` tells at the ends of steps of ``dt`` s (steps, signals); the last one ends ``now``."""
        flows, market, limited, watched, loads = np.split(values, self._edges, axis=1)
        total = flows.sum(axis=0)
        self._sum += total
        self._total += total * dt
        self._market += (flows @ self._power) @ market * dt
        self._limited.note(limited - self._upper, dt)
        self._watched.note(watched, dt)
        running = np.vstack([self._running, loads >= self._threshold])
        self._starts += np.count_nonzero(running[1:] & ~running[:-1], axis=0)
        self._running = running[-1]
        self._count += len(values)
        self._now = now
        if self._count == self._every:
            self.close()

    def close(self) -> None:
        """End the present recording interval, also the last one of a run where it is shorter than the others."""
        if self._count == 0:
            return
        row = np.concatenate([self._sum / self._count, self._read_sample()])
        self._rows.append(row.astype(np.float32))
        self._times.append(self._now)
        self._sum[:] = 0.0
        self._count = 0

    def frame(self) -> pd.DataFrame:
        """One row a recording interval."""
        names = [s.name for s in (*self._mean, *self._sample)]
        values = np.array(self._rows, dtype=np.float32).reshape(len(self._rows), len(names))
        frame = pd.DataFrame(values, columns=names)
        frame.insert(0, "time", pd.to_datetime(np.array(self._times), unit="s", utc=True))
        return frame

    def integrals(self) -> dict[str, float]:
        """Every flow's integral over the steps, J or kg; cost and CO2 of the electricity."""
        totals = {s.name: float(t) for s, t in zip(self._mean, self._total, strict=True)}
        return totals | {COST_ELECTRICITY: float(self._market[0]), CO2_ELECTRICITY: float(self._market[1])}

    def stored_heat(self) -> dict[str, float]:
        """What every store holds more than at the start, J."""
        change = self._read_stored() - self._stored_at_start
        return dict(zip(self._stored, change.tolist(), strict=True))

    def thermal(self) -> dict[str, Thermal]:
        """Every limited signal's time and excess above its limit."""
        return self._limited.kept()

    def watched(self) -> dict[str, Thermal]:
        """The same of air, frost and dew point."""
        return self._watched.kept()

    def on_off(self, start_cost: float) -> dict[str, OnOff]:
        """Heat pumps with their starts."""
        rows = zip(self._pumps.items(), self._threshold, self._starts, strict=True)
        return {
            f"{name}.y": OnOff(threshold=float(y), start_cost=start_cost * pump.Q_flow_sink_nominal, starts=int(n))
            for (name, pump), y, n in rows
        }


class DecisionLog:
    """Every decision with its status and cost in time; the plans of those that plan."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._plans: list[pd.DataFrame] = []

    def add(self, now: float, decision: Decision, took: float, corrections: list[str]) -> None:
        """Note one decision."""
        info: Mapping[str, float] = {k: v for k, v in decision.info.items() if k != "solve_s"}
        self._rows.append(
            {
                "time": _stamp(now), "source": decision.source, "status": decision.status,
                "message": decision.message, "solve_s": took, "envelope": len(corrections),
                "envelope_message": "; ".join(corrections[:ENVELOPE_SHOWN]), **info,
            }
        )  # fmt: skip
        if decision.plan is not None:
            plan = decision.plan
            for name, values in plan.values.items():
                times = plan.time[: len(values)]
                self._plans.append(
                    pd.DataFrame(
                        {
                            "issued": _stamp(now),
                            "time": pd.to_datetime(times, unit="s", utc=True),
                            "signal": name,
                            "value": np.asarray(values, dtype=float),
                        }
                    )
                )

    def frame(self) -> pd.DataFrame:
        """One row a decision."""
        return pd.DataFrame(self._rows)

    def plans(self) -> pd.DataFrame:
        """One row a planned value."""
        return pd.concat(self._plans, ignore_index=True) if self._plans else empty_plans()


def is_internal(name: str) -> bool:
    """Whether a signal belongs to the insides of a machine that instruments do not show."""
    _, *local = name.split(".")
    return any(part in INTERNAL for part in local) or name.endswith("integral")


def _stamp(now: float) -> pd.Timestamp:
    return pd.Timestamp(datetime.fromtimestamp(now, UTC))
