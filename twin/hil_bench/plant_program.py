"""The emulated plant of a scenario as a program of its own: ``python -m twin.hil_bench.plant_program JSON``.

It settles, listens at ports that the system chooses and says which stands for which of the site's; a line on stdin
tells it the wall time at which the run starts. At the end it writes what it recorded to a file, says so, and goes on
answering until stdin is closed; where stdin is closed before, it ends at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from hil.clock import ScaledClock
from plant_models.plant import Plant
from plant_models.site import load_site
from twin.embedded import site_devices
from twin.hil_bench.plant_side import PlantSide
from twin.hil_bench.scenario import HilScenario

HOST = "127.0.0.1"


def _tell(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def _run(settings: dict[str, Any]) -> None:
    scenario = HilScenario.model_validate(settings["scenario"])
    clock = ScaledClock(scenario.start.timestamp(), scenario.speed)
    plant = Plant(load_site(scenario.site, scenario.overrides))
    side = PlantSide(scenario, plant, site_devices(plant), clock)
    side.settle()
    lines = [(server.host, server.port) for server in side.emulator.servers]
    for server in side.emulator.servers:
        server.host, server.port = HOST, 0
    await side.emulator.start()
    try:
        _tell(ports=[[*line, server.port] for line, server in zip(lines, side.emulator.servers, strict=True)])
        clock.restart(float(await asyncio.to_thread(sys.stdin.readline)))
        await clock.sleep_until(clock.start)
        gone = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        run = asyncio.create_task(side.emulator.run(scenario.duration))
        await asyncio.wait({run, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not run.done():  # whoever asked for the plant is no more
            run.cancel()
            return
        if run.exception() is not None:
            _tell(error=str(run.exception()))
            await gone
            return
        times, values = side.record()
        np.savez(Path(settings["record"]), times=times, names=list(values), table=np.array(list(values.values())))
        ticker = side.emulator.ticker
        _tell(done=True, late_s=ticker.latest if ticker else 0.0, overruns=ticker.overruns if ticker else 0)
        await gone
    finally:
        await side.emulator.stop()


def main(arguments: str) -> int:
    """Exit code 0, or 2 for what cannot be run."""
    try:
        asyncio.run(_run(json.loads(arguments)))
    except (ValueError, RuntimeError, OSError) as error:
        _tell(error=str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
