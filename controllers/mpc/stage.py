"""One stage of the horizon: variables, parameters, equations, cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controllers.mpc.design import Design
from controllers.mpc.model import ReducedPlant
from controllers.mpc.settings import MpcSettings
from plant_models.mathx import clip
from plant_models.site import Tariffs

Array = NDArray[np.float64]
DAMPER_LEAKAGE = 0.3
"""least leakage of dry coolers' dampers in a plan: tighter ones bend the last heat so sharply that solves fail; at
-20 °C the plan sees up to 7 % of the nominal heat leave without fans that does not"""
T_HIGHEST = 353.15
"""K, above every temperature that water here can reach"""

STAGE_PARAMETERS = (
    "dt",  # s
    "price",  # EUR/J, electricity with its CO2
    "T_dry", "T_wet", "p_air",
    "n_busy", "P_busy", "P_hot",  # busy CDUs, their IT power, the load that the hottest must bear, W
    "T_tcs_lowest", "T_chw_lowest",  # dew point
    "demand",  # W
    "T_network", "T_sink",  # network's return, condenser outlet
    "n_on",  # heat pumps committed
)  # fmt: skip
CORRECTIONS = ("f_exchange", "f_cooler", "f_chiller", "f_cop", "f_line", "f_pump", "gpu_offset")
GLOBALS = (*CORRECTIONS, "E_start", "E_value", "E_size")


@dataclass(frozen=True)
class Variable:
    """One decision: value = offset + scale * the optimiser's."""

    name: str
    lower: float
    upper: float
    start: float
    scale: float = 1.0
    offset: float = 0.0
    move: float = 0.0
    """a full step, for the move penalty; 0: free to move"""


def variables(design: Design, settings: MpcSettings) -> tuple[Variable, ...]:
    """What is decided in a stage, in SI."""
    cdu, pump = design.cdus.machine, design.pumps.machine
    several = len(design.cdus.names) > 1
    sprays = "spray" in {s.name for s in design.coolers.machine.signals()}
    air = design.chillers is not None and design.air_handlers is not None
    chw = (design.chillers.machine.T_chw_lowest, design.chillers.machine.T_chw_highest) if design.chillers else (0, 0)
    T = {"scale": 10.0, "offset": 300.0}
    start = design.coolers.machine.T_leaving_design
    return (
        Variable("T_sup", design.T_leaving_lowest, T_HIGHEST, start, move=5.0, **T),
        Variable("T_tcs", cdu.T_supply_lowest, T_HIGHEST, start + 5.0, move=5.0, **T),
        Variable("T_hot", cdu.T_supply_lowest, T_HIGHEST, start + 5.0, **T),
        Variable("m", 0.02, 3.0, 0.8),
        Variable("m_hot", 0.02, 3.0, 0.8),
        Variable("dp", pump.dp_lowest, pump.dp_highest, pump.dp_design, pump.dp_design, move=0.2 * pump.dp_design),
        Variable("y", settings.speed_lowest, 1.0, 0.8, move=0.2),
        Variable("y_hot", settings.speed_lowest, 1.0, 0.8) if several else Variable("y_hot", 1.0, 1.0, 1.0),
        Variable("fan", 0.0, 1.0, 0.4),
        Variable("spray", 0.0, 1.0 if sprays else 0.0, 0.0, move=1.0),
        Variable("T_chw", chw[0], chw[1], min(max(291.15, chw[0]), chw[1]), move=5.0, **T)
        if air else Variable("T_chw", 290.0, 290.0, 290.0, **T),
        Variable("y_coil", 0.0, 1.0, 0.6) if air else Variable("y_coil", 0.0, 0.0, 0.0),
        Variable("heat", 0.0, 1.0 if design.heats else 0.0, 0.0),
        Variable("take", 0.0, 10.0 if design.heats else 0.0, 0.0),
        Variable("direct", 0.0, 1.0 if design.heats and design.exchangers else 0.0, 0.0),
        Variable("s_gpu", 0.0, 100.0, 0.0),
        Variable("s_room", 0.0, 100.0 if air else 0.0, 0.0),
        Variable("s_store", 0.0, 10.0, 0.0),
    )  # fmt: skip


@dataclass(frozen=True)
class StageTerms:
    """What a stage adds to the problem."""

    equal: tuple[Any, ...]
    """zero"""
    above: tuple[Any, ...]
    """not below zero"""
    cost: Any
    """EUR"""
    E_rate: Any
    """change of the store's content over the stage, share"""
    outputs: dict[str, Any]


