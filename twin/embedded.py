"""A scenario's plant behind Modbus sockets, and a controller on a site's equipment: two programs, joined by the bus.

The controller's process reads the scenario for one thing only, as a site reads a forecast service: forecasts.
"""

from __future__ import annotations

import asyncio
import time as wall
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from controllers.envelope import Envelope
from controllers.interface import Controller, Forecast
from controllers.plant_view import PlantView
from controllers.registry import make_controller
from hil.binding import BoundDevice, bind_all
from hil.client import FieldClient
from hil.clock import Clock, ScaledClock
from hil.emulator import Emulator
from hil.modbus.lines import open_line
from hil.modbus.tls import Identity
from hil.modbus.transport import Backoff, TransportError
from hil.site_clock import read_clock
from plant_models.devices import expand
from plant_models.plant import Plant
from plant_models.site import load_site
from twin.inputs.context import Context
from twin.inputs.forecast import Forecaster
from twin.journal import Journal, JournalError
from twin.operation.alarms import Rule, chip_rules
from twin.operation.commands import Commands
from twin.operation.commissioning import CheckFinding, Commissioning
from twin.operation.heartbeat import Heartbeat
from twin.operation.metrics import Metrics
from twin.operation.writes import policy_of
from twin.runtime import Counts, Cycle, Log, Runtime
from twin.scenario import Scenario, ScenarioError
from twin.simulation import FORECAST_STEP, SETTLING, Simulation, plant_facts

HIGHEST_PORT = 65535
TIME_OUT = 0.5
"""s, for the answer of an emulated site that tells its time"""
RULE_BASED = ("sequences", "fixed")
"""controllers that need no fallback; the first one is everybody else's"""


class DevicesError(ValueError):
    """A site whose file does not say who talks to what, or says it wrongly."""


class PlantSilent(RuntimeError):
    """The emulated site does not tell its time."""


def site_devices(plant: Plant, port: int | None = None) -> tuple[BoundDevice, ...]:
    """The site's devices, joined to their register maps and signals.

    With ``port`` the site's TCP ports are replaced by ``port``, ``port + 1``, ... in ascending order. Raises
    :class:`DevicesError`; MapError for a wrong map.
    """
    if not plant.site.devices:
        raise DevicesError(
            f"site {plant.site.name} has no devices block, which says what machine is behind which Modbus unit"
        )
    try:
        devices = expand(plant.site.devices, list(plant.components), [node.name for node in plant.nodes])
    except ValueError as error:
        raise DevicesError(f"site {plant.site.name}: {error}") from None
    if port is not None:
        shifted = {old: port + i for i, old in enumerate(sorted({device.port for device in devices}))}
        if port < 1 or max(shifted.values()) > HIGHEST_PORT:
            raise DevicesError(
                f"port {port}: the site needs {len(shifted)} from there on, all within 1..{HIGHEST_PORT}"
            )
        devices = tuple(replace(device, port=shifted[device.port]) for device in devices)
    return bind_all(devices, plant.vocabulary)


async def serve(
    scenario: Scenario,
    *,
    speed: float = 60.0,
    origin: float | None = None,
    port: int | None = None,
    data_dir: Path | None = None,
    duration: float | None = None,
    identity: Identity | None = None,
    on_ready: Callable[[Emulator], None] | None = None,
    on_step: Callable[[float], None] | None = None,
) -> Emulator:
    """Runs the scenario's plant behind its devices for ``duration`` plant seconds, or until cancelled.

    The plant's clock shows ``scenario.start`` at the wall time ``origin`` (s, POSIX; default: now) and runs ``speed``
    times as fast as the wall's; with an origin in the past the plant begins in the middle of the scenario.
    ``identity`` is that of the emulated devices, where the site's are on TLS. Raises
    ServerError if a port is taken, ScenarioError if the scenario is shorter than the time asked for.
    """
    simulation = Simulation(scenario.model_copy(update={"controller": "fixed"}), data_dir)
    devices = site_devices(simulation.plant, port)
    start, end = scenario.start.timestamp(), scenario.end.timestamp()
    drive = _drive(simulation, start, end)
    now = wall.time()
    elapsed = 0.0 if origin is None else speed * (now - origin)
    for name, value in drive(elapsed).items():
        simulation.simulator.set(name, value)
    simulation.simulator.settle(SETTLING)
    clock = ScaledClock(start, speed, wall.time() if origin is None else origin)
    emulator = Emulator(
        simulation.simulator, devices, clock, step=scenario.step, drive=drive, on_step=on_step, tell_time=True,
        elapsed=clock.time() - start, identity=identity,
    )  # fmt: skip
    await emulator.start()
    try:
        if on_ready is not None:
            on_ready(emulator)
        await emulator.run(duration)
    finally:
        await emulator.stop()
    return emulator


def _drive(simulation: Simulation, start: float, end: float) -> Callable[[float], Mapping[str, float]]:
    def drive(elapsed: float) -> Mapping[str, float]:
        if start + elapsed > end:
            raise ScenarioError(
                f"the scenario's {simulation.scenario.days:g} days are over: give it more days, or a lower speed"
            )
        values = simulation.inputs.sample(simulation.driven, np.array([start + elapsed]))[0]
        return dict(zip(simulation.driven, values.tolist(), strict=True))

    return drive


