"""The engine in machine code: ``native/`` with every kind of component's equations, on the assembly's memory.

A group's members stand side by side in blocks of several lanes, so that one instruction serves several members.
"""

from __future__ import annotations

import ctypes
import hashlib
import inspect
from functools import cache, partial
from pathlib import Path
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from plant_models import compiled, lanes, sparse
from plant_models.assembly import (
    FIRST_TOLERANCES,
    JUMP,
    LONGEST_PRESSURE_MOVE,
    MODERATE,
    MOST_CUTS,
    MOST_ITERATIONS,
    MOST_MENDS,
    MOST_POLISHING,
    QUANTITIES,
    QUICK_MOVE,
    SHRINKING,
    TURNING,
    UNBALANCED_SHARE,
    UNBALANCED_SMALL,
    WIDENING,
    Array,
    Assembly,
    NoConvergence,
    Places,
)
from plant_models.component import Component
from plant_models.equations import Symbols

FEWEST_SIDE_BY_SIDE = 3
"""members from which a group's equations are computed in lanes: a block takes about twice the time of one member"""
PIVOT_SMALL = 1e-7
"""share of the largest value in its row below which a pivot is not trusted"""
ALIGNMENT = 64
LONG = 20_000
"""instructions from which gcc optimises less: it then takes half the time to compile, and the code 10 % more to run"""

STEP = ("plant.h", "nodes.h", "newton.h", "step.c")
"""in ``native/``: one text of C"""
ARGUMENTS, RESULTS = ("x", "c", "w", "u"), ("s0", "S", "phi0", "Phi", "beta0", "Beta", "kept")
FUNCTIONS = ("newton", "refine", "flows", "output")
REFINED = ("s0", "phi0", "beta0")
REASONS = {
    1: "the pressures have no solution: has every circuit an expansion vessel? near {}",
    2: "no finite state in {}",
    3: f"Newton's method still moves after {MOST_ITERATIONS} rounds",
}

_Double, _Int, _Long = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long


class _Group(ctypes.Structure):
    """Group of plant.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in FUNCTIONS),
        *((name, _Long) for name in ("members", "lanes", "blocks", "nx", "nw", "nu", "ny", "nb", "nk")),
        *((name, _Double) for name in ("flat_x", "flat_u", "flat_y")),
        *((name, _Double) for name in ("x", "c", "w", "u", *RESULTS, "flow", "y", "dx", "last")),
        ("per_tolerance", _Double), ("per_tolerance_position", _Double),
        *((name, _Int) for name in ("at", "place", "energetic", "is_temperature", "is_mass")),
    )  # fmt: skip


class _Plant(ctypes.Structure):
    """Plant of plant.h."""

    _fields_ = (
        *((name, _Long) for name in ("groups", "n_p", "n", "nonzeros")),
        ("group", ctypes.POINTER(_Group)),
        *((name, _Double) for name in ("z", "z_before", "T_c", "dz", "last_dz", "residual", "work", "into")),
        *((name, _Double) for name in ("capacity", "z_scale", "row_scale", "z_per_tolerance")),
        *((name, _Int) for name in ("order", "row_start", "column", "source")),
        ("values", _Double),
        *((name, _Int) for name in ("lower_start", "lower", "upper_start", "upper")),
        *((name, _Double) for name in ("factor", "lower_factor", "inverse")),
        ("dense_needed", _Long), ("dense", _Double),
        ("most_iterations", _Long),
        *((name, ctypes.c_double) for name in ("k", "longest_pressure_move", "turning", "widening", "shrinking")),
        *((name, ctypes.c_double * len(MODERATE)) for name in ("first_tolerance", "moderate")),
        ("pivot_small", ctypes.c_double),
        *((name, _Long) for name in ("most_polishing", "most_mends", "most_cuts")),
        ("quick_move", ctypes.c_double), ("jump", ctypes.c_double),
        ("unbalanced_share", ctypes.c_double), ("unbalanced_small", ctypes.c_double),
        ("iterations", _Long), ("pivoted", _Long),
        ("crossed", ctypes.c_double * len(QUANTITIES)), ("unbalanced", ctypes.c_double), ("through", ctypes.c_double),
    )  # fmt: skip


def source_of(component: Component, width: int) -> str:
    """C text of a component's ``newton`` and ``output`` functions, for ``width`` members at once."""
    symbols = Symbols.of(component)
    newton = symbols.newton("newton")
    return "\n".join(
        [
            *(['#pragma GCC optimize("O1")'] if newton.n_instructions() > LONG else []),
            f"#define LANES {width}",
            (lanes.NATIVE / "lanes.h").read_text(),
            f"const long kept_size = {newton.numel_out(RESULTS.index('kept'))};",
            lanes.function(newton, [*ARGUMENTS, "k"], list(RESULTS)),
            lanes.function(symbols.refine("refine"), [*ARGUMENTS, "kept", "k"], list(REFINED)),
            lanes.function(symbols.flow("flows"), ["x", "w", "u"], ["flow"]),
            lanes.function(symbols.output("output"), ["x", "w", "u"], ["y"]),
        ]
    )


