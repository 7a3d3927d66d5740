"""`heatloop sites`, `check`, `draw`, `signals`: what plants there are, if one makes sense, its picture, its signals."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.console import console, print_json, print_table

if TYPE_CHECKING:
    from plant_models.integrate import Simulator
    from plant_models.plant import Plant
    from plant_models.signals import Signal

SETTLING_TIME = 12 * 3600.0
"""s; longer than any loop of the plant needs to come to rest, shorter than it takes a store to change much"""

EXIT_NOT_SOUND = 2
"""as of any mistake of a user's"""

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Name of a shipped site, or path of a site file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout, SI units, for scripts.")]


def sites(as_json: JsonOption = False) -> None:
    """List the shipped sites."""
    from plant_models.site import list_sites, load_site

    loaded = [load_site(name) for name in list_sites()]
    if as_json:
        print_json(
            [
                {"name": s.name, "title": s.title, "description": s.description, "machines": len(s.instances())}
                for s in loaded
            ]
        )
        return
    rows = [(s.name, s.title, str(len(s.instances())), s.location.name) for s in loaded]
    print_table("", ("site", "what it is", "machines", "where"), rows, right=("machines",))


def check(site: SiteArgument, as_json: JsonOption = False) -> None:
    """Check a site: read it, compose its plant, let it settle at its design load and weather, and show what it does.

    The devices that it names are joined to their register maps and to the plant's signals. It also says whether the
    plant comes to rest there, and if not what moves, and what cannot work there: water that boils, flow against a
    machine's direction, pumps at full speed for ever. Exit code 0 if the site is sound, 2 with the place of the mistake
    if not.
    """
    from plant_models.integrate import Simulator
    from plant_models.plant import Plant
    from plant_models.site import load_site
    from twin.commands.design_point import at_design
    from twin.commands.rest import at_rest
    from twin.embedded import site_devices

    plant = Plant(load_site(site))
    if plant.site.devices:
        site_devices(plant)
    with console(stderr=True).status(f"composing {plant.site.name} and letting it settle ..."):
        simulator = Simulator(plant)
        simulator.settle(SETTLING_TIME)
        found = _findings(plant, simulator)
        found |= at_design(simulator)
        found["rest"] = at_rest(simulator)
    errors = [item for item in found["findings"] if item["severity"] == "error"]
    found["sound"] = not errors and found["rest"]["settled"]
    if as_json:
        print_json(found)
    else:
        _show(found)
    if not found["sound"]:
        raise typer.Exit(EXIT_NOT_SOUND)


def draw(
    site: SiteArgument,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="SVG file to write.", show_default="SITE.svg in this folder")
    ] = None,
) -> None:
    """Draw a site's schematic: circuits as lines, machines between them, equal ones once with their count (SVG)."""
    from plant_models.site import load_site
    from twin.report.schematic import draw as schematic

    loaded = load_site(site)
    variant = "" if loaded.variant == "default" else f"_{loaded.variant}"
    path = out or Path(f"{loaded.name}{variant}.svg")
    path.write_text(schematic(loaded), encoding="utf-8")
    console().print(f"schematic: {path}", soft_wrap=True, markup=False)


def _findings(plant: Plant, simulator: Simulator) -> dict[str, Any]:
    """What a check has to say, as JSON-ready data in SI units."""
    site = plant.site
    design: dict[str, dict[str, Any]] = {}
    for signal in plant.vocabulary.values():
        if signal.account:
            entry = design.setdefault(signal.account.value, {"unit": signal.unit, "value": 0.0})
            entry["value"] += simulator.get(signal.name)
    return {
        "site": site.name,
        "title": site.title,
        "variant": site.variant,
        "components": {a.name: {"kind": a.component.kind, "count": a.count} for a in site.components.values()},
        "nodes": len(plant.nodes),
        "signals": dict(Counter(signal.role.value for signal in plant.vocabulary.values())),
        "design": design,
        "limits": _limits(plant, simulator),
    }


def _limits(plant: Plant, simulator: Simulator) -> list[dict[str, Any]]:
    """Of every kind of limited output, the machine that is nearest to its limit."""
    nearest: dict[tuple[str, str], tuple[float, Signal]] = {}
    for owner, component in plant.components.items():
        for local in component.signals():
            if not local.limit:
                continue
            signal = local.under(owner)
            key = (owner.split(".")[0], local.name)
            reserve = signal.upper - simulator.get(signal.name)
            if key not in nearest or reserve < nearest[key][0]:
                nearest[key] = (reserve, signal)
    return [
        {"signal": s.name, "unit": s.unit, "value": s.upper - reserve, "limit": s.upper, "kept": reserve >= 0.0}
        for reserve, s in nearest.values()
    ]


