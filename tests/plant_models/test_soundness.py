"""Plants that compose and cannot work are told apart from sound ones, in their own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import SiteError, load_site
from plant_models.soundness import Settled, air_pressure
from tests.strategies.two_circuits import two_circuits


def said(path: Path) -> list[str]:
    simulator = Simulator(Plant(load_site(path)))
    simulator.settle(12 * 3600.0)
    return [f"{finding.severity} {finding}" for finding in Settled(simulator).findings()]


@pytest.mark.parametrize("site", ["bench_loop", "frontier", "rovaltain"])
def test_nothing_is_found_of_the_shipped_sites(site: str) -> None:
    assert said(Path(site)) == []


def test_nothing_is_found_of_a_plant_in_order(tmp_path: Path) -> None:
    assert said(two_circuits(tmp_path)) == []


def test_a_vacuum_at_a_pump_is_told(tmp_path: Path) -> None:
    """The vessel sits where the pressure is highest."""
    path = two_circuits(
        tmp_path, {"v1: {kind: expansion, p_set: 150 kPa": "v1: {kind: expansion, p_set: 0 kPa", ", v1.port]": "]",
                   "hot_pump.sense_high]": "hot_pump.sense_high, v1.port]",
                   "dp_nominal: 100 kPa": "dp_nominal: 300 kPa",
                   "dp_design: 60 kPa, dp_lowest: 20 kPa, dp_highest: 90 kPa, T_start: 50 degC":
                   "dp_design: 250 kPa, dp_lowest: 20 kPa, dp_highest: 290 kPa, T_start: 50 degC"},
    )  # fmt: skip
    error, *warnings = said(path)
    assert re.match(
        r"error h.ret: hot_pump.inlet: -13\d kPa gauge at \d\d °C, less than vacuum, and water boils there below -\d\d "
        r"kPa: no such flow exists, pumps cavitate; raise the pressure that v1 holds by \d\d kPa or more", error,
    )  # fmt: skip
    assert [w for w in warnings if "hot_pump: at full speed for ever" in w]


def test_the_air_of_a_mountain_counts(tmp_path: Path) -> None:
    """ISO 2533: 89875 Pa at 1000 m, 54020 Pa at 5000 m."""
    assert air_pressure(0.0) == 101325.0
    assert air_pressure(1000.0) == pytest.approx(89875.0, rel=1e-4)
    assert air_pressure(5000.0) == pytest.approx(54020.0, rel=1e-3)
    hot = {"T_design: 70 degC": "T_design: 104 degC", "T_highest: 90 degC": "T_highest: 104 degC",
           "kind: expansion, p_set: 150 kPa, mass: 200 kg": "kind: expansion, p_set: 0 kPa, mass: 200 kg",
           "Q_flow_nominal: 500 kW, T_water_in": "Q_flow_nominal: 100 kW, T_water_in"}  # fmt: skip
    reserves = []
    for altitude in ("0 m", "3000 m"):
        simulator = Simulator(
            Plant(load_site(two_circuits(tmp_path, hot | {"altitude: 200 m": f"altitude: {altitude}"})))
        )
        simulator.settle(12 * 3600.0)
        reserves.append(Settled(simulator).boiling_reserves()["h.sup"])
    assert reserves[0] - reserves[1] == pytest.approx(air_pressure(0.0) - air_pressure(3000.0))


def test_a_pump_that_is_turned_round_is_told(tmp_path: Path) -> None:
    path = two_circuits(tmp_path, {"hot_pump.inlet": "hot_pump.SWAP", "hot_pump.outlet": "hot_pump.inlet",
                                   "hot_pump.SWAP": "hot_pump.outlet"})  # fmt: skip
    boiler, px = said(path)
    assert re.match(
        r"error boiler: water passes it backwards, 6\.\d+ kg/s leaves by inlet and .* turn hot_pump round", boiler
    )
    assert re.match(r"error px: water passes it backwards, .* turn hot_pump round, or swap its ports", px)


def test_sensors_that_are_swapped_are_told(tmp_path: Path) -> None:
    path = two_circuits(tmp_path, {"hot_pump.sense_low": "hot_pump.SWAP", "hot_pump.sense_high": "hot_pump.sense_low",
                                   "hot_pump.SWAP": "hot_pump.sense_high"})  # fmt: skip
    (error,) = said(path)
    assert re.match(r"error hot_pump: at full speed for ever: it measures -\d\d kPa and shall hold 60 kPa; swap", error)


def test_a_pump_that_is_too_small_is_told(tmp_path: Path) -> None:
    path = two_circuits(tmp_path, {"dp_design: 60 kPa, dp_lowest: 20 kPa, dp_highest: 140 kPa":
                                   "dp_design: 130 kPa, dp_lowest: 20 kPa, dp_highest: 140 kPa"})  # fmt: skip
    (warning,) = said(path)
    assert re.match(r"warning cold_pump: at full speed for ever: .* shall hold 130 kPa; a larger pump", warning)


@pytest.mark.parametrize(("inlet", "outlet", "found"), [("h.ret", "h.pump", 0), ("h.pump", "h.ret", 1)])
def test_a_check_valve_the_wrong_way_round_is_told(tmp_path: Path, inlet: str, outlet: str, found: int) -> None:
    """Parallel to an open bypass: else no water has a way round, which the site's reader tells."""
    text = two_circuits(tmp_path).read_text(encoding="utf-8")
    ports = {inlet: "check.inlet", outlet: "check.outlet"}
    text = text.replace("hot_pump.inlet, hot_pump.sense_low", f"hot_pump.sense_low, bypass.inlet, {ports['h.ret']}")
    text = text.replace("nodes:\n", "  check: {kind: check_valve, Kv: 60 m^3/h, volume: 0.01 m^3, T_start: 50 degC}\n"
                        "  bypass: {kind: control_valve, Kv: 20 m^3/h, volume: 0.01 m^3, T_start: 50 degC, "
                        "y_default: 1.0}\n"
                        "nodes:\n  h.pump: {volume: 0.1 m^3, T_start: 50 degC, ports: "
                        f"[bypass.outlet, hot_pump.inlet, {ports['h.pump']}]}}\n")  # fmt: skip
    path = tmp_path / "valve.yaml"
    path.write_text(text, encoding="utf-8")
    errors = [line for line in said(path) if line.startswith("error check: holds back the water")]
    assert len(errors) == found


def test_two_pressures_in_one_circuit_are_refused(tmp_path: Path) -> None:
    more = {"  v2:": "  v3: {kind: expansion, p_set: 250 kPa, mass: 200 kg, T_start: 30 degC}\n  v2:",
            "hot_pump.sense_high]": "hot_pump.sense_high, v3.port]"}  # fmt: skip
    with pytest.raises(SiteError, match=r"v1 and v3 fight: they hold 150 kPa at h.ret and 250 kPa at h.sup"):
        load_site(two_circuits(tmp_path, more))
    same = more | {"p_set: 250 kPa": "p_set: 150 kPa"}
    (error,) = [line for line in said(two_circuits(tmp_path, same)) if line.startswith("error")]
    assert re.match(r"error v1: works against the other vessel of its circuit: v1 \w+ [\d.]+ kg/s, v3 \w+", error)
