"""Machine code and interpreter give the same; the cache is by content; a broken set-up is seen."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from plant_models import compiled
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.integrate import Simulator
from plant_models.machine_code import MachineCode, key_of
from plant_models.plant import Plant
from tests.strategies.small_sites import interpreted, small_site

needs_compiler = pytest.mark.skipif(not any(map(shutil.which, ("gcc", "clang", "cc"))), reason="no C compiler here")


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An empty cache, and no command chosen yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("HEATLOOP_COMPILER", raising=False)
    compiled.compiler.cache_clear()
    yield monkeypatch
    compiled.compiler.cache_clear()


def square(factor: float = 1.0) -> Callable[[float], float]:
    (library,) = compiled.libraries({"square": f"double square(double x) {{ return {factor} * x * x; }}\n"}).values()
    library.square.argtypes, library.square.restype = [ctypes.c_double], ctypes.c_double
    return lambda x: float(library.square(x))


@needs_compiler
def test_compiled_and_interpreted_plants_agree_to_round_off() -> None:
    site = small_site(n_cdus=2)
    with interpreted():
        slow = Simulator(Plant(site))
    fast = Simulator(Plant(site))
    for simulator in (slow, fast):
        simulator.settle(1800.0)
        simulator.set("cdu.1.P_it", 3e5)
        for _ in range(60):
            simulator.step(30.0)
    names = list(fast.plant.vocabulary)
    assert slow.iterations == fast.iterations
    np.testing.assert_allclose(slow.get_many(names), fast.get_many(names), rtol=1e-9, atol=1e-7)


@needs_compiler
def test_what_was_compiled_once_is_taken_from_the_cache(fresh: pytest.MonkeyPatch) -> None:
    assert square()(3.0) == 9.0
    (library,) = compiled.cache_folder().glob("*.so")
    written = library.stat().st_mtime_ns
    assert square()(4.0) == 16.0
    assert library.stat().st_mtime_ns == written
    assert square(factor=2.0)(3.0) == 18.0  # another content, another file
    assert len(list(compiled.cache_folder().iterdir())) == 2


def test_none_means_no_compiler(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("HEATLOOP_COMPILER", "none")
    simulator = Simulator(Plant(small_site()))
    simulator.step(30.0)
    assert not compiled.cache_folder().exists()


def test_without_a_compiler_it_runs_interpreted(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(shutil, "which", lambda _: None)
    fresh.setattr(importlib.util, "find_spec", lambda _: None)
    simulator = Simulator(Plant(small_site()))
    simulator.step(30.0)
    assert not compiled.cache_folder().exists()


def test_a_compiler_that_fails_is_reported(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("HEATLOOP_COMPILER", "false")
    with pytest.raises(RuntimeError, match=r"false failed on the generated plant .*set HEATLOOP_COMPILER=none"):
        square()
    assert not list(compiled.cache_folder().iterdir())


def test_a_compiler_that_is_not_there_is_reported(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("HEATLOOP_COMPILER", "no_such_compiler -m64")
    with pytest.raises(
        RuntimeError, match=r"cannot compile the plant with no_such_compiler -m64 into .*XDG_CACHE_HOME"
    ):
        square()


@needs_compiler
def test_a_cache_that_cannot_be_written_is_reported(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    fresh.setenv("XDG_CACHE_HOME", str(blocked))
    with pytest.raises(RuntimeError, match=r"cannot compile the plant .*name another folder by XDG_CACHE_HOME"):
        square()


@needs_compiler
@pytest.mark.parametrize("trusted", [0.0, 1e300])
def test_pivoting_gives_the_same(trusted: float) -> None:
    """A pivot that is not trusted sends the nodes' matrix to elimination with pivoting."""
    simulators = [Simulator(Plant(small_site(n_cdus=2))) for _ in range(2)]
    code = simulators[1]._engine
    assert isinstance(code, MachineCode)
    code._plant.pivot_small = trusted
    for simulator in simulators:
        simulator.settle(600.0)
        simulator.set("cdu.1.P_it", 3e5)
        for _ in range(10):
            simulator.step(30.0)
    assert code._plant.pivoted >= code.iterations if trusted else code._plant.pivoted == 0
    names = list(simulators[0].plant.vocabulary)
    np.testing.assert_allclose(*(s.get_many(names) for s in simulators), rtol=1e-9, atol=1e-7)


