"""Random water networks against EPANET (through wntr): flows, heads, none unsolved. 500 of them: benchmarks.epanet."""

import pytest

pytest.importorskip("wntr", reason="wntr, which brings EPANET, is not installed: pip install heatloop[test]")

from benchmarks import epanet
from benchmarks.water_networks import WaterLink, WaterNetwork

HEAD = 1e-3  # m
FLOW = 1e-4  # of the network's largest


def test_random_networks_have_epanets_flows():
    found = epanet.run(40)
    assert len(found) == 40
    assert max(d.head for d in found) < HEAD
    assert max(d.flow for d in found) < FLOW
    assert max(d.rounds for d in found) < 60


def square(**links):
    """Two reservoirs, 50 and 40 m, a square of pipes between them, and what is asked for on its diagonal."""
    net = WaterNetwork({f"j{i}": (d, 5.0) for i, d in enumerate((3.0, 0.0, 8.0, 0.0))}, {"r0": 50.0, "r1": 40.0})
    ends = {"a": ("r0", "j0"), "b": ("j1", "j0"), "c": ("j1", "j2"), "d": ("j3", "j2"), "e": ("j0", "j3")}
    ends["f"] = ("r1", "j2")
    for name, (inlet, outlet) in ends.items():
        net.links.append(WaterLink(name, inlet, outlet, "pipe", 200.0, 150.0, 120.0, 2.0, **links.get(name, {})))
    return net


PUMP = WaterLink("pump", "j3", "j1", "pump", curve=((5.0, 12.0),), speed=0.9)
CASES = {
    "plain, one pipe reversed": (square(), []),
    "check valve open": (square(f={"check_valve": True}), []),
    "check valve shut": (square(a={"check_valve": True}, f={"check_valve": False}), []),
    "closed pipe": (square(b={"closed": True}), []),
    "pump in the mesh": (square(), [PUMP]),
    "pump by three points": (
        square(), [WaterLink("pump", "j3", "j1", "pump", curve=((0.0, 20.0), (5.0, 16.0), (10.0, 4.0)), speed=1.05)],
    ),
    "pump that cannot": (square(), [WaterLink("pump", "j2", "r0", "pump", curve=((5.0, 4.0),))]),
    "throttle valve": (square(), [WaterLink("valve", "j3", "j1", "valve", 0.0, 100.0, 0.0, 400.0)]),
    "closed valve": (square(), [WaterLink("valve", "j3", "j1", "valve", 0.0, 100.0, 0.0, 400.0, closed=True)]),
}  # fmt: skip


@pytest.mark.parametrize(("net", "more"), CASES.values(), ids=CASES.keys())
def test_each_element_as_epanet_has_it(net, more):
    net.links += more
    found = epanet.compare(net)
    assert found.head < 2e-5
    assert found.flow < 1e-5


def test_network_at_rest():
    net = square()
    net.junctions = dict.fromkeys(net.junctions, (0.0, 5.0))
    net.reservoirs = {"r0": 50.0, "r1": 50.0}
    found = epanet.compare(net)
    assert found.head < 1e-5
    assert found.flow < FLOW
