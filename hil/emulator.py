"""A plant model served as Modbus devices, stepped in real or scaled time.

Every machine is a device of its own. What is under test, our runtime or someone's PLC, sees registers only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hil.binding import BoundDevice
from hil.clock import Clock, ScaledClock, Ticker
from hil.emulated_device import EmulatedDevice
from hil.modbus.server import DeviceServer, Unit
from hil.modbus.tls import Identity
from hil.site_clock import ClockUnit


class Simulated(Protocol):
    """What the emulator needs of a plant: plant_models.integrate.Simulator has it, and so has a toy in a test."""

    def set(self, name: str, value: float) -> None:
        """Sets an input, a disturbance or a parameter (SI)."""
        ...

    def reader(self, names: Sequence[str]) -> Callable[[], NDArray[np.float64]]:
        """A fast way to read the present values (SI) of the same signals again and again."""
        ...

    def step(self, dt: float) -> object:
        """Goes on by ``dt`` seconds."""
        ...


Drive = Callable[[float], Mapping[str, float]]
"""disturbances by signal at so many seconds after the start: weather, load, demand, prices"""
Distort = Callable[[float, Mapping[str, float]], Mapping[str, float]]
"""what sensors show at so many seconds after the start, for true values by signal"""


class EmulationError(ValueError):
    """Devices that cannot be emulated, with the reason."""


class Emulator:
    """Steps ``simulator`` by ``step`` seconds of ``clock`` behind the servers of ``devices``.

    Before each step the disturbances of ``drive`` and the written set-points go into the plant, after it the plant's
    signals into the registers. Steps are never left out: a step that comes late is made at once and counted.
    ``elapsed`` lets it begin later than the drive's start; ``tell_time`` puts the clock on the bus (hil.site_clock).
    ``distort`` stands between the plant and what its sensors show. ``identity`` is that of devices on TLS.
    """

    def __init__(
        self,
        simulator: Simulated,
        devices: Sequence[BoundDevice],
        clock: Clock,
        *,
        step: float,
        drive: Drive | None = None,
        on_step: Callable[[float], None] | None = None,
        elapsed: float = 0.0,
        tell_time: bool = False,
        distort: Distort | None = None,
        identity: Identity | None = None,
    ) -> None:
        if not step > 0:
            raise EmulationError(f"step must be positive, found {step}")
        if not devices:
            raise EmulationError("no devices to emulate: the site needs a devices block")
        for bound in devices:
            wire = bound.device.transport
            if wire not in ("tcp", "tls"):
                raise EmulationError(f"device {bound.name}: a site's plant is emulated on tcp or tls, not on {wire}")
            if wire == "tls" and identity is None:
                raise EmulationError(
                    f"device {bound.name} is on tls: the emulated devices need a certificate, its key, and the "
                    "authority of those who may connect"
                )
        self.simulator, self.clock, self.step = simulator, clock, step
        self.drive, self.on_step, self.distort = drive, on_step, distort
        self.devices = {bound.name: EmulatedDevice(bound, clock.time) for bound in devices}
        lines: dict[tuple[str, int], list[Unit]] = {}
        for device in self.devices.values():
            lines.setdefault((device.bound.device.host, device.bound.device.port), []).append(device)
        if tell_time and isinstance(clock, ScaledClock):
            next(iter(lines.values())).append(ClockUnit(clock))
        secure = {(b.device.host, b.device.port) for b in devices if b.device.transport == "tls"}
        self.servers = [
            DeviceServer(host, port, units, identity=identity if (host, port) in secure else None)
            for (host, port), units in lines.items()
        ]
        self.elapsed = elapsed
        """simulated seconds since the start"""
        self.ticker: Ticker | None = None
        self._names = [[s for s, p in d.bound.points.items() if not p.writable] for d in self.devices.values()]
        self._read = simulator.reader([name for names in self._names for name in names])
        self._felt = sorted({name for d in self.devices.values() for name in d.felt})
        self._feel = simulator.reader(self._felt)
        self._forceable = sorted({name for d in self.devices.values() for name in d.wired.forceable})
        self._read_forceable = simulator.reader(self._forceable)
        self._unforced: dict[str, float] = {}
        """what parameters that a trip holds would be without it"""
        setpoints = [s for d in self.devices.values() for s, p in d.bound.points.items() if p.writable]
        self._read_setpoints = dict(zip(setpoints, range(len(setpoints)), strict=True)), simulator.reader(setpoints)

    async def start(self) -> None:
        """Shows the plant's present state and listens. Raises ServerError, with nothing left open."""
        self.show()
        try:
            for server in self.servers:
                await server.start()
        except BaseException:
            await self.stop()
            raise

    def show(self) -> None:
        """Puts the plant's present state, set-points included, into the registers."""
        self._apply(self.elapsed)
        places, read = self._read_setpoints
        values = read().tolist()
        for device in self.devices.values():
            device.publish({s: values[places[s]] for s in device.bound.writable})
        self._publish()

    async def stop(self) -> None:
        """Closes all servers."""
        for server in self.servers:
            await server.stop()

    async def run(self, duration: float | None = None) -> None:
        """Steps for ``duration`` seconds of the plant, or until cancelled."""
        self.ticker = Ticker(self.clock, self.step, skip=False, start=self.clock.time() + self.step)
        end = None if duration is None else self.elapsed + duration
        while end is None or self.elapsed < end - 1e-9:
            await self.ticker.tick()
            await self.advance()

    async def advance(self) -> None:
        """One step. The servers go on answering, with the registers of the step before."""
        self._apply(self.elapsed)
        await asyncio.to_thread(self.simulator.step, self.step)
        self.elapsed += self.step
        self._live()
        self._publish()
        if self.on_step is not None:
            self.on_step(self.elapsed)

    def _apply(self, elapsed: float) -> None:
        driven = self.drive(elapsed) if self.drive is not None else {}
        for name, value in driven.items():
            self.simulator.set(name, value)
        for device in self.devices.values():
            for name, value in device.take_setpoints().items():
                self.simulator.set(name, value)
        self._force(driven)

    def _force(self, driven: Mapping[str, float]) -> None:
        """Thrown trips hold parameters of their machines, whatever else wants them; a reset gives them back."""
        held = {name: value for device in self.devices.values() for name, value in device.wired.forced.items()}
        self._unforced.update((name, driven[name]) for name in self._unforced if name in driven)
        if fresh := set(held) - set(self._unforced):
            present = dict(zip(self._forceable, self._read_forceable().tolist(), strict=True))
            self._unforced.update((name, present[name]) for name in fresh)
        for name in list(self._unforced):
            self.simulator.set(name, held[name] if name in held else self._unforced.pop(name))

    def _live(self) -> None:
        """What machines do by themselves after a step."""
        felt = dict(zip(self._felt, self._feel().tolist(), strict=True))
        for device in self.devices.values():
            device.live(felt, self.step)

    def _publish(self) -> None:
        values, at = self._read().tolist(), 0
        for device, names in zip(self.devices.values(), self._names, strict=True):
            shown: Mapping[str, float] = dict(zip(names, values[at : at + len(names)], strict=True))
            at += len(names)
            device.publish(shown)
        if self.distort is not None:
            self._show_distorted(values)

    def _show_distorted(self, values: Sequence[float]) -> None:
        """What sensors with faults show, over what is."""
        assert self.distort is not None
        true = dict(zip((name for names in self._names for name in names), values, strict=True))
        wrong = {n: v for n, v in self.distort(self.elapsed, true).items() if v is not true[n] and v != true[n]}
        for device, names in zip(self.devices.values(), self._names, strict=True):
            if mine := {name: wrong[name] for name in names if name in wrong}:
                device.publish(mine)
