"""Site files: every mistake is told with file, line, what was found and what would be accepted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plant_models.plant import Plant
from plant_models.site import Site, SiteError, list_sites, load_site

BENCH = list_sites()["bench_loop"].read_text(encoding="utf-8")
FIGURE = re.compile(r"(?<![\w.])-?\d")
TAG = re.compile(r"#.*\[[SDA]\]")


def refused(tmp_path: Path, old: str, new: str) -> str:
    """The message for the bench loop with one change; the file's name is bench.yaml."""
    assert BENCH.count(old) >= 1, old
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_site(path)
    return str(caught.value).replace(f"{tmp_path}/", "")


def line_of(text: str) -> int:
    """Where a text stands in the bench loop, counted from 1."""
    return BENCH[: BENCH.index(text)].count("\n") + 1


MISTAKES = [
    # (what to change, into what, where it is found, what is said)
    ("racks: 8 ", "rakcs: 8 ", "rakcs", "components.cdu.rakcs: unknown key"),
    ("n_pumps: 1", "n_pumps: 0", "n_pumps: 1",
     "components.pump.n_pumps: Input should be greater than or equal to 1, found 0"),
    ("volume_line: 0.4 m^3", "volume_line: -0.4 m^3", "volume_line",
     "components.cdu.volume_line: Input should be greater than 0, found '-0.4 m^3'"),
    ("UA_nominal: 250 kW/K", "UA_nominal: 250000", "UA_nominal",
     "components.cdu.UA_nominal: 250000 has no unit; write it with one, such as '250000 W/K'"),
    ("UA_nominal: 250 kW/K", "UA_nominal: 250 kW", "UA_nominal",
     "components.cdu.UA_nominal: expected a quantity in W/K, found '250 kW'"),
    ("{P_it_nominal: 115 kW,", "{P_it_nominal: 115,", "rack: {P_it_nominal",
     "components.cdu.rack.P_it_nominal: 115 has no unit; write it with one, such as '115 W'"),
    ("liquid_fraction: 1.0", "liquid_fraction: 1.2", "rack: {P_it_nominal",
     "components.cdu.rack.liquid_fraction: Input should be less than or equal to 1, found 1.2"),
    ("kind: dry_cooler", "kind: dry_coler", "kind: dry_cooler",
     "components.dry_cooler.kind: unknown kind 'dry_coler'; did you mean dry_cooler"),
    ("T_supply_design: 36 degC", "T_supply_design: 46 degC", "  cdu:\n",
     "components.cdu: T_supply_design = 319.15 K lies outside T_supply_lowest .. T_supply_highest"),
    ("cdu.inlet, pump", "cdu.inlett, pump", "  fws.supply:",
     "nodes.fws.supply: cdu has no port 'inlett'; it has inlet, outlet, room"),
    ("cdu.inlet, pump", "cud.inlet, pump", "  fws.supply:", "nodes.fws.supply: no machine 'cud'; did you mean cdu?"),
    ("cdu.inlet, pump", "cdu.inlet.x, pump", "  fws.supply:",
     "nodes.fws.supply: 'cdu.inlet.x' is not of the form machine.port or machine[1-8].port"),
    ("cdu.inlet, pump", "'cdu[1-2].inlet', pump", "  fws.supply:",
     "nodes.fws.supply: 'cdu[1-2].inlet' is outside 1..1"),
    (", heat_pump.evaporator_out", "", "  heat_pump:\n",
     "components.heat_pump: port heat_pump.evaporator_out is left open: name it in one of the nodes"),
    ("[cdu.room]", "[cdu.room, pump.inlet]", "  room:", "nodes.room: port pump.inlet is already in node fws.cold"),
    ("fws.cold: {volume", "fws.cold: {count: 2, volume", "  fws.cold:",
     "nodes.fws.cold: 1 machines of 'dry_cooler.outlet' cannot be dealt out evenly to 2 nodes"),
    ("fws.cold: {volume: 0.5 m^3", "fws.cold: {medium: pg25, volume: 0.5 m^3", "  fws.cold:",
     "nodes.fws.cold: fws.cold: holds pg25, but pump.inlet carries water"),
    ("{medium: none,", "{medium: air,", "  room:", "nodes.room.medium: unknown medium 'air'; known: water, pgNN"),
    ("{medium: none, heat_capacity: 5 MJ/K,", "{medium: none, volume: 5 m^3,", "  room:",
     "nodes.room: a node with medium none needs heat_capacity and has no volume"),
    ("{medium: none, heat_capacity: 5 MJ/K,", "{volume: 5 m^3,", "  cdu:\n",
     "components.cdu: port cdu.room needs a heat (medium: none) node, not room"),
    ("latitude: 44.99", "latitude: 144.99", "location:", "location.latitude: Input should be less than or equal to 90"),
    ("  water: 4 EUR/m^3 ", "  water: 4 EUR/MWh ", "  water: 4 EUR/m^3",
     "tariffs.water: expected a quantity in EUR/m^3, found '4 EUR/MWh'"),
    ("load_factor: 0.8", "load_factor: 1.8", "outlook:",
     "outlook.load_factor: Input should be less than or equal to 1"),
    ("name: bench_loop\n", "", None, "name: Field required"),
    ("kind: pump_group\n    n_pumps: 1", "n_pumps: 1", "  pump:\n", "components.pump.kind: unknown kind None"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "says"), MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, place: str | None, says: str) -> None:
    message = refused(tmp_path, old, new)
    where = f"bench.yaml:{line_of(place if place in BENCH else old)}: " if place else "bench.yaml: "
    assert any(line.startswith(where + says) for line in message.splitlines()), message


