"""What measurements say about a plant: loads, store content, and how far the model of the optimiser is off.

Every correction compares a measured quantity with what the reduced model gives from other measured quantities of the
same moment, and is followed slowly (a first-order filter, ``time_constant``), within plausible bounds. The optimiser
works with the corrected model, so a constant error of the model leaves no offset in what it plans: these are the output
and input disturbances of offset-free MPC, chosen where plants really drift.

===============  ========================================================  ====================================
``f_exchange``   UA of the CDUs' exchangers over design                    fouled plates, trapped air
``f_cooler``     UA of the coolers over design                             fouled fins, failed fans
``f_chiller``    electricity of the chillers over the model's
``f_cop``        COP of the heat pumps over design                         refrigerant lost, fouling
``f_line``       resistance between headers and CDUs over design           throttled valves, longer pipes
``f_pump``       electricity of the facility pumps over the model's        staging, wear
``gpu_offset``   hottest junction over the model's, K                      paste, hot racks, poor plates
===============  ========================================================  ====================================

A correction is left as it is while its machine stands still, works outside of where it tells something (fans at their
stops, valves shut), or its measurements are missing. A CDU that does not tell its load and its chips' temperature is
taken to be at nominal load, and named; where more than a quarter of them are silent there is no estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controllers.measurements import Measurements, NotMeasured
from controllers.mpc.design import Design
from controllers.mpc.model import ReducedPlant
from controllers.plant_view import PlantView
from plant_models.signals import P_AIR, T_DRY, T_WET

Array = NDArray[np.float64]

BOUNDS: dict[str, tuple[float, float]] = {
    "f_exchange": (0.4, 1.3), "f_cooler": (0.4, 1.3), "f_chiller": (0.6, 2.0), "f_cop": (0.5, 1.3),
    "f_line": (0.2, 5.0), "f_pump": (0.5, 2.5), "gpu_offset": (-10.0, 15.0),
}  # fmt: skip
"""plausible corrections: beyond, something is broken and an alarm is due, not a correction"""
TIME_CONSTANT = 7200.0
"""s, filter of the corrections: slower than load steps, faster than fouling and weather"""


SILENT_MAX = 0.25
"""share of the CDUs that may be silent"""


class MissingMeasurement(ValueError):
    """A measurement that the estimate cannot do without is missing or not a number."""


@dataclass
class Corrections:
    """Factors and offsets of the model, at first those of the design."""

    f_exchange: float = 1.0
    f_cooler: float = 1.0
    f_chiller: float = 1.0
    f_cop: float = 1.0
    f_line: float = 1.0
    f_pump: float = 1.0
    gpu_offset: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """The plant as far as it is known."""

    P_it: Array
    """(CDUs,) IT power at reference chip temperature, W; nominal for those that are silent"""
    T_gpu: Array
    """(CDUs,) hottest junction, K; not a number for those that are silent"""
    T_tcs: Array
    """(CDUs,) technology supply, K; not a number for those that are silent"""
    T_supply: float
    """facility supply, K"""
    T_return: float
    stored: float
    """J above the network's return in all stores; 0 without"""
    T_network: float
    """network's return, K"""
    corrections: Corrections
    notes: tuple[str, ...] = field(default=())
    """silent CDUs, corrections at their bounds"""

    @property
    def n_busy(self) -> float:
        """Equally loaded CDUs that make the same total and the same sum of squares: leakage goes with the square."""
        return float(self.P_it.sum() ** 2 / np.maximum(np.sum(self.P_it**2), 1.0))


