"""What `heatloop check` shows of a plant at its design point: what flows where, where actuators are, what is wrong."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from twin.console import print_table

if TYPE_CHECKING:
    from plant_models.integrate import Simulator
    from plant_models.soundness import Passage

ROUND_OFF = 1e-9
"""kg/s"""
ALIKE = 0.005
"""share by which flows of equal machines differ and are shown as one"""


def at_design(simulator: Simulator) -> dict[str, Any]:
    """Flows, actuators, pressures and findings of a settled plant, as JSON-ready data in SI units."""
    from plant_models.soundness import Settled, actuators

    settled, plant = Settled(simulator), simulator.plant
    nearest: dict[str, dict[str, Any]] = {}
    for array in plant.site.components.values():
        for local in (signal.name for signal in actuators(array.component)):
            name = max((f"{member}.{local}" for member in array.names()), key=simulator.get)
            nearest[f"{array.name}.{local}"] = {"signal": name, "value": simulator.get(name)}
    lowest = min(settled.boiling_reserves().items(), key=lambda item: item[1], default=None)
    return {
        "flows": [_as_data(passage) for passage in settled.passages()],
        "actuators": list(nearest.values()),
        "nearest_to_boiling": None if lowest is None else {"node": lowest[0], "reserve": lowest[1]},
        "findings": [{"severity": f.severity, "place": f.place, "what": f.what} for f in settled.findings()],
    }


def _as_data(passage: Passage) -> dict[str, Any]:
    return {
        "machine": passage.machine, "from": passage.start, "to": passage.end, "m_flow": passage.m_flow,
        "T_from": passage.T_start, "T_to": passage.T_end,
    }  # fmt: skip


def show_flows(found: dict[str, Any]) -> None:
    """What flows where; equal machines in one line."""
    arrays = {name: item["count"] for name, item in found["components"].items()}
    members: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    places: dict[str, int] = defaultdict(int)
    for flow in found["flows"]:
        name = flow["machine"] if flow["machine"] in arrays else flow["machine"].rpartition(".")[0]
        members[name, places[flow["machine"]]].append(flow)
        places[flow["machine"]] += 1
    rows = []
    for (name, _), flows in members.items():
        first, m = flows[0], [flow["m_flow"] for flow in flows]
        spread = max(m) - min(m) > ALIKE * max(abs(max(m)), abs(min(m)))
        each = f"{_flow(min(m))} .. {_flow(max(m))}" if spread else _flow(m[0])
        label = name if arrays[name] == 1 else f"{name} ({arrays[name]}, each)"
        more = " ..." if any((f["from"], f["to"]) != (first["from"], first["to"]) for f in flows) else ""
        ends = [f"{first[T] - 273.15:.1f}" for T in ("T_from", "T_to")]
        rows.append((label, first["from"] + more, first["to"] + more, each, *ends))
    numbers = ("kg/s", "°C from", "°C to")
    print_table("What flows where", ("machine", "from node", "to node", *numbers), rows, right=numbers)


def _flow(m: float) -> str:
    """kg/s; what is round-off of pressures is none."""
    return f"{m:.3g}" if abs(m) > ROUND_OFF else "0"


def show_actuators(found: dict[str, Any]) -> None:
    """How near to their end positions, speeds and loads are, the nearest first; the node nearest to boiling."""
    nearest = sorted(found["actuators"], key=lambda item: -float(item["value"]))
    rows = [(item["signal"], f"{100.0 * item['value']:.0f} %") for item in nearest]
    print_table("Positions, speeds and loads, of equal machines the highest", ("signal", "of its range"), rows,
                right=("of its range",))  # fmt: skip


def verdict(found: dict[str, Any]) -> str:
    """Whether a site is sound, in a sentence."""
    errors = sum(item["severity"] == "error" for item in found["findings"])
    odd = len(found["findings"]) - errors
    if errors:
        return f"{found['site']} is not sound: {_count(errors, 'mistake')}."
    if not found["rest"]["settled"]:
        return f"{found['site']} is not sound: it composes, but does not come to rest at its design point."
    return f"{found['site']} is sound: it composes and settles" + (f"; {_count(odd, 'warning')}." if odd else ".")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
