"""Hardware in the loop, shown: plant and controller in processes of their own, joined by Modbus; each gets killed once.

This module is also the program of those two processes: ``python -m twin.hil_demo plant|controller JSON``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time as wall
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controllers.plant_view import PlantView
from hil.binding import BoundDevice
from hil.client import FieldClient
from hil.clock import LockStepClock
from hil.registers.schema import Point
from plant_models.plant import Plant
from plant_models.signals import T_DRY
from plant_models.site import load_site
from twin.embedded import Embedded, serve, site_devices
from twin.journal import Journal
from twin.runtime import Cycle
from twin.scenario import Scenario

PATIENCE = 60.0
"""s of wall time for a process to start or a state to come"""
REPORT_EVERY = 120.0
"""s of plant time between two lines"""

Say = Callable[[str], None]


class DemoError(RuntimeError):
    """A process of the demonstration that did not do its part; the message is the process's own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the demonstration had to show, whether it did, and the evidence."""

    claim: str
    shown: bool
    evidence: str


@dataclass(slots=True)
class DemoResult:
    """What was shown."""

    findings: list[Finding] = field(default_factory=list)
    fallbacks: list[tuple[str, str, str, str]] = field(default_factory=list)
    """set-point, value when the controller was killed, value after the watchdogs' time, safe value"""
    journal: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything was shown."""
        return bool(self.findings) and all(finding.shown for finding in self.findings)

    def found(self, claim: str, shown: bool, evidence: str) -> None:
        """Adds a finding."""
        self.findings.append(Finding(claim, shown, evidence))


async def demo(
    scenario: Scenario,
    *,
    journal: Path,
    speed: float = 60.0,
    seconds: float = 1200.0,
    port: int | None = None,
    data_dir: Path | None = None,
    say: Say = lambda line: None,
) -> DemoResult:
    """Runs ``scenario`` for ``seconds`` of plant time under its controller, then kills the plant, then the controller.

    ``port`` replaces the site's TCP ports (see :func:`twin.embedded.site_devices`), ``journal`` is a new SQLite file.
    Raises :class:`DemoError`, with every process ended, if one cannot start; DevicesError for a site without devices.
    """
    result = DemoResult(journal=str(journal))
    devices = site_devices(Plant(load_site(scenario.site, scenario.overrides)), port)
    settings: dict[str, Any] = {
        "scenario": scenario.model_dump(mode="json"),
        "speed": speed,
        "origin": wall.time(),
        "port": port,
        "data_dir": str(data_dir) if data_dir else None,
        "journal": str(journal),
    }
    async with _processes() as start:
        say(f"plant: {scenario.site} behind {len(devices)} Modbus devices, {speed:g} times as fast as real time")
        plant = await start("plant", settings)
        await plant.until(lambda line: "ready" in line)
        controller = await start("controller", settings)
        first = await controller.until(lambda line: line.get("state") == "running", say)
        say(f"controller: {scenario.controller}, reading and writing over sockets only")
        last = await controller.until(lambda line: line["time"] >= first["time"] + seconds, say)
        result.found(
            "the controller runs the plant over Modbus", last["written"] > 0 and not last["alarms"],
            f"{last['scans']} scans, {last['decisions']} decisions, {last['written']} set-points written and read back",
        )  # fmt: skip

        await _plant_dies(start, plant, controller, settings, result, say)
        await _controller_dies(controller, devices, speed, result, say)
    return result


async def _plant_dies(
    start: Start, plant: Program, controller: Program, settings: Mapping[str, Any], result: DemoResult, say: Say
) -> None:
    say("killing the plant's process")
    await plant.kill()
    held = await controller.until(lambda line: line["state"] != "running", say)
    result.found("killing the plant makes the controller alarm and wait", "plant" in held["alarms"],
                 held["alarms"].get("plant", "no alarm"))  # fmt: skip
    again = await start("plant", settings)
    await again.until(lambda line: "ready" in line)
    back = await controller.until(
        lambda line: line["state"] == "running" and line["written"] > held["written"] and not line["alarms"], say
    )
    result.found("when the plant is back, the controller goes on", not back["alarms"],
                 f"running again at {_clock(back['time'])} after a complete scan and a fresh decision")  # fmt: skip


async def _controller_dies(
    controller: Program, devices: tuple[BoundDevice, ...], speed: float, result: DemoResult, say: Say
) -> None:
    say("killing the controller's process")
    held = dict(controller.last["setpoints"])
    await controller.kill()
    guarded = [d for d in devices if d.map.watchdog is not None]
    longest = max((d.map.watchdog.timeout for d in guarded if d.map.watchdog), default=0.0)
    # nobody may read meanwhile: some watchdogs are fed by any request
    await asyncio.sleep((longest + 60.0) / speed + 0.5)
    client = FieldClient(devices, LockStepClock())
    await client.start()
    samples = await client.scan()
    await client.stop()
    safe = 0
    points: dict[str, Point] = {signal: p for d in guarded for signal, p in d.writable.items() if p.on_lost == "safe"}
    for signal, point in points.items():
        assert isinstance(point.safe, float)  # binding saw to it
        value = samples[signal].value
        fell = samples[signal].good and abs(value - point.safe) <= max(point.step, 1e-6)
        safe += fell
        before = point.show(held[signal]) if signal in held else "?"
        result.fallbacks.append((signal, before, point.show(value), point.show(point.safe)))
    result.found(
        "killing the controller leaves the plant safe", safe == len(points) > 0,
        f"{safe} of {len(points)} set-points at their safe values after the watchdogs' times, at most {longest:g} s",
    )  # fmt: skip


# --- processes --------------------------------------------------------------------------------------------------------


class Program:
    """A process that tells what it does in lines of JSON."""

    def __init__(self, role: str, process: asyncio.subprocess.Process) -> None:
        self.role, self.process = role, process
        self.last: dict[str, Any] = {}

    async def until(self, condition: Callable[[dict[str, Any]], bool], say: Say | None = None) -> dict[str, Any]:
        """The next line that fulfils the condition; lines on the way are shown. Raises :class:`DemoError`."""
        assert self.process.stdout is not None  # it was asked for
        while True:
            try:
                raw = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
            except TimeoutError:
                raise DemoError(f"the {self.role}'s process says nothing for {PATIENCE:g} s") from None
            if not raw:
                raise DemoError(f"the {self.role}'s process ended with code {await self.process.wait()}")
            self.last = json.loads(raw)
            if "error" in self.last:
                raise DemoError(f"the {self.role}'s process: {self.last['error']}")
            if say is not None and "text" in self.last:
                say(self.last["text"])
            if condition(self.last):
                return self.last

    async def kill(self) -> None:
        """SIGKILL: no farewell."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


