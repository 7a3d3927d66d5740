import json

from hil.registers.files import load_map, shipped_maps
from tests.strategies.command_line import refused, run

BROKEN = """id: valve
description: a valve
points:
  y: {address: 0, table: input, type: uint16, unit: percent, scale: 0.01}
  T: {address: 0, table: input, type: int16, unit: degC, scale: 0.1}
"""


def test_shipped_maps_pass(capsys):
    assert run("map", "check", *map(str, shipped_maps().values()), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["files"]) == len(shipped_maps())
    assert told["errors"] == 0
    assert told["warnings"] == 0


def test_a_broken_map_is_told_with_its_line_and_code_1(tmp_path, capsys):
    path = tmp_path / "valve.yaml"
    path.write_text(BROKEN, encoding="utf-8")
    assert run("map", "check", str(path)) == 1
    shown = capsys.readouterr().out
    assert f"{path}:5: error: T overlaps y at input 0" in shown
    assert "correct one address" in shown
    assert "1 map(s): 1 error(s), 0 warning(s)" in shown
    assert run("map", "check", str(path), "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["line"] == 5
    assert finding["key"] == "points.T.address"
    assert run("map", "check", str(path.rename(tmp_path / "other.yaml")), "cdu") == 1


def test_a_map_is_bound_to_a_site(capsys):
    assert run("map", "check", "cdu", "pump_group", "--site", "bench_loop", "--json") == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_a_map_that_is_not_there(capsys):
    assert "no register map 'nothing': neither a shipped one" in refused(capsys, ["map", "check", "nothing"])
    assert "no register map 'nothing'" in refused(capsys, ["map", "show", "nothing"])


def test_a_map_is_shown(capsys):
    assert run("map", "show", "cdu") == 0
    shown = capsys.readouterr().out
    assert "watchdog: 120 s, fed by write, always on" in shown
    assert "trips: shown in trips, reset by trip_reset" in shown
    assert "over_temperature: T_supply above 65 degC for 10 s, while P_el > 100 W, reset 5 K inside" in shown
    assert "T_supply_set" in shown
    assert "5 degC .. 60 degC" in shown
    assert run("map", "show", "cdu", "--json") == 0
    assert json.loads(capsys.readouterr().out)["id"] == "cdu"


def test_a_manuals_table_becomes_a_map(tmp_path, capsys):
    path = tmp_path / "manual.csv"
    path.write_text(
        "address;name;type;scale;unit;access\n40001;y;uint16;0,01;%;RW\n30002;T;int16;0,1;warm;R\n", "utf-8"
    )
    options = ("--numbering", "modicon", "--id", "valve")
    assert "manual.csv:3: unit: unknown unit 'warm'" in refused(capsys, ["map", "import", str(path), *options])
    assert run("map", "import", str(path), *options, "--unit", "warm=degC") == 0
    shown = capsys.readouterr()
    assert "2 points" in shown.out
    assert "1 writable points are settings" in shown.err
    map_ = load_map(tmp_path / "manual.yaml")
    assert (map_["y"].address, map_["T"].table, map_["T"].unit) == (0, "input", "degC")
    assert "is there already" in refused(capsys, ["map", "import", str(path), *options])
    assert "--unit x" in refused(capsys, ["map", "import", str(path), "--force", "--unit", "x"])