def test_a_circuit_without_a_vessel(tmp_path: Path) -> None:
    kept = "\n".join(line for line in BENCH.splitlines() if not line.startswith("  vessel:"))
    path = tmp_path / "bench.yaml"
    path.write_text(kept.replace(", vessel.port", ""), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_site(path)
    assert "the circuit of fws.supply, fws.return, fws.warm and 1 more nodes has no expansion vessel" in str(
        caught.value
    )


def test_a_pump_with_nowhere_to_go(tmp_path: Path) -> None:
    message = refused(tmp_path, "ports: [passage.outlet, heat_pump.evaporator_out, dry_cooler.inlet]}",
                      "ports: [passage.outlet, heat_pump.evaporator_out]}\n  end: {volume: 1 l, T_start: 30 degC, "
                      "ports: [dry_cooler.inlet]}")  # fmt: skip
    assert re.search(r"nodes\.end: end: flow through dry_cooler\.inlet has nowhere to go", message)


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, "racks: 8 ", "rakcs: 8 ")
    assert "components.cdu.racks: Field required" in message
    assert "components.cdu.rakcs: unknown key" in message


@pytest.mark.parametrize("unit", ["degC", "°C", "celsius", "degF"])
def test_a_temperature_difference_is_no_temperature(tmp_path: Path, unit: str) -> None:
    message = refused(tmp_path, "m_flow_max: 6 kg/s,", f"m_flow_max: 6 kg/s, opening_band: 2 {unit},")
    assert f"components.district.opening_band: a temperature difference is stated in K, found '2 {unit}'" in message


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    message = refused(tmp_path, "  passage:", "  pump: {kind: pipe}\n  passage:")
    assert message == f"bench.yaml:{line_of('  passage:')}: key 'pump' stands twice in one mapping"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML"),
        ("- 1\n- 2\n", "expected a mapping of name, location, components, nodes"),
        ("", "expected a mapping"),
        ("\xff", "not YAML"),
        ("name: x\nvariants: [1]\n", "variants: expected variants by name"),
        ("name: x\nvariants: {1: 2}\n", "variants: expected variants by name"),
    ],
)
def test_a_file_that_is_no_site(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SiteError, match=f"x.yaml.*{says}"):
        load_site(path)


def test_an_unknown_site_lists_the_shipped_ones() -> None:
    with pytest.raises(
        SiteError, match=r"no site 'nowhere': neither a shipped site \(bench_loop, .*rovaltain\) nor a file"
    ):
        load_site("nowhere")


def test_an_unknown_variant_lists_the_known_ones() -> None:
    with pytest.raises(SiteError, match=r"no variant '37'; known: 36, 109"):
        load_site("rovaltain@37")
    with pytest.raises(SiteError, match=r"no variant '36'; known: none"):
        load_site("bench_loop@36")


@pytest.mark.parametrize(
    "key", ["components.store.volum", "components.nothing.volume", "nodes.fws.supplies.volume", "x"]
)
def test_an_override_of_a_key_that_is_not_there(key: str) -> None:
    with pytest.raises(SiteError, match=re.escape(f"override: no key {key!r} in the site")):
        load_site("rovaltain", {key: "1 m^3"})


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("components.store.volum", "components.store has no 'volum'; did you mean volume"),
        ("components.cdu.rack.leakag", "components.cdu.rack has no 'leakag'; did you mean leakage"),
        ("components.cdu.volume", "components.cdu has no 'volume'; did you mean volume_fws"),
        ("components.stor.volume", "components has no 'stor.volume'; did you mean store"),
        ("nodes.fws.supply.volum", "nodes.fws.supply has no 'volum'; did you mean volume"),
        ("tariffs.heating", "tariffs has no 'heating'; did you mean heat"),
        ("name.first", "there is no 'name.first'"),
        ("variant", "there is no 'variant'; known: "),
    ],
)
def test_an_unknown_override_gets_the_nearest_known(key: str, says: str) -> None:
    with pytest.raises(SiteError, match=re.escape(says)):
        load_site("rovaltain", {key: "1 m^3"})


def test_overrides_reach_what_the_file_leaves_to_its_default() -> None:
    changes = {"components.cdu.rack.leakage": "0.001 1/K", "components.chiller.y_unload": 0.2,
               "components.store.count": 1, "nodes.fws.supply.medium": "water"}  # fmt: skip
    text = list_sites()["rovaltain"].read_text(encoding="utf-8")
    assert "leakage" not in text
    assert "y_unload" not in text
    site = load_site("rovaltain@36", changes)
    assert site.components["cdu"].component.rack.leakage == 0.001  # type: ignore[attr-defined]
    assert site.components["chiller"].component.y_unload == 0.2  # type: ignore[attr-defined]
    assert site.variant == "36"
    with pytest.raises(SiteError, match=r"override: components.cdu.rack.leakage: 0.001 has no unit"):
        load_site("rovaltain", {"components.cdu.rack.leakage": 0.001})


