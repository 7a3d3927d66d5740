"""Made-up GPU load of every CDU: a scientific machine (``hpc``) or a training cluster (``training``).

``hpc`` follows the published statistics of Frontier's year 2023 (Sun et al. 2024, doi 10.1038/s41597-024-03913-w):
the distribution of total power, relative to its maximum, and its autocorrelation. ``training`` puts long jobs on
whole halls and short ones on single CDUs, with checkpoint dips and restarts; its load factor of 0.7 to 0.9 is common
practice, its events are assumptions. What agrees and what does not: docs/inputs.md.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, ndtri

from plant_models.units import si

from .context import Context
from .noise import events, renewal
from .series import Array, InputError, Inputs, Series, Source
from .settings import Strict
from .spread import Step

MINUTE = 60.0
HOUR = 3600.0

# Frontier 2023, total compute power (MW) and the share of time below it
FRONTIER_P_MAX = 27.699
_POWER = np.array([0.7649, 6.868, 8.043, 9.104, 10.988, 13.482, 17.695, 21.681, FRONTIER_P_MAX]) / FRONTIER_P_MAX
_SHARE = np.array([1e-5, 0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99, 1 - 1e-5])

# total of Frontier: (variance share, mean time between changes in s), autocorrelation 0.88 at 10 min and 0.16 at 1 day
_TOTAL = (("slow", 0.26, 2.0 * 86400.0), ("medium a", 0.37, 3450.0), ("medium b", 0.37, 3450.0))
_RAMP = MINUTE  # in which the whole machine starts or stops: worst 3.1 MW in 15 s, 7 April 2024
_HALL_SPREAD, _CDU_SPREAD = 0.30, 0.15  # of the logit of the load: assumption

IDLE = 0.27
"""share of design power that an idle rack draws: MI250X 88 of 560 W and the rest of the node (assumption)"""
_RUNNING, _RUNNING_SPREAD = 0.93, 0.04
_DIP, _DIP_TIME = 0.55, 2 * MINUTE
_RESTART_TIME, _RESTART_EVERY = 10 * MINUTE, 12 * HOUR
_HALL_JOB, _CDU_JOB = 48 * HOUR, 10 * HOUR
_HALL_SHARE = 0.75  # of the CDUs of a hall that work for the hall's job

Profile = Literal["training", "hpc"]
_DEFAULT_FACTOR = {"training": 0.8, "hpc": 0.42}


class SyntheticLoad(Strict):
    """Generated IT power of every CDU. ``load_factor``: mean power over design power, in the long run.

    What is not given is the site's; a site that says nothing has ``training``.
    """

    source: Literal["synthetic"] = "synthetic"
    profile: Profile | None = None
    load_factor: Annotated[float, si("1"), Field(ge=0.3, le=0.9)] | None = Field(
        default=None, description="default: the site's for its profile, else 0.8 for training, 0.42 (Frontier) for hpc"
    )
    step: Step = 60.0

    def build(self, context: Context) -> Inputs:
        """``<cdu>.P_it`` (W) of every CDU; the same moment is the same for any run with this seed and step."""
        time = context.grid(self.step)
        plant = context.plant
        profile = self.profile or plant.load_profile or "training"
        if profile not in _DEFAULT_FACTOR:
            raise InputError(f"the site expects a load profile {profile!r}; known are {', '.join(_DEFAULT_FACTOR)}")
        expected = plant.load_factor if profile == (plant.load_profile or profile) else None
        factor = self.load_factor or expected or _DEFAULT_FACTOR[profile]
        if not 0.3 <= factor <= 0.9:
            raise InputError(
                f"generated load has a load factor from 0.3 to 0.9, the site expects {factor:g}; give "
                "load: {source: synthetic, load_factor: ...} in the scenario"
            )
        make = training if profile == "training" else hpc
        shares = make(round(time[0] / self.step), time.size, self.step, plant.hall_index, factor, context.seed)
        source = Source(f"synthetic {profile} load, load factor {factor:g}, seed {context.seed}", synthetic=True)
        shares *= plant.nominal  # in place: a year of 70 CDUs is 0.3 GB
        return Inputs.of(
            *(
                Series(f"{cdu}.P_it", time, np.ascontiguousarray(shares[:, number]), "hold", source)
                for number, cdu in enumerate(plant.cdu_names)
            )
        )


@cache
def _exponent(load_factor: float) -> float:
    """Power to which Frontier's distribution is raised to have the mean ``load_factor``."""
    shares = (np.arange(4000) + 0.5) / 4000
    power = _quantile(ndtri(shares))
    return float(brentq(lambda exponent: np.mean(power**exponent) - load_factor, 0.01, 3.0))


