"""Bad input through the command: one paragraph of what, where and what to do, code 2, no traceback, no result."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from plant_models.site import list_sites
from tests.strategies.command_line import heatloop, is_one_paragraph, refused
from twin import cli

START = datetime(2025, 1, 13, tzinfo=UTC)
HOURS = [START + timedelta(hours=h - 3) for h in range(60)]
ORIGIN = "made up for a test"


def table(path: Path, header: str, rows: Sequence[str], times: Sequence[str] | None = None) -> Path:
    """A CSV file with a time column, hourly around the run."""
    stamps = times if times is not None else [f"{hour:%Y-%m-%dT%H:%M:%SZ}" for hour in HOURS]
    lines = [f"{stamp},{row}" for stamp, row in zip(stamps, rows, strict=True)]
    path.write_text("\n".join([f"time,{header}", *lines]) + "\n", encoding="utf-8")
    return path


def scenario(folder: Path, site: str = "bench_loop", **inputs: object) -> list[str]:
    """The arguments of a short run with these inputs."""
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump({"site": site, "start": START, "days": 0.05, "inputs": inputs}), encoding="utf-8")
    return ["simulate", str(path), "--data", str(folder), "--out", str(folder / "out")]


def weather(**more: object) -> dict[str, object]:
    """A weather file's settings."""
    return {"source": "csv", "file": "weather.csv", "origin": ORIGIN, "time": {"column": "time"},
            "T_dry": {"column": "t_dry", "unit": "degC"}, "relative_humidity": {"column": "rh", "unit": "percent"},
            "p": {"column": "p", "unit": "Pa"}} | more  # fmt: skip


WEATHER_ROWS = ["5.0,70,100000"] * len(HOURS)


DEMAND = {"source": "csv", "file": "demand.csv", "origin": ORIGIN, "time": {"column": "time"}, "column": "kw",
          "unit": "kW", "quantity": "power"}  # fmt: skip


def test_these_files_would_do(tmp_path: Path) -> None:
    table(tmp_path / "weather.csv", "t_dry,rh,p", WEATHER_ROWS)
    table(tmp_path / "load.csv", "cdu_w", ["600e3"] * len(HOURS))
    table(tmp_path / "price.csv", "eur_mwh", ["60"] * len(HOURS))
    table(tmp_path / "demand.csv", "kw", ["100"] * len(HOURS))
    arguments = scenario(tmp_path, weather=weather(), load=load(), price=price(), demand=DEMAND)
    ended = heatloop(*arguments, "--controller", "fixed")
    assert ended.returncode == 0, ended.stderr
    assert f"report: {tmp_path / 'out' / 'report.html'}" in ended.stdout
    assert f"key figures: {tmp_path / 'out' / 'kpis.json'}" in ended.stdout


def load(**more: object) -> dict[str, object]:
    return {"source": "csv", "file": "load.csv", "origin": ORIGIN, "time": {"column": "time"}, "columns": ["cdu_w"],
            "unit": "W"} | more  # fmt: skip


def price(**more: object) -> dict[str, object]:
    return {"source": "csv", "file": "price.csv", "origin": ORIGIN, "time": {"column": "time"},
            "price": {"column": "eur_mwh", "unit": "EUR/MWh"}} | more  # fmt: skip


def test_a_gap_in_the_weather(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stamps = [f"{hour:%Y-%m-%dT%H:%M:%SZ}" for hour in HOURS]
    table(tmp_path / "weather.csv", "t_dry,rh,p", WEATHER_ROWS[6:], [*stamps[:20], *stamps[26:]])
    said = refused(capsys, scenario(tmp_path, weather=weather()))
    assert "weather.csv, line 21: a gap of 7 h follows 2025-01-13 16:00:00Z, rows are 1 h apart" in said
    assert "state the repair gaps" in said
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_repaired_gap_is_told_in_the_run_and_its_report(tmp_path: Path) -> None:
    stamps = [f"{hour:%Y-%m-%dT%H:%M:%SZ}" for hour in HOURS]
    table(tmp_path / "weather.csv", "t_dry,rh,p", WEATHER_ROWS[2:], [*stamps[:20], *stamps[22:]])
    repair = {"gaps": {"max_length": "4 h", "method": "linear"}}
    table(tmp_path / "demand.csv", "kw", ["100"] * len(HOURS))
    arguments = scenario(tmp_path, weather=weather(repair=repair), demand=DEMAND)
    ended = heatloop(*arguments, "--controller", "fixed", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == json.loads((tmp_path / "out" / "kpis.json").read_text())
    note = "weather.csv: 6 values filled (linear) in gaps up to 4 h"
    assert note in (tmp_path / "out" / "run.json").read_text()
    page = (tmp_path / "out" / "report.html").read_text()
    assert note in page
    assert "Repaired in these data" in page


def test_times_without_a_zone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path / "weather.csv", "t_dry,rh,p", WEATHER_ROWS, [f"{hour:%Y-%m-%d %H:%M}" for hour in HOURS])
    said = refused(capsys, scenario(tmp_path, weather=weather()))
    assert "weather.csv, line 2, column 'time': '2025-01-12 21:00' has no time zone; declare it with zone: UTC" in said


@pytest.mark.parametrize("columns", [["a", "b"], "*_w"])
def test_a_load_file_with_fewer_columns_than_cdus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], columns: object
) -> None:
    header = "a,b" if isinstance(columns, list) else "a_w,b_w"
    table(tmp_path / "load.csv", header, ["600e3,500e3"] * len(HOURS))
    said = refused(capsys, scenario(tmp_path, "rovaltain", load=load(columns=columns)))
    assert "load.csv has 2 load columns, the plant has 70 CDUs. Give one column per CDU, or state how to spread" in said


