"""Which heat pumps run when: dynamic programming over the store's content, ahead of the smooth optimisation.

A machine gives nothing or at least its minimum load, and a start costs; the nonlinear program knows neither. So the
number of running machines is decided first, on the horizon's own stages, by Bellman's recursion over the number running
and the content of the store (linear between grid points), with the electricity that the model's COP asks for:

    V_k(n, E) = min over (n', load) of
        dt (price P + operation made - credit Q_source - tariff delivered) + starts + V_k+1(n', E')

The program then shares out the heat within what the running machines can. Minimum running and resting times hold from
the last switch on; in the future the start cost keeps machines from short cycles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controllers.mpc.design import Design
from controllers.mpc.model import ReducedPlant
from controllers.mpc.problem import terminal_share
from plant_models.site import Tariffs

Array = NDArray[np.float64]

CONTENTS = 61
"""grid points of the store's content"""
LOADS = 6
"""loads of the running machines, from minimum to full"""
SURPLUS = 3.0
"""cost of heat that finds no room, over the tariff"""


@dataclass(frozen=True)
class Commitment:
    """Running machines and their heat in every stage."""

    n_on: NDArray[np.intp]
    heat: Array
    """share of all machines' full load"""
    E: Array
    """store at the end of each stage, share"""


@dataclass(frozen=True)
class Outlook:
    """What the commitment needs to know of the horizon, one value a stage."""

    dt: Array
    price: Array
    """EUR/J with CO2"""
    demand: Array
    T_return: Array
    T_sink: Array
    credit: Array
    """EUR/J of heat taken from the facility water: what its rejection would cost"""
    f_cop: float
    E_size: float
    """J, usable"""
    E_value: float
    """EUR, of a full store at the horizon's end"""


def commit(design: Design, plant: ReducedPlant, tariffs: Tariffs, outlook: Outlook, E_start: float, n_start: int,
           locked: float = 0.0) -> Commitment:  # fmt: skip
    """The cheapest commitment from the present content and number of running machines.

    ``locked`` (s): the number may not change before. Needs a design with heat pumps.
    """
    bank = design.heat_pumps
    assert bank is not None
    N, n_max = len(outlook.dt), len(bank.names)
    loads = np.linspace(bank.machine.y_min, 1.0, LOADS)
    n_action = np.concatenate([[0], np.repeat(np.arange(1, n_max + 1), LOADS)])
    share = n_action / n_max * np.concatenate([[0.0], np.tile(loads, n_max)])
    E = np.linspace(0.0, 1.0, CONTENTS if outlook.E_size > 1.0 else 2)
    start = tariffs.heat_pump_start * bank.machine.Q_flow_sink_nominal + _warming(design, outlook)
    starts = np.maximum(n_action[:, None] - np.arange(n_max + 1)[None, :], 0) * start

    elapsed = np.cumsum(outlook.dt) - outlook.dt
    later = np.tile(-outlook.E_value * terminal_share(E), (n_max + 1, 1))
    best: list[NDArray[np.intp]] = []
    E_next_all: list[Array] = []
    for k in reversed(range(N)):
        cost, E_next = _stage(design, plant, tariffs, outlook, k, n_action, share, E)
        future = np.array([np.interp(E_next[a], E, later[n]) for a, n in enumerate(n_action)])
        total = (cost + future)[:, None, :] + starts[:, :, None]  # (actions, running before, contents)
        if elapsed[k] < locked:
            total = np.where((n_action == n_start)[:, None, None], total, total + 1e12)
        best.insert(0, np.argmin(total, axis=0))
        E_next_all.insert(0, E_next)
        later = np.min(total, axis=0)
    n, content = min(n_start, n_max), float(np.clip(E_start, 0.0, 1.0))
    n_on, heat, contents = np.empty(N, dtype=np.intp), np.empty(N), np.empty(N)
    for k in range(N):
        a = best[k][n, int(np.argmin(np.abs(E - content)))]
        content = float(np.interp(content, E, E_next_all[k][a]))
        n = int(n_action[a])
        n_on[k], heat[k], contents[k] = n, share[a], content
    return Commitment(n_on, heat, contents)


def _stage(design: Design, plant: ReducedPlant, tariffs: Tariffs, o: Outlook, k: int, n_action: NDArray[np.intp],
           share: Array, E: Array) -> tuple[Array, Array]:  # fmt: skip
    """Cost (EUR) and next content of every action at every content."""
    heat = plant.heat(share, n_action.astype(float), 0.0, o.T_return[k], o.T_sink[k], o.T_return[k], o.f_cop)
    assert heat is not None
    made = np.where(n_action > 0, heat.Q_sink, 0.0)
    stored = E[None, :] * o.E_size if o.E_size > 1.0 else 0.0 * E[None, :]
    room = o.E_size - stored if o.E_size > 1.0 else 0.0 * E[None, :]
    delivered = np.minimum(o.demand[k], made[:, None] + stored / o.dt[k])
    surplus = np.maximum((made[:, None] - delivered) * o.dt[k] - room, 0.0)
    power = np.where(n_action > 0, heat.P_el, 0.0)
    source = np.where(n_action > 0, heat.Q_source, 0.0)
    wear = tariffs.operation * made
    cost = o.dt[k] * (o.price[k] * power + wear - o.credit[k] * source)[:, None]
    cost = cost - o.dt[k] * tariffs.heat * delivered + SURPLUS * tariffs.heat * surplus
    if o.E_size <= 1.0:
        return cost, 0.0 * cost
    E_next = (stored + (made[:, None] - delivered) * o.dt[k] - surplus) / o.E_size
    return cost, np.clip(E_next, 0.0, 1.0)


def _warming(design: Design, outlook: Outlook) -> float:
    """EUR lost by warming a machine's volumes at a start: half of the heat in its outlet volume, at the mean price."""
    assert design.heat_pumps is not None
    machine = design.heat_pumps.machine
    heat = 0.5 * machine.C_sink * (machine.T_sink_out_nominal - machine.T_room)
    return float(heat * np.mean(outlook.price) / machine.COP_nominal)
