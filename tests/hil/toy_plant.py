"""A two-volume loop with physics of its own, its register map and its devices; also a program that serves it.

A heater (load ``P``, W) warms volume ``hot``; a pump (``y``) carries the heat to volume ``cold``; a cooler with a
set-point (``T_set``) takes it out, as far as its fan can.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import socket
import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hil.binding import BoundDevice, bind
from hil.clock import ScaledClock
from hil.emulator import Emulator
from hil.modbus.server import ServerError
from hil.registers.schema import RegisterMap
from plant_models.devices import Device
from plant_models.signals import Vocabulary, disturbance, output, setpoint, state

C, CP = 4.0e5, 4186.0

SIGNALS = (
    disturbance("heater.P", "W", "load", default=20e3),
    state("heater.T", "K", "hot volume", start=313.15),
    setpoint("pump.y", "1", "speed", default=0.8, lower=0.2, upper=1.0),
    output("pump.m_flow", "kg/s", "flow"),
    setpoint("cooler.T_set", "K", "leaving temperature", default=303.15, lower=288.15, upper=318.15),
    state("cooler.T", "K", "cold volume", start=303.15),
    output("cooler.Q_flow", "W", "heat taken out"),
)
VOCABULARY: Vocabulary = Vocabulary(SIGNALS)

PUMP_MAP = {
    "id": "toy_pump", "description": "pump of the toy loop", "max_gap": 4, "word_order": "little",
    "watchdog": {"timeout": "20 s"},
    "points": {
        "y": {"address": 0, "table": "holding", "type": "uint16", "unit": "percent", "scale": 0.01, "access": "rw",
              "range": [0, 1], "safe": 0.9, "deadband": 0.005, "refresh": "8 s"},
        "m_flow": {"address": 3, "table": "holding", "type": "float32", "unit": "t/h"},
    },
}  # fmt: skip
COOLER_MAP = {
    "id": "toy_cooler", "description": "cooler of the toy loop", "watchdog": {"timeout": "20 s"},
    "points": {
        "T_set": {"address": 10, "table": "holding", "type": "int16", "unit": "degC", "scale": 0.1, "access": "rw",
                  "range": ["0 degC", "60 degC"], "safe": "20 degC", "deadband": "0.2 K", "refresh": "8 s"},
        "T": {"address": 0, "table": "input", "type": "int16", "unit": "degC", "scale": 0.1,
              "range": ["-20 degC", "120 degC"], "sentinels": [0x8000]},
        "Q_flow": {"address": 1, "table": "input", "type": "int32", "unit": "W"},
        "node.01.T": {"address": 3, "table": "input", "type": "uint16", "unit": "K", "scale": 0.01},
    },
}  # fmt: skip


class ToyLoop:
    """The plant: explicit Euler in small steps."""

    def __init__(self) -> None:
        self.values = {s.name: s.default for s in SIGNALS}
        self._outputs()

    def set(self, name: str, value: float) -> None:
        if math.isnan(self.values[name]) or name not in VOCABULARY:
            raise KeyError(name)
        self.values[name] = value

    def get(self, name: str) -> float:
        return self.values[name]

    def reader(self, names: Sequence[str]) -> Callable[[], NDArray[np.float64]]:
        return lambda: np.array([self.values[name] for name in names])

    def step(self, dt: float) -> None:
        v = self.values
        for _ in range(20):
            self._outputs()
            carried = v["pump.m_flow"] * CP * (v["heater.T"] - v["cooler.T"])
            v["heater.T"] += dt / 20 * (v["heater.P"] - carried) / C
            v["cooler.T"] += dt / 20 * (carried - v["cooler.Q_flow"]) / C
        self._outputs()

    def _outputs(self) -> None:
        v = self.values
        v["pump.m_flow"] = 1.5 * v["pump.y"]
        v["cooler.Q_flow"] = min(60e3, max(0.0, 8e3 * (v["cooler.T"] - v["cooler.T_set"]) + 20e3))


def devices(port: int, second_port: int | None = None) -> tuple[BoundDevice, BoundDevice]:
    """The pump and the cooler, on one line or on two."""
    pump = Device("pump", "toy_pump", "127.0.0.1", port, 1, "pump")
    cooler = Device("cooler", "toy_cooler", "127.0.0.1", second_port or port, 2, "cooler", nodes=("heater",))
    return (
        bind(pump, VOCABULARY, RegisterMap.model_validate(PUMP_MAP, context={"require_units": True})),
        bind(cooler, VOCABULARY, RegisterMap.model_validate(COOLER_MAP, context={"require_units": True})),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve(port: int, start: float, speed: float, origin: float) -> None:
    emulator = Emulator(ToyLoop(), devices(port), ScaledClock(start, speed, origin), step=1.0)
    await emulator.start()
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    await emulator.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("start", type=float)
    parser.add_argument("speed", type=float)
    parser.add_argument("origin", type=float)
    try:
        asyncio.run(serve(**vars(parser.parse_args())))
    except ServerError as error:
        sys.exit(str(error))