class Estimator:
    """Follows a plant from its measurements."""

    def __init__(self, view: PlantView, design: Design, time_constant: float = TIME_CONSTANT) -> None:
        self._view, self._design, self._model = view, design, ReducedPlant(design)
        self._time_constant = time_constant
        self._corrections = Corrections()
        self._time = math.nan
        self._names = list(view.cdus)

    def update(self, time: float, measurements: Mapping[str, float]) -> Estimate:
        """The estimate at ``time`` (s). Raises :class:`MissingMeasurement` where a needed value is missing."""
        seen = Measurements(measurements, self._view.plant.vocabulary)
        try:
            P_it, T_gpu, T_tcs = self._loads(seen)
            T_supply, T_return = seen[f"{self._view.supply}.T"], seen[f"{self._view.return_}.T"]
            stored, T_network = self._store(seen)
        except NotMeasured as error:
            raise MissingMeasurement(f"no good value of {error}") from None
        gain = 1.0 if math.isnan(self._time) else 1.0 - math.exp(-max(time - self._time, 0.0) / self._time_constant)
        gain = min(gain, 0.2) if not math.isnan(self._time) else 0.2
        self._time = time
        notes = [f"{name} is silent, taken at nominal load"
                 for name, T in zip(self._names, T_gpu, strict=True) if math.isnan(T)]  # fmt: skip
        for name, rule in self._rules().items():
            try:
                value = rule(seen, P_it, T_gpu)
            except NotMeasured:
                continue
            if value is None or not math.isfinite(value):
                continue
            lower, upper = BOUNDS[name]
            before = getattr(self._corrections, name)
            after = before + gain * (min(max(value, lower), upper) - before)
            setattr(self._corrections, name, after)
            if not lower + 1e-3 < after < upper - 1e-3:
                notes.append(f"{name} at its bound {after:.3g}")
        return Estimate(
            P_it, T_gpu, T_tcs, T_supply, T_return, stored, T_network, Corrections(**asdict(self._corrections)),
            tuple(notes),
        )  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        """Corrections and the time of the last update."""
        return {"corrections": asdict(self._corrections), "time": None if math.isnan(self._time) else self._time}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot."""
        self._corrections = Corrections(**snapshot["corrections"])
        self._time = math.nan if snapshot["time"] is None else float(snapshot["time"])

    # --- loads and content -------------------------------------------------------------------------------------------

    def _loads(self, seen: Measurements) -> tuple[Array, Array, Array]:
        """IT power without its leakage, from metered power and the chips' temperature, a CDU each."""
        P_it = np.empty(len(self._names))
        T_gpu, T_tcs = np.full((2, len(self._names)), math.nan)
        for i, (name, cdu) in enumerate(self._view.cdus.items()):
            try:
                total, T_hot, T_cold = (seen[f"{name}.{s}"] for s in ("P_it_total", "T_gpu_max", "T_supply"))
            except NotMeasured as error:
                P_it[i] = cdu.P_it_nominal
                silent = int(np.count_nonzero(np.isnan(T_gpu[: i + 1])))
                if silent > SILENT_MAX * len(self._names):
                    raise MissingMeasurement(f"{silent} CDUs are silent, last {error}") from None
                continue
            T_mean = T_cold + (T_hot - T_cold) / cdu.hottest_rise  # the mean rack's mean chip
            P_it[i] = max(total, 0.0) / (1.0 + cdu.rack.growth * (T_mean - cdu.rack.T_ref))
            T_gpu[i], T_tcs[i] = T_hot, T_cold
        return P_it, T_gpu, T_tcs

    def _store(self, seen: Measurements) -> tuple[float, float]:
        if not self._design.districts:
            return 0.0, 318.15
        T_network = float(np.mean([seen[f"{name}.T_return"] for name in self._design.districts]))
        stored = 0.0
        for name, tank in self._view.tanks.items():
            layers = np.array([seen[f"{name}.{layer}"] for layer in tank.layers()])
            stored += tank.C_layer * float(np.sum(layers - T_network))
        return stored, T_network

    # --- corrections -------------------------------------------------------------------------------------------------

    def _rules(self) -> dict[str, Callable[[Measurements, Array, Array], float | None]]:
        return {
            "f_exchange": self._f_exchange, "f_cooler": self._f_cooler, "f_chiller": self._f_chiller,
            "f_cop": self._f_cop, "f_line": self._f_line, "f_pump": self._f_pump, "gpu_offset": self._gpu_offset,
        }  # fmt: skip

    def _f_exchange(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        cdu, names = self._design.cdus.machine, self._busy(P_it, T_gpu)
        m, Q, T_return, y = (
            np.mean([seen[f"{n}.{s}"] for n in names]) for s in ("m_flow_fws", "Q_flow", "T_return", "pump")
        )
        T_in = np.mean([seen[f"{self._view.plant.node_of(n, 'inlet')}.T"] for n in names])
        if m < 0.1 * cdu.m_flow_fws_nominal or y < 0.2 or T_return - T_in < 2.0:
            return None
        wanted = float(Q / (T_return - T_in))
        return _solve(lambda f: float(self._model.exchange(m / cdu.m_flow_fws_nominal, y, f)), wanted, "f_exchange")

    def _f_cooler(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        names = self._design.coolers.names
        fan = float(np.mean([seen[f"{n}.y_fan"] for n in names]))
        bypass = max(seen[f"{n}.bypass"] for n in names)
        if not 0.1 < fan <= 1.0 or bypass > 0.01:
            return None
        m = sum(seen[f"{n}.m_flow"] for n in names)
        T_warm = float(np.mean([seen[f"{self._view.plant.node_of(n, 'inlet')}.T"] for n in names]))
        T_leaving = float(np.mean([seen[f"{n}.T"] for n in names]))
        if T_warm - T_leaving < 1.0:
            return None
        spray = float(np.mean([seen[f"{n}.spray"] for n in names])) if self._view.dry_coolers else 0.0
        weather = seen[T_DRY.name], seen[T_WET.name], seen[P_AIR.name]
        wanted = m * self._model.cp * (T_warm - T_leaving)
        return _solve(
            lambda f: float(self._model.rejection(m, T_warm, fan, spray, weather, f).Q_flow), wanted, "f_cooler"
        )

    def _f_chiller(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        bank = self._design.chillers
        if bank is None:
            return None
        measured, model = 0.0, 0.0
        for name, chiller in self._view.chillers.items():
            y = seen[f"{name}.y"]
            if y > 0.1:
                measured += seen[f"{name}.P_el_compressor"]
                entering = seen.get(f"{self._view.plant.node_of(name, 'condenser_in')}.T")
                cop = float(chiller.cop(seen[f"{name}.T_chw"], seen[f"{name}.T_condenser"], y, entering))
                model += seen[f"{name}.Q_flow"] / cop
        return measured / model if model > 0.0 else None

    def _f_cop(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        measured, model = 0.0, 0.0
        for name, pump in self._view.heat_pumps.items():
            y = seen[f"{name}.y"]
            if y >= 0.99 * pump.y_min and abs(y - seen.get(f"{name}.y_set", y)) < 0.05:
                inlets = [
                    seen[f"{self._view.plant.node_of(name, port)}.T"] for port in ("evaporator_in", "condenser_in")
                ]
                ideal = float(pump.cop(seen[f"{name}.T_source_out"], seen[f"{name}.T_sink_out"], y, *inlets))
                measured += seen[f"{name}.Q_flow_sink"]
                model += ideal * seen[f"{name}.P_el_compressor"]
        return measured / model if model > 0.0 else None

    def _f_line(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        """From the flows that the valves' positions let through."""
        line = self._design.line
        if line <= 0.0:
            return None
        cdu, names = self._design.cdus.machine, self._busy(P_it, T_gpu)
        dp = float(np.mean([seen[f"{n}.dp"] for n in self._design.pumps.names]))
        m = sum(seen[f"{n}.m_flow_fws"] for n in self._names)
        if m < 0.2 * self._design.cdus.count * cdu.m_flow_fws_nominal:
            return None
        drops = []
        for name in names:
            full = float(cdu.facility_flow(1e5, seen[f"{name}.valve"]))
            if seen[f"{name}.valve"] > 0.3:
                drops.append(dp - 1e5 * (seen[f"{name}.m_flow_fws"] / full) ** 2)
        return float(np.mean(drops)) / (line * m * m) if drops else None

    def _f_pump(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        names = self._design.pumps.names
        P = sum(seen[f"{n}.P_el"] for n in names)
        m = sum(seen[f"{n}.m_flow"] for n in names)
        dp = float(np.mean([seen[f"{n}.dp"] for n in names]))
        model = float(self._model.pump_electricity(self._model.pumping(m, dp), m))
        nominal = self._design.pumps.count * self._design.pumps.machine.P_shaft_nominal
        return P / model if model > 1e-3 * nominal else None

    def _gpu_offset(self, seen: Measurements, P_it: Array, T_gpu: Array) -> float | None:
        offsets = []
        for i, name in enumerate(self._names):
            if P_it[i] >= 0.5 * P_it.max() > 0.0 and not math.isnan(T_gpu[i]):
                chips = self._model.chips(P_it[i], seen[f"{name}.T_supply"], max(seen[f"{name}.pump"], 0.1))
                offsets.append(float(T_gpu[i] - chips.T_gpu))
        # the warmest tenth of the CDUs, not a single one that has just changed its load
        return float(np.quantile(offsets, 0.9)) if offsets else None

    def _busy(self, P_it: Array, T_gpu: Array) -> Sequence[str]:
        """CDUs with at least half of the largest load that are not silent."""
        rows = zip(self._names, P_it, T_gpu, strict=True)
        return [name for name, P, T in rows if P_it.max() <= 2.0 * P and not math.isnan(T)]


def _solve(model: Callable[[float], float], wanted: float, name: str) -> float | None:
    """The factor at which the increasing ``model`` gives ``wanted``, by bisection within its bounds."""
    lower, upper = BOUNDS[name]
    if not math.isfinite(wanted):
        return None
    if model(lower) >= wanted:
        return lower
    if model(upper) <= wanted:
        return upper
    for _ in range(25):
        middle = 0.5 * (lower + upper)
        lower, upper = (middle, upper) if model(middle) < wanted else (lower, middle)
    return 0.5 * (lower + upper)
