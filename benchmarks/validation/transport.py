"""Plug flow in pipes, alone and side by side in the ground, beside closed forms and a numerical field."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import expm

from benchmarks.validation.buried_field import solved
from benchmarks.validation.row import Row, compare
from plant_models.bench import Bench
from plant_models.buried import Trench
from plant_models.components.pipe import Pipe
from plant_models.components.twin_pipe import TwinPipe
from plant_models.media import WATER

ZERO = 273.15
FIELD = "two-dimensional field by harmonic series (Trefftz's method, this project's)"
TWIN = TwinPipe(
    m_flow_nominal=10.0, dp_nominal=50e3, length=1000.0, d_inner=0.1071, d_outer=0.1143, d_casing=0.2, distance=0.35,
    T_supply_start=80 + ZERO, T_return_start=45 + ZERO,
)  # fmt: skip
PAIRS = [
    Trench(0.0337, 0.09, 0.24, 0.6, 0.024, 1.0), Trench(0.1143, 0.2, 0.35, 0.8, 0.027, 1.5),
    Trench(0.2191, 0.315, 0.465, 1.0, 0.029, 2.0),
]  # fmt: skip
TWINS = [
    Trench(0.0337, 0.16, 0.0527, 0.8, 0.026, 1.5, "twin"), Trench(0.0603, 0.2, 0.0853, 0.8, 0.026, 1.5, "twin"),
    Trench(0.1143, 0.315, 0.1393, 0.8, 0.026, 1.5, "twin"),
]  # fmt: skip


def rows() -> list[Row]:
    """All of them."""
    return [*_delay(), *_coupled(), *_standing(), *_conductances()]


def _delay() -> list[Row]:
    pipe = Pipe(m_flow_nominal=10.0, dp_nominal=1e4, volume=1.2, T_start=40 + ZERO, transport="plug_flow")
    dt = pipe.volume * float(WATER.rho(40 + ZERO)) / 10.0 / 12.0
    k = np.arange(181)
    T_in = 40.0 + 10.0 * ((k // 30) % 2)
    given = {"inlet.m_flow": 10.0, "inlet.T": T_in + ZERO, "outlet.T": 40 + ZERO}
    T_out = Bench(pipe).run(dt * k, given)["T_out"] - ZERO
    through = 0.5 * (T_in[1:] + T_in[:-1])  # inlet means of the steps
    lossy = pipe.model_copy(update={"UA": 2000.0, "T_ambient": 10 + ZERO, "T_start": 49 + ZERO})
    steady = Bench(lossy).run(dt * k, {"inlet.m_flow": 10.0, "inlet.T": 50 + ZERO, "outlet.T": 50 + ZERO})["T_out"]
    plug = 10.0 + 40.0 * math.exp(-2000.0 / (10.0 * float(WATER.cp(49 + ZERO))))
    return [
        compare("pipe", "plug flow: outlet after steps of 10 K, 12 time steps in transit", "pure delay (closed form)",
                T_out[13:], through[:-12], unit="°C", tolerance=1e-3),
        compare("pipe", "plug flow: outlet with heat loss, 2 kW/K, 10 kg/s", "exponential decay along plug flow",
                steady[-1] - ZERO, plug, unit="°C", tolerance=0.01),
    ]  # fmt: skip


def _coupled() -> list[Row]:
    """Supply and return lose to the ground and to each other: two linear equations along the pipe."""
    dt = TWIN.mass / 20.0
    given = {"supply_in.m_flow": 1.0, "return_in.m_flow": 1.0, "supply_in.T": 80 + ZERO, "return_in.T": 45 + ZERO,
             "supply_out.T": 80 + ZERO, "return_out.T": 45 + ZERO}  # fmt: skip
    table = Bench(TWIN).run(dt * np.arange(121), given)
    U_common, U_opposite, T_g = TWIN.losses.U_common, TWIN.losses.U_opposite, TWIN.T_ground - ZERO
    own, mutual = 0.5 * (U_common + U_opposite), 0.5 * (U_common - U_opposite)
    C = float(WATER.cp(62.5 + ZERO))
    along = expm(TWIN.length / C * np.array([[-own, -mutual], [mutual, own]]))
    near_return = (45.0 - T_g - along[1, 0] * (80.0 - T_g)) / along[1, 1]
    supply_out = float((along @ np.array([80.0 - T_g, near_return]))[0])
    return [
        compare("twin_pipe", "ends of 1 km at a tenth of the flow, supply and return", "linear boundary-value problem",
                [table["T_supply_out"][-1] - ZERO, table["T_return_out"][-1] - ZERO],
                [supply_out + T_g, near_return + T_g], unit="°C", tolerance=0.05),
    ]  # fmt: skip


def _standing() -> list[Row]:
    hours = 24.0
    ports = {f"{way}_{end}.T": 60 + ZERO for way in ("supply", "return") for end in ("in", "out")}
    given = {"supply_in.m_flow": 0.0, "return_in.m_flow": 0.0} | ports
    table = Bench(TWIN).run(3600.0 * np.arange(int(hours) + 1), given)
    T_g, cp = TWIN.T_ground - ZERO, float(WATER.cp(62.5 + ZERO))
    rate = hours * 3600.0 * TWIN.length / (TWIN.mass * cp)
    mean = (62.5 - T_g) * math.exp(-TWIN.losses.U_common * rate)
    half = 17.5 * math.exp(-TWIN.losses.U_opposite * rate)
    return [
        compare("twin_pipe", "water after 24 hours of standing, supply and return", "two exponential decays",
                [table["T_supply_out"][-1] - ZERO, table["T_return_out"][-1] - ZERO],
                [T_g + mean + half, T_g + mean - half], unit="°C", tolerance=0.2),
    ]  # fmt: skip


def _conductances() -> list[Row]:
    found = []
    for name, trenches, tolerance in (
        ("a pair, DN 25 to 200", PAIRS, 0.005),
        ("twin pipes in one casing, DN 25 to 100", TWINS, 0.04),
    ):
        fields = [solved(trench)[0] for trench in trenches]
        found += [
            compare("twin_pipe", f"U to the ground of {name}", FIELD,
                    [trench.losses.U_common for trench in trenches], [field.U_common for field in fields],
                    unit="W/(m K)", tolerance=0.005, relative=True),
            compare("twin_pipe", f"U of the difference of supply and return of {name}", FIELD,
                    [trench.losses.U_opposite for trench in trenches], [field.U_opposite for field in fields],
                    unit="W/(m K)", tolerance=tolerance, relative=True),
        ]  # fmt: skip
    return found
