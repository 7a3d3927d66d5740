"""Heat exchangers that are neither pure counter nor pure parallel flow: cross flow, shell and tube, multi-pass plates.

Like :mod:`plant_models.heat_transfer` each gives the conductance G, W/K, with Q_flow = G·(T_inlet_hot - T_inlet_cold),
from UA and the two capacity flows C = m_flow·cp, W/K, by magnitude; with z = UA/C and φ(z) = (1 - exp(-z))/z no formula
divides by a difference or by a flow that may vanish, so all are exact at equal capacity flows and have finite
derivatives at zero flow. Multi-pass plates are composed of their regions, each in counter or parallel flow, with the
temperatures between them eliminated.

Sources: Shah and Sekulić, Fundamentals of Heat Exchanger Design, 2003, ch. 3; Kandlikar and Shah, J. Heat Transfer 111
(1989) 314 (plates: many channels, end plates neglected); VDI Heat Atlas, C1. Errors against `ht` below 1e-9 in
effectiveness over NTU 0..30, C_r 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plant_models.heat_transfer import counter_flow, magnitude, parallel_flow, phi
from plant_models.mathx import exp, log, maximum, minimum, sqrt

UNMIXED_NTU_MAX = 36.0
"""UA over the larger capacity flow up to which the series of :func:`cross_flow` is followed"""
UNMIXED_TERMS = 84
SURELY = 300.0
"""z from which on P_n(z) is 1 for all of these terms"""


def cross_flow(UA: Any, C_1: Any, C_2: Any) -> Any:
    """Cross-flow conductance, W/K, both flows unmixed, exact: finned coils.

    G = C_1 C_2/UA Σ P_n(UA/C_1) P_n(UA/C_2), P_n(z) = 1 - e⁻ᶻ Σ_{m≤n} zᵐ/m! (Mason 1955; VDI Heat Atlas, C1). 84
    terms: round-off while UA is below 36 times the larger capacity flow; beyond, both flows being nearly nothing, UA
    counts as 36 times it: the effectiveness stays 0.906 or higher in place of going to 1.
    """
    C_1, C_2 = magnitude(C_1, UA), magnitude(C_2, UA)
    UA = minimum(UA, UNMIXED_NTU_MAX * maximum(C_1, C_2))
    z_1, z_2 = UA / C_1, UA / C_2
    x_1, x_2 = minimum(z_1, SURELY), minimum(z_2, SURELY)
    # P_n(x)/x, so that nothing is divided by a vanishing UA: G = UA sum P_n(z_1)/z_1 P_n(z_2)/z_2
    p_1, p_2 = exp(-x_1), exp(-x_2)
    tail_1, tail_2 = phi(x_1), phi(x_2)
    total = tail_1 * tail_2
    for n in range(1, UNMIXED_TERMS):
        tail_1, tail_2 = tail_1 - p_1, tail_2 - p_2
        total = total + tail_1 * tail_2
        p_1, p_2 = p_1 * x_1 / (n + 1), p_2 * x_2 / (n + 1)
    return UA * total * minimum(1.0, SURELY / maximum(z_1, 1.0)) * minimum(1.0, SURELY / maximum(z_2, 1.0))


def cross_flow_approximate(UA: Any, C_1: Any, C_2: Any) -> Any:
    """Cross-flow conductance, W/K, both flows unmixed, by the usual approximation.

    ε = 1 - exp(NTU^0.22·(exp(-C_r·NTU^0.78) - 1)/C_r) (Incropera, Fundamentals of Heat and Mass Transfer, 6th ed., eq.
    11.32), within about 0.01 of :func:`cross_flow` in ε for NTU < 10; exact for C_r = 0.
    """
    C_1, C_2 = magnitude(C_1, UA), magnitude(C_2, UA)
    C_min, C_max = minimum(C_1, C_2), maximum(C_1, C_2)
    NTU = UA / C_min
    return C_min * (1.0 - exp(-NTU * phi(C_min / C_max * exp(0.78 * log(maximum(NTU, 1e-300))))))


def cross_flow_one_mixed(UA: Any, C_mixed: Any, C_unmixed: Any) -> Any:
    """Cross-flow conductance, W/K, one flow mixed, as a gas across a tube bundle, and one unmixed; either may be C_min.

    C_m(1 - exp(-e/C_m)) with e = C_u(1 - exp(-UA/C_u)) (Incropera, eq. 11.33 and 11.34 in one).
    """
    C_mixed, C_unmixed = magnitude(C_mixed, UA), magnitude(C_unmixed, UA)
    e = UA * phi(UA / C_unmixed)
    return e * phi(e / C_mixed)


def cross_flow_mixed(UA: Any, C_1: Any, C_2: Any) -> Any:
    """Cross-flow conductance, W/K, both flows mixed: UA/(1/φ(z_1) + 1/φ(z_2) - 1) (Shah and Sekulić, table 3.6).

    Not monotonic: above about NTU = 3 more surface transfers less.
    """
    phi_1, phi_2 = phi(UA / magnitude(C_1, UA)), phi(UA / magnitude(C_2, UA))
    return UA * phi_1 * phi_2 / (phi_1 + phi_2 - phi_1 * phi_2)


def shell_and_tube(UA: Any, C_shell: Any, C_tube: Any, shells: int = 1, tube_passes: int = 2) -> Any:
    """TEMA E conductance, W/K: equal shells in overall counter-flow, each with an even number of tube passes.

    One shell: 2UA/G = z_s + z_t + 2(c(z_t) - c(z_t/N) + c(√(z_s² + (z_t/N)²))) with N = tube_passes/2 and
    c(w) = w/2·coth(w/2) (Roetzel and Spang, VDI Heat Atlas, C1); two passes are symmetric in their sides, and the
    usual textbooks take their formula for any even number. ``UA`` is that of all shells together. Raises ValueError
    for an odd number of passes or no shell.
    """
    if shells < 1 or tube_passes < 2 or tube_passes % 2:
        raise ValueError(
            f"shells >= 1 and an even number of tube passes are modelled, found {shells} and {tube_passes}"
        )
    each, N = UA / shells, tube_passes // 2
    C_shell, C_tube = magnitude(C_shell, UA), magnitude(C_tube, UA)
    z_s, z_t = each / C_shell, each / C_tube
    mixing = _coth(z_t) - _coth(z_t / N) + _coth(sqrt(z_s * z_s + (z_t / N) ** 2))
    return _counter_series(2.0 * each / (z_s + z_t + 2.0 * mixing), C_shell, C_tube, shells)


def _coth(w: Any) -> Any:
    """w/2·coth(w/2), w >= 0."""
    return 0.5 * (1.0 + exp(-w)) / phi(w)


def _counter_series(G: Any, C_1: Any, C_2: Any, n: int) -> Any:
    """n equal exchangers, each with the conductance G, in overall counter-flow."""
    C_min, C_max = minimum(C_1, C_2), maximum(C_1, C_2)
    e = G / (1.0 - G / C_max)
    left = 1.0 - e * (1.0 / C_min - 1.0 / C_max)
    total = 0.0
    for _ in range(n):
        total = e + left * total
    return total / (1.0 + total / C_max)


def _parallel_series(G: Any, C_1: Any, C_2: Any) -> Any:
    """Two equal exchangers, each with the conductance G, in overall parallel flow."""
    return G * (2.0 - G / C_1 - G / C_2)


def plate(
    UA: Any, C_1: Any, C_2: Any, passes_1: int = 1, passes_2: int = 1, counter: bool = True, counter_passes: bool = True
) -> Any:
    """Conductance, W/K, of a plate exchanger with passes_1/passes_2: 1/n, n/1, 2/2, 2/3, 3/2, 2/4, 4/2.

    ``counter``: whether the flows run against each other overall; with 1/n (n odd) whether most passes do.
    ``counter_passes``: with 2/2, whether they do within a pass. The most heat passes with both, the default. Where a
    choice makes no difference it is ignored. Raises ValueError for other passes.
    """
    if passes_1 > passes_2:
        return plate(UA, C_2, C_1, passes_2, passes_1, counter, counter_passes)
    if not (1 <= passes_1 <= 2 and passes_2 >= passes_1 and (passes_1 == 1 or passes_2 <= 4)):
        raise ValueError(f"no formula for plates with {passes_1}/{passes_2} passes; there are 1/n, 2/2, 2/3, 2/4")
    C_1, C_2 = magnitude(C_1, UA), magnitude(C_2, UA)
    if passes_1 == 1:
        return _one_to_many(UA, C_1, C_2, passes_2, counter)
    if passes_2 == 3:
        return _two_to_three(UA, C_1, C_2, counter)
    half = UA / 2.0
    if passes_2 == 2:
        each = (counter_flow if counter_passes else parallel_flow)(half, C_1, C_2)
    else:
        each = _one_to_many(half, C_1, C_2, 2, counter)
    return _counter_series(each, C_1, C_2, 2) if counter else _parallel_series(each, C_1, C_2)


def _one_to_many(UA: Any, C_1: Any, C_2: Any, n: int, counter: bool) -> Any:
    """Flow 1 divided over the n passes of flow 2, which see the same inlet of flow 1 one after the other."""
    left = 1.0
    most, fewest = (counter_flow, parallel_flow) if counter else (parallel_flow, counter_flow)
    for law, times in ((most, (n + 1) // 2), (fewest, n // 2)):
        if times:
            left = left * (1.0 - law(UA / n, C_1 / n, C_2) / C_2) ** times
    return C_2 * (1.0 - left)


def _two_to_three(UA: Any, C_1: Any, C_2: Any, counter: bool) -> Any:
    """Flow 2 passes a whole region, half of each of flow 1's passes, and another whole region.

    The halves of the middle pass are in opposite direction to each other and to the whole region of the same pass of
    flow 1. Temperatures are over flow 1's inlet (1) and flow 2's (0); y is flow 1's between its passes.
    """
    against = counter_flow(UA / 3.0, 2.0 * C_1 / 3.0, C_2) / C_2
    along = parallel_flow(UA / 3.0, 2.0 * C_1 / 3.0, C_2) / C_2
    R = C_2 / C_1
    if counter:
        first, last = against, along
        half_1, half_2 = 0.5 * against, 0.5 * along
        slope = first * (1.0 - half_1 - half_2) + half_2
        y = (1.0 - R * (half_1 + last * (1.0 - half_1))) / (1.0 - R * (half_1 * first + last * slope))
        x = half_1 + slope * y
        return C_2 * (x + last * (1.0 - x))
    first, last = against, along
    half_1, half_2 = 0.5 * along, 0.5 * against
    y = 1.0 - R * (first + half_1 * (1.0 - first))
    x = first + half_1 * (1.0 - first) + half_2 * (y - first)
    return C_2 * (x + last * (y - x))


Arrangement = Callable[[Any, Any, Any], Any]
ARRANGEMENTS: dict[str, Arrangement] = {
    "counter": counter_flow,
    "parallel": parallel_flow,
    "cross": cross_flow,
    "cross_approximate": cross_flow_approximate,
    "cross_1_mixed": cross_flow_one_mixed,
    "cross_2_mixed": lambda UA, C_1, C_2: cross_flow_one_mixed(UA, C_2, C_1),
    "cross_mixed": cross_flow_mixed,
    "shell_and_tube": shell_and_tube,
}
"""The arrangements without numbers of passes, by name: (UA, C_1, C_2) -> G, all in W/K."""
