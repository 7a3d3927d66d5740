"""The horizon's parameters: forecasts and estimates, averaged over the stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controllers.estimator import Estimate
from controllers.interface import Forecast
from controllers.mpc.design import Design
from controllers.mpc.settings import MpcSettings
from controllers.mpc.stage import GLOBALS, STAGE_PARAMETERS
from plant_models.psychrometrics import dew_point, relative_humidity
from plant_models.signals import CO2_INTENSITY, P_AIR, PRICE_ELECTRICITY, T_DRY, T_WET
from plant_models.site import Tariffs

Array = NDArray[np.float64]

IT_LOAD = "it.P_load"
SAMPLES = 5
"""points at which a forecast is read within a stage"""
LOAD_MEMORY = 1800.0
"""s, how long a difference between measured and forecast load is expected to last"""


class NoForecast(ValueError):
    """A forecast is missing, too short, or not a number."""


@dataclass(frozen=True)
class Horizon:
    """Parameters of the problem at one moment."""

    stages: Array
    """(parameters, stages)"""
    values: dict[str, float]
    """global parameters"""
    E_start: float

    def row(self, name: str) -> Array:
        """One parameter over the stages."""
        row: Array = self.stages[STAGE_PARAMETERS.index(name)]
        return row

    @property
    def globals_(self) -> Array:
        """In the problem's order."""
        return np.array([self.values[name] for name in GLOBALS])

    def with_running(self, n_on: NDArray[np.intp]) -> Horizon:
        """With the committed number of heat pumps."""
        stages = self.stages.copy()
        stages[STAGE_PARAMETERS.index("n_on")] = n_on
        return Horizon(stages, self.values, self.E_start)


class Reader:
    """A forecast over the stages that begin at ``time``."""

    def __init__(self, forecast: Forecast | None, time: float, steps: Array) -> None:
        if forecast is None:
            raise NoForecast("no forecast was handed over")
        self._forecast = forecast
        edges = time + np.concatenate([[0.0], np.cumsum(steps)])
        within = (np.arange(SAMPLES) + 0.5) / SAMPLES
        self._times = edges[:-1, None] + within[None, :] * steps[:, None]
        if forecast.time[0] > self._times[0, 0] + 900.0 or forecast.time[-1] < self._times[-1, -1]:
            raise NoForecast(
                f"the forecast covers {forecast.time[0] - time:.0f} to {forecast.time[-1] - time:.0f} s from now, "
                f"the horizon ends at {edges[-1] - time:.0f} s"
            )
        self._times = np.maximum(self._times, forecast.time[0])

    def __call__(self, name: str) -> Array:
        """Means over the stages."""
        if name not in self._forecast.values:
            raise NoForecast(f"the forecast has no {name}")
        values = self._forecast.at(name, self._times.ravel()).reshape(self._times.shape)
        if not np.all(np.isfinite(values)):
            raise NoForecast(f"the forecast of {name} holds values that are not numbers")
        mean: Array = values.mean(axis=1)
        return mean


def read_horizon(design: Design, settings: MpcSettings, tariffs: Tariffs, time: float, forecast: Forecast | None,
                 estimate: Estimate, measurements: Mapping[str, float]) -> Horizon:  # fmt: skip
    """The problem's parameters at ``time``. Raises :class:`NoForecast`."""
    steps = np.array(settings.steps())
    read = Reader(forecast, time, steps)
    T_dry, T_wet, p_air = read(T_DRY.name), read(T_WET.name), read(P_AIR.name)
    price = read(PRICE_ELECTRICITY.name) + tariffs.co2 * read(CO2_INTENSITY.name)
    price = np.maximum(price, settings.price_lowest)
    n_busy, P_busy = _loads(design, settings, steps, read(IT_LOAD), estimate)
    cdu = design.cdus.machine
    hottest = float(estimate.P_it.max())
    P_hot = hottest + settings.load_step_cover * max(cdu.P_it_nominal - hottest, 0.0)

    wet = _dew_point(T_dry, T_wet, p_air) + settings.dew_margin
    if T_DRY.name in measurements and T_WET.name in measurements:
        now = _dew_point(*(np.array([measurements.get(s.name, s.default)]) for s in (T_DRY, T_WET, P_AIR)))
        wet[0] = max(wet[0], float(now[0]) + settings.dew_margin)
    T_tcs_lowest = np.clip(wet, cdu.T_supply_lowest, cdu.T_supply_highest)
    chw = design.chillers.machine if design.chillers else None
    T_chw_lowest = np.clip(wet, chw.T_chw_lowest, chw.T_chw_highest) if chw else wet

    demand, T_network, T_sink = _network(design, settings, steps, read, estimate)
    rise = float(T_sink[0] - T_network[0])
    full = design.store_capacity * max(rise, 5.0)
    size = full * (1.0 - 2.0 * settings.store_reserve)
    E_start = (estimate.stored - settings.store_reserve * full) / size if size > 0 else 0.0
    worth = _worth(design, steps, price, demand, estimate, float(T_sink[0]), tariffs)
    table = {
        "dt": steps, "price": price, "T_dry": T_dry, "T_wet": np.minimum(T_wet, T_dry), "p_air": p_air,
        "n_busy": n_busy, "P_busy": P_busy, "P_hot": P_hot, "T_tcs_lowest": T_tcs_lowest,
        "T_chw_lowest": T_chw_lowest, "demand": demand, "T_network": T_network, "T_sink": T_sink,
        "n_on": float(len(design.heat_pumps.names)) if design.heat_pumps else 0.0,
    }  # fmt: skip
    stages = np.array([np.broadcast_to(np.asarray(table[name], dtype=float), len(steps)) for name in STAGE_PARAMETERS])
    c = estimate.corrections
    corrections = {name: float(getattr(c, name)) for name in GLOBALS if hasattr(c, name)}
    values = corrections | {"E_start": E_start, "E_size": max(size, 1.0), "E_value": worth * size}
    return Horizon(stages, values, E_start)


