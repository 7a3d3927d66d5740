"""The temperature field around two buried pipes, solved numerically: harmonic series that meet the boundary conditions.

In the ground, line sources and multipoles at the casings with their mirror images above the surface; in the insulation,
line sources and multipoles at the pipes, and a power series. Coefficients by least squares over points of the circles:
continuity of temperature and of heat flow at the casings, given temperature at the pipes (Trefftz's method).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from plant_models.buried import Losses, Trench

Array = NDArray[np.float64]
ORDER, POINTS = 14, 112


def _poles(z: NDArray[np.complex128], at: complex, radius: float) -> list[Array]:
    powers = [(radius / (z - at)) ** n for n in range(1, ORDER + 1)]
    return [part for power in powers for part in (power.real, power.imag)]


def _ground(z: NDArray[np.complex128], casings: list[complex], R: float) -> Array:
    columns: list[Array] = []
    for c in casings:
        columns.append(np.log(np.abs(z - c) / np.abs(z - np.conj(c))))
        columns += [a - b for a, b in zip(_poles(z, c, R), _poles(np.conj(z), c, R), strict=True)]
    return np.array(columns).T


def _insulation(z: NDArray[np.complex128], c: complex, R: float, pipes: list[complex], r: float) -> Array:
    columns: list[Array] = []
    for p in pipes:
        columns += [np.log(np.abs(z - p) / R), *_poles(z, p, r)]
    powers = [((z - c) / R) ** n for n in range(1, ORDER + 1)]
    columns += [np.ones(z.shape), *(part for power in powers for part in (power.real, power.imag))]
    return np.array(columns).T


def solved(trench: Trench) -> tuple[Losses, float]:
    """Conductances of horizontally laid pipes, W/(m K), and the largest error at the boundaries (K per K)."""
    H, R, r, D = trench.depth_effective, trench.d_casing / 2, trench.d_pipe / 2, trench.distance / 2
    pipes = [-D - 1j * H, D - 1j * H]
    casings = [-1j * H] if trench.casing == "twin" else pipes
    inside = [pipes if trench.casing == "twin" else [c] for c in casings]
    per_pole = 2 * ORDER + 1
    starts = np.cumsum([len(casings) * per_pole, *(len(group) * per_pole + per_pole for group in inside)])
    circle = np.exp(2j * np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    rows, sides = [], []

    def add(parts: list[tuple[int, Array]], side: Array) -> None:
        row = np.zeros((POINTS, int(starts[-1])))
        for start, values in parts:
            row[:, start : start + values.shape[1]] = values
        rows.append(row)
        sides.append(side)

    step, nothing = 1e-6, np.zeros((POINTS, 2))
    for k, (c, group) in enumerate(zip(casings, inside, strict=True)):
        start, far, near = int(starts[k]), c + R * (1 + step) * circle, c + R * (1 - step) * circle
        add([(0, _ground(c + R * circle, casings, R)), (start, -_insulation(c + R * circle, c, R, group, r))], nothing)
        slope_ground = (_ground(far, casings, R) - _ground(near, casings, R)) / (2 * step)
        slope_inside = (_insulation(far, c, R, group, r) - _insulation(near, c, R, group, r)) / (2 * step)
        add([(0, trench.k_ground * slope_ground), (start, -trench.k_insulation * slope_inside)], nothing)
        for p in group:
            side = np.zeros((POINTS, 2))
            side[:, pipes.index(p)] = 1.0
            add([(start, _insulation(p + r * circle, c, R, group, r))], side)
    matrix, right = np.vstack(rows), np.vstack(sides)
    found = np.linalg.lstsq(matrix, right, rcond=None)[0]
    q = np.zeros((2, 2))
    for k, group in enumerate(inside):
        for j, p in enumerate(group):
            q[pipes.index(p)] = -2 * np.pi * trench.k_insulation * found[int(starts[k]) + j * per_pole]
    error = float(np.max(np.abs(matrix @ found - right)))
    return Losses(float(0.5 * q.sum()), float(0.5 * (q[0, 0] - q[0, 1] - q[1, 0] + q[1, 1]))), error
