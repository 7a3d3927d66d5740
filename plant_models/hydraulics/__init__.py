"""Pressure and flow: one law of every element with its exact inverse, for floats, arrays and CasADi symbols.

All are smooth and have finite derivatives at standstill and at reversed flow; every smoothing width is in the unit of
what it smooths. Networks of them are solved by :mod:`plant_models.network`.
"""

from plant_models.hydraulics.law import (
    DP_SMALL,
    M_FLOW_SMALL,
    coefficient,
    mass_flow,
    power_law_drop,
    power_law_flow,
    pressure_drop,
    series,
)
from plant_models.hydraulics.pipe import (
    GRAVITY,
    churchill,
    coefficient_from_K,
    hazen_williams_drop,
    hazen_williams_flow,
    hazen_williams_resistance,
    pipe_drop,
    pipe_flow,
    static_head,
)
from plant_models.hydraulics.pump import pump_group_flow, pump_head, pump_power
from plant_models.hydraulics.valve import (
    authority,
    blocked_share,
    check_valve_drop,
    check_valve_flow,
    clogging_rate,
    coefficient_from_kv,
    cv_from_kv,
    equal_percentage,
    fouled,
    kv_from_coefficient,
    kv_from_cv,
    linear,
    pressure_independent_drop,
    pressure_independent_flow,
    quick_opening,
    three_way,
)
from plant_models.hydraulics.vessel import vessel_pressure, vessel_size, vessel_volume

__all__ = [
    "DP_SMALL",
    "GRAVITY",
    "M_FLOW_SMALL",
    "authority",
    "blocked_share",
    "check_valve_drop",
    "check_valve_flow",
    "churchill",
    "clogging_rate",
    "coefficient",
    "coefficient_from_K",
    "coefficient_from_kv",
    "cv_from_kv",
    "equal_percentage",
    "fouled",
    "hazen_williams_drop",
    "hazen_williams_flow",
    "hazen_williams_resistance",
    "kv_from_coefficient",
    "kv_from_cv",
    "linear",
    "mass_flow",
    "pipe_drop",
    "pipe_flow",
    "power_law_drop",
    "power_law_flow",
    "pressure_drop",
    "pressure_independent_drop",
    "pressure_independent_flow",
    "pump_group_flow",
    "pump_head",
    "pump_power",
    "quick_opening",
    "series",
    "static_head",
    "three_way",
    "vessel_pressure",
    "vessel_size",
    "vessel_volume",
]