@pytest.mark.parametrize(
    ("column", "unit", "found"),
    [("price_usd_mwh", "EUR/MWh", "USD"), ("price", "USD/MWh", "USD"), ("chf", "EUR/MWh", "CHF"), ("p", "1/MWh", "")],
)
def test_prices_in_another_currency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str, unit: str, found: str
) -> None:
    table(tmp_path / "price.csv", column, ["60"] * len(HOURS))
    said = refused(capsys, scenario(tmp_path, price=price(price={"column": column, "unit": unit})))
    assert f"price.csv, column {column!r} in {unit!r}: found {found}" in said
    assert "accepted are prices in EUR per energy, such as EUR/MWh" in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"file": "nowhere.csv"}, "nowhere.csv"),
        ({"price": {"column": "price", "unit": "EUR/MWh"}}, "price.csv has no column 'price'; it has time, eur_mwh"),
        ({"price": {"column": "eur_mwh", "unit": "EUR/t"}}, "is declared in 'EUR/t', accepted is a unit that converts"),
        ({"time": {"column": "time", "zone": "CET"}}, "'CET' does not name one time zone"),
    ],
)
def test_other_mistakes_about_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], says: str
) -> None:
    table(tmp_path / "price.csv", "eur_mwh", ["60"] * len(HOURS))
    assert says in refused(capsys, scenario(tmp_path, price=price(**changes)))


def test_data_that_do_not_reach_over_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path / "price.csv", "eur_mwh", ["60"] * len(HOURS))
    said = refused(capsys, [*scenario(tmp_path, price=price()), "--days", "9"])
    assert "market.price_electricity" in said
    assert "the run goes from 2025-01-13 00:00:00Z to 2025-01-22 00:00:00Z: move the run" in said


def test_a_number_that_is_none_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(tmp_path / "price.csv", "eur_mwh", ["60"] * 9 + ["sixty"] + ["60"] * (len(HOURS) - 10))
    said = refused(capsys, scenario(tmp_path, price=price()))
    assert "price.csv, line 11, column 'eur_mwh': found 'sixty', expected a number in EUR/MWh" in said


# --- scenarios, controllers, folders ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["simulate", "bench_loop", "--controller", "mcp"], "unknown controller 'mcp'; did you mean mpc? Known: fixed"),
        (["run", "bench_loop", "--controller", "mcp"], "unknown controller 'mcp'; did you mean mpc? Known: fixed"),
        (["simulate", "bench_lop"], "no scenario or site 'bench_lop': neither a file nor a shipped site; did you mean"),
        (["hil", "serve", "bench_lop"], "no scenario or site 'bench_lop'"),
        (["simulate", "bench_loop", "--start", "2025-01-13"], "'2025-01-13' has no time zone; write it with one"),
        (["simulate", "bench_loop", "--start", "yesterday"], "'yesterday' is not ISO 8601"),
        (["simulate", "bench_loop", "--days", "0"], "days: Input should be greater than 0, found 0"),
        (["simulate", "bench_loop@9"], "no variant '9'"),
        (["study", "nowhere.yaml"], "nowhere.yaml: no such study file; check the path"),
        (["report", "nowhere"], "nowhere is not a run: it has no run.json"),
    ],
)
def test_a_wrong_word_on_the_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in refused(capsys, arguments)
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("command", ["simulate", "study", "demo", "run"])
def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    out = file / "out"
    (tmp_path / "study.yaml").write_text("base: {site: bench_loop}\ngrid: {controller: [fixed]}\n")
    monkeypatch.setattr("twin.simulation.Simulation.__init__", _never)
    monkeypatch.setattr("twin.embedded.Embedded.__init__", _never)
    arguments = {
        "simulate": ["simulate", "bench_loop", "--out", str(out)],
        "study": ["study", str(tmp_path / "study.yaml"), "--out", str(out)],
        "demo": ["demo", "--out", str(out)],
        "run": ["run", "bench_loop", "--journal", str(out / "journal.sqlite")],
    }[command]
    said = refused(capsys, arguments)
    assert f"cannot write to {out}: Not a directory. Name a folder that can be written" in said


