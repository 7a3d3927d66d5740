"""The command line as a user meets it: help, exit codes, JSON for scripts, one paragraph for a mistake."""

from __future__ import annotations

import errno
import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plant_models.signals import Role
from plant_models.site import list_sites
from tests.strategies.command_line import heatloop, is_one_paragraph, run
from tests.strategies.two_circuits import two_circuits
from twin import cli
from twin.console import finite
from twin.scenario import ScenarioError


def test_help_names_every_command_and_is_quick() -> None:
    start = time.perf_counter()
    shown = heatloop("--help")
    elapsed = time.perf_counter() - start
    assert shown.returncode == 0
    for name in ("sites", "check", "signals", "simulate", "study", "report", "demo", "run", "hil"):
        assert re.search(rf"^.? *{name} ", shown.stdout, re.MULTILINE), name
    assert elapsed < 3.0, "0.15 s on an idle machine; much more means that a heavy library is imported for the help"


def test_help_loads_no_heavy_library() -> None:
    heavy = ["numpy", "casadi", "pandas", "pydantic", "pint", "pyarrow", "yaml", "plant_models", "controllers", "hil"]
    code = f"import sys, twin.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    groups = cli.app.registered_commands
    assert len(groups) >= 7
    for command in groups:
        assert command.name
        assert run(command.name, "--help") == 0
        assert f"Usage: heatloop {command.name}" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_the_bench_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("hil", command, "--help") == 0
    assert f"Usage: heatloop hil {command}" in capsys.readouterr().out


