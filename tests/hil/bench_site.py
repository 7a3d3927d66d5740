"""The bench loop with its devices on the bus."""

from __future__ import annotations

from pathlib import Path

from plant_models.site import list_sites, load_site

DEVICES = """
devices:
  - {map: cdu, machines: cdu, port: 15020, unit: 1}
  - {map: pump_group, machines: pump, port: 15020, unit: 2}
  - {map: dry_cooler, machines: dry_cooler, port: 15020, unit: 3}
  - {map: heat_pump, machines: heat_pump, port: 15020, unit: 4}
  - {map: stratified_tank, machines: buffer, port: 15021, unit: 5}
  - {map: district, machines: district, port: 15021, unit: 6}
  - {name: sensors, map: sensors, port: 15021, unit: 20,
     nodes: [fws.supply, fws.return, fws.warm, fws.cold, room, dh.supply, dh.return]}
  - {name: weather_station, map: weather_station, port: 15021, unit: 21}
  - {name: energy_gateway, map: energy_gateway, port: 15021, unit: 22}
"""


def bench_site(folder: Path) -> str:
    """The shipped site, or where that has no devices a copy that has."""
    if load_site("bench_loop").devices:
        return "bench_loop"
    path = folder / "bench.yaml"
    path.write_text(list_sites()["bench_loop"].read_text(encoding="utf-8") + DEVICES, encoding="utf-8")
    return str(path)
