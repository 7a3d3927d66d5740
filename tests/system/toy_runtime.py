"""Runs the embedded loop on the toy plant as a program of its own: what the kill tests kill."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from controllers.interface import Decision, Forecast
from hil.client import FieldClient
from hil.clock import ScaledClock
from tests.hil import toy_plant as toy
from twin.journal import Journal
from twin.runtime import Runtime


class Constant:
    """Always the same set-points."""

    name = "constant"
    interval = 5.0

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        return Decision({"pump.y": 0.5, "cooler.T_set": 300.15}, self.name)

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        pass


class Free:
    """An envelope that lets everything pass."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._values: list[float] = []

    def check(
        self, setpoints: Mapping[str, float], measurements: Mapping[str, float], free: Collection[str] = ()
    ) -> list[object]:
        self.names, self._values = list(setpoints), list(setpoints.values())
        return []

    def advance(self, dt: float) -> list[float]:
        return self._values

    def track(self, values: Mapping[str, float]) -> None:
        pass


async def run(port: int, start: float, speed: float, origin: float, journal: str) -> None:
    clock = ScaledClock(start, speed, origin)
    client = FieldClient(toy.devices(port), clock, timeout=0.3)
    await client.start()
    with Journal(journal) as book:
        await Runtime(client, Constant(), Free(), book, clock, scan_interval=2.0).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name in ("start", "speed", "origin"):
        parser.add_argument(name, type=float)
    parser.add_argument("journal")
    asyncio.run(run(**vars(parser.parse_args())))
