"""Operators' commands on a loop that runs: the bench loop behind its devices, all over sockets and one journal."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from hil.clock import RealClock
from tests.hil.bench_site import bench_site
from tests.hil.toy_plant import free_port
from tests.twin.test_embedded import ended, scenario, served, two_ports
from twin.cli import main
from twin.embedded import Embedded, site_devices
from twin.journal import Journal, JournalError
from twin.operation.commissioning import failures

SIGNAL = "dry_cooler.T_leaving_set"


@asynccontextmanager
async def running(plan, journal, **settings):
    """The emulated site and a loop on it, until the block ends."""
    port = two_ports()
    emulator, plant = await served(plan, port, speed=200.0)
    embedded = Embedded(plan, port=port)
    cycles = []
    with Journal(journal) as book:
        loop = asyncio.create_task(embedded.run(book, scan_interval=20.0, on_cycle=cycles.append, **settings))
        try:
            while not cycles or cycles[-1].state != "running":
                assert not loop.done(), loop.exception()
                await asyncio.sleep(0.05)
            yield emulator, cycles
        finally:
            await ended(loop)
            await ended(plant)


async def command(*arguments):
    """Exit code of a command beside the loop."""

    def call():
        try:
            main([str(a) for a in arguments])
        except SystemExit as end:
            return end.code or 0
        return 0

    return await asyncio.to_thread(call)


def test_an_operator_resets_a_machine_that_has_stopped_itself(tmp_path, capsys):
    plan, path = scenario(tmp_path), tmp_path / "j.sqlite"
    site = plan.site

    async def work():
        async with running(plan, path) as (emulator, cycles):
            cdu = emulator.devices["cdu"]
            cdu.wired.look(0.0, cause := {"cdu.T_supply": 350.0, "cdu.P_el": 1e4})
            cdu.wired.look(60.0, cause)
            while "trip.cdu" not in cycles[-1].alarms:
                await asyncio.sleep(0.05)
            assert await command("command", site, "cdu", "--journal", path) == 2
            assert "give a --reason" in capsys.readouterr().err
            reset = ("command", site, "--reason", "strainer cleaned", "--who", "anna", "--journal", path)
            assert await command(*reset, "cdu", "trip_rest") == 1
            assert "cdu has no command 'trip_rest'; it has trip_reset" in capsys.readouterr().err
            assert await command(*reset, "cdu.7") == 1
            assert "no device 'cdu.7'" in capsys.readouterr().err
            assert await command(*reset, "cdu") == 0
            while cdu.tripped or "trip.cdu" in cycles[-1].alarms:
                await asyncio.sleep(0.05)
            assert await command("mode", site, "shadow", "--journal", path) == 0
            assert await command(*reset, "cdu") == 1
            assert "mode shadow writes nothing" in capsys.readouterr().err
        with Journal(path) as book:
            (given,) = [e for e in book.writes() if e.signal == "cdu:trip_reset"]
            assert (given.who, given.status, given.why, given.rank) == ("anna", "written", "strainer cleaned", "manual")

    asyncio.run(asyncio.wait_for(work(), 240))


def test_an_operator_overrides_watches_and_switches(tmp_path, capsys):
    plan, path = scenario(tmp_path), tmp_path / "j.sqlite"
    site = plan.site

    async def shown(*arguments):
        assert await command(*arguments, "--journal", path) == 0
        return capsys.readouterr().out

    async def work():
        async with running(plan, path) as (emulator, cycles):
            assert await command("override", site, SIGNAL, "34 degC", "--for", "2 h", "--reason", "flushing",
                                 "--who", "anna", "--journal", path) == 0  # fmt: skip
            (held,) = json.loads(await shown("override", site, "--json"))
            assert (held["signal"], held["who"], held["reason"]) == (SIGNAL, "anna", "flushing")
            assert held["value"] == pytest.approx(307.15)
            while abs(emulator.simulator.get(SIGNAL) - 307.15) > 0.2:
                await asyncio.sleep(0.05)
            written = json.loads(await shown("journal", site, "--signal", SIGNAL, "--json"))
            assert {"anna"} <= {w["who"] for w in written if w["rank"] == "manual"}
            capsys.readouterr()
            assert await command("override", site, SIGNAL, "--cancel", "--journal", path) == 0
            assert await command("override", site, SIGNAL, "--cancel", "--journal", path) == 1
            assert "no override of" in capsys.readouterr().err
            assert await command("mode", site, "shadow", "--reason", "trial", "--journal", path) == 0
            assert "shadow" in await shown("mode", site)
            await emulator.stop()
            while "plant" not in cycles[-1].alarms:
                await asyncio.sleep(0.05)
            urgent = json.loads(await shown("alarms", site, "--json"))
            assert {a["alarm"] for a in urgent} > {"plant"}
            assert await command("alarms", site, "-a", "all", "--journal", path) == 0
            assert await command("alarms", site, "--shelve", "plant", "--for", "1 h", "--reason", "known",
                                 "--journal", path) == 0  # fmt: skip
            states = {a["alarm"]: a["after"] for a in json.loads(await shown("alarms", site, "--json"))}
            assert states.pop("plant") == "shelved"
            assert set(states.values()) == {"acknowledged"}
            assert "flushing" in await shown("journal", site)
            assert "shadow by" in await shown("journal", site, "--events", "--last", "1 day")

    asyncio.run(asyncio.wait_for(work(), 240))


def test_the_check_of_a_silent_site_is_a_table_and_exit_code_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["run", bench_site(tmp_path), "--port", str(two_ports()), "--real", "--check"])
    assert end.value.code == 1
    shown = capsys.readouterr().out
    assert "no connection to 127.0.0.1" in shown
    assert "findings forbid writing" in shown


def test_the_emulated_site_passes_the_check_and_a_silent_one_does_not(tmp_path):
    plan = scenario(tmp_path)

    async def work():
        port = two_ports()
        _, plant = await served(plan, port)
        assert failures(await Embedded(plan, port=port).check()) == []
        await ended(plant)
        gone = Embedded(plan, port=free_port())
        wrong = failures(await gone.check(clock=RealClock()))
        assert len(wrong) == len(gone.devices)
        assert all(": answers: " in text for text in wrong)

    asyncio.run(asyncio.wait_for(work(), 40))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["override", "SITE", SIGNAL, "34", "--for", "2h", "--reason", "x"],
            "expected a quantity in K",
        ),
        (["override", "SITE", SIGNAL, "34 degC"], "give a value, --for how long and --reason why"),
        (["override", "SITE", SIGNAL, "340 degC", "--for", "2h", "--reason", "x"], "is outside"),
        (["override", "SITE", "dry_cooler.T_leaving", "1", "--for", "2h", "--reason", "x"], "near it: dry_cooler.T_le"),
        (["override", "SITE", SIGNAL, "34 degC", "--for", "2 bar", "--reason", "x"], "such as 2h"),
        (["alarms", "SITE", "--shelve", "plant", "--reason", "x"], "--for how long"),
        (["alarms", "SITE", "--shelve", "plant", "--unshelve", "plant"], "one at a time"),
        (["alarms", "SITE", "--journal", "nowhere.sqlite"], "no journal nowhere.sqlite; heatloop run makes it"),
        (["mode", "frontier"], "is of site bench_loop, not of frontier"),
    ],
)
def test_a_wrong_order_is_one_paragraph(tmp_path, capsys, arguments, message):
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.keep("site", 0.0, "bench_loop")
    asked = [bench_site(tmp_path) if a == "SITE" else a for a in arguments]
    asked += [] if "--journal" in asked else ["--journal", str(path)]
    with pytest.raises(SystemExit) as end:
        main(asked)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_the_journal_of_another_site_is_not_continued(tmp_path):
    plan = scenario(tmp_path)
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.keep("site", 0.0, "frontier")
        embedded = Embedded(plan, port=two_ports())
        with pytest.raises(JournalError, match="is of site frontier, not of bench_loop"):
            asyncio.run(embedded.run(journal, clock=RealClock(), duration=1.0))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("port: 15020, unit: 2", "port: 15020, unit: 1", "have the same address '127.0.0.1:15020 unit 1'"),
        (
            "dry_cooler, port",
            "dry_cooler, signals: {speed: pump.y}, port",
            "names a point 'speed' that the map has not",
        ),
        ("machines: pump,", "machines: pumps,", "no machine or array 'pumps'"),
    ],
)
def test_a_wrong_devices_block_is_named(tmp_path, old, new, message):
    from plant_models.plant import Plant
    from plant_models.site import SiteError, list_sites, load_site

    text = list_sites()["bench_loop"].read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "wrong.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises((SiteError, ValueError), match=message):
        site_devices(Plant(load_site(tmp_path / "wrong.yaml")))
