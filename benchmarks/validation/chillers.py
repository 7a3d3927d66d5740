"""Chillers against published curves: EnergyPlus' data set of machines, on leaving waters and on entering ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.validation.row import Row, compare
from plant_models.chiller_curves import ChillerCurves
from plant_models.components.chiller import Chiller

ZERO = 273.15
SOURCE = "EnergyPlus data set `Chillers.idf`"
COMPRESSORS: tuple[Literal["variable_speed", "fixed_speed"], ...] = ("variable_speed", "fixed_speed")


@dataclass(frozen=True, slots=True)
class Published:
    """A set of curves on leaving waters, degC, with its nominal point and its range."""

    name: str
    compressor: Literal["variable_speed", "fixed_speed"]
    Q_flow: float
    COP: float
    m_flow_condenser: float
    nominal: tuple[float, float]
    """leaving chilled and condenser water"""
    chw: tuple[float, float]
    condenser: tuple[float, float]
    eir_ft: tuple[float, ...]
    eir_plr: tuple[float, ...]
    """of 1, C, C^2, y, y^2, C y, y^3"""

    def power(self, E: float, C: float, y: float) -> float:
        """Electricity over that of the nominal point, capacity as there: the data set's formula, written out."""
        a, b = self.eir_ft, self.eir_plr
        by_temperature = a[0] + a[1] * E + a[2] * E**2 + a[3] * C + a[4] * C**2 + a[5] * E * C
        return by_temperature * (b[0] + b[1] * C + b[2] * C**2 + b[3] * y + b[4] * y**2 + b[5] * C * y + b[6] * y**3)

    @property
    def rise(self) -> float:
        """Of the condenser water at the nominal point, K."""
        return self.Q_flow * (1.0 + 1.0 / self.COP) / (4186.0 * self.m_flow_condenser)

    def machine(self, model: Literal["carnot", "eir"] = "carnot") -> Chiller:
        """Ours, sized by the nominal point alone or with the curves."""
        E, C = self.nominal
        slack = 0.01  # K: the printed ranges are rounded
        curves = {} if model == "carnot" else {"curves": ChillerCurves(
            cap_ft=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0), eir_ft=self.eir_ft, eir_plr=self.eir_plr, y_min=0.2,
            T_chw_min=self.chw[0] - slack + ZERO, T_chw_max=self.chw[1] + slack + ZERO,
            T_condenser_min=self.condenser[0] - slack + ZERO, T_condenser_max=self.condenser[1] + slack + ZERO,
        )}  # fmt: skip
        return Chiller(
            Q_flow_nominal=self.Q_flow, COP_nominal=self.COP, T_chw_in_nominal=E + 6 + ZERO,
            T_chw_out_nominal=E + ZERO, T_condenser_in_nominal=C - self.rise + ZERO, T_condenser_out_nominal=C + ZERO,
            dp_condenser_nominal=4e4, dp_valve_nominal=4e4, T_chw_lowest=3 + ZERO, y_unload=0.2,
            compressor=self.compressor, model=model, **curves,
        )  # fmt: skip


