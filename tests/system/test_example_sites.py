"""The example sites show the range: each is sound, runs for a day under both rule-based controllers, and adds up."""

from __future__ import annotations

import json
import math
from pathlib import Path

import fluids
import pytest

from controllers.plant_view import PlantView, UncontrollablePlant
from plant_models.integrate import Simulator
from plant_models.media import WATER
from plant_models.plant import Plant
from plant_models.site import SiteError, load_site
from tests.strategies.command_line import heatloop
from twin.scenario import load_scenario
from twin.study import run_one

FOLDER = Path(__file__).parents[2] / "examples" / "sites"
SITES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
Figures = dict[str, float | None]


def a_day(site: str, controller: str, out: Path) -> Figures:
    return run_one(load_scenario(FOLDER / f"{site}.yaml", {"days": 1.0, "controller": controller}), out)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Figures]:
    """A winter day of each site under each controller; the folders of the runs are named alike."""
    base = tmp_path_factory.mktemp("examples")
    return {(s, c): a_day(s, c, base / f"{s}_{c}") for s in SITES for c in ("fixed", "sequences")}


def test_there_are_four() -> None:
    assert SITES == ["heat_network", "tower_only", "two_floors", "two_halls"]


@pytest.mark.parametrize("site", SITES)
def test_an_example_is_checked_by_the_command(site: str) -> None:
    ended = heatloop("check", str(FOLDER / f"{site}.yaml"))
    assert ended.returncode == 0, ended.stderr
    assert f"{site} is sound" in ended.stdout


@pytest.mark.parametrize("site", SITES)
def test_a_day_adds_up(site: str, days: dict[tuple[str, str], Figures]) -> None:
    for controller in ("fixed", "sequences"):
        k = {name: value or 0.0 for name, value in days[site, controller].items()}
        assert k["energy_balance_error"] < 1e-6
        assert k["mass_balance_error"] < 1e-6
        assert k["thermal_violation_Kh"] == 0.0
        assert k["controller_failures"] == 0.0
        parts = ("electricity_it_MWh", "electricity_cooling_MWh", "electricity_recovery_MWh")
        assert k["electricity_MWh"] == pytest.approx(sum(k[part] for part in parts))
    fixed, sequences = days[site, "fixed"], days[site, "sequences"]
    besides = "net_cost_besides_it_EUR"  # the rules save against set-points that nobody moves
    assert (sequences[besides] or 0.0) < (fixed[besides] or 0.0)


def test_a_network_without_it_has_no_pue_and_says_why(days: dict[tuple[str, str], Figures]) -> None:
    k = days["heat_network", "sequences"]
    for name in ("pue", "ere", "erf", "wue_l_per_kWh", "cue_kg_per_kWh", "net_cost_EUR_per_MWh_IT"):
        assert k[name] is None, name
    assert k["heat_demand_met"] == pytest.approx(1.0, abs=0.01)
    burnt, given = k["fuel_MWh"] or 0.0, k["heat_delivered_MWh"] or 0.0
    assert 0.8 < given / burnt < 0.92  # the boilers' efficiency, less what the pipes lose
    assert k["fuel_cost_EUR"] == pytest.approx(45.0 * burnt)
    assert k["co2_t"] == pytest.approx(0.202 * burnt, rel=0.01)  # of natural gas, IPCC 2006; pumps beside it
    assert k["electricity_cooling_MWh"] == 0.0


def test_the_command_tells_what_is_undefined(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = heatloop("simulate", str(FOLDER / "heat_network.yaml"), "--days", "0.1", "--out", str(out), "--json")
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert figures["pue"] is None
    assert figures["undefined"]["pue"] == "no electricity of IT in this run"
    assert figures == json.loads((out / "kpis.json").read_text(encoding="utf-8"))
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Boilers burnt" in page
    for words in ("racks drew", "Electricity of IT</", "Hours not recovered", "Heat pump electricity", "of computing"):
        assert words not in page, words
    assert all(words in page for words in ("Network water and outside air", "Consumers", ">fuel<"))


def test_all_water_of_the_towers_is_metered(days: dict[tuple[str, str], Figures]) -> None:
    """1.2 to 2 l per kWh of heat is usual for open towers (evaporation 1.5 l/kWh and blow-down, less sensible heat)."""
    wue = days["tower_only", "sequences"]["wue_l_per_kWh"]
    assert wue is not None
    assert 1.2 < wue < 2.2


def test_two_halls_share_the_loop_as_their_sizes_say() -> None:
    simulator = Simulator(Plant(load_site(FOLDER / "two_halls.yaml")))
    simulator.settle(6 * 3600.0)
    flows = {hall: simulator.get(f"supply_{hall}.m_flow") for hall in "ab"}
    assert flows["a"] > flows["b"] > 40.0
    assert simulator.get("pump.m_flow") == pytest.approx(sum(flows.values()), rel=1e-6)
    assert simulator.get("a.air.T") != pytest.approx(simulator.get("b.air.T"), abs=0.1)


def test_water_of_two_floors_is_where_friction_and_height_put_it() -> None:
    """Valves that hold their flow make both floors alike; pressures are those of the columns and the pipes' drop."""
    simulator = Simulator(Plant(load_site(FOLDER / "two_floors.yaml")))
    simulator.settle(6 * 3600.0)
    get = simulator.get
    low, high = get("cdu_low.1.m_flow_fws"), get("cdu_high.1.m_flow_fws")
    assert low == pytest.approx(high, rel=0.02)
    rho, mu = WATER.rho(get("fws.supply.T")), WATER.mu(get("fws.supply.T"))
    for floor, length, rise in (("low", 30.0, 6.0), ("high", 42.0, 18.0)):
        v = get(f"rise_{floor}.m_flow") / (rho * math.pi / 4.0 * 0.21**2)
        factor = fluids.friction_factor(rho * v * 0.21 / mu, eD=4.5e-5 / 0.21)  # Clamond's solution of Colebrook
        drop = (factor * length / 0.21 + 4.4) * rho * v * v / 2.0 + rho * 9.80665 * rise
        assert get("fws.supply.p") - get(f"{floor}.supply.p") == pytest.approx(drop, rel=3e-3)
    one = simulator.plant.components["pump"].by_points  # type: ignore[attr-defined]
    rise = one.dp(get("pump.m_flow"), get("pump.y"), get("pump.n"))
    assert get("pump.out.p") - get("fws.cold.p") == pytest.approx(rise, rel=1e-3)
    simulator.set("pump.n_on", 0.0)
    simulator.settle(600.0)
    assert 0.0 <= get("main_check.m_flow") < 0.5
    assert simulator.balance("energy").error < 1e-11


def test_optimal_control_says_what_a_heat_network_lacks() -> None:
    with pytest.raises(UncontrollablePlant, match="site heat_network has no cdu: mpc needs a cdu"):
        PlantView(Plant(load_site(FOLDER / "heat_network.yaml"))).need_data_centre("mpc")


def test_fuel_needs_a_price(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    text = (FOLDER / "heat_network.yaml").read_text(encoding="utf-8")
    path.write_text("\n".join(line for line in text.splitlines() if not line.startswith("  fuel:")), encoding="utf-8")
    with pytest.raises(SiteError, match=r"x.yaml:7: tariffs: boiler burns fuel, whose price is missing: add fuel"):
        load_site(path)
