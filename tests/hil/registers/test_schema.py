import pytest
import yaml
from pydantic import ValidationError

from hil.registers.files import load_map, shipped_maps
from hil.registers.schema import MapError, RegisterMap, Table, si_conversion

GOOD = {
    "id": "valve",
    "description": "a valve",
    "watchdog": {"timeout": "120 s"},
    "points": {
        "y_set": {
            "address": 0, "table": "holding", "type": "uint16", "unit": "percent", "scale": 0.01, "access": "rw",
            "range": [0, 1], "safe": 0.5, "deadband": 0.005, "refresh": "40 s",
        },
        "y": {"address": 4, "table": "input", "type": "uint16", "unit": "percent", "scale": 0.01},
        "T": {"address": 5, "table": "input", "type": "float32", "unit": "degC", "range": ["-20 degC", "120 degC"]},
    },
}  # fmt: skip


def changed(point=None, /, **changes):
    data = {**GOOD, "points": {name: dict(spec) for name, spec in GOOD["points"].items()}}
    if point is None:
        return {**data, **changes}
    data["points"].setdefault(point, {}).update(changes)
    return data


def load(tmp_path, data):
    path = tmp_path / "valve.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return load_map(path)


def test_a_good_map_is_si_inside(tmp_path):
    map_ = load(tmp_path, GOOD)
    assert map_["T"].range == pytest.approx((253.15, 393.15))
    assert map_["y_set"].safe == 0.5
    assert map_["y_set"].step == pytest.approx(1e-4)
    assert map_["y_set"].refresh == 40.0
    assert map_["T"].table is Table.INPUT


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed("T", address=4), "T overlaps y at input 4"),
        (changed("y", address=6), "overlaps"),
        (changed("y_set", safe=1.2), "outside the range 0 percent .. 100 percent"),
        (changed("y_set", safe=0.33333), "lies between two register steps, 33.33 percent and 33.34 percent"),
        (changed("y_set", scale=0.001), "100 percent does not fit uint16"),
        (changed("y_set", safe=None), "needs a safe value"),
        (changed("y_set", range=None), "needs a range"),
        (changed("y_set", refresh=None), "needs a refresh time"),
        (changed("y_set", refresh="90 s"), "leaves no room for a lost write"),
        (changed("y_set", refresh=40), "has no unit"),
        (changed("y_set", deadband=1e-5), "finer than the register's step"),
        (changed("y_set", table="input"), "table input cannot be written"),
        (changed("y", safe=0.5), "belong to a writable point"),
        (changed("T", range=["50 degC", "20 degC"]), "must be below the highest"),
        (changed("T", range=["5 bar", "20 degC"]), "expected a quantity in K"),
        (changed("T", unit="candela"), "none of the vocabulary's quantities"),
        (changed("T", unit="degX"), "unknown unit 'degX'"),
        (changed("y", sentinels="x"), "points.y.sentinels"),
        (changed("y", bits=3), "belongs to the types bit and packed"),
        (changed("y", type="bit", scale=1), "need"),
        (changed("y", type="bit", scale=1, bits=[3, 4]), "a bit is one bit"),
        (changed("y", type="packed", bits=[9, 16]), "counted from 0 to 15"),
        (changed("y", count=3), "count belongs to a string"),
        (changed("y", enum={0: "off"}), "without scale, offset and unit"),
        (changed("y", scale=1, unit="1", flags={16: "hot"}), "bit 16 is not in 0..15"),
        (changed("y", scale=1, unit="1", enum={0: "off"}, flags={0: "hot"}), "not both"),
        (changed("y", scale=1, unit="1", enum={70000: "off"}), "70000 does not fit uint16"),
        (changed("y_set", kind="command", type="string"), "a string is never written"),
        (changed("y_set", self_clearing=True), "what clears itself is a command"),
        (changed("y_set", write_range=[0, 0.4]), "safe value 50 percent is outside the range 0 percent .. 40 percent"),
        (changed("y_set", write_interval="60 s"), "shorter than the least time between two writes"),
        (changed("y_set", rate_limit="0.1"), "expected a change per s, min or h"),
        (changed("y_set", read_back="z"), "read_back names a point 'z' that the map has not"),
        (changed("y_set", read_back="T"), "read_back 'T' is in K, not in 1"),
        (changed("y_set", volatile_if={"z": 1}), "volatile_if: z: the map has no such point"),
        (changed("y", alias_of="T"), "alias_of 'T' is another register"),
        (changed("y", scale_from={"point": "z"}), "scale_from names a point 'z'"),
        (changed("y", unit_from={"point": "T", "units": {0: "degX"}}), "unknown unit 'degX'"),
        (changed("y", poll="slow"), "no poll group 'slow'"),
        (changed("T", deadband="1 K"), "belong to a writable point"),
        (changed(settings={"y": 2, "z": 0}), "settings: z: the map has no such point"),
        (changed(settings={"T": "5 bar"}), "settings: T: expected a quantity in K"),
        (changed(permissions={"T": "5 degC"}), "permissions: T cannot be written"),
        (changed(identity=[{"point": "T"}]), "needs equals, one_of or contains"),
        (changed(watchdog={"timeout": "120 s", "status": "z"}), "status names a point 'z'"),
        (changed(watchdog={"timeout": "120 s", "fed_by": "heartbeat"}), "belong together"),
        (changed(inferred=["wordorder"]), "'wordorder' is no key of a device"),
        (changed("T", colour="red"), "points.T.colour: unknown key"),
        (changed("T", type="int24"), "points.T.type"),
        (changed("T", address=65535), "beyond 65535"),
        (changed("T", scale=0), "scale must be finite and not 0"),
        (changed("y", table="discrete"), "a discrete holds a bool"),
        (changed(forbidden=[["input", 6, 9]]), "T lies in the forbidden range input 6..9"),
        (changed(longest_read=1), "the longest read is 1"),
        (changed(points={}), "points"),
    ],
)
def test_a_broken_map_is_refused_with_its_reason(tmp_path, data, message):
    with pytest.raises(MapError) as error:
        load(tmp_path, data)
    assert message in str(error.value)
    assert "valve.yaml" in str(error.value)