Start = Callable[[str, Mapping[str, Any]], Any]


@asynccontextmanager
async def _processes() -> AsyncIterator[Start]:
    """Starts programs, and ends every one of them, whatever happens."""
    programs: list[Program] = []

    async def start(role: str, settings: Mapping[str, Any]) -> Program:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twin.hil_demo", role, json.dumps(settings), stdout=asyncio.subprocess.PIPE
        )
        programs.append(Program(role, process))
        return programs[-1]

    try:
        yield start
    finally:
        for program in programs:
            await program.kill()


def _tell(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def _run_plant(settings: Mapping[str, Any]) -> None:
    await serve(
        Scenario.model_validate(settings["scenario"]), speed=settings["speed"], origin=settings["origin"],
        port=settings["port"], data_dir=_path(settings["data_dir"]), on_ready=lambda emulator: _tell(ready=True),
    )  # fmt: skip


async def _run_controller(settings: Mapping[str, Any]) -> None:
    embedded = Embedded(
        Scenario.model_validate(settings["scenario"]), port=settings["port"], data_dir=_path(settings["data_dir"])
    )
    reporter = _Reporter(embedded)
    with Journal(settings["journal"]) as journal:
        await embedded.run(journal, on_cycle=reporter)


class _Reporter:
    """Tells what a person wants to see: now and then, and at every change of state."""

    def __init__(self, embedded: Embedded) -> None:
        self._view = PlantView(embedded.plant)
        self._setpoints = [signal for device in embedded.devices for signal in device.writable]
        self._state, self._next = "", 0.0

    def __call__(self, cycle: Cycle) -> None:
        line: dict[str, Any] = {
            "time": cycle.time,
            "state": cycle.state,
            "alarms": dict(cycle.alarms),
            "scans": cycle.counts.scans,
            "decisions": cycle.counts.decisions,
            "written": cycle.counts.written,
            "setpoints": {n: cycle.samples[n].value for n in self._setpoints if cycle.samples[n].good},
        }
        if cycle.state != self._state or cycle.time >= self._next:
            self._state, self._next = cycle.state, cycle.time + REPORT_EVERY
            line["text"] = self._text(cycle)
        _tell(**line)

    def _text(self, cycle: Cycle) -> str:
        head = f"{_clock(cycle.time)}  {cycle.state:<8}"
        if cycle.state != "running":
            return f"{head}  {cycle.alarms.get('plant', '')}"
        value = {name: sample.value for name, sample in cycle.samples.items()}
        T_chip = max(value[f"{name}.T_gpu_max"] for name in self._view.cdus)
        P_it = sum(value[f"{name}.P_it_total"] for name in self._view.cdus)
        heat = sum(value[f"{name}.Q_flow_sink"] for name in self._view.heat_pumps)
        coolers = [value[f"{name}.T_leaving_set"] for name in self._view.coolers]
        T_air, T_supply = value[T_DRY.name], value[f"{self._view.supply}.T"]
        who = cycle.decision.source if cycle.decision else "-"
        return (
            f"{head}  outside {_degC(T_air)}  IT {P_it / 1e6:6.2f} MW  supply {_degC(T_supply)} (coolers to "
            f"{_degC(min(coolers))})  hottest chip {_degC(T_chip)}  heat pumps {heat / 1e6:5.2f} MW  by {who}"
        )


def _degC(T: float) -> str:
    return f"{T - 273.15:5.1f} °C"


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S")


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _main(role: str, settings: Mapping[str, Any]) -> int:
    try:
        asyncio.run((_run_plant if role == "plant" else _run_controller)(settings))
    except (ValueError, RuntimeError, OSError) as error:
        _tell(error=str(error))
        return 2
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(_main(sys.argv[1], json.loads(sys.argv[2])))
