import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.binding import bind, bind_all
from hil.registers.codec import decode, encode
from hil.registers.schema import MapError, RegisterMap
from plant_models.devices import Device, DeviceSpec, expand
from plant_models.signals import Vocabulary, setpoint
from tests.hil import toy_plant as toy

COOLER = RegisterMap.model_validate(toy.COOLER_MAP, context={"require_units": True})


def cooler(**changes):
    return Device(
        **{"name": "cooler", "map": "toy", "host": "127.0.0.1", "port": 1502, "unit": 1, "machine": "cooler",
           "nodes": ("heater",), **changes}
    )  # fmt: skip


def test_points_find_their_signals():
    bound = bind(cooler(), toy.VOCABULARY, COOLER)
    assert set(bound.points) == {"cooler.T_set", "cooler.T", "cooler.Q_flow", "heater.T"}
    assert list(bound.writable) == ["cooler.T_set"]
    renamed = bind(cooler(signals={"T": "heater.T"}, nodes=("cooler",)), toy.VOCABULARY, COOLER)
    assert renamed.points["heater.T"].name == "T"
    assert renamed.points["cooler.T"].name == "node.01.T"


def test_a_site_has_its_own_safe_values():
    bound = bind(cooler(safe={"T_set": "25 degC"}), toy.VOCABULARY, COOLER)
    assert bound.points["cooler.T_set"].safe == pytest.approx(298.15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"machine": "chiller"}, "stands for no signal"),
        ({"nodes": ()}, "has no node"),
        ({"signals": {"T_x": "heater.T"}}, "a point 'T_x' that the map has not"),
        ({"signals": {"T_set": "heater.T"}}, "no set-point"),
        ({"signals": {"T": "heater.P"}}, "unit 'degC' is not a unit of 'W'"),
        ({"safe": {"T_set": "50 degC"}}, "outside the machine's 15 degC .. 45 degC"),
        ({"safe": {"T_set": "25.04 degC"}}, "between two register steps"),
        ({"safe": {"T_set": "25"}}, "expected a quantity in K"),
    ],
)
def test_a_wrong_binding_is_refused(changes, message):
    with pytest.raises(MapError, match=message):
        bind(cooler(**changes), toy.VOCABULARY, COOLER)


VOLUME = {"table": "holding", "type": "uint16", "unit": "m^3/h", "scale": 0.01}


def meter(densities, **flow):
    spec = {
        "id": "meter", "description": "", "partial": True,
        "points": {"V_flow": {"address": 0, **VOLUME, **flow}, "V_held": {"address": 1, **VOLUME},
                   "T": {"address": 2, "table": "holding", "type": "uint16", "unit": "K"}},
    }  # fmt: skip
    map_ = RegisterMap.model_validate(spec, context={"require_units": True})
    device = Device("meter", "meter", "127.0.0.1", 1502, 1, signals={"V_flow": "pump.m_flow"}, densities=densities)
    return bind(device, FLOWS, map_)


FLOWS = Vocabulary([setpoint("pump.m_flow", "kg/s", "flow", default=5.0, lower=0.0, upper=10.0)])
WRITTEN = {"access": "rw", "range": ["0 m^3/h", "40 m^3/h"], "safe": "18 m^3/h", "refresh": "10 s",
           "deadband": "0.05 m^3/h", "rate_limit": "3.6 m^3/h/s", "read_back": "V_held"}  # fmt: skip


def test_a_volume_flow_needs_the_density_of_its_medium():
    with pytest.raises(MapError, match=r"measures volume: state the density .* densities: \{V_flow: 997 kg/m\^3\}"):
        meter({})
    bound = meter({"V_flow": "1030 kg/m^3"})
    point = bound.points["pump.m_flow"]
    assert decode(bound.map, point, [1800], 0.0).value == pytest.approx(18 / 3600 * 1030)
    assert encode(bound.map, point, 18 / 3600 * 1030) == [1800]


def test_everything_that_a_map_says_of_a_flow_is_of_mass_then():
    bound = meter({"V_flow": "1000 kg/m^3"}, **WRITTEN)
    point = bound.writable["pump.m_flow"]
    assert (point.si, point.safe, point.range) == ("kg/s", pytest.approx(5.0), pytest.approx((0.0, 40 / 3.6)))
    assert (point.deadband, point.rate_limit) == (pytest.approx(0.05 / 3.6), pytest.approx(1.0))
    assert point.step == pytest.approx(0.01 / 3.6)
    assert point.show(5.0) == "18 m^3/h"
    (held,) = bound.companions
    assert decode(bound.map, held, [1800], 0.0).value == pytest.approx(5.0)


