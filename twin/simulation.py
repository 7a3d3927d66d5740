"""Plant and controller through time: the offline run of a scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from controllers.envelope import Envelope
from controllers.interface import Controller, Forecast
from controllers.plant_view import PlantView
from controllers.registry import make_controller
from plant_models.components.cdu import Cdu
from plant_models.components.district import District
from plant_models.components.heat_pump import HeatPump
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import CO2_INTENSITY, PRICE_ELECTRICITY, Account, Role, Signal
from plant_models.site import load_site
from twin.inputs.context import Context, PlantFacts
from twin.inputs.network import NetworkTemperatures
from twin.inputs.series import Inputs
from twin.results import (
    CO2_ELECTRICITY,
    COST_ELECTRICITY,
    Balance,
    OnOff,
    Picture,
    PictureComponent,
    PictureNode,
    RunInfo,
    RunResult,
    Source,
    Tariffs,
    Thermal,
)
from twin.scenario import Scenario

Array = NDArray[np.float64]

SETTLING = 3600.0
"""s of constant inputs before the run, so that it starts near its operating point; the stores hardly move"""
FORECAST_STEP = 900.0
INTERNAL = ("rack.", "cell.", "integral")
"""parts of local names that are not recorded: insides of a machine"""
ELECTRICITY = (Account.ELECTRICITY_IT, Account.ELECTRICITY_COOLING, Account.ELECTRICITY_RECOVERY)
FLOW_UNITS = ("W", "kg/s")

Progress = Callable[[float], None]


def simulate(scenario: Scenario, data_dir: Path | None = None, progress: Progress | None = None) -> RunResult:
    """Run a scenario from its start to its end. ``progress`` hears the share done, 0..1."""
    return Simulation(scenario, data_dir).run(progress)


def plant_facts(plant: Plant) -> PlantFacts:
    """What the inputs have to know of a plant."""
    cdus = {name: c for name, c in plant.components.items() if isinstance(c, Cdu)}
    districts = [name for name, c in plant.components.items() if isinstance(c, District)]
    outlook = plant.site.outlook
    return PlantFacts(
        cdu_names=tuple(cdus),
        P_it_nominal={name: c.P_it_nominal for name, c in cdus.items()},
        district_name=districts[0] if districts else None,
        annual_heat=outlook.annual_heat,
        network=NetworkTemperatures() if districts else None,
        halls={name: plant.node_of(name, "inlet") for name in cdus},
        load_profile=outlook.load_profile,
        load_factor=outlook.load_factor,
        electricity_mean=outlook.electricity_mean,
    )


class Simulation:
    """One run being made: everything that a scenario stands for, built."""

    def __init__(self, scenario: Scenario, data_dir: Path | None = None) -> None:
        self.scenario = scenario
        self.plant = Plant(load_site(scenario.site, scenario.overrides))
        self.controller = make_controller(scenario.controller, self.plant, scenario.controller_settings)
        self.view = PlantView(self.plant)
        facts = plant_facts(self.plant)
        context = Context(scenario.start, scenario.end, scenario.seed, facts, data_dir)
        self.inputs: Inputs = scenario.inputs.build(context)
        self.forecaster = scenario.inputs.forecaster(self.inputs, context)
        self.simulator = Simulator(self.plant)
        for name, value in scenario.plant_changes.items():
            self.simulator.set(name, value)
        self.driven = [s.name for s in self.plant.vocabulary.role(Role.DISTURBANCE) if s.name in self.inputs]

    def run(self, progress: Progress | None = None) -> RunResult:
        """Settle, then step to the end."""
        began = time.perf_counter()
        scenario, simulator = self.scenario, self.simulator
        start, dt = scenario.start.timestamp(), scenario.step
        steps = round(scenario.days * 86400.0 / dt)
        envelope = Envelope(self.view)
        drive, write = simulator.writer(self.driven), simulator.writer(envelope.names)
        self._settle(start, drive)
        # a step's inputs are those at its middle: exact for held values that change at step ends
        chunk = max(1, round(86400.0 / dt))
        recorder, decisions = Recorder(self), DecisionLog(self.controller)
        for k in range(steps):
            now = start + k * dt
            if k % chunk == 0:
                times: Array = start + (np.arange(k, min(k + chunk, steps), dtype=float) + 0.5) * dt
                values = self.inputs.sample(self.driven, times)
                if progress:
                    progress(k / steps)
            drive(values[k % chunk])
            if round(k * dt) % round(self.controller.interval) == 0:
                self._decide(now, envelope, decisions)
            write(envelope.advance(dt))
            simulator.step(dt)
            recorder.note(now + dt, dt)
        if progress:
            progress(1.0)
        return RunResult(
            self._info(recorder, time.perf_counter() - began),
            recorder.frame(),
            decisions.frame(),
            decisions.plans(),
            self.plant.vocabulary,
        )

    def _settle(self, start: float, drive: Any) -> None:
        drive(self.inputs.sample(self.driven, np.array([start]))[0])
        self.simulator.settle(SETTLING)

    def _decide(self, now: float, envelope: Envelope, decisions: DecisionLog) -> None:
        measurements = self.measure()
        forecast = self.forecast(now)
        began = time.perf_counter()
        decision = self.controller.step(now, measurements, forecast)
        took = time.perf_counter() - began
        corrections = envelope.check(decision.setpoints, measurements)
        decisions.add(now, decision, took, [str(c) for c in corrections])

    def measure(self) -> dict[str, float]:
        """What instruments show: every signal of the plant but the insides of machines, and set-points read back."""
        if not hasattr(self, "_reader"):
            self._measured = [name for name in self.plant.vocabulary if not is_internal(name)]
            self._reader = self.simulator.reader(self._measured)
        return dict(zip(self._measured, self._reader().tolist(), strict=True))

    def forecast(self, now: float) -> Forecast | None:
        """What a controller that wants forecasts is handed at ``now``."""
        horizon = self.controller.forecast_horizon
        if horizon <= 0:
            return None
        return self.forecaster.issue(now, now + np.arange(0.0, horizon + FORECAST_STEP, FORECAST_STEP))

    def _info(self, recorder: Recorder, wall: float) -> RunInfo:
        scenario, site = self.scenario, self.plant.site
        return RunInfo(
            scenario=scenario.model_dump(mode="json"),
            site=site.name,
            title=scenario.title or site.title,
            time_zone=site.location.time_zone,
            start=scenario.start.astimezone(UTC),
            end=scenario.end.astimezone(UTC),
            step_s=scenario.step,
            record_s=scenario.record,
            controller=self.controller.name,
            controller_interval_s=self.controller.interval,
            seeds={"scenario": scenario.seed},
            sources=_sources(self.inputs),
            versions={name: version(name) for name in ("heatloop", "casadi", "numpy")},
            balances={quantity: self._balance(quantity) for quantity in ("energy", "mass")},
            integrals=recorder.integrals(),
            thermal=recorder.thermal(),
            tariffs=Tariffs(heat=site.tariffs.heat, water=site.tariffs.water, co2=site.tariffs.co2),
            on_off=recorder.on_off(site.tariffs.heat_pump_start),
            picture=_picture(self.plant),
            wall_time_s=wall,
        )

    def _balance(self, quantity: str) -> Balance:
        b = self.simulator.balance(quantity)
        error, passed = abs(b.stored_change - b.came_in + b.went_out), 0.0
        if quantity == "mass":  # water runs in circles: what counts is what the nodes left unbalanced of it
            unbalanced, passed = self.simulator.circulation
            error += unbalanced
        return Balance(stored_change=b.stored_change, in_=b.came_in, out=b.went_out, error=error, content=passed)


class Recorder:
    """Accumulates what a run leaves behind: means and samples, integrals, excess over limits, starts."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulator = simulation.simulator
        self._every = round(simulation.scenario.record / simulation.scenario.step)
        vocabulary = simulation.plant.vocabulary
        recorded = [s for s in vocabulary.values() if not is_internal(s.name)]
        self._mean = [s for s in recorded if s.unit in FLOW_UNITS]
        self._sample = [s for s in recorded if s.unit not in FLOW_UNITS]
        self._read_mean = self._simulator.reader([s.name for s in self._mean])
        self._read_sample = self._simulator.reader([s.name for s in self._sample])
        self._power = np.array([float(s.account in ELECTRICITY) for s in self._mean])
        self._read_market = self._simulator.reader([PRICE_ELECTRICITY.name, CO2_INTENSITY.name])
        self._market = np.zeros(2)
        self._sum = np.zeros(len(self._mean))
        self._total = np.zeros(len(self._mean))
        self._limited: list[Signal] = [s for s in vocabulary.values() if s.limit]
        self._read_limited = self._simulator.reader([s.name for s in self._limited])
        self._upper = np.array([s.upper for s in self._limited])
        self._excess, self._worst, self._seconds = (np.zeros(len(self._limited)) for _ in range(3))
        self._pumps = {n: c for n, c in simulation.plant.components.items() if isinstance(c, HeatPump)}
        self._running = np.zeros(len(self._pumps), dtype=bool)
        self._starts = np.zeros(len(self._pumps), dtype=int)
        self._read_load = self._simulator.reader([f"{n}.y" for n in self._pumps])
        self._threshold = np.array([0.5 * c.y_min for c in self._pumps.values()])
        self._times: list[float] = []
        self._rows: list[NDArray[np.float32]] = []
        self._count = 0
        self._running[:] = self._read_load() >= self._threshold

    def note(self, now: float, dt: float) -> None:
        """The plant at the end of a step of ``dt`` s."""
        flows = self._read_mean()
        self._sum += flows
        self._total += flows * dt
        self._market += self._read_market() * float(self._power @ flows) * dt
        above = np.maximum(self._read_limited() - self._upper, 0.0)
        self._excess += above * dt
        np.maximum(self._worst, above, out=self._worst)
        self._seconds += (above > 0) * dt
        running = self._read_load() >= self._threshold
        self._starts += running & ~self._running
        self._running = running
        self._count += 1
        if self._count == self._every:
            row = np.concatenate([self._sum / self._count, self._read_sample()])
            self._rows.append(row.astype(np.float32))
            self._times.append(now)
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

    def thermal(self) -> dict[str, Thermal]:
        """Every limited signal's time and excess above its limit."""
        rows = zip(self._limited, self._excess, self._worst, self._seconds, strict=True)
        return {
            s.name: Thermal(violation_Ks=float(e), excess_max_K=float(w), seconds=float(t)) for s, e, w, t in rows
        }

    def on_off(self, start_cost: float) -> dict[str, OnOff]:
        """Heat pumps with their starts."""
        rows = zip(self._pumps.items(), self._threshold, self._starts, strict=True)
        return {
            f"{name}.y": OnOff(threshold=float(y), start_cost=start_cost * pump.Q_flow_sink_nominal, starts=int(n))
            for (name, pump), y, n in rows
        }


