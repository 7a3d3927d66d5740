"""The shipped plants: time to build and to run a day, a year with its results, and how right their steps are."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

import plant_models
from benchmarks.figures import Benchmark, Figure, cpu_seconds
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.referee import Referee
from plant_models.signals import Role
from plant_models.site import Site, list_sites, load_site

STEP = 30.0
HOURS = 6
LOAD_CHANGES = (0.95, 1.05)
"""each CDU's load changes every minute, so that no step is an easy one"""
YEAR = 365.0
COLD_START = 20
"""steps in ten minutes"""


def measure() -> Iterator[Figure]:
    """All figures of the plant."""
    for name in list_sites():
        yield from _site(name)
    yield from _build()
    yield from _scaling()
    yield from _referee()
    yield from _year()


def _busy_hours(simulator: Simulator, hours: float = HOURS) -> None:
    """Hours of operation, every CDU's load changing every minute."""
    vocabulary = simulator.plant.vocabulary
    loads = [s.name for s in vocabulary.role(Role.DISTURBANCE) if s.name.endswith(".P_it")]
    nominal = np.array([vocabulary[name].default for name in loads])
    changes = np.array([LOAD_CHANGES[i // 2 % 2] for i in range(int(hours * 3600 / STEP))])
    simulator.run(STEP, changes[:, None] * nominal, simulator.writer(loads), simulator.reader(loads))


def _day(simulator: Simulator) -> float:
    """CPU seconds for a simulated day."""
    return cpu_seconds(lambda: _busy_hours(simulator)) * 24 / HOURS


def _site(name: str) -> Iterator[Figure]:
    plant = Plant(load_site(name))
    simulator = Simulator(plant)
    simulator.settle(3600.0)
    day = _day(simulator)
    note = f"{len(plant.components)} machines, step {STEP:.0f} s, loads change every minute"
    yield Figure(f"plant.{name}.cpu_s_per_day", day, "s", "", note)
    yield Figure(f"plant.{name}.realtime_factor", 86400.0 / day, "1", "", "simulated over CPU time")


BUILD_CODE = """
import resource, sys, time
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import load_site

def cpu():
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)

began = cpu()
Simulator(Plant(load_site("rovaltain")))
print(cpu() - began)
"""


def _build() -> Iterator[Figure]:
    """The plant composed twice, each time in a process of its own: with nothing compiled before, and again."""
    with tempfile.TemporaryDirectory() as folder:
        for key in ("cold", "cached"):
            done = subprocess.run(
                [sys.executable, "-c", BUILD_CODE], env=os.environ | {"XDG_CACHE_HOME": folder},
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            note = "site file to simulator, the compiler's work included; imports are not"
            yield Figure(f"plant.rovaltain.{key}_build_s", float(done.stdout), "s", "", note)


def _rovaltain(cdus: int) -> Site:
    """The plant with another number of CDUs; without its devices, which have addresses for 70 only."""
    source = yaml.safe_load((Path(plant_models.__file__).parent / "sites" / "rovaltain.yaml").read_text())
    source.pop("devices", None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rovaltain.yaml"
        path.write_text(yaml.safe_dump(source, sort_keys=False))
        return load_site(path, {"components.cdu.count": cdus})


def _scaling() -> Iterator[Figure]:
    """Four times as many halls, everything else four times as large."""
    sizes = {"1": 10, "4": 40}
    days = {}
    for key, per_hall in sizes.items():
        simulator = Simulator(Plant(_rovaltain(7 * per_hall)))
        simulator.settle(3600.0)
        days[key] = _day(simulator)
    yield Figure(
        "plant.scaling_280_over_70", days["4"] / days["1"], "1", "70 CDUs", "CPU time, 280 CDUs in the 7 halls"
    )


def _referee() -> Iterator[Figure]:
    """rovaltain from a cold start beside IDAS: three hours, loads changing every minute."""
    plant = Plant(load_site("rovaltain"))
    fast, slow = Simulator(plant), Simulator(plant, engine=Referee)
    names = [s.name for s in plant.vocabulary.role(Role.STATE) if s.unit == "K"]
    loads = [f"{name}.P_it" for name in plant.of_kind("cdu")]
    nominal = np.array([plant.vocabulary[name].default for name in loads])
    rows = nominal * np.random.default_rng(1).uniform(*LOAD_CHANGES, (180, 1, len(loads))).repeat(2, axis=1)
    tables = [s.run(STEP, rows.reshape(360, -1), s.writer(loads), s.reader(names)) for s in (fast, slow)]
    error = np.abs(tables[0] - tables[1]).max(axis=1)
    note = "largest deviation of any temperature at any 30 s step, loads of all CDUs change every minute"
    yield Figure("plant.referee_max_K", float(error[COLD_START:].max()), "K", "IDAS, rtol 1e-7", note)
    yield Figure("plant.referee_cold_start_K", float(error[:COLD_START].max()), "K", "IDAS", "in the first ten minutes")
    one, other = fast.balance("energy"), slow.balance("energy")
    relative = max(abs(one.came_in / other.came_in - 1.0), abs(one.went_out / other.went_out - 1.0))
    yield Figure("plant.referee_energy_rel", relative, "1", "IDAS", "energy into and out of the plant over three hours")


YEAR_CODE = """
import resource, sys, time
from twin.scenario import Scenario
from twin.study import run_one
from pathlib import Path
scenario = Scenario(site="rovaltain", controller="sequences", start="2025-01-01T00:00Z", days=float(sys.argv[1]),
                    step="30 s", record="15 min")
start = time.process_time()
run_one(scenario, Path(sys.argv[2]))
print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _year() -> Iterator[Figure]:
    """A whole simulation with its controller and results on disk, in a process of its own."""

    def of(days: float) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", YEAR_CODE, str(days), folder], capture_output=True, text=True, check=True
            )
        cpu, rss = done.stdout.split()[-2:]
        return float(cpu), float(rss)

    cpu, rss = of(YEAR)
    note = "30 s steps under sequences, recorded every 15 min, results, key figures and report on disk; one run"
    yield Figure("plant.rovaltain.year_cpu_s", cpu, "s", "", note)
    yield Figure("plant.rovaltain.peak_rss_MB", rss, "MB", "", "of the same")


BENCHMARK = Benchmark("plant", measure)
