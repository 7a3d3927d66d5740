"""Plants for controllers' tests, and measurements at which the sequences have nothing to do."""

from __future__ import annotations

from functools import cache

from controllers.plant_view import PlantView
from plant_models.plant import Plant
from plant_models.signals import P_AIR, T_DRY, T_WET
from plant_models.site import load_site


@cache
def plant_of(site: str) -> Plant:
    """The composed plant of a shipped site."""
    return Plant(load_site(site))


def calm(plant: Plant) -> dict[str, float]:
    """A mild day at three quarters of the load, everything in the middle of its band."""
    view = PlantView(plant)
    seen = {
        T_DRY.name: 288.15,
        T_WET.name: 283.15,
        P_AIR.name: 101325.0,
        f"{view.supply}.T": 300.15,
        f"{view.return_}.T": 313.15,
    }
    for name, cdu in view.cdus.items():
        seen |= {f"{name}.P_it_total": 0.75 * cdu.P_it_nominal, f"{name}.T_supply": 304.65, f"{name}.valve": 0.9,
                 f"{name}.T_gpu_max": cdu.rack.T_gpu_limit - 20.0}  # fmt: skip
    for name, pumps in view.pumps.items():
        seen |= {f"{name}.m_flow": 0.9 * pumps.n_pumps * pumps.m_flow_nominal, f"{name}.y": 0.9}
    for name, cooler in view.dry_coolers.items():
        seen |= {f"{name}.y_fan": 0.5, f"{name}.T": cooler.T_leaving_design - 4.0}
    seen |= {f"{name}.fraction_charged": 0.6 for name in view.tanks}
    capacity = sum(pump.Q_flow_sink_nominal for pump in view.heat_pumps.values())
    for name in view.districts:
        seen |= {f"{name}.Q_demand": 0.4 * capacity, f"{name}.T_supply_required": 348.15}
    return seen
