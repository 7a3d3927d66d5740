"""Snapshots on disk: the future is the same to the last bit, and a file that does not fit is refused with reasons."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models import snapshot_file
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import load_site
from plant_models.snapshot_file import SnapshotError, load, save
from tests.strategies.running_plants import made, shipped
from tests.strategies.small_sites import interpreted, settings_of, small_site

HEAT_NETWORK = Path(__file__).parents[2] / "examples" / "sites" / "heat_network.yaml"


def future(simulator: Simulator) -> np.ndarray:
    names, rows = list(simulator.plant.vocabulary), []
    for dt in (30.0, 45.0, 30.0, 300.0):
        simulator.step(dt)
        rows.append([*simulator.get_many(names), simulator.balance().came_in, simulator.elapsed])
    return np.array(rows)


def through_a_file(simulator: Simulator, other: Simulator) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plant.npz"
        save(simulator, path)
        assert [p.name for p in Path(folder).iterdir()] == ["plant.npz"]
        load(other, path)


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_a_plant_goes_on_from_its_file_exactly(data: st.DataObject) -> None:
    simulator = made(n_cdus=2, racks=2)
    for name, value in data.draw(settings_of(simulator.plant)).items():
        simulator.set(name, value)
    for dt in data.draw(st.lists(st.floats(1.0, 600.0), max_size=3)):
        simulator.step(dt)
    with interpreted():
        other = Simulator(simulator.plant)
    through_a_file(simulator, other)
    np.testing.assert_array_equal(future(other), future(simulator))


def test_water_in_plug_flow_pipes_is_in_the_file() -> None:
    plant = Plant(load_site(HEAT_NETWORK))
    one, other = Simulator(plant), Simulator(plant)
    for step in range(40):
        one.set("weather.T_dry", 270.0 + 0.3 * step)
        one.step(60.0)
    through_a_file(one, other)
    np.testing.assert_array_equal(future(other), future(one))


def test_the_large_plant_in_machine_code(tmp_path: Path) -> None:
    simulator = shipped("rovaltain")
    save(simulator, tmp_path / "plant")
    assert (tmp_path / "plant").stat().st_size < 200_000
    first = future(simulator)
    load(simulator, tmp_path / "plant")
    np.testing.assert_array_equal(future(simulator), first)


def test_another_plant_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "plant.npz"
    save(made(n_cdus=2, racks=2), path)
    with interpreted():
        other, larger = Simulator(Plant(small_site(2, 3))), Simulator(Plant(small_site(3, 2)))
    with pytest.raises(
        SnapshotError, match=r"plant.npz is of another plant than small: machine cdu.*: racks was 2, is 3"
    ):
        load(other, path)
    with pytest.raises(SnapshotError, match=r"machine cdu.* is not in the file"):
        load(larger, path)
    assert other.elapsed == 0.0


def test_another_version_or_scheme_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, simulator = tmp_path / "plant.npz", made(n_cdus=1)
    save(simulator, path)
    with interpreted():
        euler = Simulator(simulator.plant, "euler")
    with pytest.raises(SnapshotError, match="scheme='sdirk2'"):
        load(euler, path)
    monkeypatch.setattr(snapshot_file, "_version", lambda: "99.0")
    with pytest.raises(SnapshotError, match=r"this is 99.0, whose equations may differ: settle anew, or .*any_version"):
        load(simulator, path)
    load(simulator, path, any_version=True)


def test_a_file_that_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    simulator, path = made(n_cdus=1), tmp_path / "plant.npz"
    for content in (b"", b"hello", b"PK\x03\x04broken"):
        path.write_bytes(content)
        with pytest.raises(SnapshotError, match="is no snapshot of a plant, or is damaged"):
            load(simulator, path)
    np.savez(path, x=np.zeros(3))
    with pytest.raises(SnapshotError, match="is no snapshot"):
        load(simulator, path)
    save(simulator, path)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(SnapshotError, match="is no snapshot of a plant, or is damaged"):
        load(simulator, path)
    with pytest.raises(FileNotFoundError):
        load(simulator, tmp_path / "nowhere.npz")
