"""Effectiveness against `ht`; a textbook's oil cooler; the plate exchanger between its volumes."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.validation.row import Row, compare
from plant_models import arrangements, heat_transfer
from plant_models.components.plate_exchanger import ExchangerSide, PlateExchanger

NTU = (1e-3, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0)
C_R = (1e-3, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.999, 1.0)
OVER = "NTU 0.001–30, C_r 0.001–1"
LOST = "loses digits next to C_r = 1"
PLATES = ((1, 1), (1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (2, 4), (2, 1), (3, 1), (4, 1), (3, 2), (4, 2))


def rows() -> list[Row]:
    """All of them."""
    return [*_arrangements(), *_plates(), _equal_flows(), *_oil_cooler(), *_plate_exchanger()]


def _swapped(law: Callable[..., Any]) -> Callable[[Any, Any, Any], Any]:
    return lambda UA, C_1, C_2: law(UA, C_2, C_1)


def _arrangements() -> list[Row]:
    from ht import hx

    by_name = hx.effectiveness_from_NTU
    both_mixed = "crossflow, mixed 1&2"
    cases: list[tuple[str, Callable[..., Any], Callable[[float, float], float]]] = [
        ("counter flow", heat_transfer.counter_flow, lambda n, c: by_name(n, c, "counterflow")),
        ("parallel flow", heat_transfer.parallel_flow, lambda n, c: by_name(n, c, "parallel")),
        ("cross flow, both unmixed", arrangements.cross_flow, lambda n, c: by_name(n, c, "crossflow")),
        ("cross flow, C_min mixed", arrangements.cross_flow_one_mixed,
         lambda n, c: by_name(n, c, "crossflow, mixed Cmin")),
        ("cross flow, C_max mixed", _swapped(arrangements.cross_flow_one_mixed),
         lambda n, c: by_name(n, c, "crossflow, mixed Cmax")),
        ("cross flow, both mixed", arrangements.cross_flow_mixed,
         lambda n, c: hx.temperature_effectiveness_basic(R1=c, NTU1=n, subtype=both_mixed)),
    ]  # fmt: skip
    for shells in (1, 2, 3, 6):
        cases.append(
            (
                f"shell and tube, {shells} shells",
                partial(arrangements.shell_and_tube, shells=shells),
                lambda n, c, s=shells: by_name(n, c, "S&T", n_shell_tube=s) if c < 1.0 or s == 1 else math.nan,
            )
        )  # type: ignore[misc]
    for passes in (4, 6):
        cases.append(
            (
                f"shell and tube, {passes} tube passes",
                partial(arrangements.shell_and_tube, tube_passes=passes),
                lambda n, c, p=passes: hx.temperature_effectiveness_TEMA_E(R1=c, NTU1=n, Ntp=p),
            )
        )  # type: ignore[misc]
    return [_row(name, ours, theirs) for name, ours, theirs in cases]


def _plates() -> list[Row]:
    from ht.hx import temperature_effectiveness_plate

    cases = [(one, two, k, NTU_1, c) for one, two in PLATES for k in (True, False) for NTU_1 in NTU for c in C_R]
    ours = [float(arrangements.plate(n, 1.0, 1.0 / c, one, two, k)) for one, two, k, n, c in cases]
    theirs = [
        temperature_effectiveness_plate(R1=c, NTU1=n, Np1=one, Np2=two, counterflow=k) for one, two, k, n, c in cases
    ]
    names = ", ".join(f"{one}/{two}" for one, two in PLATES)
    return [compare("heat_transfer", f"effectiveness, plates of {names} passes, counter and parallel, {OVER}",
                    f"ht {version('ht')}", ours, theirs, unit="1", tolerance=1e-5, uncertainty=LOST)]  # fmt: skip


def _row(name: str, ours: Callable[..., Any], theirs: Callable[[float, float], float]) -> Row:
    """Effectiveness of flow 1 over all NTU and C_r; without points where ht has no number."""
    points = [(n, c) for n in NTU for c in C_R]
    expected = np.array([_number(theirs, n, c) for n, c in points])
    known = np.isfinite(expected)
    values = np.array([float(ours(n, 1.0, 1.0 / c)) for n, c in points])
    return compare(
        "heat_transfer", f"effectiveness, {name}, {OVER}", f"ht {version('ht')}", values[known],
        expected[known], unit="1", tolerance=1e-5, uncertainty=LOST,
    )  # fmt: skip


def _number(theirs: Callable[[float, float], float], NTU: float, C_r: float) -> float:
    try:
        return float(theirs(NTU, C_r))
    except ZeroDivisionError:
        return math.nan


def _equal_flows() -> Row:
    ours, exact = [], []
    with localcontext(prec=60):
        for power in range(1, 17):
            for NTU in ("0.1", "1", "10", "30"):
                C_r = 1.0 - 10.0**-power
                ours.append(float(heat_transfer.counter_flow(float(NTU), 1.0, 1.0 / C_r)))
                small = (-Decimal(NTU) * (1 - Decimal(C_r))).exp()
                exact.append(float((1 - small) / (1 - Decimal(C_r) * small)))
    return compare(
        "heat_transfer", "effectiveness, counter flow, C_r from 0.9 to 1 - 1e-16, NTU 0.1–30",
        "Incropera, table 11.3, with 60 digits", ours, exact, unit="1", tolerance=1e-9, uncertainty="round-off",
    )  # fmt: skip


def _oil_cooler() -> list[Row]:
    """Oil 0.1 kg/s, 2131 J/(kg K), 100 -> 60 °C; water 0.2 kg/s, 4178 J/(kg K), 30 °C; U = 37.8 W/(m² K), d = 25 mm."""
    C_oil, C_water, U, d = 0.1 * 2131.0, 0.2 * 4178.0, 37.8, 0.025
    Q_flow = C_oil * 40.0
    UA = heat_transfer.conductance_at(heat_transfer.counter_flow, Q_flow, C_oil, C_water, 373.15, 303.15)
    source = "Incropera et al., Fundamentals of Heat and Mass Transfer, 6th ed., example 11.1"
    length = 66.5
    G = float(heat_transfer.counter_flow(U * math.pi * d * length, C_oil, C_water))
    return [
        compare("heat_transfer", "length of a counter-flow oil cooler", source, UA / (U * math.pi * d), length,
                unit="m", tolerance=0.05, uncertainty="printed to 0.1 m"),
        compare("heat_transfer", "heat of that oil cooler at 66.5 m", source, G * 70.0, 8524.0, unit="W",
                tolerance=1e-3, relative=True, uncertainty="length printed to 0.1 m: 0.1 %"),
    ]  # fmt: skip


def _plate_exchanger() -> list[Row]:
    from ht.hx import temperature_effectiveness_plate

    side = ExchangerSide(drive="pump", m_flow_nominal=100.0)
    ours, theirs = [], []
    for one, two in PLATES:
        machine = PlateExchanger(
            primary=side, secondary=side.model_copy(update={"m_flow_nominal": 70.0}), UA_nominal=1.2e6,
            passes_primary=one, passes_secondary=two,
        )  # fmt: skip
        v = machine.defaults() | {
            "primary_in.T": 323.15, "primary_out.T": 323.15, "secondary_in.T": 303.15, "secondary_out.T": 303.15,
            "primary_in.p": 0.0, "primary_out.p": 0.0, "secondary_in.p": 0.0, "secondary_out.p": 0.0,
            "position": 1.0, "T_primary": 323.15, "T_secondary": 303.15,
        }  # fmt: skip
        e = machine.equations(v)
        heating = e.rates["T_secondary"] * machine.C_secondary - machine.secondary.P_shaft(70.0)
        cp = side.fluid.cp_between(323.15, 303.15)
        C_1, C_2 = 100.0 * float(cp), 70.0 * float(cp)
        ours.append(float(heating) / 20.0 / C_1)
        theirs.append(temperature_effectiveness_plate(R1=C_1 / C_2, NTU1=machine.UA_nominal / C_1, Np1=one, Np2=two))
    return [
        compare("plate_exchanger", "effectiveness of the component at nominal flow, 12 arrangements",
                f"ht {version('ht')}", ours, theirs, unit="1", tolerance=1e-5)
    ]  # fmt: skip
