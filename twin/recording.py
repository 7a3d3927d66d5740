"""What a run leaves behind while it is made: recorded signals, integrals, excess over limits, starts, decisions."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from controllers.interface import Decision
from plant_models.components.heat_pump import HeatPump
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import CO2_INTENSITY, PRICE_ELECTRICITY, Role, Signal
from twin.ledger import ELECTRICITY, is_stored_heat
from twin.limits import Excess, Watched
from twin.results import CO2_ELECTRICITY, COST_ELECTRICITY, DECISION_COLUMNS, OnOff, Thermal, empty_plans
from twin.scenario import Aggregate, Recording
from twin.trajectories import GrowingFile, Rows, TrajectoryFile

INTERNAL = ("rack", "cell", "count", "held")
"""parts of machines whose signals are not recorded, as no instrument shows them; nor are integrals of control loops"""
FLOW_UNITS = ("W", "kg/s")
MOST_LOOSE = 1000
"""decisions that are kept as they came, before they are packed"""
ENVELOPE_SHOWN = 3
"""corrections by the envelope that a decision's row quotes"""


class Recorder:
    """Accumulates what a run leaves behind: means and samples, integrals, excess over limits, starts."""

    def __init__(self, simulator: Simulator, every: int, recording: Recording, path: Path | None = None) -> None:
        """Record every ``every`` steps what ``recording`` chooses: into the file ``path``, or in memory without one."""
        self._every = every
        vocabulary = simulator.plant.vocabulary
        recorded = chosen(simulator.plant, recording.signals)
        self._mean = [s for s in recorded if s.unit in FLOW_UNITS]
        self._sample = [s for s in recorded if s.unit not in FLOW_UNITS]
        self._read_sample = simulator.reader([s.name for s in self._sample])
        self._power = np.array([float(s.account in ELECTRICITY) for s in self._mean])
        self._market = np.zeros(2)
        self._spread = Spread(self._mean, self._sample, recording.aggregates)
        columns = [*(s.name for s in (*self._mean, *self._sample)), *self._spread.columns]
        self._rows = Rows(columns) if path is None else GrowingFile(path, columns, vocabulary)
        self._sum = np.zeros(len(self._mean))
        self._total = np.zeros(len(self._mean))
        limited = [s for s in vocabulary.values() if s.limit and s.unit == "K"]
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
        self._count, self._now = 0, 0.0
        self.seconds = 0.0
        """how long a time is noted"""
        loads = [f"{n}.y" for n in self._pumps]
        self._running[:] = simulator.get_many(loads) >= self._threshold
        market = [PRICE_ELECTRICITY.name, CO2_INTENSITY.name]
        flows, limits = [s.name for s in self._mean], [s.name for s in limited]
        parts = [flows, market, limits, self._watched.names, loads, self._spread.reads]
        ends = np.cumsum([len(part) for part in parts]).tolist()
        self._parts = [slice(end - len(part), end) for part, end in zip(parts, ends, strict=True)]
        self.read = simulator.reader([name for part in parts for name in part])
        """what :meth:`note` is to be told of every step"""

    @property
    def steps_left(self) -> int:
        """Steps until the present recording interval ends: no more at a time."""
        return self._every - self._count

    def note(self, values: NDArray[np.float64], now: float, dt: float) -> None:
        """What ``read`` tells at the ends of steps of ``dt`` s (steps, signals); the last one ends ``now``."""
        flows, market, limited, watched, loads, others = (values[:, part] for part in self._parts)
        total = flows.sum(axis=0)
        self._sum += total
        self._total += total * dt
        self._market += (flows @ self._power) @ market * dt
        self._limited.note(limited - self._upper, dt)
        self._watched.note(watched, dt)
        running = np.vstack([self._running, loads >= self._threshold])
        self._starts += np.count_nonzero(running[1:] & ~running[:-1], axis=0)
        self._running = running[-1]
        self._spread.note(flows, others)
        self._count += len(values)
        self._now = now
        self.seconds += len(values) * dt
        if self._count == self._every:
            self.close()

    def close(self) -> None:
        """End the present recording interval, also the last one of a run where it is shorter than the others."""
        if self._count == 0:
            return
        spread = self._spread.close(self._count)
        self._rows.add(self._now, np.concatenate([self._sum / self._count, self._read_sample(), spread]))
        self._sum[:] = 0.0
        self._count = 0

    def finish(self) -> pd.DataFrame | TrajectoryFile:
        """One row a recording interval; nothing is recorded after this."""
        self.close()
        return self._rows.finish()

    def integrals(self) -> dict[str, float]:
        """Every flow's integral over the steps, J or kg; cost and CO2 of the electricity."""
        totals = {s.name: float(t) for s, t in zip(self._mean, self._total, strict=True)}
        return totals | {COST_ELECTRICITY: float(self._market[0]), CO2_ELECTRICITY: float(self._market[1])}

    def stored_heat(self) -> dict[str, float]:
        """What every store holds more than at the start, J."""
        change = self._read_stored() - self._stored_at_start
        return dict(zip(self._stored, change.tolist(), strict=True))

    def thermal(self) -> dict[str, Thermal]:
        """Every limited temperature's time and excess above its limit."""
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


