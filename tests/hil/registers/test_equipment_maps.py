"""Maps of real equipment: facts as their sources have them, and what their points mean at the wire."""

import csv
import re
from pathlib import Path

import pytest

from hil.binding import bind
from hil.registers.codec import decode, encode
from hil.registers.files import load_map, shipped_maps
from hil.registers.parts import Table
from plant_models.devices import Device
from tests.hil.toy_plant import VOCABULARY

TABLES = Path(__file__).parents[4] / "shared" / "register_maps"
EQUIPMENT = [name for name in shipped_maps() if load_map(name).partial]

# name of the equipment at the beginning of a row of the tables -> map
OWNER = {
    "Trane RTHD": "trane_rthd", "Trane CVGE": "trane_cvge", "Trane": "trane_rthd", "Carrier 23XRV": "carrier_23xrv",
    "Liebert": "liebert_hpc", "ThermalCare": "thermalcare_accuchiller", "DCD": "liebert_dcd",
    "CDU-TW": "cdu_offset_coded", "Kamstrup": "kamstrup_multical", "MAG-11": "mag11_heat_meter",
    "ULTRA-E-F": "equysis_ultra",
}  # fmt: skip
OWNER_OF_FILE = {
    "drive_danfoss_vlt_fc": "danfoss_vlt", "fan_ebmpapst_ec": "ebmpapst_ec", "io_beckhoff_watchdog": "beckhoff_coupler",
    "pump_grundfos_cim": "grundfos_cim", "pump_imp_nmt_taco": "imp_nmt", "valve_belimo": "belimo_actuator",
    "heatpump_lambda": "lambda_heat_pump", "meta_ocp_aalc_rpu": "orv3_rpu",
}  # fmt: skip
LEFT_OUT = ("Carrier 30XV", "Kamstrup heat energy E1")  # no type, or one that is not plain
FUNCTION = {"1": Table.COIL, "2": Table.DISCRETE, "3": Table.HOLDING, "4": Table.INPUT, "6": Table.HOLDING,
            "16": Table.HOLDING}  # fmt: skip


def rows():
    for path in sorted(TABLES.glob("*.csv")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        for row in csv.DictReader(lines):
            if row.get("group") != "CLIMATE_TEMPLATES" and not row["name"].startswith(LEFT_OUT[0]):
                yield path.stem, row


def telegram(row) -> tuple[Table, int]:
    """Table and address from 0 of a row, by what it prints."""
    table = FUNCTION[(row.get("fc") or "3").split("/")[0]]
    number = int(row["address"], 0)
    if "addr_base" in row and (
        row["address"][0] in "134" and len(row["address"]) == 5 and not row["address"].startswith("0x")
    ):
        number %= 10000
    return table, number - int(row.get("addr_base") or 0)


@pytest.mark.skipif(not TABLES.is_dir(), reason="the tables of public manuals are not beside the project")
def test_addresses_types_and_scales_are_those_of_the_manuals():
    seen = 0
    for stem, row in rows():
        if row["name"] == LEFT_OUT[1]:
            continue
        name = OWNER_OF_FILE.get(stem) or next(m for start, m in OWNER.items() if row["name"].startswith(start))
        map_ = load_map(name)
        table, address = telegram(row)
        found = [p for p in map_.points if p.table == table and address in p.span]
        assert found, f"{name}: nothing at {table} {address} ({row['name']})"
        seen += 1
        point = found[0]
        declared = row.get("type") or row.get("data_type") or ""
        if declared.startswith(("uint", "int", "float")) and point.type != "uint64":
            assert {declared} & {p.type for p in found} or point.enum or point.type == "bool", f"{name}.{point.name}"
        if re.fullmatch(r"0\.\d+", row["scale"] or ""):
            assert point.scale == float(row["scale"]), f"{name}.{point.name}"
        if "(inferred" in ",".join(filter(None, row.values())):
            assert all(p.inferred for p in found), f"{name}.{point.name}"
    assert seen > 450


@pytest.mark.parametrize("name", EQUIPMENT)
def test_equipment_says_where_it_is_from_and_can_be_written_safely(name):
    map_ = load_map(name)
    assert map_.source
    assert map_.manufacturer or map_.model
    for point in map_.points:
        assert point.description
        if point.is_setpoint:
            assert point.refresh is not None
            assert point.safe is not None


@pytest.mark.parametrize(
    ("name", "point", "registers", "expected", "others"),
    [
        # 16384 is 100 % (Danfoss), 64000 is 100 % (ebm-papst), raw 3365 is 36.5 degC (offset coding)
        ("danfoss_vlt", "speed", [8192], 0.5, None),
        ("ebmpapst_ec", "y_set", [64000], 1.0, None),
        ("cdu_offset_coded", "T_supply_set", [3365], 273.15 + 36.5, None),
        ("cdu_offset_coded", "y_pump", [3080], 0.8, None),
        # low word first, unit by register 118: 123456 * 0.001 l/s
        ("belimo_actuator", "V_flow", [0xE240, 0x0001], 0.123456, {"flow_unit": 2}),
        # a differential pressure sensor of 0..6 bar: register 209 reads bar
        ("grundfos_cim", "feedback_max", [6], 6e5, {"feedback_unit": 0}),
        ("imp_nmt", "P_el", [0x0001, 0x0000], 65536.0, None),
        ("mag11_heat_meter", "energy", [0, 0, 0, 1000], 3.6e6, None),
        ("lambda_heat_pump", "heat_pump_1.T_flow_line", [4550], 273.15 + 45.5, None),
        ("orv3_rpu", "rpu.pump1_tach", [3000], 50.0, None),
        ("thermalcare_accuchiller", "T_supply", [0x4248, 0x0000], 283.15, None),
    ],
)  # fmt: skip
def test_codings(name, point, registers, expected, others):
    map_ = load_map(name)
    sample = decode(map_, map_[point], registers, 0.0, others=others)
    assert sample.good, sample.reason
    assert sample.value == pytest.approx(expected, rel=1e-12)
    assert encode(map_, map_[point], sample.value, others=others) == registers


def test_sentinels_are_no_values():
    for name, point, registers in (
        ("grundfos_cim", "feedback", [0xFFFF]),
        ("imp_nmt", "setpoint_actual", [0xFFFF]),
        ("liebert_dcd", "fan_1.speed", [0xFFFF]),
    ):
        map_ = load_map(name)
        assert not decode(map_, map_[point], registers, 0.0).good


def test_a_drives_reference_stands_for_a_pumps_speed():
    drive = Device("pump", "danfoss_vlt", "127.0.0.1", 502, 1, "pump", signals={"speed_set": "pump.y"})
    bound = bind(drive, VOCABULARY)
    assert list(bound.writable) == ["pump.y"]
    assert bound.map.required() == {"timeout_time": 60.0, "timeout_function": 4.0}
    assert bound.map.granted() == {"control_word": 0x47C}


def test_a_fan_is_refreshed_within_its_watchdog_and_does_not_wear_out():
    fan = load_map("ebmpapst_ec")
    y = fan["y_set"]
    assert y.write_budget == 100_000
    assert fan.required()["store_set_value"] == 0
    assert y.refresh <= 0.5 * fan.required()["fail_safe_time_lag"]
