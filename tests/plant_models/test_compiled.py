"""Machine code and interpreter give the same; the cache is by content; a broken set-up is seen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import casadi as ca
import numpy as np
import pytest

from plant_models import compiled
from plant_models.integrate import Simulator
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


def square(name: str = "square", factor: float = 1.0) -> ca.Function:
    x = ca.SX.sym("x")
    return ca.Function(name, [x], [factor * x * x])


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
    first = compiled.fastest(square())
    assert float(first(3.0)) == 9.0
    (library,) = compiled.cache_folder().glob("*.so")
    written = library.stat().st_mtime_ns
    assert float(compiled.fastest(square())(4.0)) == 16.0
    assert library.stat().st_mtime_ns == written
    assert float(compiled.fastest(square(factor=2.0))(3.0)) == 18.0  # another content, another file
    assert len(list(compiled.cache_folder().iterdir())) == 2


def test_none_means_no_compiler(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("HEATLOOP_COMPILER", "none")
    function = square()
    assert compiled.fastest(function) is function
    assert not compiled.cache_folder().exists()


def test_without_a_compiler_it_runs_interpreted(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(shutil, "which", lambda _: None)
    function = square()
    assert compiled.fastest(function) is function


def test_a_compiler_that_fails_is_reported(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("HEATLOOP_COMPILER", "false")
    with pytest.raises(RuntimeError, match=r"false failed on the generated plant .*set HEATLOOP_COMPILER=none"):
        compiled.fastest(square())
    assert not list(compiled.cache_folder().iterdir())


def test_a_compiler_that_is_not_there_is_reported(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("HEATLOOP_COMPILER", "no_such_compiler -m64")
    with pytest.raises(
        RuntimeError, match=r"cannot compile the plant with no_such_compiler -m64 into .*XDG_CACHE_HOME"
    ):
        compiled.fastest(square())


@needs_compiler
def test_a_cache_that_cannot_be_written_is_reported(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    fresh.setenv("XDG_CACHE_HOME", str(blocked))
    with pytest.raises(RuntimeError, match=r"cannot compile the plant .*name another folder by XDG_CACHE_HOME"):
        compiled.fastest(square())
