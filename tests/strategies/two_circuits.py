"""A heat-only plant of two circuits, boiler and dry cooler with glycol, as a site file whose text tests change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TWO_CIRCUITS = """\
name: two_circuits
title: boiler circuit, plate exchanger, dry cooler circuit with glycol
location: {name: Lyon, latitude: 45.73, longitude: 4.95, altitude: 200 m, time_zone: Europe/Paris}
tariffs: {heat: 35 EUR/MWh, water: 4 EUR/m^3, co2: 80 EUR/t, heat_pump_start: 10 EUR/MW, fuel: 45 EUR/MWh}
outlook: {electricity_mean: 60 EUR/MWh}
components:
  boiler: {kind: boiler, Q_flow_nominal: 500 kW, T_in_nominal: 50 degC, T_out_nominal: 70 degC, dp_nominal: 20 kPa,
    volume: 1 m^3, T_design: 70 degC, T_lowest: 50 degC, T_highest: 90 degC}
  hot_pump: {kind: pump_group, purpose: recovery, n_pumps: 1, m_flow_nominal: 6 kg/s, dp_nominal: 100 kPa,
    volume: 0.1 m^3, dp_design: 60 kPa, dp_lowest: 20 kPa, dp_highest: 90 kPa, T_start: 50 degC}
  px:
    kind: plate_exchanger
    primary: {drive: branch, m_flow_nominal: 6 kg/s, dp_nominal: 60 kPa}
    secondary: {drive: branch, medium: eg30, m_flow_nominal: 8 kg/s, dp_nominal: 60 kPa}
    UA_nominal: 20 kW/K
    one_way: false
  cold_pump: {kind: pump_group, medium: eg30, n_pumps: 1, m_flow_nominal: 8 kg/s, dp_nominal: 150 kPa,
    volume: 0.1 m^3, dp_design: 60 kPa, dp_lowest: 20 kPa, dp_highest: 140 kPa, T_start: 30 degC}
  cooler: {kind: dry_cooler, medium: eg30, Q_flow_nominal: 500 kW, T_water_in_nominal: 45 degC,
    T_water_out_nominal: 30 degC, T_air_nominal: 24 degC, m_flow_air_nominal: 60 kg/s, dp_nominal: 60 kPa,
    P_fan_nominal: 15 kW, volume: 0.4 m^3}
  v1: {kind: expansion, p_set: 150 kPa, mass: 200 kg, T_start: 30 degC}
  v2: {kind: expansion, medium: eg30, p_set: 150 kPa, mass: 200 kg, T_start: 30 degC}
nodes:
  h.ret: {volume: 0.1 m^3, T_start: 50 degC, ports: [px.primary_out, hot_pump.inlet, hot_pump.sense_low, v1.port]}
  h.mid: {volume: 0.1 m^3, T_start: 50 degC, ports: [hot_pump.outlet, boiler.inlet]}
  h.sup: {volume: 0.1 m^3, T_start: 70 degC, ports: [boiler.outlet, px.primary_in, hot_pump.sense_high]}
  c.ret: {volume: 0.1 m^3, medium: eg30, T_start: 40 degC, ports: [px.secondary_out, cooler.inlet,
    cold_pump.sense_low]}
  c.mid: {volume: 0.1 m^3, medium: eg30, T_start: 30 degC, ports: [cooler.outlet, cold_pump.inlet, v2.port]}
  c.sup: {volume: 0.1 m^3, medium: eg30, T_start: 30 degC, ports: [cold_pump.outlet, px.secondary_in,
    cold_pump.sense_high]}
"""


def two_circuits(folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Its site file in a folder, with pieces of text replaced wherever they stand."""
    text = TWO_CIRCUITS
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "two_circuits.yaml"
    path.write_text(text, encoding="utf-8")
    return path
