"""What Prometheus and a log collector are told about a loop on emulated equipment."""

import asyncio
import io
import json
import urllib.request

import pytest

from tests.twin.test_runtime import Follower, rig, within
from twin.operation.logs import make_log
from twin.operation.metrics import Metrics
from twin.operation.single import AlreadyRunning, only_one


def test_figures_over_http():
    prometheus = pytest.importorskip("prometheus_client", reason="the extra heatloop[metrics]")

    async def main():
        cycles = []
        async with rig(Follower(), on_cycle=cycles.append) as r:
            metrics = Metrics(r.runtime)
            port = metrics.serve(0)
            await r.emulator.start()
            await r.until("running")
            await r.turn(5)
            await r.stop_plant()
            await r.turn(plant=False)
            for cycle in cycles:
                metrics.observe(cycle)
            with await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics") as answer:
                text = answer.read().decode()
            counts = r.runtime.counts
        families = prometheus.parser.text_string_to_metric_families(text)
        found = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
        assert found["heatloop_scans_total",] == counts.scans == len(cycles)
        assert found["heatloop_written_total",] == counts.written >= 2
        assert found["heatloop_turn_seconds_count",] == len(cycles)
        assert (found["heatloop_mode", "auto"], found["heatloop_mode", "off"]) == (1.0, 0.0)
        assert found["heatloop_device_up", "pump"] == 0.0
        assert found["heatloop_alarms", "high", "unacknowledged"] >= 2.0
        assert found["heatloop_signal", "pump.y"] == pytest.approx(cycles[-2].samples["pump.y"].value)
        assert found["heatloop_signal_age_seconds", "pump.y"] > 0.0

    import prometheus_client.parser

    assert prometheus_client.parser
    within(20, main())


def test_events_are_lines_of_json():
    out = io.StringIO()

    async def main():
        async with rig(Follower(), log=make_log("json", out, site="toy")) as r:
            await r.turn(plant=False)

    within(10, main())
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    plant = next(line for line in lines if line["source"] == "plant")
    assert (plant["level"], plant["kind"], plant["site"]) == ("warning", "alarm", "toy")
    assert "waiting for the plant" in plant["event"]
    assert make_log("none") is None


def test_a_second_loop_on_the_same_journal_is_refused(tmp_path):
    with only_one(tmp_path / "j.sqlite"):
        second = only_one(tmp_path / "j.sqlite")
        with pytest.raises(AlreadyRunning, match="stop it, or give this one its own with --journal"):
            second.__enter__()
    with only_one(tmp_path / "j.sqlite"):
        pass
