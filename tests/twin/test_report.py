import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from plant_models.signals import Account, Vocabulary
from tests.strategies.run_results import make_run
from twin.definitions import DEFINITIONS
from twin.kpi import key_figures
from twin.ledger import Ledger
from twin.report import sankey
from twin.report.graph import graph_of
from twin.report.page import report, write_report
from twin.report.picture import arrange
from twin.report.reasons import reasons
from twin.results import Picture, ResultsError, RunResult, empty_plans


def small(**options: object) -> RunResult:
    return make_run(**({"days": 1.0, "halls": 2, "cdus": 6, "racks": 1} | options))  # type: ignore[arg-type]


class Page(HTMLParser):
    """Everything a browser would fetch, and every open tag left open."""

    VOID = ("meta", "br", "hr", "img", "line", "input", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        for key in ("src", "href"):
            value = found.get(key) or ""
            if value.startswith("#"):
                self.links.add(value[1:])
            elif value and not value.startswith("data:"):
                self.fetched.append(value)
        if found.get("id"):
            self.anchors.add(str(found["id"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def drawings(text: str) -> list[ElementTree.Element]:
    found = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.S)]
    assert found
    return found


def test_a_week_of_a_large_plant_is_small_fast_and_needs_no_network(tmp_path: Path) -> None:
    make_run().save(tmp_path)
    began = time.perf_counter()
    path = write_report(tmp_path)
    assert time.perf_counter() - began < 10
    text = path.read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    page = Page(text)
    assert page.fetched == []
    assert page.open == []
    assert page.links <= page.anchors
    assert not re.search(r"(@import|url\(|fetch\(|XMLHttp|https?://(?!www\.w3\.org/2000/svg))", text)


@pytest.mark.parametrize("lacking", [
    {}, {"district": False}, {"store": False}, {"water": False}, {"district": False, "store": False, "water": False},
    {"controller": "fixed"}, {"cdus": 1, "halls": 1}, {"days": 1 / 288}, {"days": 40.0},
], ids=str)  # fmt: skip
def test_every_kind_of_plant_has_a_report(lacking: dict[str, object]) -> None:
    text = report(small(**lacking))
    assert Page(text).open == []
    for drawing in drawings(text):
        values = [value for element in drawing.iter() for name, value in element.attrib.items() if name != "href"]
        assert not any(re.search(r"\b(nan|inf)\b", value) for value in values)
    for definition in DEFINITIONS:
        assert definition.title in text


def test_the_headline_says_what_the_key_figures_say() -> None:
    run = make_run()
    k, text = key_figures(run), report(run)
    assert f"{k['water_m3']:.0f} <small>m³" in text
    assert f"{k['heat_delivered_MWh']:,.0f} <small>MWh".replace(",", "\u202f") in text
    assert f"{k['electricity_MWh']:,.0f} <small>MWh".replace(",", "\u202f") in text
    assert "partly synthetic inputs" in text
    assert "day-ahead auction, FR, 2025" in text


def test_a_plant_without_a_sink_says_so() -> None:
    text = report(small(district=False, store=False))
    assert "this plant has no one to give its heat to" in text
    assert "2 × Heat pump" not in text


def test_a_run_without_a_picture_or_plans_still_reports() -> None:
    run = small()
    run.info = run.info.model_copy(update={"picture": Picture(), "on_off": {}})
    run.plans = empty_plans()
    text = report(run)
    assert "This controller does not plan ahead" in text
    assert 'id="plant"' not in text


def test_words_of_a_run_are_escaped() -> None:
    run = small()
    run.info = run.info.model_copy(update={"title": "<script>alert(1)</script>"})
    run.decisions.loc[0, ["status", "message"]] = ["late", "<b>slow</b>"]
    text = report(run)
    assert "<script>alert" not in text
    assert "<b>slow" not in text


def test_failed_decisions_are_told() -> None:
    run = small()
    run.decisions["status"] = "ok"
    run.decisions.loc[:14, ["status", "source", "message"]] = ["failed", "sequences", "solver gave up"]
    text = report(run)
    assert "15 of 96 decisions fell back" in text
    assert "and 3 more, in decisions.parquet" in text
    assert text.count("solver gave up") == 12


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not a run"):
        write_report(tmp_path)


def test_heat_flows_balance_at_every_place_between() -> None:
    for options in ({}, {"store": False}, {"district": False, "store": False}):
        flows = sankey.heat_flows(Ledger(small(**options)))
        for place in (sankey.WATER, sankey.RECOVERY):
            into = sum(flow.energy for flow in flows if flow.sink == place)
            out = sum(flow.energy for flow in flows if flow.source == place)
            assert into == pytest.approx(out, rel=1e-3), place


def test_heat_out_of_a_store_is_shown_also_without_a_heat_pump_running() -> None:
    run = small()
    for name in (s.name for s in run.vocabulary.values() if s.name.startswith("heat_pump.") and s.unit == "W"):
        run.trajectories[name] = 0.0
    run.info = run.info.model_copy(update={"integrals": {}})
    hours = len(run.trajectories) / 12
    run.trajectories["district.Q_flow_delivered"] = 1e6
    run.trajectories["store.Q_stored"] = np.linspace(3e11, 3e11 - 1.02e6 * hours * 3600, len(run.trajectories))
    flows = {(flow.source, flow.sink): flow.energy for flow in sankey.heat_flows(Ledger(run))}
    assert flows["Store, discharged", sankey.RECOVERY] == pytest.approx(1.02e6 * hours * 3600)
    assert flows[sankey.RECOVERY, "District network"] == pytest.approx(1e6 * hours * 3600)
    assert flows[sankey.RECOVERY, "Losses and warming up"] == pytest.approx(0.02e6 * hours * 3600)


def test_water_that_cools_down_is_no_store() -> None:
    """More heat out of recovery than in, with the store charged: what closes the sum came from the network's water."""
    run = small()
    run.trajectories["store.Q_stored"] = np.linspace(0.0, 1e12, len(run.trajectories))
    flows = sankey.heat_flows(Ledger(run))
    sources = {flow.source for flow in flows}
    assert "Network cooled down" in sources
    assert "Network cooled down" in sankey.draw(flows)
    assert "Store, discharged" not in sources


def test_reasons_share_out_all_hours_and_all_heat() -> None:
    ledger = Ledger(small(days=3.0))
    found = reasons(ledger)
    assert sum(reason.hours for reason in found) == pytest.approx(72)
    assert sum(reason.energy for reason in found) == pytest.approx(ledger.total(Account.HEAT_REJECTED), rel=1e-6)


def test_each_reason_is_found_where_it_holds() -> None:
    run = small(store=False)
    n = len(run.trajectories)
    columns = {
        "district.Q_flow_demand": 10e6,
        "district.Q_flow_delivered": 5e6,
        "heat_pump.1.y": 0.5,
        "heat_pump.2.y": 0.5,
        "dry_cooler.1.Q_flow": -2e6,
        "dry_cooler.2.Q_flow": -2e6,
    }
    for name, value in columns.items():
        run.trajectories[name] = np.full(n, value)
    t = run.trajectories
    t.loc[0:11, ["dry_cooler.1.Q_flow", "dry_cooler.2.Q_flow"]] = 0.0
    t.loc[12:23, "district.Q_flow_demand"] = 0.0
    t.loc[24:47, "district.Q_flow_delivered"] = 9.9e6
    t.loc[48:83, ["heat_pump.1.y", "heat_pump.2.y"]] = 1.0
    t.loc[84:95, "heat_pump.1.y"] = 1.0
    hours = {reason.title: reason.hours for reason in reasons(Ledger(run))}
    assert hours == pytest.approx({
        "All heat recovered": 1, "No one asked for heat": 1, "The network took all it asked for": 2,
        "Recovery at its limit": 3, "Not worth it, or held back": 17,
    })  # fmt: skip


def test_a_machine_held_at_part_load_is_not_at_its_limit() -> None:
    """As under fixed set-points: 30 % all the time is the run's highest load, and far from what the machine can do."""
    run = small(store=False)
    for name, value in {
        "district.Q_flow_demand": 10e6,
        "district.Q_flow_delivered": 5e6,
        "heat_pump.1.y": 0.3,
        "heat_pump.2.y": 0.3,
        "dry_cooler.1.Q_flow": -2e6,
        "dry_cooler.2.Q_flow": -2e6,
    }.items():
        run.trajectories[name] = np.full(len(run.trajectories), value)
    assert [reason.title for reason in reasons(Ledger(run))] == ["Not worth it, or held back"]


def test_the_picture_folds_arrays_and_pipes_but_joins_nothing_that_a_machine_keeps_apart() -> None:
    graph = graph_of(Ledger(small()))
    boxes = {box.title: box for box in graph.boxes}
    assert {"6 × CDU", "2 × Dry cooler", "2 × Heat pump", "FWS pump", "Store", "District"} <= set(boxes)
    assert not any("Hall" in title for title in boxes)
    assert "Recovery passage" in boxes, "heat pumps stand beside it: it is no mere pipe"
    assert all(len(set(box.buses.values())) > 1 for box in graph.boxes), "a machine between a line and itself"
    assert [bus.T for bus in graph.buses] == sorted((bus.T for bus in graph.buses), reverse=True)
    assert sum(len(bus.nodes) for bus in graph.buses) == 6 + 2 * 2


def test_boxes_of_the_picture_do_not_cover_each_other() -> None:
    placed = arrange(graph_of(Ledger(small())))
    assert len({(p.column, p.gap) for p in placed}) == len(placed)


def test_figures_by_account_do_not_depend_on_names() -> None:
    run = small()
    run.info = run.info.model_copy(update={"on_off": {}, "picture": Picture()})
    new = {name: name.replace("dry_cooler", "rad").replace("heat_pump", "lift") for name in run.vocabulary}
    vocabulary = Vocabulary(replace(signal, name=new[signal.name]) for signal in run.vocabulary.values())
    renamed = RunResult(run.info, run.trajectories.rename(columns=new), run.decisions, empty_plans(), vocabulary)
    assert key_figures(renamed) == key_figures(run)
    assert reasons(Ledger(renamed)) == reasons(Ledger(run))
    assert sankey.heat_flows(Ledger(renamed)) == sankey.heat_flows(Ledger(run))