def test_a_wrong_override_is_told_as_such() -> None:
    with pytest.raises(SiteError, match=r"rovaltain.yaml: override: components.store.volume: Input should be greater"):
        load_site("rovaltain", {"components.store.volume": "-1 m^3"})


def test_overrides_reach_machines_and_nodes() -> None:
    changes = {"components.store.volume": "6000 m^3", "nodes.fws.supply.volume": "50 m^3", "tariffs.heat": "50 EUR/MWh"}
    site = load_site("rovaltain", changes)
    assert site.components["store"].component.volume == 6000.0  # type: ignore[attr-defined]
    assert site.nodes["fws.supply"].volume == 50.0
    assert site.tariffs.heat == pytest.approx(50 / 3.6e9)


def test_a_path_may_hold_an_at_sign(tmp_path: Path) -> None:
    folder = tmp_path / "me@home"
    folder.mkdir()
    path = folder / "bench.yaml"
    path.write_text(BENCH, encoding="utf-8")
    assert load_site(path).name == "bench_loop"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  passage: {", "  pass age: {", "components.pass age: a name has letters, digits and _"),
        (
            "  room: {",
            "  weather: {",
            "nodes.weather: a name has letters, digits and _, in parts joined by dots; not market",
        ),
        ("  room: {", "  cdu: {", "nodes.cdu: a machine has this name already"),
    ],
)
def test_names(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in refused(tmp_path, old, new)


@pytest.mark.parametrize("name", list_sites())
def test_every_figure_of_a_shipped_site_has_a_source(name: str) -> None:
    """A line with figures says [S] source, [D] derived or [A] assumption, as the file's head explains.

    Free of it: temperatures at the start, connections, how a device is reached, text. A value that goes over several
    lines carries its tag in one of them.
    """
    source = list_sites()[name].read_text(encoding="utf-8")
    head = "".join(line for line in source.splitlines() if line.startswith("#"))
    assert all(tag in head for tag in ("[S]", "[D]", "[A]"))
    lines = source.split("\ndevices:")[0].splitlines()
    bare = []
    for i, line in enumerate(lines):
        content = line.split("#")[0]
        content = re.sub(r"\b(title|description):.*", "", content)
        content = re.sub(r"\b(T_start|T_hot|T_cold): *[-\d.]+ *degC", "", content)
        content = re.sub(r"\w+(\.\w+)+", "", content)
        content = re.sub(r"^  \d+:", "", content)  # a variant's name
        if FIGURE.search(content) and not TAG.search(" ".join(lines[i : i + 3])):
            bare.append(f"{i + 1}: {line.strip()}")
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize("name", [*list_sites(), "rovaltain@36", "rovaltain@109"])
def test_shipped_sites_compose(name: str) -> None:
    site = load_site(name)
    assert isinstance(site, Site)
    assert Plant(site).components
    assert site.title
    assert site.variant == (name.partition("@")[2] or "default")


@pytest.mark.parametrize(("variant", "P_it"), [("36", 36.0e6), ("109", 109.0e6)])
def test_variants_scale_what_carries_the_heat_of_the_halls_alike(variant: str, P_it: float) -> None:
    reference, other = (load_site(name).instances() for name in ("rovaltain", f"rovaltain@{variant}"))
    scale = P_it / 73.92e6

    def total(machines: dict[str, object], kind: str, *sizes: str) -> float:
        value = 0.0
        for machine in machines.values():
            if machine.kind == kind:  # type: ignore[attr-defined]
                product = 1.0
                for size in sizes:
                    product *= getattr(machine, size)
                value += product
        return value

    for kind, *sizes in (
        ("cdu", "P_it_nominal"), ("cdu", "m_flow_tcs_nominal"), ("cdu", "UA_nominal"), ("cdu", "m_flow_fws_nominal"),
        ("cdu", "P_pump_nominal"), ("dry_cooler", "n_units", "Q_flow_nominal"), ("air_handler", "Q_flow_nominal"),
        ("air_handler", "m_flow_air_nominal"), ("chiller", "Q_flow_nominal"), ("control_valve", "m_flow_nominal"),
    ):  # fmt: skip
        assert total(other, kind, *sizes) == pytest.approx(scale * total(reference, kind, *sizes), rel=0.03), sizes
    pumps = total(other, "pump_group", "n_pumps") / total(reference, "pump_group", "n_pumps")
    assert scale <= pumps <= scale + 1 / 7  # whole pumps of the same size, one of them standing by
    for kind, size in (("heat_pump", "Q_flow_sink_nominal"), ("stratified_tank", "volume"), ("district", "m_flow_max")):
        assert total(other, kind, size) == total(reference, kind, size)
