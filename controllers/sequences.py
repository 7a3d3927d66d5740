"""Sequences of operation that an experienced engineer would commission: resets, staging with hysteresis, storage bands.

- *Leaving water of the coolers*: floats with the weather, an approach above dry bulb (dry coolers) or wet bulb
  (towers), between the lowest the halls' dew point allows and the design value. Every kelvin colder saves leakage and
  chiller lift.
- *Spray*: only when the fans run out and it matters: fans at full speed, and chips near their limit or the water far
  above its design temperature; bank by bank, and back when the fans have room again.
- *CDUs*: supply set-point an approach above the facility supply; secondary pumps follow the load (constant temperature
  rise), never slower than nominal load would need, should it come.
- *Facility pumps*: trim and respond on the most open CDU valve (ASHRAE Guideline 36-2021, section 5.1.14); pumps staged
  by flow, with hysteresis and a least running time.
- *Network pumps*: the same on the most open substation valve of their circuit.
- *Boilers*: leaving water by the air outside, from the design value on cold days to what the consumers ask for and an
  approach on mild ones.
- *Heat pumps*: heat-led. The demand, corrected towards the middle of the store, is shared by the fewest machines that
  can give it from the water as it is; they stop when the store is full, until it is half empty; least running and
  resting times.

Numbers are common practice [assumption]; none was fitted to a period.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from controllers.chip_reserve import flow_table, speed_table
from controllers.envelope import lowest_dry_temperature
from controllers.interface import Decision, Forecast
from controllers.measurements import Measurements, NotMeasured
from controllers.plant_view import PlantView
from plant_models.components.cdu import Cdu
from plant_models.components.heat_pump import HeatPump
from plant_models.components.pump_group import PumpGroup
from plant_models.plant import Plant
from plant_models.signals import T_DRY, T_WET

APPROACH_DRY = 9.0
"""K, leaving water over dry bulb: the nominal approach and a kelvin"""
APPROACH_WET = 4.5
"""K, leaving water over wet bulb"""
APPROACH_CDU = 4.5
"""K, technology supply over facility supply: nominal approach and half a kelvin"""
SPRAY_MARGIN = 4.0
"""K below the chips' limit, from where on water is spent if the fans are at full speed"""
SPRAY_EXCESS = 4.0
"""K of the leaving water above its design value, likewise"""
PUMP_LOWEST = 0.55
VALVE_OPEN, VALVE_SHUT = 0.95, 0.85
DP_RESPOND, DP_TRIM = 6e3, 3e3
"""Pa a decision"""
STORE_MIDDLE, STORE_FULL = 0.6, 0.95
"""fractions charged"""
STORE_GAIN = 0.8
"""share of the machines' capacity per unit of store fraction off the middle"""
LEAST_TIME = {"pump": 900.0, "spray": 600.0, "heat_pump": 3600.0}
"""s between two switches"""
APPROACH_SUBSTATION = 8.0
"""K, network supply over what the consumers ask for on mild days: two thirds of a usual exchanger's at design"""
T_MILD, T_COLD = 288.15, 263.15
"""K of the air outside: from the heating limit to a design day, where boilers give their design temperature"""
SINK_MARGIN = 1.5
"""K, condenser outlet over the supply temperature that the network asks for"""


@dataclass
class _State:
    """What the sequences remember."""

    dp: dict[str, float] = field(default_factory=dict)
    n_on: dict[str, int] = field(default_factory=dict)
    spray: int = 0
    """dry coolers that spray"""
    heat_pumps_on: int = 0
    charging: bool = True
    switched: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _CduRule:
    """What the rule of a CDU's set-points reads and writes, and the unit's sizes: looked up once, not at each turn."""

    power: str
    T_supply: str
    T_supply_set: str
    y_pump: str
    T_gpu: str
    P_it_nominal: float
    T_lowest: float
    T_design: float
    T_gpu_limit: float
    reserve: Callable[[float], float]

    @classmethod
    def of(cls, name: str, cdu: Cdu) -> _CduRule:
        return cls(
            f"{name}.P_it_total", f"{name}.T_supply", f"{name}.T_supply_set", f"{name}.y_pump", f"{name}.T_gpu_max",
            cdu.P_it_nominal, cdu.T_supply_lowest, cdu.T_supply_design, cdu.rack.T_gpu_limit, speed_table(cdu),
        )  # fmt: skip