def test_a_name_twice():
    point = {"name": "a", "table": "input", "type": "int16"}
    with pytest.raises(ValidationError, match="declared twice"):
        RegisterMap.model_validate(
            {"id": "m", "description": "", "points": [{**point, "address": 0}, {**point, "address": 1}]}
        )


def test_files_that_are_no_map(tmp_path):
    with pytest.raises(MapError, match="no register map 'nothing'"):
        load_map("nothing")
    path = tmp_path / "a.yaml"
    path.write_text("[1, 2")
    with pytest.raises(MapError, match="not YAML"):
        load_map(path)
    path = tmp_path / "b.yaml"
    path.write_text("3")
    with pytest.raises(MapError, match="expected a mapping"):
        load_map(path)


@pytest.mark.parametrize(
    ("unit", "si"),
    [("degC", ("K", 1.0, 273.15)), ("kPa", ("Pa", 1000.0, 0.0)), ("t/h", ("kg/s", 1 / 3.6, 0.0)),
     ("percent", ("1", 0.01, 0.0)), ("EUR/MWh", ("EUR/J", 1 / 3.6e9, 0.0)), ("kWh", ("J", 3.6e6, 0.0))],
)  # fmt: skip
def test_units(unit, si):
    assert si_conversion(unit)[0] == si[0]
    assert si_conversion(unit)[1:] == pytest.approx(si[1:])


@pytest.mark.parametrize("name", shipped_maps())
def test_shipped_maps_load_and_say_where_they_come_from(name):
    map_ = load_map(name)
    assert map_.id == name
    assert map_.description
    assert map_.source
    assert all(point.description for point in map_.points)


def test_addresses_printed_from_one_are_the_telegrams_plus_one(tmp_path):
    map_ = load(tmp_path, changed("y_set", address=1) | {"address_base": 1, "forbidden": [["input", 20, 22]]})
    assert [point.address for point in map_.points] == [0, 3, 4]
    assert map_.forbidden == ((Table.INPUT, 19, 21),)


def test_every_mistake_is_told_with_its_line(tmp_path):
    data = changed("T", address=4)
    data["points"]["y"]["poll"] = "slow"
    with pytest.raises(MapError) as error:
        load(tmp_path, data)
    lines = str(error.value).splitlines()
    text = (tmp_path / "valve.yaml").read_text().splitlines()
    assert [text[int(line.split(":")[1]) - 1].strip() for line in lines] == ["address: 4", "poll: slow"]


def test_a_name_twice_in_the_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("id: m\ndescription: x\npoints:\n  a: {address: 0}\n  a: {address: 1}\n", encoding="utf-8")
    with pytest.raises(MapError, match=r"a\.yaml:5: 'a' stands twice"):
        load_map(path)


def test_required_settings_are_si_and_take_names():
    map_ = RegisterMap.model_validate(
        {
            "id": "m", "description": "", "settings": {"mode": "flow", "bits": ["remote", "on"]},
            "watchdog": {"timeout": "10 s", "fed_by": "request", "settings": {"lag": "2 s"}},
            "points": {
                "mode": {"address": 0, "table": "holding", "type": "uint16", "enum": {0: "position", 1: "flow"}},
                "bits": {"address": 1, "table": "holding", "type": "uint16", "flags": {0: "remote", 3: "on"}},
                "lag": {"address": 2, "table": "holding", "type": "uint16", "unit": "ms", "scale": 100},
            },
        },
        context={"require_units": True},
    )  # fmt: skip
    assert map_.required() == {"mode": 1.0, "bits": 9.0, "lag": 2.0}
