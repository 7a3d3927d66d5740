"""The embedded loop as a program whose set-points never stand still, each with its rate: what gets killed."""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Collection, Mapping
from typing import Any

from controllers.interface import Decision, Forecast
from hil.client import FieldClient
from hil.clock import ScaledClock
from tests.hil import toy_plant as toy
from twin.journal import Journal
from twin.operation.commissioning import Commissioning
from twin.runtime import Runtime

SCAN = 1.0
"""s of plant time"""
RATES = {"pump.y": 0.01, "cooler.T_set": 0.25}
"""fastest change of each, SI/s"""


class Waves:
    """Set-points that swing as far as their ranges, faster than their rates allow."""

    name = "waves"
    interval = 2.0

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        up = math.sin(time / 7.0)
        return Decision({"pump.y": 0.65 + 0.3 * up, "cooler.T_set": 298.15 - 6.0 * up}, self.name)

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        pass


class Rates:
    """An envelope that knows rates alone."""

    def __init__(self) -> None:
        self.names: list[str] = list(RATES)
        self._values = {"pump.y": math.nan, "cooler.T_set": math.nan}
        self._targets = dict(self._values)

    def check(
        self, setpoints: Mapping[str, float], measurements: Mapping[str, float], free: Collection[str] = ()
    ) -> list[object]:
        self._targets.update(setpoints)
        return []

    def advance(self, dt: float) -> list[float]:
        for name, value in self._values.items():
            reach = RATES[name] * dt
            self._values[name] = value + min(max(self._targets[name] - value, -reach), reach)
        return list(self._values.values())

    def track(self, values: Mapping[str, float]) -> None:
        self._values.update(values)
        self._targets.update(values)


async def run(port: int, start: float, speed: float, origin: float, journal: str) -> None:
    clock = ScaledClock(start, speed, origin)
    client = FieldClient(toy.devices(port), clock, timeout=0.3)
    await client.start()
    with Journal(journal) as book:
        await Runtime(
            client, Waves(), Rates(), book, clock, scan_interval=SCAN, commission=Commissioning(client).check
        ).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name in ("start", "speed", "origin"):
        parser.add_argument(name, type=float)
    parser.add_argument("journal")
    asyncio.run(run(**vars(parser.parse_args())))
