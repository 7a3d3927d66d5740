"""The bench loop on Modbus Security, run by the embedded loop: whoever is refused, the journal says why."""

import ssl
from dataclasses import replace

import pytest

from benchmarks.certificates import Authority
from hil.modbus.tls import Identity
from plant_models.site import list_sites
from tests.twin.test_embedded import ended, scenario, served, two_ports, within
from twin.embedded import Embedded, plant_clock
from twin.journal import Journal


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def site(folder, identity):
    """The bench loop with every device on TLS, for a client of this identity."""
    text = list_sites()["bench_loop"].read_text(encoding="utf-8")
    line = (f"transport: tls, line: {{certificate: {identity.certificate}, key: {identity.key}, "
            f"authority: {identity.authority}}}")  # fmt: skip
    path = folder / "bench_tls.yaml"
    path.write_text(text.replace("port: 15020", f"port: 15020, {line}"), encoding="utf-8")
    return str(path)


async def run(folder, port, identity, clock, journal, seconds=150.0):
    """The loop for a while, as ``heatloop run`` has it."""
    plan = scenario(folder, site=site(folder, identity))
    return await Embedded(plan, port=port).run(journal, clock=clock, duration=seconds, scan_interval=10.0)


def told(journal):
    """The journal's alarms about devices, one text."""
    return "\n".join(e.message for e in journal.events("alarm") if e.source.startswith("device."))


def test_every_refusal_is_in_the_journal_and_an_operator_gets_through(authority, tmp_path, monkeypatch):
    operator = authority.issue("desk", "operator")
    stranger = replace(Authority(tmp_path, "other").issue("desk", "operator"), authority=authority.path)
    refusals = {
        "wrong authority": (stranger, "the device does not believe the authority of our certificate"),
        "expired": (authority.issue("old", "operator", expired=True), "our certificate has expired"),
        "device of another authority": (
            replace(operator, authority=Authority(tmp_path, "third").path),
            "we do not believe the authority of the device's certificate",
        ),
        "no role": (authority.issue("guest"), "exception 1 (illegal function: the role in our certificate may not"),
    }

    async def main():
        port = two_ports()
        plan = scenario(tmp_path, site=site(tmp_path, operator))
        emulator, plant = await served(plan, port, speed=100.0, identity=authority.issue("server"))
        before = {n: emulator.simulator.get(n) for d in emulator.devices.values() for n in d.bound.writable}
        for name, (identity, reason) in refusals.items():
            with Journal(":memory:") as journal:
                counts = await run(tmp_path, port, identity, emulator.clock, journal, 30.0)
                assert (counts.written, counts.decisions) == (0, 0), name
                assert reason in told(journal), name

        with monkeypatch.context() as patch, Journal(":memory:") as journal:
            patch.setattr(Identity, "client", lambda self: ssl.create_default_context(cafile=str(self.authority)))
            assert (await run(tmp_path, port, operator, emulator.clock, journal, 30.0)).written == 0
            assert "the device asks for a certificate and got none" in told(journal)

        with Journal(":memory:") as journal:  # reads everything, decides, and is refused at every write
            counts = await run(tmp_path, port, authority.issue("archive", "historian"), emulator.clock, journal)
            assert counts.scans > counts.bad_scans
            assert counts.decisions >= 1
            assert counts.written == 0
            entries = journal.writes()
            assert entries
            assert all("the role in our certificate may not" in e.message for e in entries), entries
            assert {e.status for e in entries} == {"failed"}
        assert {n: emulator.simulator.get(n) for n in before} == before  # nobody has moved anything so far

        clock = await plant_clock(Embedded(plan, port=port).devices)
        with Journal(":memory:") as journal:
            counts = await run(tmp_path, port, operator, clock, journal)
            assert counts.written >= 5
            assert counts.failed_writes == 0
        await ended(plant)

    within(90, main())


def test_a_site_on_tls_needs_certificates_on_both_sides(authority, tmp_path):
    plan = scenario(tmp_path, site=site(tmp_path, authority.issue("desk", "operator")))
    with pytest.raises(ValueError, match="the emulated devices need a certificate, its key, and the authority"):
        within(30, served(plan, two_ports()))
    text = (tmp_path / "bench_tls.yaml").read_text(encoding="utf-8")
    (tmp_path / "mute.yaml").write_text(text.replace("certificate: ", "server_name: "), encoding="utf-8")
    with pytest.raises(ValueError, match="transport tls needs certificate under line"):
        Embedded(scenario(tmp_path, site=str(tmp_path / "mute.yaml")))