@needs_compiler
@pytest.mark.parametrize("n_cdus", [1, 2, 3, 9])
def test_groups_of_any_size_agree_with_the_interpreter(n_cdus: int) -> None:
    """One member, lanes that are not full, more than one block."""
    site = small_site(n_cdus=n_cdus, racks=1)
    with interpreted():
        slow = Simulator(Plant(site))
    fast = Simulator(Plant(site))
    for simulator in (slow, fast):
        for i in range(n_cdus):
            simulator.set(f"{simulator.plant.of_kind('cdu')[i]}.P_it", 5e5 + 5e4 * i)
        for _ in range(20):
            simulator.step(30.0)
    names = list(fast.plant.vocabulary)
    assert slow.iterations == fast.iterations
    np.testing.assert_allclose(slow.get_many(names), fast.get_many(names), rtol=1e-9, atol=1e-7)
    for quantity in ("energy", "mass"):
        assert slow.balance(quantity).came_in == pytest.approx(fast.balance(quantity).came_in, rel=1e-9)


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="the extra heatloop[compiler] is not installed")
@pytest.mark.slow
def test_the_compiler_that_comes_as_a_python_package(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(shutil, "which", lambda _: None)
    simulator = Simulator(Plant(small_site(recovery=False, air=False)))
    assert compiled.compiler()[1:] == ("-m", "ziglang", "cc")  # type: ignore[index]
    for _ in range(5):
        simulator.step(30.0)
    assert simulator.balance("energy").error < 1e-12


@needs_compiler
@pytest.mark.parametrize("load", [0.0, 8e5, 1.3e6])
def test_steps_cut_at_jumps_are_cut_alike(load: float) -> None:
    """No cut, the first stage taken as a step, halves of halves: states, balances and iterations agree."""
    site = small_site(n_cdus=3)
    with interpreted():
        slow = Simulator(Plant(site))
    fast = Simulator(Plant(site))
    for simulator in (slow, fast):
        simulator.settle(1800.0)
        simulator.set("cdu.1.P_it", load)
        for _ in range(5):
            simulator.step(60.0)
    names = list(fast.plant.vocabulary)
    assert slow.iterations == fast.iterations
    np.testing.assert_allclose(slow.get_many(names), fast.get_many(names), rtol=1e-9, atol=1e-7)
    for simulator in (slow, fast):
        assert simulator.balance("energy").error < 1e-12
    assert slow.balance("energy").came_in == pytest.approx(fast.balance("energy").came_in, rel=1e-9)


@needs_compiler
def test_a_text_is_written_only_where_its_key_is_new(fresh: pytest.MonkeyPatch) -> None:
    written = []

    def write() -> str:
        written.append(1)
        return "double twice(double x) { return 2.0 * x; }\n"

    for key in ("one", "one", "another"):
        library = compiled.libraries({"twice": compiled.Deferred(key, write)})["twice"]
        library.twice.restype, library.twice.argtypes = ctypes.c_double, [ctypes.c_double]
        assert library.twice(2.5) == 5.0
    assert len(written) == 2
    assert len(list(compiled.cache_folder().glob("*.so"))) == 1, "the same text is compiled once"


def test_a_machines_key_tells_its_sizes_apart() -> None:
    def tank(volume: float) -> StratifiedTank:
        return StratifiedTank(volume=volume, height=10.0, m_flow_nominal=100.0)

    assert key_of(tank(1e3), 1) == key_of(tank(1e3), 1)
    assert len({key_of(tank(1e3), 1), key_of(tank(1001.0), 1), key_of(tank(1e3), 8)}) == 3