MACHINES = (
    Published(
        "York YT 1881 kW, COP 6.77", "variable_speed", 1.8814e6, 6.77, 94.64, (6.67, 29.35), (4.44, 8.89),
        (17.80, 35.02), (5.450343e-1, -3.893169e-2, 9.377632e-4, 2.314284e-2, -1.134638e-5, 7.362152e-5),
        (4.949889e-2, 2.267854e-2, -2.003269e-5, -9.059476e-1, 3.032884, -2.155668e-2, -1.190898),
    ),
    Published(
        "Carrier 19XR 742 kW, COP 5.42", "variable_speed", 742e3, 5.42, 19.56, (5.56, 31.86), (5.56, 10.0),
        (22.11, 34.90), (1.131963, -4.201196e-2, 7.571267e-4, -2.042484e-2, 7.676570e-4, -2.753302e-4),
        (4.301853e-2, 1.740092e-2, -2.733344e-5, -5.445504e-1, 2.155307, -1.600200e-2, -6.716912e-1),
    ),
    Published(
        "York YS 781 kW, COP 5.42", "fixed_speed", 780.7e3, 5.42, 37.85, (6.67, 35.29), (4.44, 8.89),
        (21.31, 41.08), (4.008316e-1, -6.141937e-3, 8.113800e-4, 5.982224e-3, 5.345503e-4, -1.142919e-3),
        (5.519460e-1, -1.406889e-2, 3.843199e-6, 7.950267e-2, 8.798848e-1, 1.379480e-2, -5.070156e-1),
    ),
    Published(
        "York YS 1758 kW, COP 5.84", "fixed_speed", 1.7583e6, 5.84, 94.64, (6.67, 34.65), (4.44, 8.89),
        (17.74, 39.72), (7.492787e-1, 1.912506e-2, 1.303486e-3, -1.981703e-2, 1.003666e-3, -1.936814e-3),
        (-1.522140e-1, 2.440667e-2, -5.691764e-5, 4.875495e-1, 7.490485e-1, -2.093720e-2, -1.319819e-1),
    ),
    Published(
        "York YS 879 kW, COP 5.82", "fixed_speed", 879.1e3, 5.82, 47.32, (4.44, 31.32), (3.33, 7.78),
        (18.15, 35.12), (5.260798e-1, -4.729537e-3, 1.121823e-3, 4.291045e-3, 5.493614e-4, -1.453233e-3),
        (3.727519e-1, 1.350521e-4, 7.654504e-7, 1.088683e-2, 1.106991, -1.844203e-4, -4.899729e-1),
    ),
    Published(
        "Carrier 23XL 1062 kW, COP 5.50", "fixed_speed", 1.062e6, 5.50, 57.16, (6.67, 34.70), (6.67, 10.0),
        (26.44, 35.10), (1.369592e-1, -5.681693e-3, 2.795150e-4, 2.407603e-2, 2.142516e-4, -8.850727e-4),
        (1.385765, -3.549685e-2, -4.110930e-6, -7.678018e-1, 7.228808e-1, 3.573245e-2, -3.442173e-1),
    ),
)  # fmt: skip
# its condenser flow is not used: full load only
YORK_1459 = Published(
    "York YT 1459 kW, COP 6.40", "variable_speed", 1.4594e6, 6.40, 50.5, (5.56, 31.89), (4.44, 8.89), (24.0, 37.0),
    (-6.559788e-2, 4.189764e-2, -9.367876e-3, 4.551296e-2, -5.411967e-4, 1.453585e-3),
    (-1.614787e-1, 6.417258e-2, 1.317124e-5, -2.149029, 4.405653, -6.621165e-2, -1.055839),
)  # fmt: skip


def rows() -> list[Row]:
    """All of them."""
    return [*(_curves(m) for m in (MACHINES[0], MACHINES[2])), _on_entering_water(),
            *(_full_load(m) for m in (*MACHINES, YORK_1459)), *(_part_load(c) for c in COMPRESSORS)]  # fmt: skip


def _curves(data: Published) -> Row:
    machine = data.machine("eir")
    at_nominal = data.power(*data.nominal, 1.0)
    ours, theirs = [], []
    for E in np.linspace(data.chw[0] + 0.5, data.chw[1] - 0.5, 4):
        for C in np.linspace(data.condenser[0] + 0.5, data.condenser[1] - 0.5, 5):
            for y in (0.3, 0.5, 0.8, 1.0):
                ours.append(float(machine.cop(E + ZERO, C + ZERO, y)))
                theirs.append(data.COP * y * at_nominal / data.power(E, C, y))
    return compare(
        "chiller", f"COP, `model: eir` with the curves of {data.name}, over their range, 30–100 % load", SOURCE, ours,
        theirs, unit="1", tolerance=5e-3, relative=True, uncertainty="its nominal point is off by up to 1.2 %",
    )  # fmt: skip


