"""What every machine is held to, whatever it is: balances, one text for numbers and symbols, finite derivatives."""

from collections.abc import Iterator, Mapping

import casadi as ca
import numpy as np
from scipy.integrate import solve_ivp

from plant_models.component import Component, FluidPort
from plant_models.signals import Role


def start(component: Component, **changes: float) -> dict[str, float]:
    """Defaults, all ports at 30 °C and 1 bar, then ``changes`` (dots written as double underscores)."""
    v = component.defaults()
    for port in component.ports:
        v[f"{port.name}.T"] = 303.15
        if isinstance(port, FluidPort):
            v[f"{port.name}.p"] = 1e5
    for name, value in changes.items():
        key = name.replace("__", ".")
        assert key in v, key
        v[key] = value
    return v


def random_points(component: Component, count: int, seed: int = 0) -> Iterator[dict[str, float]]:
    """Port temperatures 5..60 °C, pressure differences of both signs, signals within their bounds."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        v = start(component)
        for signal in component.signals():
            if signal.role is Role.OUTPUT:
                continue
            span = 20.0 if signal.unit == "K" else 0.3
            lower = max(signal.lower, signal.default - span)
            upper = min(signal.upper, signal.default + span)
            if signal.name not in ("weather.p",):
                v[signal.name] = rng.uniform(lower, upper)
        for port in component.ports:
            v[f"{port.name}.T"] = rng.uniform(278.15, 333.15)
            if isinstance(port, FluidPort):
                v[f"{port.name}.p"] = rng.uniform(0.0, 2e5)
        if "weather.T_dry" in v:
            v["weather.T_dry"] = rng.uniform(253.15, 318.15)
            v["weather.T_wet"] = v["weather.T_dry"] - rng.uniform(0.2, 1.0)
        yield v


def assert_balances(component: Component, v: Mapping[str, float]) -> None:
    """Stored energy and mass change by what crosses ports and boundary, to 1e-9."""
    e = component.equations(v)
    signals = {s.name: s for s in component.signals()}
    for quantity, unit in (("energy", 1e3), ("mass", 1e-3)):
        stored = [float(rate) * getattr(signals[name], quantity) for name, rate in e.rates.items()]
        ports = [
            float(value)
            for name, value in e.flows.items()
            if name.endswith(("H_flow", "Q_flow") if quantity == "energy" else ("m_flow",))
        ]
        boundary = [float(value) for name, value in e.outputs.items() if signals[name].boundary == quantity]
        scale = unit + max(map(abs, stored + ports + boundary), default=0.0)
        assert abs(sum(stored) - sum(ports) - sum(boundary)) < 1e-9 * scale, quantity


def symbolic(component: Component) -> tuple[list[str], list[str], ca.Function]:
    """Names of all variables, names of all answers, and the Function (values) -> (answers, Jacobian)."""
    names = list(start(component))
    x = ca.SX.sym("x", len(names))
    e = component.equations(dict(zip(names, x.elements(), strict=True)))
    answers = {**e.rates, **e.flows, **e.outputs}
    out = ca.vertcat(*answers.values())
    return names, list(answers), ca.Function("f", [x], [out, ca.jacobian(out, x)])


def assert_symbols_agree(component: Component, points: Iterator[dict[str, float]]) -> None:
    """CasADi gives what NumPy gives, and finite derivatives, at every point."""
    names, answers, f = symbolic(component)
    for v in points:
        e = component.equations(v)
        expected = {**e.rates, **e.flows, **e.outputs}
        values, slopes = (np.array(a) for a in f(ca.DM([v[n] for n in names])))
        for name, value in zip(answers, values.ravel(), strict=True):
            assert np.isfinite(value), name
            assert abs(value - float(expected[name])) <= 1e-9 * (1.0 + abs(value)), name
        bad = np.argwhere(~np.isfinite(slopes))
        assert not bad.size, [(answers[i], names[j]) for i, j in bad]


def settle(component: Component, v: Mapping[str, float], hours: float = 6.0) -> dict[str, float]:
    """The states after ``hours`` with everything else held."""
    names = [s.name for s in component.signals() if s.role is Role.STATE]

    def rates(_: float, x: np.ndarray) -> list[float]:
        e = component.equations({**v, **dict(zip(names, x, strict=True))})
        return [float(e.rates[n]) for n in names]

    run = solve_ivp(
        rates, (0.0, hours * 3600.0), [v[n] for n in names], method="BDF", max_step=300.0, rtol=1e-7, atol=1e-9
    )
    assert run.success, run.message
    return {**v, **dict(zip(names, run.y[:, -1].tolist(), strict=True))}
