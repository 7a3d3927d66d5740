"""Plant and controller through time: the offline run of a scenario."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from controllers.envelope import Envelope
from controllers.interface import Forecast
from controllers.plant_view import PlantView
from controllers.registry import make_controller
from plant_models.components.cdu import Cdu
from plant_models.components.district import District
from plant_models.integrate import PlantDiverged, Simulator
from plant_models.plant import Plant
from plant_models.signals import Role
from plant_models.site import Tariffs as SiteTariffs
from plant_models.site import load_site
from twin.extrapolation import extrapolations
from twin.inputs.context import Context, PlantFacts
from twin.inputs.network import NetworkTemperatures
from twin.inputs.series import Inputs
from twin.recording import DecisionLog, Recorder, chosen, is_internal
from twin.results import Balance, Picture, PictureComponent, PictureNode, RunInfo, RunResult, Source, Tariffs
from twin.scenario import Scenario, ScenarioError
from twin.trajectories import Recorded

if TYPE_CHECKING:
    from twin.beside import Beside

Array = NDArray[np.float64]

SETTLING = 3600.0
"""s of constant inputs before the run, so that it starts near its operating point; the stores hardly move"""
FORECAST_STEP = 900.0
PROGRESS_STEPS = 100
"""how often a run says how far it is"""

Progress = Callable[[float], None]


def simulate(scenario: Scenario, data_dir: Path | None = None, progress: Progress | None = None) -> RunResult:
    """Run a scenario from its start to its end. ``progress`` hears the share done, 0..1."""
    return Simulation(scenario, data_dir).run(progress)


def plant_facts(plant: Plant) -> PlantFacts:
    """What the inputs have to know of a plant."""
    cdus = {name: c for name, c in plant.components.items() if isinstance(c, Cdu)}
    districts = [name for name, c in plant.components.items() if isinstance(c, District)]
    demands = {s.name: s.default for s in plant.vocabulary.role(Role.DISTURBANCE) if s.name.endswith(".Q_demand")}
    outlook = plant.site.outlook
    return PlantFacts(
        cdu_names=tuple(cdus),
        P_it_nominal={name: c.P_it_nominal for name, c in cdus.items()},
        district_name=districts[0] if districts else None,
        consumers={name.removesuffix(".Q_demand"): design for name, design in demands.items()},
        annual_heat=outlook.annual_heat,
        network=NetworkTemperatures() if districts else None,
        halls={name: plant.node_of(name, "inlet") for name in cdus},
        load_profile=outlook.load_profile,
        load_factor=outlook.load_factor,
        electricity_mean=outlook.electricity_mean,
    )


class Simulation:
    """One run being made: everything that a scenario stands for, built."""

    def __init__(self, scenario: Scenario, data_dir: Path | None = None, referee: bool = False) -> None:
        """With ``referee``, IDAS runs beside, a step at a time; see ``beside``."""
        self._referee = referee
        self.beside: Beside | None = None
        self.scenario = scenario
        self.plant = Plant(load_site(scenario.site, scenario.overrides))
        self.controller = make_controller(scenario.controller, self.plant, scenario.settings)
        self.view = PlantView(self.plant)
        facts = plant_facts(self.plant)
        context = Context(scenario.start, scenario.end, scenario.seed, facts, data_dir)
        self.inputs: Inputs = scenario.inputs.build(context)
        self.forecaster = scenario.inputs.forecaster(self.inputs, context)
        self.simulator = Simulator(self.plant)
        self._check_record()
        self._change_plant()
        self.driven = [s.name for s in self.plant.vocabulary.role(Role.DISTURBANCE) if s.name in self.inputs]
        self._measured = [name for name in self.plant.vocabulary if not is_internal(name)]
        self._read = self.simulator.reader(self._measured)

    def _check_record(self) -> None:
        try:
            chosen(self.plant, self.scenario.record.signals)
        except ValueError as error:
            raise ScenarioError(f"record.signals: {error}") from None

    def _change_plant(self) -> None:
        """Make the true plant differ from what controllers think of it."""
        parameters = {s.name: s for s in self.plant.vocabulary.role(Role.PARAMETER)}
        for name, value in self.scenario.plant_changes.items():
            signal = parameters.get(name)
            if signal is None:
                near = difflib.get_close_matches(name, parameters, n=3) or list(parameters)[:3]
                raise ScenarioError(
                    f"plant_changes: {name} is no parameter of {self.plant.site.name}; there is "
                    f"{', '.join(near)} ... (heatloop signals {self.scenario.site} --role parameter)"
                )
            if not signal.lower <= value <= signal.upper:
                allowed = f"{signal.lower:g} .. {signal.upper:g} {signal.unit}"
                raise ScenarioError(f"plant_changes: {name} lies in {allowed}, found {value:g}")
            self.simulator.set(name, value)

    def run(self, progress: Progress | None = None, out: Path | None = None) -> RunResult:
        """Settle, then step to the end.

        With a folder ``out``, signals go to disk as they are recorded, and a run that is interrupted or diverges leaves
        there what it has: up to the moment that its ``ended_early`` tells of.
        """
        began = time.perf_counter()
        path = None if out is None else out / "trajectories.parquet"
        every = round(self.scenario.record.every / self.scenario.step)
        self._settle()
        recorder, decisions = Recorder(self.simulator, every, self.scenario.record, path), DecisionLog()
        try:
            self._run(recorder, decisions, progress)
        except BaseException as error:
            reason = str(error) or type(error).__name__
            left = self._result(recorder, decisions, began, reason)
            if out is not None and recorder.seconds > 0.0:
                left.save(out)
            raise
        return self._result(recorder, decisions, began)

    def _run(self, recorder: Recorder, decisions: DecisionLog, progress: Progress | None) -> None:
        scenario, simulator = self.scenario, self.simulator
        start, dt, steps = scenario.start.timestamp(), scenario.step, scenario.steps
        envelope = Envelope(self.view)
        drive, write = simulator.writer(self.driven), simulator.writer([*self.driven, *envelope.names])
        if self._referee:
            from twin.beside import Beside

            self.beside = Beside(simulator, [*self.driven, *envelope.names])
        # a step's inputs are those at its middle: exact for held values that change at step ends
        chunk = max(1, round(86400.0 / dt))
        k, told, next_decision = 0, 0, 0.0
        while k < steps:
            now = start + k * dt
            if k % chunk == 0:
                times: Array = start + (np.arange(k, min(k + chunk, steps), dtype=float) + 0.5) * dt
                values = self.inputs.sample(self.driven, times)
            if progress and k >= told:
                progress(k / steps)
                told = k + max(1, steps // PROGRESS_STEPS)
            if k * dt >= next_decision - 1e-6:
                drive(values[k % chunk])
                self._decide(now, envelope, decisions)
                next_decision += self.controller.interval
            until_decision = max(1, math.ceil((next_decision - 1e-6) / dt) - k)
            until_told = max(1, told - k) if progress else steps
            n = 1 if self.beside else min(until_decision, until_told, recorder.steps_left, len(values) - k % chunk)
            setpoints = np.array([envelope.advance(dt).copy() for _ in range(n)])
            rows = np.hstack([values[k % chunk : k % chunk + n], setpoints])
            try:
                table = simulator.run(dt, rows, write, recorder.read)
            except PlantDiverged as error:
                when = datetime.fromtimestamp(start + simulator.elapsed, UTC)
                raise PlantDiverged(
                    f"{self.plant.site.name} under {self.controller.name}, {when:%F %T}Z: {error}"
                ) from error
            if self.beside:
                self.beside.follow(dt, rows[0])
            k += n
            recorder.note(table, start + k * dt, dt)
        if progress:
            progress(1.0)

    def _result(self, recorder: Recorder, decisions: DecisionLog, began: float, ended_early: str = "") -> RunResult:
        recorded = recorder.finish()
        info = self._info(recorder, recorded, time.perf_counter() - began, ended_early)
        return RunResult(info, recorded, decisions.frame(), decisions.plans(), self.plant.vocabulary)

    def _settle(self) -> None:
        first = np.array([self.scenario.start.timestamp()])
        self.simulator.writer(self.driven)(self.inputs.sample(self.driven, first)[0])
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
        return dict(zip(self._measured, self._read().tolist(), strict=True))

    def forecast(self, now: float) -> Forecast | None:
        """What a controller that wants forecasts is handed at ``now``."""
        horizon = self.controller.forecast_horizon
        if horizon <= 0:
            return None
        return self.forecaster.issue(now, now + np.arange(0.0, horizon + FORECAST_STEP, FORECAST_STEP))

    def _info(self, recorder: Recorder, recorded: Recorded, wall: float, ended_early: str) -> RunInfo:
        scenario, site = self.scenario, self.plant.site
        end = scenario.start + timedelta(seconds=recorder.seconds) if ended_early else scenario.end
        return RunInfo(
            scenario=scenario.model_dump(mode="json"),
            site=site.name,
            title=scenario.title or site.title,
            time_zone=site.location.time_zone,
            start=scenario.start.astimezone(UTC),
            end=end.astimezone(UTC),
            ended_early=ended_early,
            step_s=scenario.step,
            record_s=scenario.record.every,
            controller=self.controller.name,
            controller_interval_s=self.controller.interval,
            seeds={"scenario": scenario.seed},
            sources=_sources(self.inputs),
            notes=list(self.inputs.notes),
            extrapolated=extrapolations(self.plant.nodes, recorded),
            versions={name: version(name) for name in ("heatloop", "casadi", "numpy")},
            balances={quantity: self._balance(quantity) for quantity in ("energy", "mass")},
            integrals=recorder.integrals(),
            stored_heat=recorder.stored_heat(),
            thermal=recorder.thermal(),
            watched=recorder.watched(),
            tariffs=_tariffs(site.tariffs),
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


def _tariffs(stated: SiteTariffs) -> Tariffs:
    """A site's tariffs as a run keeps them; without a price, no machine burns fuel."""
    return Tariffs(
        heat=stated.heat,
        water=stated.water,
        co2=stated.co2,
        fuel=stated.fuel or 0.0,
        heat_pump_operation=stated.operation,
    )


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
            PictureComponent(name=name, kind=c.kind, ports=plant.attached[name]) for name, c in plant.components.items()
        ],
        nodes=[
            PictureNode(name=n.name, kind="fluid" if n.medium else "heat", medium=n.medium.name if n.medium else "")
            for n in plant.nodes
        ],
    )
