"""A bench for one machine: the machine alone, driven by what comes in at its ports and by its actuators.

::

    bench = Bench.of("bench_loop", "dry_cooler")                       # or Bench(component)
    time = np.linspace(0.0, 3600.0, 61)                                # s
    table = bench.run(time, {"inlet.m_flow": 25.0, "inlet.T": 313.15 + 5.0 * (time > 600.0), "weather.T_dry": 293.15})

A fluid port is given its pressure (``inlet.p``, gauge, Pa) or its mass flow into the machine (``inlet.m_flow``,
kg/s), and the temperature of the water that enters there (``inlet.T``, K). In each hydraulic circuit of the machine one
port may be left without either, and all of them where the machine itself moves the water: they are then at 0 Pa. A port
where water only leaves needs no temperature; should water enter there after all, the run is refused. A heat port is
given its temperature (``room.T``), a sensor's port that of its node if the machine minds it. Set-points, disturbances
and parameters keep their defaults unless they are given. Everything is a number, or a series along ``time`` that is
straight between its points.

Where a flow is given, the pressure that makes it is found with the states: a differential-algebraic system, solved by
IDAS (SUNDIALS, through CasADi; CVODES where there is nothing to find) with variable steps to a relative 1e-10. So the
bench shares its equations with the plant and no line of its solver: it is also an independent check of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import ArrayLike, NDArray

from plant_models.carried import MOST_ATTEMPTS
from plant_models.carrier import Carrier
from plant_models.component import Component, FluidPort, Port
from plant_models.equations import Layout, Symbols
from plant_models.media import find_medium
from plant_models.signals import T_DRY, T_WET, Signal, check_wet_bulb, disturbance
from plant_models.site import load_site
from plant_models.site_mistakes import nearest

Array = NDArray[np.float64]

PRESSURE_SCALE = 1e5
"""Pa"""
TOLERANCE = 1e-10
"""relative; a temperature of 300 K errs by 3e-8 K in each step of the solver"""
T_UNUSED = 293.15
"""K, what the equations see at a port where nothing enters"""
ENTERS = 1e-6
"""share of the largest flow of its circuit, above which water counts as entering at a port"""
NEWTON_ROUNDS = 200


class BenchError(ValueError):
    """What is wrong with a bench's inputs, and what it needs."""


@dataclass(frozen=True)
class _Conditions:
    """What a run is given: which ports by their flow, which by their pressure, and all values along time."""

    flows: tuple[str, ...]
    """port variables (``inlet.p``) that are unknown because the port's flow is given"""
    open_T: tuple[str, ...]
    """ports whose temperature nobody gave"""
    values: dict[str, Array] = field(default_factory=dict)