class Spread:
    """Mean, least and largest values of recorded signals over the steps of an interval, where a scenario asks."""

    def __init__(self, flows: Sequence[Signal], others: Sequence[Signal], aggregates: Sequence[Aggregate]) -> None:
        """The mean of ``flows`` is recorded in any case."""
        own = [s.name for s in flows]
        self.reads = [s.name for s in others] if aggregates else []
        """what :meth:`note` wants to know besides the flows"""
        self._aggregates, self._flows = list(dict.fromkeys(aggregates)), len(own) if aggregates else 0
        names = {"mean": self.reads} | {key: [*own, *self.reads] for key in ("min", "max")}
        self.columns = [f"{name} {aggregate}" for aggregate in self._aggregates for name in names[aggregate]]
        self._begin()

    def _begin(self) -> None:
        n = self._flows + len(self.reads)
        self._sum, self._least, self._largest = np.zeros(n), np.full(n, np.inf), np.full(n, -np.inf)

    def note(self, flows: NDArray[np.float64], others: NDArray[np.float64]) -> None:
        """Values (steps, signals) at the ends of steps."""
        if self._aggregates:
            values = np.hstack([flows, others])
            self._sum += values.sum(axis=0)
            np.minimum(self._least, values.min(axis=0), out=self._least)
            np.maximum(self._largest, values.max(axis=0), out=self._largest)

    def close(self, steps: int) -> NDArray[np.float64]:
        """The values of :attr:`columns` over so many steps, and begin the next interval."""
        found = {"mean": self._sum[self._flows :] / steps, "min": self._least, "max": self._largest}
        values = np.concatenate([np.zeros(0), *(found[aggregate] for aggregate in self._aggregates)])
        if self._aggregates:
            self._begin()
        return values


class DecisionLog:
    """Every decision with its status and cost in time; the plans of those that plan."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._done: list[pa.Table] = []
        self._plans: list[pd.DataFrame] = []
        self._done_plans: list[pa.Table] = []

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
        if len(self._rows) >= MOST_LOOSE:
            self._pack()

    def _pack(self) -> None:
        """Put rows together as columns: a tenth of the memory."""
        if self._rows:
            self._done.append(pa.Table.from_pandas(pd.DataFrame(self._rows), preserve_index=False))
        if self._plans:
            plans = pd.concat(self._plans, ignore_index=True)
            self._done_plans.append(pa.Table.from_pandas(plans, preserve_index=False))
        self._rows.clear()
        self._plans.clear()

    def frame(self) -> pd.DataFrame:
        """One row a decision."""
        self._pack()
        return _joined(self._done) if self._done else pd.DataFrame(columns=list(DECISION_COLUMNS))

    def plans(self) -> pd.DataFrame:
        """One row a planned value."""
        self._pack()
        return _joined(self._done_plans) if self._done_plans else empty_plans()


def chosen(plant: Plant, patterns: Sequence[str]) -> list[Signal]:
    """The signals to record: those that match a pattern (``*``: any text) and those that every report is made from.

    Raises ValueError for a pattern that no signal matches which could be recorded.
    """
    possible = {s.name: s for s in plant.vocabulary.values() if not is_internal(s.name)}
    wanted = {name for name, s in possible.items() if _needed(s)} | {f"{node.name}.T" for node in plant.nodes}
    for pattern in patterns:
        found = fnmatch.filter(possible, pattern)
        if not found:
            near = difflib.get_close_matches(pattern, possible, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise ValueError(f"no recorded signal of {plant.site.name} matches {pattern!r}{hint}")
        wanted.update(found)
    return [s for name, s in possible.items() if name in wanted]


def _needed(signal: Signal) -> bool:
    """Whether key figures or the report are made from it."""
    told = signal.account or signal.boundary or signal.limit or signal.watch or is_stored_heat(signal)
    drawn = signal.role in (Role.INPUT, Role.DISTURBANCE) or ".layer." in signal.name or signal.name.endswith(".y")
    return bool(told or drawn)


def is_internal(name: str) -> bool:
    """Whether a signal belongs to the insides of a machine that instruments do not show."""
    _, *local = name.split(".")
    return any(part in INTERNAL for part in local) or name.endswith("integral")


def _stamp(now: float) -> pd.Timestamp:
    return pd.Timestamp(datetime.fromtimestamp(now, UTC))


def _joined(tables: Sequence[pa.Table]) -> pd.DataFrame:
    frame: pd.DataFrame = pa.concat_tables(tables, promote_options="permissive").to_pandas(ignore_metadata=True)
    return frame