def _never(*arguments: object) -> None:
    raise AssertionError("work has begun")


# --- sockets ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of 127.0.0.1 on which someone else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_in_use(taken: int) -> None:
    ended = heatloop("hil", "serve", "bench_loop", "--port", str(taken))
    assert ended.returncode == cli.EXIT_USER_ERROR, ended.stderr
    assert is_one_paragraph(ended.stderr), ended.stderr
    assert f"127.0.0.1:{taken}" in ended.stderr
    assert "another program listens there already; stop it, or give the site's devices another port" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("port", ["0", "70000", "-1"])
def test_a_port_that_is_none(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert f"port {port}: the site needs 1 from there on, all within 1..65535" in refused(
        capsys, ["hil", "serve", "bench_loop", "--port", port]
    )


# --- devices ---------------------------------------------------------------------------------------------------------

BROKEN_MAP = """id: broken
description: a CDU
points:
  T_supply: {address: 0, table: input, type: int16, unit: degC}
  T_return: {address: 0, table: input, type: int16, unit: degC}
"""
CDU_DEVICE = "{map: cdu, machines: cdu, port: 15020, unit: 1}"


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("{map: MAP, machines: cdu, port: 15020, unit: 1}", "broken.yaml:5: T_return overlaps T_supply at input 0"),
        ("{map: nothing, machines: cdu, port: 15020, unit: 1}", "no register map 'nothing': neither a shipped one"),
        ("{map: cdu, machines: cdu, port: 15020, unit: 1, signals: {T_suply: cdu.1.T_supply}}",
         "the site names a point 'T_suply' that the map has not"),
        ("{map: cdu, machines: cdu, port: 15020, unit: 2}", "have the same address '127.0.0.1:15020 unit 2'"),
    ],
    ids=["broken map", "no such map", "missing point", "address twice"],
)  # fmt: skip
def test_devices_that_cannot_be_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], device: str, message: str
) -> None:
    (tmp_path / "broken.yaml").write_text(BROKEN_MAP, encoding="utf-8")
    text = list_sites()["bench_loop"].read_text(encoding="utf-8")
    assert CDU_DEVICE in text
    site = tmp_path / "own.yaml"
    changed = text.replace(CDU_DEVICE, device.replace("MAP", str(tmp_path / "broken.yaml")))
    site.write_text(changed, encoding="utf-8")
    for command in (["hil", "serve"], ["check"]):
        assert message in refused(capsys, [*command, str(site)])


RIG_SCENARIO = """title: a rig that is not there
site: bench_loop
duration: 1 min
expect: [{always: runtime.state < 3}]
"""


@pytest.mark.parametrize("controller", ["sequences", "external"])
def test_a_rig_whose_devices_cannot_be_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], controller: str
) -> None:
    path = tmp_path / "rig.yaml"
    with socket.socket() as other:  # a port that nobody listens at, for as long as this one holds it
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        site = tmp_path / "own.yaml"
        text = list_sites()["bench_loop"].read_text(encoding="utf-8")
        site.write_text(text.replace("port: 15020", f"port: {port}"), encoding="utf-8")
        path.write_text(RIG_SCENARIO.replace("bench_loop", "own.yaml"), encoding="utf-8")
        said = refused(capsys, ["hil", "test", str(path), "--bench", "rig", "--controller", controller])
    assert "not every device of the rig answers: cdu, pump, dry_cooler" in said
    assert f"no connection to 127.0.0.1:{port}" in said


def test_a_scenario_with_an_unknown_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "unknown.yaml"
    path.write_text(RIG_SCENARIO + "faults: [{at: 10 s, fault: pump_trp, of: cdu}]\n", encoding="utf-8")
    assert "unknown fault 'pump_trp'; did you mean pump_trip" in refused(capsys, ["hil", "test", str(path)])