def _show(found: dict[str, Any]) -> None:
    """A check's findings for a person."""
    from twin.commands.design_point import show_actuators, show_flows, verdict
    from twin.commands.rest import in_a_sentence

    out = console()
    variant = "" if found["variant"] == "default" else f", variant {found['variant']}"
    out.print(f"[bold]{found['site']}[/bold]{variant}: {found['title']}")
    machines = ((name, item["kind"], str(item["count"])) for name, item in found["components"].items())
    print_table("", ("machine", "kind", "count"), machines, right=("count",))
    roles = ", ".join(f"{count} {role}s" for role, count in found["signals"].items())
    out.print(f"{found['nodes']} nodes; {roles}")
    design = ((account, in_words(abs(item["value"]), item["unit"])) for account, item in found["design"].items())
    print_table("Settled at design load and weather", ("account", "flow"), design, right=("flow",))
    show_flows(found)
    limits = (
        (item["signal"], in_words(item["value"], item["unit"]), in_words(item["limit"], item["unit"]),
         "kept" if item["kept"] else "exceeded")
        for item in found["limits"]
    )  # fmt: skip
    if found["limits"]:
        print_table("Nearest to their limits", ("signal", "value", "limit", ""), limits, right=("value", "limit"))
    show_actuators(found)
    out.print(in_a_sentence(found["rest"]), markup=False, soft_wrap=True)
    for item in found["findings"]:
        out.print(f"{item['severity']}: {item['place']}: {item['what']}", markup=False, soft_wrap=True)
    out.print(verdict(found), markup=False)


def in_words(value: float, unit: str) -> str:
    """A value in the unit people use for it: degC for K, MW or kW for W, bar for Pa."""
    if unit == "K":
        return f"{value - 273.15:.1f} °C"
    if unit == "W":
        return f"{value / 1e6:.2f} MW" if abs(value) >= 1e6 else f"{value / 1e3:.1f} kW"
    if unit == "Pa":
        return f"{value / 1e5:.2f} bar"
    return f"{value:.3g} {unit}" if unit != "1" else f"{value:.3g}"


def signals(
    site: SiteArgument,
    role: Annotated[
        str | None, typer.Option(help="Only signals of this role: state, input, disturbance, parameter, output.")
    ] = None,
    match: Annotated[str, typer.Option(help="Only names that contain this text.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List every quantity of a site's plant: name, unit, role, default, bounds and what it is (SI units)."""
    from plant_models.plant import Plant
    from plant_models.signals import Role
    from plant_models.site import load_site

    if role is not None and role not in set(Role):
        raise typer.BadParameter(f"{role!r} is none of {', '.join(Role)}", param_hint="--role")
    vocabulary = Plant(load_site(site)).vocabulary
    chosen = [s for s in vocabulary.values() if (role is None or s.role == role) and match in s.name]
    if as_json:
        print_json([_as_data(signal) for signal in chosen])
        return
    rows = [(s.name, s.unit, s.role.value, _number(s.default), _range(s), s.description) for s in chosen]
    print_table("", ("signal", "unit", "role", "default", "range", "what it is"), rows, right=("default",))
    console(stderr=True).print(f"{len(chosen)} of {len(vocabulary)} signals")


def _as_data(signal: Signal) -> dict[str, Any]:
    """A signal as JSON-ready data; what does not apply to it is null."""
    return {
        "name": signal.name,
        "unit": signal.unit,
        "role": signal.role.value,
        "description": signal.description,
        "default": signal.default,
        "lower": signal.lower,
        "upper": signal.upper,
        "rate_max": signal.rate_max,
        "account": signal.account.value if signal.account else None,
        "limit": signal.limit,
    }


def _number(value: float) -> str:
    """A finite number in few digits, else nothing."""
    return f"{value:.6g}" if abs(value) < float("inf") else ""


def _range(signal: Signal) -> str:
    """``lower .. upper``, an open side left out."""
    low, high = _number(signal.lower), _number(signal.upper)
    return f"{low} .. {high}".strip() if low or high else ""
