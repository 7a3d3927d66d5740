import pytest
import yaml
from pydantic import ValidationError

from hil.registers.schema import MapError, RegisterMap, Table, load_map, shipped_maps, si_conversion

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
        (changed("T", unit="furlong"), "none of the vocabulary's quantities"),
        (changed("T", unit="degX"), "unknown unit 'degX'"),
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