class DecisionLog:
    """Every decision with its status and cost in time; the plans of those that plan."""

    def __init__(self, controller: Controller) -> None:
        self._interval = controller.interval
        self._rows: list[dict[str, Any]] = []
        self._plans: list[pd.DataFrame] = []

    def add(self, now: float, decision: Any, took: float, corrections: list[str]) -> None:
        """Note one decision."""
        info: Mapping[str, float] = {k: v for k, v in decision.info.items() if k != "solve_s"}
        self._rows.append(
            {
                "time": _stamp(now), "source": decision.source, "status": decision.status,
                "message": decision.message, "solve_s": took, "envelope": len(corrections),
                "envelope_message": "; ".join(corrections[:3]), **info,
            }
        )  # fmt: skip
        if decision.plan is not None:
            plan = decision.plan
            for name, values in plan.values.items():
                times = plan.time[: len(values)]
                self._plans.append(
                    pd.DataFrame(
                        {
                            "issued": _stamp(now), "time": pd.to_datetime(times, unit="s", utc=True),
                            "signal": name, "value": np.asarray(values, dtype=float),
                        }
                    )
                )

    def frame(self) -> pd.DataFrame:
        """One row a decision."""
        return pd.DataFrame(self._rows)

    def plans(self) -> pd.DataFrame:
        """One row a planned value."""
        from twin.results import empty_plans

        return pd.concat(self._plans, ignore_index=True) if self._plans else empty_plans()


def is_internal(name: str) -> bool:
    """Whether a signal belongs to the insides of a machine that instruments do not show."""
    return any(part in name for part in INTERNAL)


def _stamp(now: float) -> pd.Timestamp:
    return pd.Timestamp(datetime.fromtimestamp(now, UTC))


def _sources(inputs: Inputs) -> dict[str, Source]:
    """Origin by signal; signals of one machine family from one source are told once (``cdu.*.P_it``)."""
    sources: dict[str, Source] = {}
    for name, series in inputs.items():
        parts = name.split(".")
        family = ".".join("*" if part.isdigit() else part for part in parts)
        sources[family] = Source(label=series.source.label, synthetic=series.source.synthetic)
    return sources


def _picture(plant: Plant) -> Picture:
    return Picture(
        components=[
            PictureComponent(name=name, kind=c.kind, ports=plant.attached[name])
            for name, c in plant.components.items()
        ],
        nodes=[
            PictureNode(name=n.name, kind="fluid" if n.medium else "heat", medium=n.medium.name if n.medium else "")
            for n in plant.nodes
        ],
    )