class Sequences:
    """Rule-based supervision of any plant that a :class:`PlantView` can read."""

    name = "sequences"
    interval = 300.0
    forecast_horizon = 0.0

    def __init__(self, plant: Plant) -> None:
        self._view = PlantView(plant)
        if self._view.cdus:
            self._view.need_data_centre(self.name)
        self._defaults = plant.setpoints()
        self._bounds = {name: (plant.vocabulary[name].lower, plant.vocabulary[name].upper) for name in self._defaults}
        self._cdu_rules = [_CduRule.of(name, cdu) for name, cdu in self._view.cdus.items()]
        self._cdu_valves = [f"{name}.valve" for name in self._view.cdus]
        self._flows = list(dict.fromkeys(flow_table(cdu) for cdu in self._view.cdus.values()))
        self._least_dp: dict[str, float] = {}
        self._state = _State()

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        """Decide from measurements alone.

        A machine without a good measurement keeps its commissioned set-points and is left out of what is decided for
        all; a rule that sees nothing at all leaves its set-points as commissioned.
        """
        del forecast
        seen = Measurements(measurements, self._view.plant.vocabulary)
        setpoints = dict(self._defaults)
        for rule in (
            self._coolers,
            self._spray,
            self._cdus,
            self._pumps,
            self._network,
            self._boilers,
            self._heat_pumps,
        ):
            with contextlib.suppress(NotMeasured):
                setpoints |= rule(time, seen)
        for name, (lower, upper) in self._bounds.items():
            if not lower <= setpoints[name] <= upper:
                setpoints[name] = min(max(setpoints[name], lower), upper)
        if seen.missing:
            names = list(seen.missing)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            message = f"no good value of {', '.join(names[:3])}{more}: commissioned set-points for what depends on it"
            return Decision(setpoints, self.name, "bad_measurement", message)
        return Decision(setpoints, self.name)

    def snapshot(self) -> dict[str, Any]:
        """Remembered set-points and switching times."""
        return asdict(self._state)

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot."""
        self._state = _State(**copy.deepcopy(dict(snapshot)))

    def _may_switch(self, what: str, time: float) -> bool:
        """Whether ``what`` (``pump.NAME``, ``spray``, ``heat_pump``) has rested or run long enough; notes a switch."""
        if 0.0 <= time - self._state.switched.get(what, -math.inf) < LEAST_TIME[what.split(".")[0]]:
            return False
        self._state.switched[what] = time
        return True

    # --- water ---------------------------------------------------------------------------------------------------

    def _coolers(self, time: float, seen: Measurements) -> dict[str, float]:
        del time
        setpoints: dict[str, float] = {}
        if not self._view.coolers:
            return setpoints
        dry = lowest_dry_temperature(seen)
        for name, cooler in self._view.coolers.items():
            is_dry = name in self._view.dry_coolers
            reach = seen[T_DRY.name] + APPROACH_DRY if is_dry else seen[T_WET.name] + APPROACH_WET
            lowest = max(cooler.T_leaving_lowest, dry - APPROACH_CDU)
            setpoints[f"{name}.T_leaving_set"] = min(max(reach, lowest), max(cooler.T_leaving_design, lowest))
        return setpoints

    def _spray(self, time: float, seen: Measurements) -> dict[str, float]:
        coolers = self._view.dry_coolers
        if not coolers:
            return {}
        fans = seen.known(f"{name}.y_fan" for name in coolers)
        leaving = seen.known(f"{name}.T" for name in coolers)
        chips = seen.known(cdu.T_gpu for cdu in self._cdu_rules)
        excess = max(leaving[s] - c.T_leaving_design for n, c in coolers.items() if (s := f"{n}.T") in leaving)
        margin = min(cdu.T_gpu_limit - chips[cdu.T_gpu] for cdu in self._cdu_rules if cdu.T_gpu in chips)
        on = self._state.spray
        dry = [fans[s] for name in list(coolers)[on:] if (s := f"{name}.y_fan") in fans]
        need = dry and min(dry) > 0.97 and (excess > SPRAY_EXCESS or margin < SPRAY_MARGIN)
        enough = on and (max(dry) < 0.85 if dry else max(fans.values()) < 0.6)
        if (need or enough) and self._may_switch("spray", time):
            self._state.spray = on = on + 1 if need else on - 1
        return {f"{name}.spray": float(i < on) for i, name in enumerate(coolers)}

    def _cdus(self, time: float, seen: Measurements) -> dict[str, float]:
        del time
        if not self._view.cdus:
            return {}
        T_fws = seen[f"{self._view.supply}.T"]
        dry = lowest_dry_temperature(seen)
        setpoints: dict[str, float] = {}
        for cdu in self._cdu_rules:
            target = min(max(T_fws + APPROACH_CDU, cdu.T_lowest, dry), max(cdu.T_design, dry))
            try:
                load = seen[cdu.power] / cdu.P_it_nominal
                reserve = cdu.reserve(max(seen[cdu.T_supply], target))
            except NotMeasured:
                continue
            setpoints[cdu.T_supply_set] = target
            setpoints[cdu.y_pump] = min(max(load, PUMP_LOWEST, reserve), 1.0)
        return setpoints

    def _pumps(self, time: float, seen: Measurements) -> dict[str, float]:
        if not self._view.pumps:
            return {}
        with contextlib.suppress(NotMeasured):
            T_fws = seen[f"{self._view.supply}.T"]
            reserve = max((needed(T_fws) for needed in self._flows), default=0.0)
            # mains and branches are both quadratic: dp_design gives every CDU its nominal flow
            self._least_dp = {name: group.dp_design * reserve**2 for name, group in self._view.pumps.items()}
        return self._trim_and_respond(time, seen, self._view.pumps, self._cdu_valves)

    def _network(self, time: float, seen: Measurements) -> dict[str, float]:
        setpoints: dict[str, float] = {}
        for name, group in self._view.network_pumps.items():
            circuit = self._view.circuit_of(self._view.plant.node_of(name, "inlet"))
            served = [s for s in self._view.substations if self._view.plant.node_of(s, "supply") in circuit]
            if served:
                with contextlib.suppress(NotMeasured):
                    valves = [f"{substation}.valve" for substation in served]
                    setpoints |= self._trim_and_respond(time, seen, {name: group}, valves)
        return setpoints

    def _trim_and_respond(
        self, time: float, seen: Measurements, groups: Mapping[str, PumpGroup], served: list[str]
    ) -> dict[str, float]:
        """Pressure by the most open of the valves ``served``, pumps by flow."""
        setpoints: dict[str, float] = {}
        valves = seen.known(served)
        valve, all_seen = max(valves.values()), len(valves) == len(served)
        flows = {name: (seen[f"{name}.m_flow"], seen[f"{name}.y"]) for name in groups}
        for name, group in groups.items():
            dp = self._state.dp.get(name, group.dp_design)
            dp += DP_RESPOND if valve > VALVE_OPEN else -DP_TRIM if valve < VALVE_SHUT and all_seen else 0.0
            self._state.dp[name] = dp = min(max(dp, group.dp_lowest, self._least_dp.get(name, 0.0)), group.dp_highest)
            on = self._state.n_on.get(name, group.n_pumps)
            flow, speed = flows[name]
            wanted = (
                self._stage_series(on, group.n_pumps, speed)
                if group.arrangement == "series"
                else self._stage(on, group.n_pumps, flow / group.m_flow_nominal, speed)
            )
            if wanted > on or (wanted < on and self._may_switch(f"pump.{name}", time)):
                self._state.switched[f"pump.{name}"] = time
                on = wanted
            self._state.n_on[name] = on
            setpoints |= {f"{name}.dp_set": dp, f"{name}.n_on": float(on)}
        return setpoints

    @staticmethod
    def _stage(on: int, most: int, flow: float, speed: float) -> int:
        """Pumps that should run at a flow (in nominal pump flows) and a common speed: hysteresis between 0.75 and 1."""
        if on < most and (flow > 1.0 * on or speed > 0.95):
            return on + 1
        if on > 1 and flow < 0.75 * (on - 1) and speed < 0.85:
            return on - 1
        return on

    @staticmethod
    def _stage_series(on: int, most: int, speed: float) -> int:
        """Pumps in series that should run at a common speed: heads add up, so one fewer runs faster by the root."""
        if on < most and speed > 0.95:
            return on + 1
        if on > 1 and speed * math.sqrt(on / (on - 1)) < 0.85:
            return on - 1
        return on

    def _boilers(self, time: float, seen: Measurements) -> dict[str, float]:
        del time
        if not self._view.boilers or not self._view.substations:
            return {}
        mild = max(seen[f"{name}.T_supply_required"] for name in self._view.substations) + APPROACH_SUBSTATION
        cold = min(max((T_MILD - seen[T_DRY.name]) / (T_MILD - T_COLD), 0.0), 1.0)
        return {
            f"{name}.T_set": mild + max(boiler.T_design - mild, 0.0) * cold
            for name, boiler in self._view.boilers.items()
        }

    # --- heat ----------------------------------------------------------------------------------------------------

    def _heat_pumps(self, time: float, seen: Measurements) -> dict[str, float]:
        machines = self._view.heat_pumps
        if not machines or not self._view.districts:
            return {}
        demand = sum(seen[f"{name}.Q_demand"] for name in self._view.districts)
        T_needed = max(seen[f"{name}.T_supply_required"] for name in self._view.districts) + SINK_MARGIN
        capacity = {name: self._capacity(pump, seen) for name, pump in machines.items()}
        heat = demand
        if self._view.tanks:
            volumes = [tank.volume for tank in self._view.tanks.values()]
            charged = [min(max(seen[f"{name}.fraction_charged"], 0.0), 1.0) for name in self._view.tanks]
            fraction = sum(v * c for v, c in zip(volumes, charged, strict=True)) / sum(volumes)
            heat += STORE_GAIN * sum(capacity.values()) * (STORE_MIDDLE - fraction)
            if fraction > STORE_FULL:
                self._state.charging = False
            elif fraction < STORE_MIDDLE:
                self._state.charging = True
            if not self._state.charging:
                heat = 0.0
        on = self._commit(time, heat, [(capacity[name], pump.y_min) for name, pump in machines.items()])
        setpoints: dict[str, float] = {}
        left = heat
        for i, (name, pump) in enumerate(machines.items()):
            share = min(max(left / (on - i) / capacity[name], pump.y_min), 1.0) if i < on else 0.0
            left -= share * capacity[name]
            T_sink = min(max(T_needed, pump.T_sink_set_min), pump.T_sink_set_max)
            setpoints |= {f"{name}.y_set": share, f"{name}.T_sink_set": T_sink}
        return setpoints

    def _capacity(self, pump: HeatPump, seen: Measurements) -> float:
        """Heat at full load from the facility water as it returns now, W."""
        drop = pump.T_source_in_nominal - pump.T_source_out_nominal
        T_source_out = max(seen[f"{self._view.return_}.T"] - drop, pump.T_source_min)
        return float(pump.Q_flow_sink_nominal * pump.capacity(T_source_out))

    def _commit(self, time: float, heat: float, machines: list[tuple[float, float]]) -> int:
        """How many machines run, of those with a capacity (W) and a minimum load: the fewest that can.

        With hysteresis on their minimum load and least times.
        """
        on, total = self._state.heat_pumps_on, 0.0
        wanted = 0
        for capacity, y_min in machines:
            least = y_min * capacity * (0.5 if wanted < on else 1.0)
            if heat < total + least:
                break
            wanted += 1
            total += capacity
            if heat <= total:
                break
        if wanted != on and self._may_switch("heat_pump", time):
            self._state.heat_pumps_on = on = wanted
        return on
