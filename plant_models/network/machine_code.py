"""A network's solution as machine code: the laws several at once (:mod:`plant_models.lanes`), the rest by CasADi."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import casadi as ca

from plant_models import compiled, lanes

WRAPPER = """
int {name}(const double **arg, double **res, long long *iw, double *w, int mem)
{{
    const double *m = arg[0], *p = arg[1];
    double *f = res[0], *slope = res[1];
    (void)iw; (void)w; (void)mem;
    for (long first = 0; first < {count}; first += LANES) {{
        V x[1], k[{parameters}], a[1], b[1];
        for (int lane = 0; lane < LANES; lane++) {{
            const long i = first + lane < {count} ? first + lane : {count} - 1;
            ((double *)x)[lane] = m[i];
            for (int j = 0; j < {parameters}; j++)
                ((double *)(k + j))[lane] = p[{parameters} * i + j];
        }}
        {name}_law(x, k, a, b);
        for (int lane = 0; lane < LANES && first + lane < {count}; lane++) {{
            if (f) f[first + lane] = ((double *)a)[lane];
            if (slope) slope[first + lane] = ((double *)b)[lane];
        }}
    }}
    return 0;
}}
long long {name}_n_in(void) {{ return 2; }}
long long {name}_n_out(void) {{ return 2; }}
const long long *{name}_sparsity_in(long long i)
{{
    static const long long shapes[2][3] = {{{{1, {count}, 1}}, {{{parameters}, {count}, 1}}}};
    return shapes[i];
}}
const long long *{name}_sparsity_out(long long i)
{{
    static const long long shape[3] = {{1, {count}, 1}};
    (void)i;
    return shape;
}}
"""


class LawCode:
    """Laws as machine code in place of their ``map``; a CasADi Function for each, and the C text behind them."""

    def __init__(self, laws: Sequence[ca.Function], counts: Sequence[int]) -> None:
        texts = [f"#define LANES {compiled.lanes()}\n{(lanes.NATIVE / 'lanes.h').read_text()}"]
        names = []
        for i, (law, count) in enumerate(zip(laws, counts, strict=True)):
            name, parameters = f"laws_{i}", law.size1_in(1)
            m, p = law.sx_in()
            named = ca.Function(f"{name}_law", [m, p], law.call([m, p]))
            texts.append(lanes.function(named, ["m", "p"], ["f", "slope"]))
            texts.append(WRAPPER.format(name=name, count=count, parameters=parameters))
            names.append(name)
        self.text = "\n".join(texts)
        library = compiled.libraries({"network-laws": self.text})["network-laws"]
        self.functions = [ca.external(name, library._name) for name in names]

    def solution(self, step: ca.Function) -> ca.Function:
        """A function that calls the laws, compiled together with them."""
        generator = ca.CodeGenerator("network.c", {"with_header": False})
        generator.add(step)
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:8]
        text = f"{self.text}\n/* {digest} */\n{generator.dump()}"
        library: Any = compiled.libraries({"network": text})["network"]
        return ca.external(step.name(), library._name)
