"""The schematic of a site: a valid picture with every machine once, nothing on top of anything, the same every time."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from plant_models.site import Site, list_sites, load_site
from tests.strategies.command_line import heatloop
from tests.strategies.small_sites import small_sites
from twin.report.schematic import BOX_HEIGHT, BOX_WIDTH, LETTER, Schematic, draw
from twin.report.site_graph import picture_of

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "sites").glob("*.yaml"))
SITES = [*list_sites(), "rovaltain@36", *map(str, EXAMPLES)]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def site_of(name: str) -> Site:
    return load_site(name)


def number(element: ElementTree.Element, *names: str) -> list[float]:
    return [float(element.attrib[name]) for name in names]


def nothing_overlaps(site: Site) -> None:
    """Boxes lie apart; no pipe and no line runs through a box, but for a stub's end at its own box's edge."""
    schematic = Schematic(site)
    for a, b in itertools.combinations(schematic.boxes, 2):
        apart = abs(a.x - b.x) >= BOX_WIDTH + 6 or abs(a.y - b.y) >= BOX_HEIGHT + 6
        assert apart, (a.stem, b.stem)
    root = ElementTree.fromstring(schematic.svg())
    width, height = number(root, "width", "height")
    for box in schematic.boxes:
        assert 0 <= box.x <= width - BOX_WIDTH
        assert 0 <= box.y <= height - BOX_HEIGHT
    for line in root.iter(f"{SVG}line"):
        if not set(line.attrib["class"].split()) & {"stub", "sense", "bus"} or float(line.attrib["y1"]) > height - 58:
            continue
        x_1, x_2, y_1, y_2 = number(line, "x1", "x2", "y1", "y2")
        for box in schematic.boxes:
            beside = max(x_1, x_2) <= box.x or min(x_1, x_2) >= box.x + BOX_WIDTH
            beyond = max(y_1, y_2) <= box.y or min(y_1, y_2) >= box.y + BOX_HEIGHT
            assert beside or beyond, (box.stem, line.attrib)


@pytest.mark.parametrize("name", SITES)
def test_a_schematic_is_xml_with_every_group_once(name: str) -> None:
    site = site_of(name)
    root = ElementTree.fromstring(draw(site))
    assert root.tag == f"{SVG}svg"
    drawn = [g.attrib["data-machine"] for g in root.iter(f"{SVG}g")]
    assert sorted(drawn) == sorted(site.components)
    words = ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]
    for array in site.components.values():
        title = array.name if array.count == 1 else f"{array.count}\u202f× {array.name}"
        assert title in words
    for node, spec in site.nodes.items():
        assert (node if spec.count == 1 else f"{spec.count}\u202f× {node}") in words


@pytest.mark.parametrize("name", SITES)
def test_nothing_lies_on_anything(name: str) -> None:
    nothing_overlaps(site_of(name))


@settings(max_examples=25, deadline=None)
@given(site=small_sites())
def test_nothing_lies_on_anything_in_any_plant(site: Site) -> None:
    nothing_overlaps(site)


@pytest.mark.parametrize("name", SITES)
def test_words_fit_their_boxes(name: str) -> None:
    """Measured as the drawing does: 0.6 of the type's size a letter."""
    root = ElementTree.fromstring(draw(site_of(name)))
    for group in root.iter(f"{SVG}g"):
        for words in group.iter(f"{SVG}text"):
            size = {"name": 13.0, "small": 11.0}[words.attrib["class"]]
            if "style" in words.attrib:
                size = float(words.attrib["style"].removeprefix("font-size:").removesuffix("px"))
            assert LETTER * size * len(words.text or "") <= BOX_WIDTH - 12
            assert size > 6.0


def test_the_same_site_gives_the_same_file() -> None:
    assert draw(load_site("rovaltain")) == draw(load_site("rovaltain"))


def test_a_circuit_reads_along_its_flow() -> None:
    """From the pump round to the pump: supply, halls, return, recovery, coolers."""
    circuits = {circuit.name: circuit.buses for circuit in picture_of(site_of("rovaltain")).circuits}
    assert circuits["fws"] == ("fws.supply", "hall.supply", "hall.return", "fws.return", "fws.warm", "fws.cold")
    assert circuits["dh"] == ("dh.supply", "dh.return", "dh.preheated")


def test_water_enters_at_inlets_and_colours_tell_circuits_apart() -> None:
    root = ElementTree.fromstring(draw(site_of("bench_loop")))
    arrows = [element for element in root.iter(f"{SVG}path") if element.attrib["d"].endswith("Z")]
    assert len(arrows) == 14  # two at each of cdu, pump, passage, dry cooler, district; four at the heat pump
    colours = {circuit.name: set() for circuit in picture_of(site_of("bench_loop")).circuits}  # type: ignore[var-annotated]
    lines = {line.bus.name: line.colour for line in Schematic(site_of("bench_loop"))._lines}
    for circuit in picture_of(site_of("bench_loop")).circuits:
        colours[circuit.name] = {lines[bus] for bus in circuit.buses}
    assert not colours["fws"] & colours["dh"]
    assert len(colours["fws"]) == 2  # cold and warm


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "plant.svg"
    ended = heatloop("draw", "bench_loop", "--out", str(out))
    assert ended.returncode == 0, ended.stderr
    assert f"schematic: {out}" in ended.stdout
    assert out.read_text(encoding="utf-8") == draw(load_site("bench_loop"))
    ended = heatloop("draw", "nowhere")
    assert ended.returncode == 2
    assert "no site 'nowhere'" in ended.stderr