def _on_entering_water() -> Row:
    """McQuay PEH 703 kW, COP 7.03, by the formula of Chiller:Electric:EIR written out, at design condenser flow."""
    a = (8.234029e-1, -1.171542e-1, 5.869351e-4, 2.964642e-2, -9.190377e-4, 5.035796e-3)
    b = (3.864389e-1, -2.522595e-1, 8.672354e-1)
    machine = Chiller(
        Q_flow_nominal=703.3e3, COP_nominal=7.03, T_chw_in_nominal=13.89 + ZERO, T_chw_out_nominal=5.56 + ZERO,
        T_condenser_in_nominal=22.78 + ZERO, T_condenser_out_nominal=29.4 + ZERO, dp_condenser_nominal=4e4,
        dp_valve_nominal=4e4, T_chw_lowest=4.5 + ZERO, model="eir",
        curves=ChillerCurves(
            condenser_water="entering", cap_ft=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0), eir_ft=a,
            eir_plr=(b[0], 0.0, 0.0, b[1], b[2], 0.0, 0.0), y_min=0.1, T_chw_min=5.0 + ZERO, T_chw_max=8.89 + ZERO,
            T_condenser_min=12.78 + ZERO, T_condenser_max=23.89 + ZERO,
        ),
    )  # fmt: skip

    def power(E: float, C: float, y: float) -> float:
        by_temperature = a[0] + a[1] * E + a[2] * E**2 + a[3] * C + a[4] * C**2 + a[5] * E * C
        return by_temperature * (b[0] + b[1] * y + b[2] * y**2)

    cases = [(E, C, y) for E in (6.0, 7.0, 8.3) for C in (13.5, 18.0, 23.0) for y in (0.25, 0.5, 0.8, 1.0)]
    rise = machine.rise_nominal
    return compare(
        "chiller", "COP, `model: eir` with the curves of McQuay PEH 703 kW on entering condenser water, over their "
        "range, 25–100 % load", SOURCE,
        [float(machine.cop(E + ZERO, C + y * rise + ZERO, y, C + ZERO)) for E, C, y in cases],
        [7.03 * y * power(5.56, 22.78, 1.0) / power(E, C, y) for E, C, y in cases], unit="1", tolerance=5e-3,
        relative=True, uncertainty="its nominal point is off by 2.7 %",
    )  # fmt: skip


def _full_load(data: Published) -> Row:
    machine = data.machine()
    at_nominal = data.power(*data.nominal, 1.0)
    cases = [(E, C) for E in np.linspace(*data.chw, 4) for C in np.linspace(*data.condenser, 5)]
    return compare(
        "chiller", f"full-load COP, `model: carnot`, {data.condenser[0]:g}–{data.condenser[1]:g} °C leaving condenser "
        f"water, {data.chw[0]:g}–{data.chw[1]:g} °C chilled", f"{SOURCE}, {data.name} (sized by its nominal point)",
        [float(machine.cop(E + ZERO, C + ZERO, 1.0)) for E, C in cases],
        [data.COP * at_nominal / data.power(E, C, 1.0) for E, C in cases], unit="1", tolerance=0.35, relative=True,
        uncertainty="machines differ by 20 % and more off their nominal point",
    )  # fmt: skip


def _part_load(compressor: Literal["variable_speed", "fixed_speed"]) -> Row:
    """At the nominal entering condenser water and flow, whose leaving temperature falls with the load."""
    ours, theirs = [], []
    chosen = [data for data in MACHINES if data.compressor == compressor]
    for data in chosen:
        machine, (E, C) = data.machine(), data.nominal
        for y in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
            leaving = C - (1.0 - y) * data.rise
            cop = float(machine.cop(E + ZERO, leaving + ZERO, y)) / data.COP
            ours.append(y / cop)
            theirs.append(data.power(E, leaving, y) / data.power(E, C, 1.0))
    return compare(
        "chiller", f"electricity over full load's at 40–90 % load, `compressor: {compressor}`, constant entering "
        "condenser water; share of full load", f"{SOURCE}, {len(chosen)} machines", ours, theirs, unit="1",
        tolerance=0.15, relative=True, scale=1.0, uncertainty="machines scatter by 5–10 % rms",
    )  # fmt: skip