async def plant_clock(devices: tuple[BoundDevice, ...], patience: float = 30.0) -> ScaledClock:
    """The clock of an emulated site, read from the bus. Raises :class:`PlantSilent` after ``patience`` wall seconds."""
    device = devices[0].device
    transport = open_line(device, TIME_OUT)
    backoff, deadline = Backoff(longest=1.0), wall.monotonic() + patience

    while True:
        try:
            await transport.connect()
            return await read_clock(transport)
        except TransportError as error:
            if wall.monotonic() > deadline:
                raise PlantSilent(
                    f"no emulated site tells its time at {device.host}:{device.port} ({error}); start it with "
                    "heatloop hil serve, or run on the real clock"
                ) from None
            await asyncio.sleep(backoff.wait())
        finally:
            await transport.close()


class Embedded:
    """A controller on a site's equipment: everything that its loop needs, built from a scenario."""

    def __init__(self, scenario: Scenario, *, port: int | None = None, data_dir: Path | None = None) -> None:
        self.scenario = scenario
        self.plant = Plant(load_site(scenario.site, scenario.overrides))
        self.devices = site_devices(self.plant, port)
        self.policies = {s: policy_of(point) for device in self.devices for s, point in device.writable.items()}
        self.controller: Controller = make_controller(scenario.controller, self.plant, scenario.settings)
        self.fallback: Controller | None = None
        if scenario.controller not in RULE_BASED:
            self.fallback = make_controller(RULE_BASED[0], self.plant)
        self.envelope = Envelope(PlantView(self.plant))
        self.forecaster: Forecaster | None = None
        if self.controller.forecast_horizon > 0:
            facts = plant_facts(self.plant)
            context = Context(scenario.start, scenario.end, scenario.seed, facts, data_dir)
            self.forecaster = scenario.inputs.forecaster(scenario.inputs.build(context), context)

    def forecast(self, now: float) -> Forecast | None:
        """What the forecast service says at ``now`` (s, POSIX)."""
        if self.forecaster is None:
            return None
        horizon = self.controller.forecast_horizon
        return self.forecaster.issue(now, now + np.arange(0.0, horizon + FORECAST_STEP, FORECAST_STEP))

    def runtime(
        self,
        client: FieldClient,
        journal: Journal,
        clock: Clock,
        *,
        mode: str | None = None,
        scan_interval: float = 10.0,
        rules: Iterable[Rule] | None = None,
        log: Log | None = None,
        on_cycle: Callable[[Cycle], None] | None = None,
    ) -> Runtime:
        """The loop on ``client``'s devices. ``rules``: the site's alarms; default: the chips' limits.

        Raises JournalError for the journal of another site, AlarmFileError for alarms on what is not measured.
        """
        kept = journal.kept("site")
        if kept is not None and kept[1] != self.plant.site.name:
            raise JournalError(f"journal {journal.path} is of site {kept[1]}, not of {self.plant.site.name}")
        journal.keep("site", clock.time(), self.plant.site.name)
        view = PlantView(self.plant)
        return Runtime(
            client, self.controller, self.envelope, journal, clock, forecast=self.forecast, fallback=self.fallback,
            mode=mode, scan_interval=scan_interval, policies=self.policies, vocabulary=self.plant.vocabulary,
            rules=chip_rules(view, client.signals) if rules is None else rules,
            commission=Commissioning(client).check, log=log, on_cycle=on_cycle,
            heartbeat=lambda alarms: Heartbeat(client, alarms, lambda entry: journal.add_writes([entry])),
            commands=Commands(client, lambda entry: journal.add_writes([entry])),
        )  # fmt: skip

    async def run(
        self,
        journal: Journal,
        *,
        clock: Clock | None = None,
        mode: str | None = None,
        duration: float | None = None,
        scan_interval: float = 10.0,
        timeout: float = 0.5,
        rules: Iterable[Rule] | None = None,
        log: Log | None = None,
        metrics_port: int | None = None,
        on_cycle: Callable[[Cycle], None] | None = None,
    ) -> Counts:
        """The loop, for ``duration`` seconds of the clock or until cancelled.

        ``clock``: of the plant; default: what the emulated site tells over the bus (:func:`plant_clock`). ``mode``:
        default: the journal's last one, or auto.
        """
        clock = clock or await plant_clock(self.devices)
        client = FieldClient(self.devices, clock, timeout=timeout, scan_interval=scan_interval)
        watchers: list[Callable[[Cycle], None]] = [on_cycle] if on_cycle else []

        def tell(cycle: Cycle) -> None:
            for watcher in watchers:
                watcher(cycle)

        runtime = self.runtime(
            client, journal, clock, mode=mode, scan_interval=scan_interval, rules=rules, log=log, on_cycle=tell
        )
        if metrics_port is not None:
            metrics = Metrics(runtime)
            metrics.serve(metrics_port)
            watchers.append(metrics.observe)
        await client.start()
        try:
            return await runtime.run(duration)
        finally:
            await client.stop()

    async def check(self, *, clock: Clock | None = None, timeout: float = 0.5) -> list[CheckFinding]:
        """The commissioning check alone: reads every device, writes nothing."""
        client = FieldClient(self.devices, clock or await plant_clock(self.devices), timeout=timeout)
        await client.start()
        try:
            return await Commissioning(client).check(await client.scan())
        finally:
            await client.stop()