def _loads(design: Design, settings: MpcSettings, steps: Array, load: Array, estimate: Estimate) -> tuple[Array, Array]:
    """Busy CDUs and their IT power: a changing total is taken to change both alike."""
    count, nominal = design.cdus.count, design.cdus.machine.P_it_nominal
    present = float(estimate.P_it.sum())
    middle = np.cumsum(steps) - 0.5 * steps
    total = load + (present - load[0]) * np.exp(-middle / LOAD_MEMORY)
    total = np.clip(total, 0.01 * count * nominal, 1.1 * count * nominal)
    n_now = estimate.n_busy * design.cdus.count / len(design.cdus.names)
    n = np.clip(n_now * np.sqrt(total / max(present, 0.01 * count * nominal)), 0.02 * count, count)
    n = np.clip(np.maximum(n, total / nominal), 0.02 * count, count)
    return n, total / n


def _dew_point(T_dry: Array, T_wet: Array, p_air: Array) -> Array:
    humidity = np.clip(relative_humidity(T_dry, np.minimum(T_wet, T_dry), p_air), 0.01, 1.0)
    return np.asarray(dew_point(T_dry, humidity), dtype=float)


def _network(design: Design, settings: MpcSettings, steps: Array, read: Reader,
             estimate: Estimate) -> tuple[Array, Array, Array]:  # fmt: skip
    """Demand (W), network's return and condenser outlet (K) over the stages."""
    if not design.heats:
        return np.zeros(len(steps)), np.full(len(steps), 318.15), np.full(len(steps), 348.15)
    demand = np.sum([read(f"{name}.Q_demand") for name in design.districts], axis=0)
    T_network = np.mean([read(f"{name}.T_return") for name in design.districts], axis=0)
    required = np.max([read(f"{name}.T_supply_required") for name in design.districts], axis=0)
    assert design.heat_pumps is not None
    machine = design.heat_pumps.machine
    begins = np.cumsum(steps) - steps
    T_sink = np.array([
        required[(begins >= t - 1.0) & (begins <= t + settings.sink_ahead)].max() for t in begins
    ]) + settings.sink_margin  # fmt: skip
    demand = np.maximum(demand, 0.0)
    return demand, T_network, np.clip(T_sink, machine.T_sink_set_min, machine.T_sink_set_max)


def _worth(design: Design, steps: Array, price: Array, demand: Array, estimate: Estimate, T_sink: float,
           tariffs: Tariffs) -> float:  # fmt: skip
    """EUR/J of heat in the store at the horizon's end: what it will cost to make it otherwise.

    An ideal store makes the horizon's heat in its cheapest hours; the dearest of these says what a further joule costs.
    Never more than the tariff: dearer heat is not made at all.
    """
    bank = design.heat_pumps
    if bank is None or not design.heats:
        return 0.0
    machine = bank.machine
    T_source_out = estimate.T_return - (machine.T_source_in_nominal - machine.T_source_out_nominal)
    capacity = design.heat_capacity * float(machine.capacity(T_source_out))
    share = float(np.clip(demand @ steps / (capacity * steps.sum()), 0.02, 1.0))
    order = np.argsort(price)
    reached = np.cumsum(steps[order]) / steps.sum()
    dearest = float(price[order][np.searchsorted(reached, share - 1e-9)])
    cop = estimate.corrections.f_cop * float(machine.cop(T_source_out, T_sink, 0.9))
    return float(max(min(dearest / cop + tariffs.operation, tariffs.heat), 0.0))