class Bench:
    """One machine on a test bench. See the module for what it is given."""

    def __init__(self, component: Component) -> None:
        """``component``: any machine, such as ``Pipe(m_flow_nominal=20.0, ...)`` in SI units."""
        self.component = component
        self.layout = Layout(component)
        self._symbols = Symbols.of(component)
        self._solvers: dict[tuple[str, ...], _Solver] = {}

    @classmethod
    def of(cls, site: str | Path, machine: str) -> Bench:
        """A machine of a site, such as ``Bench.of("rovaltain", "cdu.01")``. Raises BenchError if there is none."""
        machines = load_site(site).instances()
        if machine not in machines:
            raise BenchError(f"site {site} has no machine {machine!r}{nearest(machine, machines)}")
        return cls(machines[machine])

    def run(
        self,
        time: ArrayLike,
        given: Mapping[str, ArrayLike],
        *,
        start: Mapping[str, float] | None = None,
        settle: float = 0.0,
    ) -> dict[str, Array]:
        """Drive the machine along ``time`` (s, rising) and return one array a column, all as long as ``time``.

        ``given``: see the module; ``start``: states at the beginning, else their defaults; ``settle`` (s): how long the
        first values are held before ``time`` begins. Columns: ``time``, the port variables and port flows (``inlet.p``,
        ``inlet.T``, ``inlet.m_flow``, ``inlet.H_flow``, positive into the machine), inputs, states, outputs; SI units.
        ``pandas.DataFrame(table)`` makes a frame of it.

        Raises BenchError where inputs are missing, unknown, outside their bounds or do not fit, or the machine cannot
        take the flow.
        """
        times = _rising(time)
        conditions = self._conditions(times.size, given)
        x = self._start(start or {})
        solver = self._solver(conditions.flows)
        inputs = np.column_stack([conditions.values[name] for name in solver.given])
        carrier = self.component.carrier()
        z = solver.consistent(x, inputs[0])
        if settle > 0.0:
            x, z = self._advance(solver, carrier, x, z, inputs[0], inputs[0], settle)
        rows = [solver.row(x, z, inputs[0])]
        for k in range(1, times.size):
            x, z = self._advance(solver, carrier, x, z, inputs[k - 1], inputs[k], float(times[k] - times[k - 1]))
            rows.append(solver.row(x, z, inputs[k]))
        columns = np.array(rows).T
        table = {"time": times} | dict(zip(solver.columns, columns, strict=True))
        self._nothing_entered(table, conditions)
        return table

    def _advance(
        self, solver: _Solver, carrier: Carrier | None, x: Array, z: Array, first: Array, last: Array, dt: float
    ) -> tuple[Array, Array]:
        """States and unknown pressures ``dt`` seconds later; what the machine carries moves on, ``last`` is told."""
        if carrier is None:
            return solver.advance(x, z, first, last, dt)
        states = [s.name for s in self.layout.states]
        held, counted = solver.places(carrier.held), [states.index(name) for name in carrier.counted]
        stores = [states.index(name) for name in carrier.stores]
        carrier.begin(dt)
        for _ in range(MOST_ATTEMPTS):
            first[held] = last[held] = carrier.foreseen()
            x_end, z_end = solver.advance(x, z, first, last, dt)
            if carrier.agrees(x_end[counted], x_end[stores]):
                break
        carrier.move()
        x_end[counted] = 0.0
        return x_end, z_end

    def _conditions(self, length: int, given: Mapping[str, ArrayLike]) -> _Conditions:
        """Check and complete what a run is given."""
        ports = {port.name: port for port in self.component.ports}
        fluid = [port.name for port in ports.values() if isinstance(port, FluidPort)]
        inputs = {s.name: s.default for s in self.layout.inputs}
        known = {*self.layout.port_variables, *(f"{port}.m_flow" for port in fluid), *inputs}
        for name in given:
            if name not in known:
                raise BenchError(f"{self.component.kind} takes no {name!r}{nearest(name, sorted(known))}")
        values = {name: _series(name, value, length) for name, value in given.items()}
        self._within_bounds(values)
        for name, port in ports.items():
            if not isinstance(port, FluidPort) and f"{name}.T" not in values:
                raise BenchError(f"give {name}.T (K): the temperature at the heat port {name}")
            if isinstance(port, FluidPort) and port.senses and f"{name}.T" not in values and self._minds(f"{name}.T"):
                raise BenchError(f"give {name}.T (K): the temperature that its sensor {name} sees")
        flows = self._by_flow(fluid, values)
        open_T = tuple(name for name in fluid if f"{name}.T" not in values)
        for name in fluid:
            values.setdefault(f"{name}.p", np.zeros(length))
            values.setdefault(f"{name}.T", np.full(length, T_UNUSED))
        values = {name: np.full(length, default) for name, default in inputs.items()} | values
        return _Conditions(flows, open_T, values)

    def _within_bounds(self, values: Mapping[str, Array]) -> None:
        """Refuse inputs that the machine's signals, its liquids or the air cannot have."""
        signals = {s.name: s for s in self.layout.inputs}
        signals |= {f"{p.name}.T": _port_temperature(self.component, p) for p in self.component.ports}
        try:
            for name, series in values.items():
                if name in signals:
                    for value in (series.min(), series.max()):
                        signals[name].check(float(value))
            if {T_DRY.name, T_WET.name} <= signals.keys():
                dry, wet = np.broadcast_arrays(*(values.get(s.name, s.default) for s in (T_DRY, T_WET)))
                worst = int(np.argmax(wet - dry))
                check_wet_bulb(float(dry.flat[worst]), float(wet.flat[worst]))
        except ValueError as error:
            raise BenchError(str(error)) from None

    def _minds(self, variable: str) -> bool:
        """Whether any rate, flow or output hangs on a port variable."""
        symbols = self._symbols
        answers = ca.vertcat(symbols.rates, symbols.flows, symbols.outputs)
        return bool(ca.jacobian(answers, symbols.w[self.layout.port_variables.index(variable)]).nnz())

    def _by_flow(self, fluid: list[str], values: Mapping[str, Array]) -> tuple[str, ...]:
        """The ports whose flow is given, after a check that every circuit has a pressure and no port has both."""
        groups: dict[str, list[str]] = {}
        for each in self.component.ports:
            if isinstance(each, FluidPort):
                groups.setdefault(each.group, []).append(each.name)
        flows = tuple(port for port in fluid if f"{port}.m_flow" in values)
        for port in flows:
            if f"{port}.p" in values:
                raise BenchError(f"give {port}.p or {port}.m_flow, not both: one follows from the other")
        for members in groups.values():
            free = [port for port in members if port not in flows and f"{port}.p" not in values]
            if len(free) > 1 and self._moved_by_pressure(members):
                raise BenchError(
                    f"give p or m_flow at {' or '.join(free)}: one port of a circuit may be left open (it is then at 0 "
                    "Pa), here nothing says how much flows"
                )
            if not self.component.holds_pressure and all(port in flows for port in members):
                raise BenchError(
                    f"the flows of {' and '.join(members)} are all given, and nothing says at which pressure: leave "
                    "one of them out, or give its p instead"
                )
        return flows

    def _moved_by_pressure(self, ports: list[str]) -> bool:
        """Whether the flow of a circuit hangs on its pressures, or a pump in the machine gives it."""
        names, flows = self.layout.port_variables, self.layout.port_flows
        w = ca.vertcat(*(self._symbols.w[names.index(f"{port}.p")] for port in ports))
        m = ca.vertcat(*(self._symbols.flows[flows.index(f"{port}.m_flow")] for port in ports))
        return bool(ca.jacobian(m, w).nnz())

    def _start(self, start: Mapping[str, float]) -> Array:
        states = {s.name: s.default for s in self.layout.states}
        for name in start:
            if name not in states:
                raise BenchError(f"{self.component.kind} has no state {name!r}{nearest(name, states)}")
        for signal in self.layout.states:
            if signal.name in start:
                try:
                    signal.check(start[signal.name])
                except ValueError as error:
                    raise BenchError(str(error)) from None
        return np.array([start.get(name, default) for name, default in states.items()], dtype=float)

    def _solver(self, flows: tuple[str, ...]) -> _Solver:
        if flows not in self._solvers:
            self._solvers[flows] = _Solver(self._symbols, flows)
        return self._solvers[flows]

    def _nothing_entered(self, table: Mapping[str, Array], conditions: _Conditions) -> None:
        """Refuse a run in which water came in at a temperature that nobody gave."""
        largest = max(
            (float(np.max(np.abs(flow))) for name, flow in table.items() if name.endswith(".m_flow")), default=0.0
        )
        for port in conditions.open_T:
            entering = table[f"{port}.m_flow"] > ENTERS * largest + 1e-12
            if entering.any():
                when = table["time"][int(np.argmax(entering))]
                raise BenchError(f"water enters at {port} from {when:g} s on: give {port}.T, its temperature in K")