def test_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert re.fullmatch(r"heatloop \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_sites_lists_what_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sites", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [site["name"] for site in listed] == list(list_sites())
    assert all(site["machines"] > 0 and site["title"] for site in listed)
    assert run("sites") == 0
    assert "bench_loop" in capsys.readouterr().out


def test_check_of_a_sound_site(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "bench_loop") == 0
    shown = capsys.readouterr().out
    assert "bench_loop is sound" in shown
    assert "cdu.T_gpu_max" in shown


def test_check_for_scripts_holds_the_design_point(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "bench_loop", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["site"] == "bench_loop"
    assert found["components"]["cdu"] == {"kind": "cdu", "count": 1}
    design = {account: item["value"] for account, item in found["design"].items()}
    # eight racks of 115 kW (the site file) with some per cent of temperature-dependent leakage
    assert 0.95 * 8 * 115e3 < design["electricity.it"] < 1.1 * 8 * 115e3
    assert all(limit["kept"] for limit in found["limits"])


SENSORS_SWAPPED = {"hot_pump.sense_low": "hot_pump.SWAP", "hot_pump.sense_high": "hot_pump.sense_low",
                   "hot_pump.SWAP": "hot_pump.sense_high"}  # fmt: skip


def test_check_shows_what_flows_where_without_a_cdu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(two_circuits(tmp_path))
    assert run("check", path) == 0
    shown = capsys.readouterr().out
    assert "What flows where" in shown
    assert re.search(r"boiler\s+h.mid\s+h.sup\s+6\s+\d\d\.\d\s+70\.0", shown)
    assert re.search(r"hot_pump.y\s+\d\d %", shown)
    assert "two_circuits is sound: it composes and settles." in shown
    assert run("check", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is True
    assert found["findings"] == []
    assert found["nearest_to_boiling"]["reserve"] > 1e5
    assert {"machine": "boiler", "from": "h.mid", "to": "h.sup"}.items() <= found["flows"][0].items()


def test_check_of_a_plant_that_cannot_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(two_circuits(tmp_path, SENSORS_SWAPPED))
    assert run("check", path) == cli.EXIT_USER_ERROR
    shown = capsys.readouterr().out
    assert "error: hot_pump: at full speed for ever" in shown
    assert "two_circuits is not sound: 1 mistake." in shown
    assert run("check", path, "--json") == cli.EXIT_USER_ERROR
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is False
    assert [(item["severity"], item["place"]) for item in found["findings"]] == [("error", "hot_pump")]


def test_check_of_a_plant_that_does_not_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A boiler whose integral time is a small part of what it should be."""
    path = two_circuits(tmp_path, {"T_highest: 90 degC}": "T_highest: 90 degC, reset: 10 s}"})
    assert run("check", str(path)) == cli.EXIT_USER_ERROR
    shown = capsys.readouterr().out
    assert "goes to and fro" in shown
    assert "two_circuits is not sound: it composes, but does not come to rest at its design point." in shown


def test_signals_by_role_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("signals", "bench_loop", "--json") == 0
    everything = json.loads(capsys.readouterr().out)
    assert {signal["role"] for signal in everything} == set(Role)
    assert run("signals", "bench_loop", "--role", "input", "--match", "cdu", "--json") == 0
    chosen = json.loads(capsys.readouterr().out)
    assert [s for s in everything if s["role"] == "input" and "cdu" in s["name"]] == chosen
    assert {"cdu.T_supply_set", "cdu.y_pump"} <= {signal["name"] for signal in chosen}
    assert run("signals", "bench_loop", "--match", "cdu.T_supply_set") == 0
    assert "cdu.T_supply_set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "nowhere"], "no site 'nowhere': neither a shipped site"),
        (["signals", "nowhere.yaml"], "no site 'nowhere.yaml'"),
        (["check", "bench_loop@9"], "no variant '9'"),
    ],
)
def test_a_wrong_site_is_one_paragraph_and_code_2(arguments: list[str], says: str) -> None:
    ended = heatloop(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert says in ended.stderr
    assert is_one_paragraph(ended.stderr), ended.stderr


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("n_pumps: 1", "n_pump: 1", "components.pump.n_pump: unknown key"),
        (
            "Q_flow_nominal: 1.1 MW",
            "Q_flow_nominal: -1.1 MW",
            "dry_cooler.Q_flow_nominal: Input should be greater than 0",
        ),
        ("volume_line: 0.4 m^3", "volume_line: 0.4", "0.4 has no unit; write it with one"),
        ("kind: pump_group", "kind: pumps", "unknown kind 'pumps'"),
        ("[dry_cooler.outlet, pump.inlet", "[dry_cooler.outlet, pump.inlets", "has no port 'inlets'"),
        ("outlook:", "outlook: [", "not YAML"),
    ],
)
def test_a_mistake_in_a_site_file_names_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], good: str, bad: str, says: str
) -> None:
    text = list_sites()["bench_loop"].read_text(encoding="utf-8")
    assert good in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")
    assert run("check", str(path)) == cli.EXIT_USER_ERROR
    message = capsys.readouterr().err
    assert says in message
    assert str(path) in message
    assert is_one_paragraph(message), message


@pytest.mark.parametrize(
    "arguments",
    [["chek", "bench_loop"], ["check"], ["check", "bench_loop", "--jsn"], ["signals", "bench_loop", "--role", "x"]],
)
def test_a_wrong_option_is_code_2_without_a_traceback(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    shown = capsys.readouterr().err
    assert "Usage: heatloop" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_the_traceback_wherever_it_stands(place: int) -> None:
    words = ["check", "nowhere"]
    words.insert(place, "--debug")
    ended = heatloop(*words)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert "SiteError: no site 'nowhere'" in ended.stderr


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "load.csv"), "load.csv: .*; check the path"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/out"), "/root/out: .*; choose another folder"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "already in use; .* choose another port"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "refused; nothing listens there"),
        (ScenarioError("first line\n\nsecond line"), "^first line\nsecond line$"),
    ],
)
def test_errors_of_the_system_come_with_advice(error: Exception, says: str) -> None:
    assert cli.is_expected(error)
    assert re.search(says, cli.explain(error))


def test_a_defect_is_not_dressed_up_as_a_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: list[str], prog_name: str) -> None:
        raise ZeroDivisionError(f"in {prog_name} {arguments}")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["sites"])


def test_simulate_for_scripts_gives_json_alone_on_stdout(tmp_path: Path) -> None:
    ended = heatloop("simulate", "bench_loop", "--days", "0.01", "--json", "--out", str(tmp_path / "out"))
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert figures == json.loads((tmp_path / "out" / "kpis.json").read_text(encoding="utf-8"))
    assert "bench_loop, sequences: 100 %" in ended.stderr


def test_a_report_can_be_drawn_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run("simulate", "bench_loop", "--days", "0.01", "-c", "fixed", "-o", str(out)) == 0
    first = (out / "report.html").read_text(encoding="utf-8")
    (out / "report.html").unlink()
    capsys.readouterr()
    assert run("report", str(out)) == 0
    assert capsys.readouterr().out == f"report: {out / 'report.html'}\n"
    assert (out / "report.html").read_text(encoding="utf-8") == first


def test_json_has_no_numbers_that_json_has_not() -> None:
    assert finite({"a": [math.nan, 1.0], "b": (math.inf,)}) == {"a": [None, 1.0], "b": [None]}
