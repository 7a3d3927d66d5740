"""How long the shipped plants take to compose, and to run a day."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.figures import Benchmark, Figure, cpu_seconds
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import list_sites, load_site

STEP = 30.0
HOURS = 6
LOAD_CHANGES = (0.95, 1.05)
"""each CDU's load changes every minute, so that no step is an easy one"""


def measure() -> Iterator[Figure]:
    """Every shipped site at a 30 s step, its loads changing every minute."""
    for name in list_sites():
        start = time.process_time()
        plant = Plant(load_site(name))
        simulator = Simulator(plant)
        simulator.settle(3600.0)
        built = time.process_time() - start
        loads = [s for s in plant.vocabulary.values() if s.name.endswith(".P_it") and s.role == "disturbance"]
        writer = simulator.writer([s.name for s in loads])
        rest = simulator.get_many([s.name for s in loads])

        def hours(simulator: Simulator = simulator, writer=writer, rest=rest) -> None:  # type: ignore[no-untyped-def]
            for i in range(int(HOURS * 3600 / STEP)):
                writer(rest * LOAD_CHANGES[i // 2 % 2])
                simulator.step(STEP)

        day = cpu_seconds(hours, runs=3) * 24 / HOURS
        note = f"{len(plant.components)} machines, step {STEP:.0f} s, loads change every minute"
        yield Figure(f"plant.{name}.cpu_s_per_day", day, "s", "", note)
        yield Figure(f"plant.{name}.build_s", built, "s", "", "CPU, composing and settling for an hour")


BENCHMARK = Benchmark("plant", measure)