@settings(deadline=None)
@given(st.floats(700.0, 1200.0), st.integers(0, 4000))
def test_what_a_meter_of_volume_shows_comes_back(density, raw):
    bound = meter({"V_flow": f"{density!r} kg/m^3"})
    point = bound.points["pump.m_flow"]
    assert encode(bound.map, point, decode(bound.map, point, [raw], 0.0).value) == [raw]


@pytest.mark.parametrize(
    ("densities", "message"),
    [
        ({"V_flow": "997"}, "expected a quantity in kg/m"),
        ({"V_flow": "0 kg/m^3"}, "a density is positive and finite"),
        ({"T": "997 kg/m^3"}, "a density belongs to a volume or a volume flow; T is in K"),
        ({"V": "997 kg/m^3"}, "names a point 'V' that the map has not"),
    ],
)
def test_a_density_that_makes_no_sense_is_refused(densities, message):
    with pytest.raises(MapError, match=message):
        meter(densities)


def test_one_writer_for_each_setpoint(tmp_path):
    path = tmp_path / "toy.yaml"
    import yaml

    path.write_text(yaml.safe_dump(toy.COOLER_MAP), encoding="utf-8")
    with pytest.raises(MapError, match=r"cooler\.T_set' would be written at two devices, cooler and other"):
        bind_all([cooler(map=str(path)), cooler(map=str(path), name="other", unit=2)], toy.VOCABULARY)


def test_a_vendors_map_has_more_than_a_site_uses():
    vendor = RegisterMap.model_validate(
        {"id": "v", "description": "", "partial": True, "points": {
            "setpoint": {"address": 0, "table": "holding", "type": "int16", "unit": "degC", "scale": 0.1,
                         "access": "rw", "range": ["0 degC", "60 degC"], "safe": "commissioned"},
            "leaving": {"address": 1, "table": "input", "type": "int16", "unit": "degC",
                        "scale_from": {"point": "scale", "by": "power_of_ten"}},
            "scale": {"address": 2, "table": "input", "type": "int16"},
            "reset": {"address": 3, "table": "holding", "type": "uint16", "access": "w", "kind": "command"},
        }},
        context={"require_units": True},
    )  # fmt: skip
    bound = bind(cooler(signals={"setpoint": "cooler.T_set", "leaving": "cooler.T"}), toy.VOCABULARY, vendor)
    assert set(bound.points) == {"cooler.T_set", "cooler.T"}
    assert list(bound.writable) == ["cooler.T_set"]
    assert bound.points["cooler.T_set"].safe == pytest.approx(303.15)
    assert [point.name for point in bound.companions] == ["scale"]
    with pytest.raises(MapError, match=r"'setpoint' and 'leaving' both stand for 'cooler\.T_set'"):
        bind(cooler(signals={"setpoint": "cooler.T_set", "leaving": "cooler.T_set"}), toy.VOCABULARY, vendor)
    with pytest.raises(MapError, match="'leavin' that the map has not"):
        bind(cooler(signals={"leavin": "cooler.T"}), toy.VOCABULARY, vendor)


MACHINES = [f"cdu.{i:02d}" for i in range(1, 13)] + ["pump"]


def test_an_array_has_a_device_for_each_member():
    devices = expand([DeviceSpec(map="cdu", machines="cdu", port=1502, unit=5)], MACHINES, ())
    assert [d.name for d in devices] == MACHINES[:12]
    assert [d.unit for d in devices] == list(range(5, 17))
    assert devices[2].signal("T_supply") == "cdu.03.T_supply"
    (sensors,) = expand([DeviceSpec(map="s", name="s", nodes=("a", "hall"))], (), ["a", "hall.1", "hall.air", "hall.2"])
    assert sensors.nodes == ("a", "hall.1", "hall.2")
    (one,) = expand([DeviceSpec(map="cdu", machines="cdu.04", name="gateway")], MACHINES, ())
    assert (one.name, one.machine, one.address) == ("gateway", "cdu.04", "127.0.0.1:502 unit 1")


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([{"map": "m", "machines": "cdv"}], "no machine or array 'cdv'"),
        ([{"map": "m", "name": "s", "nodes": ["fws.suply"]}], "no node 'fws.suply'; did you mean fws.supply"),
        ([{"map": "m", "machines": "cdu", "unit": 240}], "would be unit 248"),
        ([{"map": "m", "machines": "cdu"}, {"map": "m", "machines": "pump", "unit": 3}], "same address"),
        ([{"map": "m", "machines": "pump"}, {"map": "m", "name": "pump", "unit": 3}], "same name"),
    ],
)
def test_wrong_devices_are_refused(specs, message):
    with pytest.raises(ValueError, match=message):
        expand([DeviceSpec(**spec) for spec in specs], MACHINES, ["fws.supply"])


def test_a_device_needs_a_name():
    with pytest.raises(ValueError, match="needs a name"):
        DeviceSpec(map="m")