class _Solver:
    """The machine's equations as a DAE along one interval between two points of the given series."""

    def __init__(self, symbols: Symbols, flows: Iterable[str]) -> None:
        layout, kind = symbols.layout, symbols.layout.component.kind
        unknown = [f"{port}.p" for port in flows]
        port_variables = layout.port_variables
        flow_of = {name.removesuffix(".m_flow"): i for i, name in enumerate(layout.port_flows)}
        known_ports = [name for name in port_variables if name not in unknown]
        inputs = [s.name for s in layout.inputs]
        self.given = [*known_ports, *(f"{port}.m_flow" for port in flows), *inputs]
        u, z = ca.SX.sym("u", len(self.given)), ca.SX.sym("z", len(unknown))
        at = dict(zip(self.given, u.elements(), strict=True)) | dict(zip(unknown, z.elements(), strict=True))
        w = ca.vertcat(ca.SX(0, 1), *(at[name] for name in port_variables))
        into = ca.vertcat(ca.SX(0, 1), *(at[name] for name in inputs))

        def along(expression: ca.SX) -> ca.SX:
            return ca.substitute([expression], [symbols.w, symbols.u], [w, into])[0]

        flows_now = along(symbols.flows)
        residual = ca.vertcat(ca.SX(0, 1), *(flows_now[flow_of[port]] - at[f"{port}.m_flow"] for port in flows))
        for port, row in zip(flows, range(len(unknown)), strict=True):
            if not ca.jacobian(residual[row], z).nnz():
                raise BenchError(
                    f"no pressure moves the flow at {port} of this {kind}: it follows from the machine itself; give "
                    f"{port}.p, or leave it open, and read {port}.m_flow from the table"
                )
        self._residual = ca.Function("residual", [symbols.x, z, u], [residual, ca.jacobian(residual, z)])
        everything = ca.vertcat(w, flows_now, into, symbols.x, along(symbols.outputs))
        self._row = ca.Function("row", [symbols.x, z, u], [everything])
        states, outputs = [s.name for s in layout.states], [s.name for s in layout.outputs]
        self.columns = [*port_variables, *layout.port_flows, *inputs, *states, *outputs]
        self._integrator = self._make(symbols, along(symbols.rates), residual, u, z)

    @staticmethod
    def _make(symbols: Symbols, rates: ca.SX, residual: ca.SX, u: ca.SX, z: ca.SX) -> Any:
        """(x0, z0, p = start values, end values, duration) -> (xf, zf), over the time 0..1 of one interval."""
        tau, dt = ca.SX.sym("tau"), ca.SX.sym("dt")
        first, last = ca.SX.sym("first", u.numel()), ca.SX.sym("last", u.numel())
        between = first + tau * (last - first)
        scaled = ca.SX.sym("z", z.numel())  # so that tolerances suit temperatures and pressures
        rates, residual = ca.substitute([rates, residual], [u, z], [between, PRESSURE_SCALE * scaled])
        idle = symbols.x if symbols.x.numel() else ca.SX.sym("idle")
        ode = dt * rates if symbols.x.numel() else ca.SX(0.0)
        problem = {"x": idle, "p": ca.vertcat(first, last, dt), "t": tau, "ode": ode}
        options: dict[str, Any] = {"abstol": 10.0 * TOLERANCE, "reltol": TOLERANCE, "max_num_steps": 100_000}
        if z.numel():
            problem |= {"z": scaled, "alg": residual}
            options["reltol"] = 10.0 * TOLERANCE
        return ca.integrator("bench", "idas" if z.numel() else "cvodes", problem, 0.0, 1.0, options)

    def places(self, names: Iterable[str]) -> list[int]:
        """Where given values lie."""
        return [self.given.index(name) for name in names]

    def consistent(self, x: Array, u: Array, near: Array | None = None) -> Array:
        """The pressures at which the given flows run, by Newton's method with halved steps from ``near`` or from 0."""
        z = np.zeros(self._residual.size1_in(1)) if near is None else near
        if not z.size:
            return z
        size = np.inf
        step = np.zeros_like(z)
        share = 1.0
        for _ in range(NEWTON_ROUNDS):
            error, slope = (np.array(part) for part in self._residual(x, z, u))
            now = float(np.max(np.abs(error)))
            if now < 1e-10 * (1.0 + float(np.max(np.abs(u)))):
                return z
            if now > (1.0 - 0.01 * share) * size:  # went too far, as on a square law: back half of the last step
                share *= 0.5
                z = z - share * step
                continue
            size, share = now, 1.0
            try:
                step = -np.linalg.solve(slope, error).ravel()
            except np.linalg.LinAlgError:
                break
            z = z + step
        raise BenchError("no pressures make these flows: does a closed valve or a stopped machine stand in the way?")

    def advance(self, x: Array, z: Array, first: Array, last: Array, dt: float) -> tuple[Array, Array]:
        """States and unknown pressures ``dt`` seconds later."""
        start = x if x.size else np.zeros(1)
        try:
            end = self._integrator(x0=start, z0=z / PRESSURE_SCALE, p=np.concatenate([first, last, [dt]]))
        except RuntimeError as error:
            raise BenchError(f"the machine cannot be run from here: {str(error).splitlines()[-1]}") from error
        x_end = np.array(end["xf"]).ravel()[: x.size]
        return x_end, self.consistent(x_end, last, PRESSURE_SCALE * np.array(end["zf"]).ravel()) if z.size else z

    def row(self, x: Array, z: Array, u: Array) -> Array:
        """All columns at one instant."""
        return np.array(self._row(x, z, u)).ravel()


def _port_temperature(component: Component, port: Port) -> Signal:
    """What the temperature at a port of a machine may be: at a fluid port that of its liquid, as far as it is one."""
    if isinstance(port, FluidPort) and not port.senses:
        fluid = find_medium(component.medium_at(port.name))
        low, high = fluid.T_min - fluid.T_beyond, fluid.T_max + fluid.T_beyond
        return disturbance(f"{port.name}.T", "K", fluid.name, default=T_UNUSED, lower=low, upper=high)
    return disturbance(f"{port.name}.T", "K", "at the port", default=T_UNUSED)


def _rising(time: ArrayLike) -> Array:
    times = np.atleast_1d(np.asarray(time, dtype=float))
    if times.ndim != 1 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0.0):
        raise BenchError("time is a series of seconds, each later than the one before")
    return times


def _series(name: str, value: ArrayLike, length: int) -> Array:
    values = np.asarray(value, dtype=float)
    if values.ndim > 1 or (values.ndim == 1 and values.size != length):
        raise BenchError(f"{name} is one number, or one for each of the {length} times; found shape {values.shape}")
    if not np.all(np.isfinite(values)):
        raise BenchError(f"{name} holds a value that is not a number")
    return np.broadcast_to(values, (length,)).astype(float)
