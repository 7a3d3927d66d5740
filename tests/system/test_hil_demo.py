"""The demonstration end to end: two processes, sockets, both killed once."""

import asyncio
import socket

import pytest

from tests.hil.bench_site import bench_site
from tests.hil.toy_plant import free_port
from twin.hil_demo import DemoError, demo
from twin.journal import Journal
from twin.scenario import Scenario


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


@pytest.mark.slow
def test_the_demonstration_shows_all_it_claims(tmp_path):
    scenario = Scenario(site=bench_site(tmp_path), days=1.0, step=5.0, controller="sequences")
    book, said = tmp_path / "j.sqlite", []
    result = run(demo(scenario, journal=book, port=free_port(), speed=100.0, seconds=400.0, say=said.append))
    assert [f.claim for f in result.findings if not f.shown] == []
    assert result.ok
    assert len(result.findings) == 4
    assert {signal.split(".")[0] for signal, *_ in result.fallbacks} == {"cdu", "pump", "dry_cooler", "heat_pump"}
    assert any("holding" in line for line in said)
    with Journal(book) as journal:
        assert {"alarm", "clear"} <= {e.kind for e in journal.events() if e.source == "plant"}
        assert all(w.status != "failed" or w.message for w in journal.writes())


def test_a_process_that_cannot_start_is_reported(tmp_path):
    scenario = Scenario(site=bench_site(tmp_path), days=1.0, step=5.0, controller="sequences")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"the plant's process: cannot listen at 127.0.0.1:{port}: another program"):
            run(demo(scenario, journal=tmp_path / "j.sqlite", port=port))
