"""What the documentation shows is run: the Python of a page, the site it describes, the tables, the links."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from hil.registers.check import check_file
from hil.registers.files import load_map
from hil.registers.points import Point
from hil.registers.schema import RegisterMap
from plant_models.components.catalog import CATALOG
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import SiteError, load_site

DOCS = Path(__file__).parents[2] / "docs"
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if PYTHON.search(page.read_text(encoding="utf-8"))]
OWN_PLANT = (DOCS / "your-own-plant.md").read_text(encoding="utf-8")


@pytest.fixture
def server_room(tmp_path: Path) -> Path:
    """The page's site with its variants, as the file that the page calls it."""
    path = tmp_path / "server_room.yaml"
    path.write_text("\n".join(YAML.findall(OWN_PLANT)), encoding="utf-8")
    return path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path) -> None:
    blocks = PYTHON.findall(page.read_text(encoding="utf-8"))
    namespace: dict[str, object] = {"__name__": f"docs_{page.stem}"}
    exec(compile("\n".join(blocks), str(page), "exec", dont_inherit=True), namespace)
    assert len(namespace) > 2


def test_the_site_of_the_page_settles_and_balances(server_room: Path) -> None:
    simulator = Simulator(Plant(load_site(server_room)))
    simulator.settle(4 * 3600.0)
    simulator.step(60.0)
    assert simulator.balance("energy").error < 1e-6
    assert simulator.get("cdu.1.T_gpu_max") < 273.15 + 90.0


def test_the_vessel_with_a_gas_cushion_of_the_page(server_room: Path) -> None:
    [instead] = re.findall(r"^```yaml title=.*?\n(.*?)^```", OWN_PLANT, re.DOTALL | re.MULTILINE)
    vessel, _, nodes = instead.partition("nodes:\n")
    site = server_room.read_text(encoding="utf-8")
    for line in [vessel, *nodes.splitlines(keepends=True)]:
        name = line.partition(":")[0]
        site = re.sub(
            rf"^{re.escape(name)}: .*?\n(?=  \w|\n)", lambda _, line=line: line, site, flags=re.DOTALL | re.MULTILINE
        )
    server_room.write_text(site, encoding="utf-8")
    simulator = Simulator(Plant(load_site(server_room)))
    simulator.settle(4 * 3600.0)
    assert 130e3 < simulator.get("fws.cold.p") < 250e3


def test_the_variant_of_the_page_has_more_machines(server_room: Path) -> None:
    plain, large = load_site(server_room), load_site(f"{server_room}@large")
    assert len(large.instances()) == len(plain.instances()) + 2


@pytest.mark.parametrize(("good", "bad"), [
    ("    racks: 8", "    rackss: 8"),
    (", vessel.port]", "]"),
    ("cdu.inlet]}\n  fws.return: {volume: 0.5 m^3, T_start: 40 degC, ports: [cdu.outlet, ",
     "cdu.inlet, cdu.outlet]}\n  fws.return: {volume: 0.5 m^3, T_start: 40 degC, ports: ["),
])  # fmt: skip
def test_the_messages_of_the_page_are_the_ones_that_appear(server_room: Path, good: str, bad: str) -> None:
    assert good in server_room.read_text(encoding="utf-8")
    server_room.write_text(server_room.read_text(encoding="utf-8").replace(good, bad, 1), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load_site(server_room)
    lines = str(caught.value).replace(f"{server_room.parent}/", "").splitlines()
    assert any(f"{line}\n" in OWN_PLANT for line in lines), lines


def test_every_machine_is_in_the_tables_that_the_site_fills_in() -> None:
    hooks = runpy.run_path(str(DOCS / "hooks.py"))
    page = hooks["on_page_markdown"]("<!-- kinds -->\n<!-- machines -->")
    for kind, machine in CATALOG.items():
        assert f"[`{kind}`](reference/machines.md#{kind}) | " + " ".join(f"`{p.name}`" for p in machine.ports) in page
        assert f"::: {machine.__module__}\n" in page
        assert all(f"| `{name}` | " in page for name in machine.model_fields if name != "kind")
    assert "| `P_it_nominal` | W | **needed** |" in page


def test_the_register_map_of_the_page_is_sound(tmp_path: Path) -> None:
    page = (DOCS / "register-maps.md").read_text(encoding="utf-8")
    path = tmp_path / "my_valve.yaml"
    path.write_text(YAML.findall(page)[0], encoding="utf-8")
    assert check_file(path) == []
    used = {key for key in RegisterMap.model_fields if f"\n{key}:" in page}
    assert used >= {"identity", "watchdog", "settings", "forbidden", "poll"}
    assert {p.type for p in load_map(path).points} >= {"uint16", "uint32", "bit", "string"}


def test_the_keys_of_a_map_and_the_equipment_are_listed() -> None:
    page = runpy.run_path(str(DOCS / "hooks.py"))["on_page_markdown"]("<!-- equipment -->\n<!-- map-keys -->")
    assert "| `belimo_actuator` | " in page
    assert all(f"| `{key}` | " in page for model in (RegisterMap, Point) for key in model.model_fields)


def test_every_machine_has_its_example_on_the_bench() -> None:
    page = (DOCS / "one-machine.md").read_text(encoding="utf-8")
    for kind in CATALOG:
        title = {"cdu": "CDU", "expansion": "Expansion vessel", "district": "District network",
                 "three_way_valve": "Three-way valve"}  # fmt: skip
        heading = title.get(kind, kind.replace("_", " ").capitalize())
        section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert "```python" in section, f"docs/one-machine.md needs a section '{heading}' with an example"
        assert "assert" in section


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
