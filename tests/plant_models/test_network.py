"""The network solver alone: laws of Kirchhoff, hand calculations, isolated parts, changes, errors."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.water_networks import ours, random_network
from plant_models import hydraulics as hy
from plant_models.hydraulics.pump_curve import PumpCurve
from plant_models.network import (
    Fluid,
    HazenWilliamsPipe,
    Network,
    NetworkError,
    Pipe,
    PowerCurvePump,
    PressureIndependentValve,
    Pump,
    Resistance,
    Valve,
    drop,
)

CURVE = PumpCurve.from_points((0.0, 10.0, 20.0, 30.0), (3e5, 2.9e5, 2.5e5, 1.7e5))
ELEMENTS = [
    Pipe(100.0, 0.1),
    HazenWilliamsPipe(100.0, 0.1, K=3.0),
    Resistance(500.0, 1.5),
    Valve(0.05, 0.4, "equal_percentage"),
    Valve(0.05, 0.4, "quick_opening"),
    PressureIndependentValve(0.1, 8.0),
    Pump(CURVE, 0.8),
    PowerCurvePump(2e5, 150.0, 1.8, 0.7),
]


def pair(element, *, p=3e5, **more):
    """An element between two held pressures, 3 and 1 bar unless told."""
    net = Network()
    net.pressure("a", p)
    net.pressure("b", 1e5)
    net.link("x", "a", "b", element, **more)
    return net


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("p", [3e5, 1.001e5, 1e5, 0.5e5, -4e5])
def test_one_element_meets_its_own_law(element, p):
    found = pair(element, p=p).solve()
    assert drop(element, found.m_flow["x"]) == pytest.approx(p - 1e5, rel=1e-9, abs=1e-4)


def test_flow_by_hand():
    net = Network(Fluid(rho=1000.0, mu=1e-3))
    net.pressure("tank", 0.0, z=20.0)
    net.node("tap", z=5.0, m_flow=-3.0)
    net.link("hose", "tank", "tap", Resistance(1e4))
    found = net.solve()
    assert found.m_flow["hose"] == pytest.approx(3.0)
    assert found.p["tap"] == pytest.approx(15.0 * 9.80665e3 - 9e4)  # 15 m of water less 1e4 · 3²


def test_square_law_resistances_in_parallel_and_series():
    net = Network()
    net.pressure("a", 2e5)
    net.pressure("c", 1e5)
    net.node("b")
    for name, k in (("1", 0.01), ("2", 0.03)):
        net.link(name, "a", "b", Valve(k))
    net.link("3", "b", "c", Valve(0.02))
    k = hy.series(0.04, 0.02)
    assert net.solve().m_flow["3"] == pytest.approx(k * math.sqrt(1e5), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), pipes=st.integers(5, 120), special=st.floats(0, 1), still=st.booleans())
def test_every_network_balances_and_every_link_meets_its_law(seed, pipes, special, still):
    net = ours(random_network(seed, pipes, meshed=0.6, reservoirs=2, special=special, still=still, sources=True))
    found = net.solve()
    into = dict.fromkeys(net.nodes, 0.0)
    largest = max(abs(m) for m in found.m_flow.values())
    for name, link in net.links.items():
        into[link.inlet] -= found.m_flow[name]
        into[link.outlet] += found.m_flow[name]
        head = [found.p[end] + net.fluid.rho * hy.GRAVITY * net.nodes[end].z for end in (link.inlet, link.outlet)]
        if link.open and not link.one_way:
            assert drop(link.element, found.m_flow[name]) == pytest.approx(head[0] - head[1], rel=1e-6, abs=0.1)
        if not link.open:
            assert found.m_flow[name] == 0.0
    for name, node in net.nodes.items():
        if node.p is None:
            assert into[name] + node.m_flow == pytest.approx(0.0, abs=1e-9 * max(largest, 1.0))


def ring():
    """A tank, a pump, two consumers on a ring, a second way back."""
    net = Network()
    net.pressure("tank", 1e5)
    for name in ("out", "north", "south"):
        net.node(name)
    net.link("pump", "tank", "out", Pump(CURVE), one_way=True)
    net.link("n1", "out", "north", Pipe(50.0, 0.1))
    net.link("s1", "out", "south", Pipe(50.0, 0.1))
    net.link("cross", "north", "south", Pipe(50.0, 0.08))
    net.link("n2", "north", "tank", Valve(0.03))
    net.link("s2", "south", "tank", Valve(0.03, 0.2))
    return net


def test_changes_are_followed_cold_and_warm():
    net = ring()
    first = net.solve()
    assert first.m_flow["cross"] < 0  # more is taken in the north
    net.change("n2", element=Valve(0.03, 0.1))
    second = net.solve()
    assert second.m_flow["cross"] > 0
    net.change("n2", element=Valve(0.03))
    assert net.solve().flows == pytest.approx(first.flows, rel=1e-7, abs=1e-9)
    net.change("tank", p=2e5)
    lifted = net.solve(warm=False)
    assert lifted.p["north"] == pytest.approx(first.p["north"] + 1e5, rel=1e-7)
    write = net.valve_writer(["n2", "s2"])
    write([0.1, 0.2])
    assert net.solve().flows == pytest.approx(second.flows, rel=1e-7, abs=1e-9)
    net.change("north", m_flow=2.0)
    found = net.solve()
    out = found.m_flow
    assert out["n1"] + 2.0 == pytest.approx(out["cross"] + out["n2"])


def test_pumps_side_by_side_share_and_a_stopped_one_holds():
    net = ring()
    one = net.solve().m_flow["pump"]
    net.link("pump 2", "tank", "out", Pump(CURVE), one_way=True)
    both = net.solve()
    assert both.m_flow["pump"] == pytest.approx(both.m_flow["pump 2"])
    assert both.m_flow["pump"] + both.m_flow["pump 2"] > one
    net.change("pump 2", element=Pump(CURVE, 0.0))
    stopped = net.solve()
    assert stopped.holding == ("pump 2",)
    assert stopped.m_flow["pump"] == pytest.approx(one, rel=1e-6)
    assert abs(stopped.m_flow["pump 2"]) < 1e-5


def test_pressure_independent_valves_hold_while_the_pump_can():
    net = ring()
    for name in ("n2", "s2"):
        net.links.pop(name)
    net.link("n", "north", "tank", PressureIndependentValve(0.02, 4.0))
    net.link("s", "south", "tank", PressureIndependentValve(0.02, 4.0))
    full = net.solve()
    assert full.m_flow["n"] == pytest.approx(4.0, rel=0.1)
    net.change("pump", element=Pump(CURVE, 0.9))
    assert net.solve().m_flow["n"] == pytest.approx(full.m_flow["n"], rel=0.02)
    net.change("pump", element=Pump(CURVE, 0.05))
    assert net.solve().m_flow["n"] < 2.0


def test_parts_without_a_reference_are_reported_not_singular():
    net = ring()
    net.node("closed loop 1")
    net.node("closed loop 2")
    net.link("loop pump", "closed loop 1", "closed loop 2", Pump(CURVE))
    net.link("loop pipe", "closed loop 2", "closed loop 1", Pipe(100.0, 0.1))
    net.node("left alone")
    net.link("shut", "left alone", "north", Pipe(10.0, 0.1), open=False)
    found = net.solve()
    assert found.isolated == (("closed loop 1", "closed loop 2"), ("left alone",))
    assert math.isnan(found.p["left alone"])
    assert found.m_flow["shut"] == 0.0
    m_flow = found.m_flow["loop pump"]
    assert m_flow == pytest.approx(found.m_flow["loop pipe"])
    assert CURVE.dp(m_flow) == pytest.approx(float(drop(Pipe(100.0, 0.1), m_flow)), rel=1e-6)
    net.change("shut", open=True)
    assert not math.isnan(net.solve().p["left alone"])


def branch(*, compiled=False):
    """Pipe, two like pipes, valve, pipe laid the other way, all in a row; one flow."""
    net = Network(compiled=compiled)
    net.pressure("a", 3e5)
    for name in "bcde":
        net.node(name, z=1.0)
    net.pressure("f", 1e5)
    net.link("1", "a", "b", Pipe(20.0, 0.08))
    net.link("2", "b", "c", Pipe(20.0, 0.08))
    net.link("3", "c", "d", Valve(0.03))
    net.link("4", "e", "d", Pipe(20.0, 0.08))
    net.link("5", "e", "f", PowerCurvePump(1e5, 300.0))
    return net


@pytest.mark.parametrize("compiled", [False, True])
def test_links_in_a_row_are_one_and_every_one_meets_its_law(compiled):
    net = branch(compiled=compiled)
    for change in (
        {}, {"name": "2", "element": Pipe(40.0, 0.08)}, {"name": "3", "element": Valve(0.03, 0.3)},
        {"name": "c", "m_flow": -2.0}, {"name": "c", "z": 3.0}, {"name": "c", "m_flow": 0.0},
    ):  # fmt: skip
        if change:
            net.change(**change)
        found = net.solve()
        for name, link in net.links.items():
            head = [found.p[end] + net.fluid.rho * hy.GRAVITY * net.nodes[end].z for end in (link.inlet, link.outlet)]
            assert drop(link.element, found.m_flow[name]) == pytest.approx(head[0] - head[1], rel=1e-6, abs=0.1)
        assert found.m_flow["5"] == pytest.approx(-found.m_flow["4"])
        assert found.m_flow["1"] == pytest.approx(found.m_flow["3"] - net.nodes["c"].m_flow)
    net.change("3", open=False)
    stopped = net.solve()
    assert stopped.m_flow["1"] == stopped.m_flow["3"] == 0.0
    assert stopped.p["b"] == pytest.approx(3e5 - net.fluid.rho * hy.GRAVITY)
    assert stopped.p["e"] == pytest.approx(1e5 - 1e5 - net.fluid.rho * hy.GRAVITY, rel=1e-3)  # it draws, up to its head


def test_valve_writer_survives_a_rebuilt_network():
    net = ring()
    write = net.valve_writer(["n2", "s2"])
    write([0.5, 0.6])
    before = net.solve().flows
    net.node("x")
    assert net.solve().flows == pytest.approx(before, rel=1e-9)
    net.change("s2", element=Valve(0.03, 0.2))
    net.change("x", z=1.0)
    fresh = ring()
    fresh.change("n2", element=Valve(0.03, 0.5))
    assert net.solve().flows == pytest.approx(fresh.solve().flows, rel=1e-7)


def test_compiled_and_interpreted_agree():
    for make in (ring, branch):
        plain, compiled = make(), make()
        compiled.compiled = True
        assert compiled.solve().flows == pytest.approx(plain.solve().flows, rel=1e-10, abs=1e-10)


def test_what_cannot_be_is_said_in_the_plants_words():
    net = ring()
    with pytest.raises(NetworkError, match="did you mean north"):
        net.link("x", "nort", "south", Pipe(1.0, 0.1))
    with pytest.raises(NetworkError, match="already"):
        net.node("north")
    with pytest.raises(NetworkError, match="begins and ends"):
        net.link("x", "north", "north", Pipe(1.0, 0.1))
    with pytest.raises(NetworkError, match="must be a number"):
        net.node("x", m_flow=math.nan)
    with pytest.raises(NetworkError, match="no node or link"):
        net.change("south pole", m_flow=1.0)
    with pytest.raises(NetworkError, match="holds its pressure"):
        net.change("tank", m_flow=1.0)
    with pytest.raises(NetworkError, match="element and open"):
        net.change("n1", length=1.0)
    with pytest.raises(NetworkError, match="not a valve"):
        net.valve_writer(["n1"])
    with pytest.raises(NetworkError, match=r"in 0\.\.1"):
        net.valve_writer(["n2", "s2"])([0.5, 2.0])
    with pytest.raises(NetworkError, match="at least one link"):
        Network().solve()
    for bad, message in (
        (lambda: Pipe(-1.0, 0.1), "positive length"),
        (lambda: Pipe(1.0, 0.1, K=-1.0), "not negative"),
        (lambda: HazenWilliamsPipe(1.0, 0.1, C=0.0), "positive C"),
        (lambda: Resistance(1.0, 0.5), "exponent"),
        (lambda: Valve(1.0, 1.5), "opening"),
        (lambda: Pump(CURVE, -1.0), "speed"),
        (lambda: PowerCurvePump(1.0, 1.0, 0.5), "exponent"),
        (lambda: PressureIndependentValve(1.0, 0.0), "m_flow_set"),
    ):
        with pytest.raises(ValueError, match=message):
            bad()


def test_flow_with_nowhere_to_go():
    net = ring()
    net.node("cellar", m_flow=-1.0)
    net.link("to cellar", "north", "cellar", Pipe(10.0, 0.1), open=False)
    with pytest.raises(NetworkError, match="-1 kg/s from outside into cellar, but no open way"):
        net.solve()
    net.change("to cellar", open=True)
    assert net.solve().m_flow["to cellar"] == pytest.approx(1.0)
    net = ring()
    net.node("cellar", m_flow=-1.0)
    net.link("wrong way", "cellar", "north", Pipe(10.0, 0.1), one_way=True)
    with pytest.raises(NetworkError, match="wrong way is one-way from cellar to north"):
        net.solve()


def test_solution_tells_numpy_and_names_alike():
    found = ring().solve()
    assert list(found.p.values()) == list(found.pressures)
    assert dict(zip(found.links, found.flows, strict=True)) == found.m_flow
    assert np.all(np.isfinite(found.pressures))
