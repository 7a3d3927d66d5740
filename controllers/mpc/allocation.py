"""From a plan to set-points: what the banks do, shared out over single machines by what each of them shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from controllers.estimator import Estimate
from controllers.mpc.design import Design
from controllers.mpc.model import ReducedPlant
from controllers.mpc.settings import MpcSettings
from controllers.plant_view import PlantView

Array = NDArray[np.float64]

SPEEDS = 61
SPRAY_LEAST = 0.03
"""a planned spray below this is numerical dust"""
COOLING_SHARE = 0.06
"""W of cooling electricity a W of leakage heat costs: enters the choice of pump speeds as a small correction"""


def pump_speeds(plant: ReducedPlant, settings: MpcSettings, estimate: Estimate, T_supply: float, y_plan: float,
                P_plan: float) -> Array:  # fmt: skip
    """Secondary pump speed of every CDU, (CDUs,).

    Each balances its pump against the leakage of its own chips; the plan's speed, which knows the exchanger and the
    facility water besides, scales them all. A CDU whose chips would pass their limit after a step to the covered load
    runs faster.
    """
    cdu = plant.design.cdus.machine
    y = np.linspace(settings.speed_lowest, 1.0, SPEEDS)
    loads = np.append(estimate.P_it, P_plan)[:, None]
    chips = plant.chips(loads, T_supply, y[None, :])
    best = y[np.argmin(chips.P_pump + (1.0 + COOLING_SHARE) * chips.P_total, axis=1)]
    own = best[:-1] * y_plan / best[-1]
    covered = estimate.P_it + settings.load_step_cover * np.maximum(cdu.P_it_nominal - estimate.P_it, 0.0)
    T_now = np.fmax(estimate.T_tcs, T_supply)  # on its way to a colder set-point it is still what it is
    T_gpu = plant.chips(covered[:, None], T_now[:, None], y[None, :]).T_gpu + estimate.corrections.gpu_offset
    safe = T_gpu <= cdu.rack.T_gpu_limit - settings.gpu_margin
    least = np.where(safe.any(axis=1), y[np.argmax(safe, axis=1)], 1.0)
    least[np.isnan(estimate.T_gpu)] = 1.0  # nobody knows what a silent CDU needs
    speeds: Array = np.clip(np.maximum(own, least), settings.speed_lowest, 1.0)
    return speeds


def running(names: Sequence[str], before: Sequence[str], n_on: int) -> tuple[str, ...]:
    """Which machines run: those that do already go on, others join or leave at the end of the list."""
    order = sorted(names, key=lambda name: (name not in before, list(names).index(name)))
    return tuple(order[:n_on])


def setpoints(view: PlantView, plant: ReducedPlant, settings: MpcSettings, estimate: Estimate,
              planned: Mapping[str, float], machines: Sequence[str]) -> dict[str, float]:  # fmt: skip
    """Set-points of all machines from the plan's present stage, ``planned`` (variables, outputs and parameters).

    A plan's water may be warmer than any set-point: where the coolers cannot do more, the highest is asked for.
    """
    design: Design = plant.design
    out: dict[str, float] = {}
    for name in view.coolers:
        out[f"{name}.T_leaving_set"] = planned["T_leaving"]
        if name in view.dry_coolers:
            out[f"{name}.spray"] = planned["spray"] if planned["spray"] > SPRAY_LEAST else 0.0
    speeds = pump_speeds(plant, settings, estimate, planned["T_tcs"], planned["y"], planned["P_busy"])
    for name, speed in zip(view.cdus, speeds, strict=True):
        out[f"{name}.T_supply_set"] = planned["T_tcs"]
        out[f"{name}.y_pump"] = float(speed)
    for name in view.pumps:
        out[f"{name}.dp_set"] = planned["dp"]
    if design.air_handlers is not None:
        for name in view.chillers:
            out[f"{name}.T_chw_set"] = planned["T_chw"]
    if design.heats:
        share = planned["heat"] * len(view.heat_pumps) / max(len(machines), 1)
        for name, pump in view.heat_pumps.items():
            out[f"{name}.y_set"] = min(max(share, pump.y_min), 1.0) if name in machines else 0.0
            out[f"{name}.T_sink_set"] = planned["T_sink"]
        for name in view.exchangers:
            out[f"{name}.y"] = planned["direct"]
    signals = view.plant.vocabulary
    return {name: min(max(value, signals[name].lower), signals[name].upper) for name, value in out.items()}
