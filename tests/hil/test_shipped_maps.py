"""Every machine of a shipped site can be put on the bus: its set-points and what is measured have registers."""

from pathlib import Path

import pytest

from hil.binding import bind, bind_all
from hil.registers.files import shipped_maps
from plant_models.devices import Device, expand
from plant_models.plant import Plant
from plant_models.signals import Role
from plant_models.site import list_sites, load_site

UNMEASURED = ("integral", "rack.", "cell.", "water.")
"""insides of machines"""
BARE = ("pipe", "check_valve")
"""machines without instruments of their own: sensors sit in the nodes"""
TWO_FLOORS = str(Path(__file__).parents[2] / "examples" / "sites" / "two_floors.yaml")
SITES = [*list_sites(), TWO_FLOORS]


def measured(component):
    """Set-points, states and outputs that an instrument can show; balance terms with no account are none."""
    for signal in component.signals():
        internal = any(part in signal.name for part in UNMEASURED)
        term = signal.boundary is not None and signal.account is None
        if not internal and not term and (signal.role in (Role.INPUT, Role.STATE, Role.OUTPUT)):
            yield signal.name


@pytest.fixture(scope="module", params=SITES)
def plant(request):
    return Plant(load_site(request.param))


def test_every_setpoint_and_measured_output_has_a_point(plant):
    for name, component in plant.components.items():
        if component.kind in BARE:
            continue
        assert component.kind in shipped_maps(), name
        bound = bind(Device(name, component.kind, "127.0.0.1", 1502, 1, name), plant.vocabulary)
        missing = [s for s in measured(component) if f"{name}.{s}" not in bound.points]
        assert not missing, f"{name}: {missing}"
        inputs = {f"{name}.{s.name}" for s in component.signals() if s.role is Role.INPUT}
        assert set(bound.writable) == inputs


def test_commissioned_and_bounds_of_every_setpoint_fit_the_registers(plant):
    for name, component in plant.components.items():
        if component.kind in BARE:
            continue
        bound = bind(Device(name, component.kind, "127.0.0.1", 1502, 1, name), plant.vocabulary)
        for signal, point in bound.writable.items():
            known = plant.vocabulary[signal]
            assert isinstance(point.safe, float)
            assert known.lower <= point.safe <= known.upper
            for value in (known.default, known.lower, known.upper):
                point.check_value(value, signal)


def test_the_sites_devices_bind_and_take_every_setpoint(plant):
    site = plant.site
    if not site.devices:
        pytest.skip(f"site {site.name} has no devices")
    devices = expand(site.devices, list(plant.components), [node.name for node in plant.nodes])
    bound = bind_all(devices, plant.vocabulary)
    written = {signal for device in bound for signal in device.writable}
    assert written == {s.name for s in plant.vocabulary.role(Role.INPUT)}
    measured_nodes = {signal for device in bound for signal in device.points}
    assert {f"{node.name}.T" for node in plant.nodes} <= measured_nodes
    assert {"weather.T_dry", "weather.T_wet", "market.price_electricity"} <= measured_nodes