class StageModel:
    """Builds the terms of a stage from its variables and parameters."""

    def __init__(self, design: Design, settings: MpcSettings, tariffs: Tariffs) -> None:
        self.design, self.settings, self.tariffs = design, settings, tariffs
        self.reduced = ReducedPlant(design, DAMPER_LEAKAGE)
        self.several = len(design.cdus.names) > 1
        self.n_hot = 0.1 * design.cdus.count if self.several else 0.0
        """CDUs that run at the hottest one's speed: a tenth [assumption], for the price of that speed only"""

    def terms(self, x: Mapping[str, Any], p: Mapping[str, Any], g: Mapping[str, Any]) -> StageTerms:
        """Equations and cost at variables ``x``, stage parameters ``p`` and global parameters ``g``."""
        r, design = self.reduced, self.design
        cdu, cp = design.cdus.machine, r.cp
        y_hot = x["y_hot"] if self.several else x["y"]
        busy = r.chips(p["P_busy"], x["T_tcs"], x["y"])
        hot = r.chips(p["P_hot"], x["T_hot"], y_hot)
        cooled = r.exchange(x["m"], x["y"], g["f_exchange"]) * (busy.T_return - x["T_sup"])
        cooled_hot = r.exchange(x["m_hot"], y_hot, g["f_exchange"]) * (hot.T_return - x["T_sup"])

        m_cdus = p["n_busy"] * x["m"] * cdu.m_flow_fws_nominal
        dp = r.branch_dp(x["dp"], m_cdus, g["f_line"])
        P_it = p["n_busy"] * busy.P_total
        Q_room = (1.0 - cdu.rack.liquid_fraction) * P_it
        air = r.air(Q_room, x["T_chw"], x["s_room"], x["y_coil"], x["T_sup"], dp, g["f_chiller"])
        m_condensers = air.m_condensers if air else 0.0
        m = m_cdus + m_condensers
        Q = p["n_busy"] * busy.Q_flow + (air.Q_condensers if air else 0.0)
        T_return = x["T_sup"] + Q / (m * cp)
        heat = r.heat(x["heat"], p["n_on"], x["direct"], T_return, p["T_sink"], p["T_network"], g["f_cop"])
        Q_source = heat.Q_source if heat else 0.0
        P_shaft = r.pumping(m, x["dp"])
        Q_reject = Q - Q_source + P_shaft
        T_warm = T_return - Q_source / (m * cp)
        weather = p["T_dry"], p["T_wet"], p["p_air"]
        coolers = r.rejection(m, T_warm, x["fan"], x["spray"], weather, g["f_cooler"])

        Q_nominal = cdu.P_it_nominal
        Q_plant = design.cdus.count * Q_nominal
        equal = (
            (cooled - busy.Q_flow) / Q_nominal,
            (cooled_hot - hot.Q_flow) / Q_nominal,
        )  # fmt: skip
        # jobs start on many CDUs at once: the hottest must be served while others take more, too
        m_all = design.cdus.count * x["m_hot"] * cdu.m_flow_fws_nominal
        dp_crowded = r.branch_dp(x["dp"], m_cdus + self.settings.crowd * (m_all - m_cdus) + m_condensers, g["f_line"])
        T_limit = cdu.rack.T_gpu_limit - self.settings.gpu_margin
        above = [
            (coolers.Q_flow - Q_reject) / Q_plant,
            r.valve_flow(dp, self.settings.valve_reserve) - x["m"],
            r.valve_flow(dp_crowded, 1.0) - x["m_hot"],
            (x["T_hot"] - x["T_tcs"]) / 10.0,
            y_hot - x["y"] if self.several else 1.0,
            (T_limit + x["s_gpu"] - hot.T_gpu - g["gpu_offset"]) / 10.0,
            (x["T_tcs"] - p["T_tcs_lowest"]) / 10.0,
        ]
        if air:
            above += [(air.Q_coils - air.Q_flow) / air_nominal(design), (x["T_chw"] - p["T_chw_lowest"]) / 10.0]
        P_pumps = r.pump_electricity(P_shaft, m) * g["f_pump"]
        P_tcs = p["n_busy"] * busy.P_pump + self.n_hot * (cdu.P_el_pump(y_hot) - cdu.P_el_pump(x["y"]))
        power = {
            "it": P_it - p["n_busy"] * p["P_busy"], "tcs": P_tcs, "fws": P_pumps, "coolers": coolers.P_el,
            "air": air.P_el if air else 0.0, "heat": heat.P_el if heat else 0.0,
        }  # fmt: skip
        delivered = x["take"] * design.heat_capacity
        cost = p["dt"] * (
            p["price"] * sum(power.values())
            + self.tariffs.water / 1000.0 * coolers.m_water
            + self.tariffs.operation * (heat.Q_sink if heat else 0.0)
            - self.tariffs.heat * (delivered if design.heats else 0.0)
        )
        E_rate: Any = 0.0
        if heat:
            above += [(p["demand"] - delivered) / design.heat_capacity]
            made = heat.Q_sink + heat.Q_direct
            E_rate = p["dt"] * (made - delivered) / g["E_size"]
            if design.exchangers:  # preheats what the machines lift: no more than their flow
                span = (T_return - p["T_network"]) / (p["T_sink"] - p["T_network"])
                above += [(made * clip(span, 0.0, 1.0) - heat.Q_direct) / design.heat_capacity]
        outputs = {
            "T_return": T_return, "T_warm": T_warm, "m_flow": m, "P_it": P_it, "Q_reject": Q_reject,
            "m_water": coolers.m_water, "T_gpu_busy": busy.T_gpu, "T_gpu_hot": hot.T_gpu,
            "T_leaving": x["T_sup"] - P_shaft / (m * cp),
            **{f"P_{name}": value for name, value in power.items()},
            "cop": heat.cop if heat else 0.0, "Q_source": Q_source,
        }  # fmt: skip
        return StageTerms(equal, tuple(above), cost, E_rate, outputs)


def air_nominal(design: Design) -> float:
    """Capacity of the coils, W."""
    assert design.air_handlers is not None
    handlers = design.air_handlers
    return handlers.count * handlers.machine.n_units * handlers.machine.Q_flow_nominal
