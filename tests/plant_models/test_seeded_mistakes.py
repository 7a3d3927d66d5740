"""One mistake each in a plant that is sound: every one gets an error of its own, with file, line and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plant_models.site import SiteError, list_sites, load_site

BENCH = list_sites()["bench_loop"].read_text(encoding="utf-8")
BETWEEN = "nodes:\n  fws.between: {volume: 1 l, T_start: 32 degC, ports: [pump.outlet, second.outlet]}\n"
AT_WARM = "heat_pump.evaporator_out, dry_cooler.inlet"
DISTRICT_VESSEL = "  district_vessel: {kind: expansion, p_set: 150 kPa, mass: 200 kg, T_start: 45 degC}  # [A]\n"
VARIANT = "\nvariants:\n  odd:\n    title: x\n    components.pmp.n_pumps: 2\n"
SECOND_PUMP = (
    "  second: {kind: pump_group, n_pumps: 1, m_flow_nominal: 25 kg/s, dp_nominal: 190 kPa, volume: 0.1 m^3,\n"
    "           dp_design: 95 kPa, dp_lowest: 40 kPa, dp_highest: 120 kPa, T_start: 32 degC}\n  passage:"
)
PUMP_PORTS = ("[pump.outlet, cdu.inlet, pump.sense_high]", "dry_cooler.outlet, pump.inlet, vessel.port")

MISTAKES: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    # what it is: (changes of the file, text whose line is named, what is said)
    "no pressure reference": (
        [(",\n              district_vessel.port", ""), (DISTRICT_VESSEL, "")],
        "  dh.supply:",
        "nodes.dh.supply: dh.supply: the circuit of dh.supply, dh.return has no expansion vessel, so nothing holds its "
        "pressure: attach a machine of kind expansion or membrane_vessel to one of these nodes",
    ),
    "port left open": (
        [("pump.outlet, ", "")],
        "  pump:\n",
        "components.pump: port pump.outlet is left open: name it in one of the nodes",
    ),
    "pump the wrong way round in series": (
        [
            ("  passage:", SECOND_PUMP),
            ("nodes:\n", BETWEEN),
            (PUMP_PORTS[0], "[second.inlet, second.sense_high, cdu.inlet, pump.sense_high]"),
            (AT_WARM, f"{AT_WARM}, second.sense_low"),
        ],
        "  pump:\n",
        "components.pump: pump: pushes water from fws.cold to fws.between against second, and it has no way back to "
        "fws.cold: pumps and check valves let water pass in their own direction only; turn one "
        "round, or join the circuit",
    ),
    "two pumps on one pressure difference": (
        [
            ("  passage:", SECOND_PUMP),
            (PUMP_PORTS[0], "[pump.outlet, cdu.inlet, pump.sense_high, second.outlet, second.sense_high]"),
            (PUMP_PORTS[1], f"{PUMP_PORTS[1]}, second.inlet"),
            ("               pump.sense_low]", "               pump.sense_low, second.sense_low]"),
        ],
        "  second:",
        "components.second: second: pump and second fight: both hold the pressure difference between fws.supply and "
        "fws.return, and one will run up while the other runs down; make them one pump group (n_pumps), or let one "
        "sense elsewhere",
    ),
    "dead end behind a pump": (
        [
            ("nodes:\n", "nodes:\n  fws.end: {volume: 1 l, T_start: 32 degC, ports: [pump.outlet]}\n"),
            ("[pump.outlet, cdu.inlet", "[cdu.inlet"),
        ],
        "  fws.end:",
        "nodes.fws.end: fws.end: flow through pump.outlet has nowhere to go: no other machine's flow passes this node",
    ),
    "mixed media": (
        [("fws.warm: {volume", "fws.warm: {medium: pg25, volume")],
        "  fws.warm:",
        "nodes.fws.warm: fws.warm: holds pg25, but heat_pump.evaporator_out carries water",
    ),
    "unknown machine": (
        [("kind: pump_group", "kind: pump_grop")],
        "    kind: pump_grop",
        "components.pump.kind: unknown kind 'pump_grop'; did you mean pump_group?",
    ),
    "unknown field": (
        [("n_pumps: 1", "n_pump: 1")],
        "    n_pump: 1",
        "components.pump.n_pump: unknown key; did you mean n_pumps?",
    ),
    "unknown field in a part of a machine": (
        [("P_it_nominal: 115 kW,", "P_it_nom: 115 kW,")],
        "    rack: {",
        "components.cdu.rack.P_it_nom: unknown key; did you mean P_it_nominal?",
    ),
    "unknown node": (
        [("nodes: [fws.supply, fws.return", "nodes: [fws.suply, fws.return")],
        "  - {name: sensors,",
        "devices.8: sensors: no node 'fws.suply'; did you mean fws.supply",
    ),
    "unknown machine in a node": (
        [("district.supply]", "distrikt.supply]")],
        "  dh.supply:",
        "nodes.dh.supply: no machine 'distrikt'; did you mean district",
    ),
    "machine connected to itself": (
        [("[cdu.outlet, passage.inlet,", "[cdu.outlet, passage.inlet, passage.outlet,"), ("[passage.outlet, ", "[")],
        "  fws.return:",
        "nodes.fws.return: fws.return: passage is connected to itself: passage.inlet and passage.outlet are both in "
        "this node, so no pressure difference moves water through it; put one of them in another node",
    ),
    "a loop that does not close in height": (
        [("volume: 0.3 m^3, cells: 4", "rise: 3 m, volume: 0.3 m^3, cells: 4")],
        "  passage:",
        "components.passage: passage: its loop does not close in height: passage +3 m, all other machines level, sum "
        "to +3 m in place of 0, which would drive water for ever; correct a rise (downwards it is negative)",
    ),
    "negative size": (
        [("mass: 200 kg, T_start: 30 degC", "mass: -200 kg, T_start: 30 degC")],
        "  vessel:",
        "components.vessel.mass: Input should be greater than 0, found '-200 kg'",
    ),
    "impossible nominal point": (
        [("T_air_nominal: 24 degC", "T_air_nominal: 34 degC")],
        "  dry_cooler:\n",
        "components.dry_cooler: a dry cooler's nominal point needs",
    ),
    "unit missing": (
        [("m_flow_nominal: 25 kg/s  ", "m_flow_nominal: 25  ")],
        "    m_flow_nominal: 25 ",
        "components.pump.m_flow_nominal: 25 has no unit; write it with one, such as '25 kg/s'",
    ),
    "unit of the wrong dimension": (
        [("dp_lowest: 40 kPa", "dp_lowest: 40 kW")],
        "    dp_lowest:",
        "components.pump.dp_lowest: expected a quantity in Pa, found '40 kW'",
    ),
    "override of an unknown component": (
        [("\ndevices:", VARIANT + "\ndevices:")],
        "    components.pmp.n_pumps",
        "variants.odd: no key 'components.pmp.n_pumps' in the site: components has no 'pmp.n_pumps'; known: cdu, pump",
    ),
    "duplicate names": (
        [("  buffer: {", "  pump: {")],
        "  pump: {",
        "key 'pump' stands twice in one mapping",
    ),
    "duplicate names in an array": (
        [("nodes:\n", "nodes:\n  room.1: {medium: none, heat_capacity: 1 MJ/K, T_start: 20 degC, ports: [cdu.room]}\n"),
         ("  room: {", "  room: {count: 2, ")],
        "  room: {",
        "nodes.room: room.1 is a name of nodes.room.1 already",
    ),
    "a port named twice": (
        [("[pump.outlet, cdu.inlet", "[pump.outlet, cdu.inlet, pump.outlet")],
        "  fws.supply:",
        "nodes.fws.supply: port pump.outlet is named twice, by pump.outlet",
    ),
}  # fmt: skip


def told(tmp_path: Path, what: str) -> tuple[str, str]:
    """The file with one mistake in it, and the message that it gets."""
    text = BENCH
    for old, new in MISTAKES[what][0]:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "bench.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_site(f"{path}@odd" if VARIANT in text else path)
    return text, str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("what", MISTAKES)
def test_a_seeded_mistake_is_told_with_its_place_and_what_to_do(tmp_path: Path, what: str) -> None:
    text, message = told(tmp_path, what)
    place, says = MISTAKES[what][1:]
    line = text[: text.index(place)].count("\n") + 1
    assert any(told.startswith(f"bench.yaml:{line}: {says}") for told in message.splitlines()), message


def test_every_mistake_has_an_error_of_its_own(tmp_path: Path) -> None:
    said = {re.sub(r"bench\.yaml:\d+: ", "", told(tmp_path, what)[1]) for what in MISTAKES}
    assert len(said) == len(MISTAKES) >= 10