def _quantile(z: Array) -> Array:
    return np.interp(z, ndtri(_SHARE), _POWER)


def hpc(
    first: int, count: int, step: float, halls: np.ndarray[tuple[int], np.dtype[np.intp]], load_factor: float, seed: int
) -> Array:
    """Shares of design power, (count, CDUs), from time ``first`` * step: one total, spread by halls and CDUs."""
    ramp = max(round(_RAMP / step), 1)
    steps = sum(
        (
            np.sqrt(weight) * renewal(seed, f"load/total {name}", first - ramp + 1, count + ramp - 1, keep / step)
            for name, weight, keep in _TOTAL
        ),
        np.zeros(count + ramp - 1),
    )
    z = np.convolve(steps, np.full(ramp, 1 / ramp), mode="valid")
    total = logit(np.clip(_quantile(z) ** _exponent(load_factor), 1e-3, 1 - 1e-3))
    offsets = [renewal(seed, f"load/hall {hall}", first, count, 6 * HOUR / step) for hall in range(halls.max() + 1)]
    out = np.empty((count, halls.size))
    for number, hall in enumerate(halls):
        own = renewal(seed, f"load/cdu {number}", first, count, 2 * HOUR / step)
        out[:, number] = expit(total + _HALL_SPREAD * offsets[hall] + _CDU_SPREAD * own)
    return out


def training(
    first: int, count: int, step: float, halls: np.ndarray[tuple[int], np.dtype[np.intp]], load_factor: float, seed: int
) -> Array:
    """Shares of design power, (count, CDUs): synchronous jobs of whole halls beside small jobs of single CDUs."""
    time = np.arange(first, first + count, dtype=float) * step
    jobs = [
        _job(seed, f"load/hall job {hall}", first, time, step, _HALL_JOB, load_factor)
        for hall in range(halls.max() + 1)
    ]
    out = np.empty((count, halls.size))
    for number, hall in enumerate(halls):
        own = _job(seed, f"load/cdu job {number}", first, time, step, _CDU_JOB, load_factor)
        member = renewal(seed, f"load/member {number}", first, count, _HALL_JOB / step) < ndtri(_HALL_SHARE)
        texture = 0.01 * renewal(seed, f"load/texture {number}", first, count, 10 * MINUTE / step)
        out[:, number] = np.clip(np.where(member, jobs[hall], own) + texture, IDLE - 0.03, 1.0)
    return out


def _job(seed: int, label: str, first: int, time: Array, step: float, keep: float, load_factor: float) -> Array:
    """Power of one job slot: runs or idles, dips at checkpoints, falls to idle at restarts."""
    count = time.size
    level = _RUNNING + _RUNNING_SPREAD * (2 * ndtr(renewal(seed, f"{label}/level", first, count, keep / step)) - 1)
    period = np.exp(np.log(75 * MINUTE) + 0.3 * renewal(seed, f"{label}/level", first, count, keep / step))
    level = np.where(np.mod(time, np.round(period / step) * step) < max(_DIP_TIME, step), _DIP, level)
    width = max(round(_RESTART_TIME / step), 1)
    fails = events(seed, f"{label}/restart", first - width, count + width, _RESTART_EVERY / step)
    passed = np.concatenate(([0], np.cumsum(fails)))
    down = passed[width + 1 :] > passed[1 : count + 1]
    dips, downs = _DIP_TIME / (75 * MINUTE), _RESTART_TIME / _RESTART_EVERY
    running = (1 - downs) * (_RUNNING - dips * (_RUNNING - _DIP)) + downs * IDLE
    idle_share = np.clip((running - load_factor) / (running - IDLE), 0.0, 1.0)
    idle = ndtr(renewal(seed, f"{label}/idle", first, count, keep / step)) < idle_share
    return np.where(idle | down, IDLE, level)