@cache
def _code() -> bytes:
    """A digest of all code that equations and the C text of them are made by."""
    room = Path(__file__).parent
    digest = hashlib.sha256(ca.__version__.encode())
    for path in sorted((*room.rglob("*.py"), *room.rglob("*.h"))):
        digest.update(path.read_bytes())
    return digest.digest()


def key_of(component: Component, width: int) -> str:
    """Equal where :func:`source_of` is: a machine of the same kind and sizes, stated by the same code."""
    kind = type(component)
    digest = hashlib.sha256(_code())
    digest.update(repr((kind.__module__, kind.__qualname__, component.model_dump(), width)).encode())
    for base in kind.__mro__:  # kinds of machines that were written elsewhere
        if issubclass(base, Component) and not base.__module__.startswith("plant_models."):
            digest.update(Path(inspect.getfile(base)).read_bytes())
    return digest.hexdigest()


class MachineCode:
    """An engine in C; see :class:`plant_models.assembly.Engine`."""

    def __init__(self, assembly: Assembly) -> None:
        self._a = assembly
        self._kept: list[Any] = []
        """memory and libraries that the C side points to"""
        self.crossed = dict.fromkeys(QUANTITIES, 0.0)
        side_by_side, groups = compiled.lanes(), assembly.plant.groups
        widths = [side_by_side if len(g.names) >= FEWEST_SIDE_BY_SIDE else 1 for g in groups]
        sources: dict[str, str | compiled.Deferred] = {
            "step": "\n".join([f"#define LANES {side_by_side}", *((lanes.NATIVE / name).read_text() for name in STEP)])
        }
        names = []
        for group, width in zip(groups, widths, strict=True):
            key = key_of(group.component, width)
            names.append(f"{group.component.kind}:{key}")
            sources[names[-1]] = compiled.Deferred(key, partial(source_of, group.component, width))
        libraries = compiled.libraries(sources)
        self._kept.append(libraries)
        self._groups = (_Group * len(groups))()
        self._s0: list[Array] = []
        self._plant = _Plant()
        self._fill_plant()
        for i, (name, width) in enumerate(zip(names, widths, strict=True)):
            for function in FUNCTIONS:
                setattr(self._groups[i], function, ctypes.cast(getattr(libraries[name], function), ctypes.c_void_p))
            self._fill_group(i, width, _Long.in_dll(libraries[name], "kept_size").value)
        self._step, self._run, self._evaluate = (getattr(libraries["step"], n) for n in ("step", "run", "evaluate"))
        self._step.argtypes = [ctypes.POINTER(_Plant), ctypes.c_double, ctypes.c_double]
        places = [_Long, ctypes.c_void_p, ctypes.c_void_p, _Long, ctypes.c_void_p]
        self._run.argtypes = [ctypes.POINTER(_Plant), _Long, ctypes.c_double, ctypes.c_double, *places, *places]
        self._run.restype = _Long
        self._evaluate.argtypes, self._evaluate.restype = [ctypes.POINTER(_Plant)], None
        self._here = ctypes.byref(self._plant)

    # memory

    def _doubles(self, size: int) -> Array:
        """Zeros at an address that vectors may be loaded from."""
        whole = np.zeros(size + ALIGNMENT // 8)
        start = -whole.ctypes.data % ALIGNMENT // 8
        self._kept.append(whole)
        return whole[start : start + size]

    def _given(self, values: Any, kind: Any = np.float64) -> int:
        """The address of an array that stays where it is."""
        array: NDArray[Any] = np.ascontiguousarray(values, dtype=kind)
        self._kept.append(array)
        return array.ctypes.data

    def _fill_plant(self) -> None:
        a, p = self._a, self._plant
        self._places, rows, columns = a.matrix_places()
        pattern = sparse.analyse(a.n, rows, columns)
        p.groups, p.group, p.n_p, p.n, p.nonzeros = len(self._groups), self._groups, a.n_p, a.n, len(rows)
        p.z = a.z.ctypes.data
        for name in ("z_before", "T_c", "dz", "last_dz", "residual", "work", "into", "inverse"):
            setattr(p, name, self._doubles(a.n).ctypes.data)
        sizes = {"values": len(rows), "factor": len(pattern.upper), "lower_factor": len(pattern.lower)}
        for name, size in sizes.items():
            setattr(p, name, self._doubles(size).ctypes.data)
        p.dense = self._doubles(a.n * a.n).ctypes.data
        for name in ("order", "row_start", "column", "source", "lower_start", "lower", "upper_start", "upper"):
            setattr(p, name, self._given(getattr(pattern, name), np.int32))
        p.capacity, p.z_scale, p.row_scale = map(self._given, (a.capacity, a.z_scale, a.row_scale))
        p.z_per_tolerance = self._given(1.0 / a.z_update_scale)
        p.most_iterations, p.longest_pressure_move = MOST_ITERATIONS, LONGEST_PRESSURE_MOVE
        p.turning, p.widening, p.shrinking = TURNING, WIDENING, SHRINKING
        p.first_tolerance[:], p.moderate[:], p.pivot_small = FIRST_TOLERANCES, MODERATE, PIVOT_SMALL
        p.most_cuts, p.quick_move, p.jump = MOST_CUTS, QUICK_MOVE, JUMP
        p.most_polishing, p.most_mends = MOST_POLISHING, MOST_MENDS
        p.unbalanced_share, p.unbalanced_small = UNBALANCED_SHARE, UNBALANCED_SMALL

    def _fill_group(self, i: int, width: int, kept: int) -> None:
        a, g = self._a, self._groups[i]
        at, layout = a.at[i], a.layouts[i]
        g.members, g.lanes, g.blocks = len(at), width, -(-len(at) // width)
        g.nx, g.nw, g.nb, g.nu, g.ny, g.nk = a.nx[i], a.nw[i], a.nb[i], a.u.widths[i], a.y.widths[i], kept
        g.flat_x, g.flat_u, g.flat_y = (flat.part(i).ctypes.data for flat in (a.x, a.u, a.y))
        sizes = {
            "x": g.nx, "c": g.nx, "w": g.nw, "u": g.nu, "s0": g.nx, "S": g.nx * g.nw, "phi0": g.nw, "Phi": g.nw * g.nw,
            "beta0": g.nb, "Beta": g.nb * g.nw, "kept": kept, "flow": g.nw, "y": g.ny, "dx": g.nx, "last": g.nx,
        }  # fmt: skip
        for name, size in sizes.items():
            array = self._doubles(g.blocks * size * width)
            setattr(g, name, array.ctypes.data)
            if name == "s0":
                self._s0.append(array.reshape(g.blocks, size, width))
        of_one = slice(a.x.starts[i], a.x.starts[i] + g.nx)
        g.per_tolerance = self._given(1.0 / a.update_scale[of_one])
        g.per_tolerance_position = self._given(a.is_position[of_one] / a.update_scale[of_one])
        padded = at[np.minimum(np.arange(g.blocks * width), len(at) - 1)]
        g.at = self._given(padded.reshape(g.blocks, width, g.nw).swapaxes(1, 2), np.int32)
        g.place = self._given(self._places[i], np.int32)
        g.energetic = self._given([s.boundary == "energy" for s in layout.boundary], np.int32)
        g.is_temperature = self._given([s.unit == "K" for s in layout.states], np.int32)
        g.is_mass = self._given(at[0] < a.n_p, np.int32)

    # time

    @property
    def iterations(self) -> int:
        """Newton iterations so far."""
        return int(self._plant.iterations)

    def step(self, dt: float, gamma: float) -> None:
        """One step of ``dt`` s. Raises NoConvergence."""
        failed = self._step(self._here, dt, gamma)
        self._note_crossed()
        if failed:
            raise NoConvergence(REASONS[failed].format(self._suspects()))

    def run(self, dt: float, gamma: float, rows: Array, write: Places, read: Places, table: Array) -> int:
        """Steps of ``dt`` s with inputs from ``rows``, signals into ``table``; ends before one that has no solution."""
        done = self._run(
            self._here, len(rows), dt, gamma,
            len(write.columns), write.addresses.ctypes.data, write.columns.ctypes.data, rows.shape[1], rows.ctypes.data,
            len(read.columns), read.addresses.ctypes.data, read.columns.ctypes.data, table.shape[1], table.ctypes.data,
        )  # fmt: skip
        self._note_crossed()
        return int(done)

    def _note_crossed(self) -> None:
        self.crossed = dict(zip(QUANTITIES, self._plant.crossed, strict=True))

    def evaluate(self) -> None:
        """Outputs at the present states."""
        self._evaluate(self._here)

    def _suspects(self) -> str:
        a = self._a
        blocks = [
            block.swapaxes(1, 2).reshape(block.shape[0] * block.shape[2], -1)[: len(at)] if block.size else block
            for block, at in zip(self._s0, a.at, strict=True)
        ]
        return a.suspects(blocks)
