"""`heatloop map`: register maps, checked, shown, and made from a manual's table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from twin.console import console, print_json, print_table

if TYPE_CHECKING:
    from hil.registers.check import Located
    from hil.registers.points import Point
    from hil.registers.schema import RegisterMap

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout, for scripts.")]

maps = typer.Typer(help="Register maps: what the registers of a device mean.", no_args_is_help=True)


@maps.command("check")
def check(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Map files, or names of shipped maps; default: all.")
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Bind them to this site as well: units, set-points, missing points.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check register maps: overlaps, spans, forbidden ranges, safe values, steps, refresh, wear, watchdogs, links.

    Every finding has its file and line, and what to do. Exit code 1 if there are errors.
    """
    from hil.registers.check import check_files
    from hil.registers.files import find_map, shipped_maps

    paths = [find_map(name) for name in files] if files else list(shipped_maps().values())
    found = check_files(paths)
    if site is not None:
        found += _bindings(paths, site)
    errors = sum(finding.severity == "error" for finding in found)
    if as_json:
        print_json(
            {"files": [str(path) for path in paths], "errors": errors, "warnings": len(found) - errors,
             "findings": [asdict(finding) for finding in found]}
        )  # fmt: skip
    else:
        _tell(found)
        console().print(f"{len(paths)} map(s): {errors} error(s), {len(found) - errors} warning(s)")
    raise typer.Exit(1 if errors else 0)


@maps.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="MAP", help="A shipped map by name, or a file.")],
    as_json: JsonOption = False,
) -> None:
    """Show a register map: the device, and every point with its address, coding and manners."""
    from hil.registers.files import load_map

    map_ = load_map(name)
    if as_json:
        print_json(map_.model_dump(mode="json", exclude_defaults=True))
        return
    for line in _device(map_):
        console().print(line, markup=False)
    columns = (
        "point",
        "table",
        "address",
        "type",
        "unit",
        "scale",
        "offset",
        "access",
        "range",
        "safe",
        "refresh",
        "notes",
    )
    print_table("", columns, [_row(map_, point) for point in map_.points], right=("address", "scale", "offset"))


@maps.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A manual's table: one row a register.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The map file to write.", show_default="beside the table, .yaml")
    ] = None,
    name: Annotated[str | None, typer.Option("--id", help="The map's id.", show_default="the file's name")] = None,
    numbering: Annotated[
        Literal["plain", "modicon"], typer.Option(help="modicon: 40001 is the first holding register, 30001 input, ...")
    ] = "plain",
    base: Annotated[
        int | None, typer.Option(min=0, max=1, help="What addresses count from.", show_default="0; 1 for modicon")
    ] = None,
    table: Annotated[
        Literal["holding", "input", "coil", "discrete"] | None, typer.Option(help="Of rows that state none.")
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Of rows that state none.")] = None,
    hexadecimal: Annotated[bool, typer.Option("--hex", help="Addresses without 0x are hexadecimal too.")] = False,
    raw_ranges: Annotated[bool, typer.Option(help="Ranges are raw numbers, not values in the unit.")] = False,
    unit: Annotated[list[str] | None, typer.Option(help="What a unit of the table is: 'deg=degC', 'coded=1'.")] = None,
    force: Annotated[bool, typer.Option(help="Replace the map file.")] = False,
) -> None:
    """Make a register map from a manual's table as CSV; every row that cannot be read is told, with its line.

    What was interpreted is noted. Writable points become settings, which are never written by themselves, until you
    make them set-points.
    """
    from hil.registers.check import check_file
    from hil.registers.from_csv import CsvOptions, read_csv, to_yaml
    from hil.registers.parts import Table
    from twin.mistakes import UserError

    out = out or file.with_suffix(".yaml")
    if out.exists() and not force:
        raise UserError(f"{out} is there already; choose another file with --out, or --force")
    wrong = [text for text in unit or () if "=" not in text]
    if wrong:
        raise UserError(f"--unit {wrong[0]}: expected the table's unit and ours, such as 'deg=degC'")
    units = dict(text.split("=", 1) for text in unit or ())
    options = CsvOptions(
        numbering=numbering, base=1 if base == 1 else 0 if base == 0 else None, table=Table(table) if table else None,
        type=type_, hexadecimal=hexadecimal, raw_ranges=raw_ranges, units=units,
    )  # fmt: skip
    found = read_csv(file, options)
    id_ = name or file.stem
    out.write_text(to_yaml(id_, f"made from {file.name}", f"{file.name}, document and page to be named", found.points),
                   encoding="utf-8")  # fmt: skip
    for note in found.notes:
        console(stderr=True).print(note, markup=False, soft_wrap=True)
    console().print(f"{out}: {len(found.points)} points")
    findings = check_file(out)
    _tell(findings)
    raise typer.Exit(1 if any(finding.severity == "error" for finding in findings) else 0)


def _bindings(paths: list[Path], site: str) -> list[Located]:
    from hil.registers.check import check_bindings
    from plant_models.devices import expand
    from plant_models.plant import Plant
    from plant_models.site import load_site

    plant = Plant(load_site(site))
    devices = expand(plant.site.devices, list(plant.components), [node.name for node in plant.nodes])
    return check_bindings(paths, devices, plant.vocabulary)


def _tell(found: list[Located]) -> None:
    for finding in found:
        console().print(f"{finding.place}: {finding.severity}: {finding.text}", markup=False, soft_wrap=True)
        if finding.advice:
            console().print(f"    {finding.advice}", markup=False, soft_wrap=True)


def _device(map_: RegisterMap) -> list[str]:
    kind = " ".join(filter(None, (map_.manufacturer, map_.model, map_.firmware)))
    lines = [f"{map_.id}: {map_.description}" + (f" ({kind})" if kind else "")]
    lines.append(
        f"{', '.join(map_.transports)}, unit {map_.unit}, addresses printed from {map_.address_base} (shown as in the "
        f"telegram, from 0), bytes {map_.byte_order}, words {map_.word_order}, reads up to {map_.longest_read}, gaps "
        f"up to {map_.max_gap}"
    )
    dog = map_.watchdog
    if dog is None:
        lines.append("watchdog: none described")
    else:
        settings = ", ".join(f"{name} = {value}" for name, value in dog.settings.items()) or ", ".join(dog.parameters)
        lines.append(
            f"watchdog: {dog.timeout:g} s, fed by {dog.fed_by}, "
            + ("always on" if dog.always_on else f"off until set up: {settings or 'its parameters are not described'}")
        )
    for what, values in (("settings", map_.settings), ("permissions", map_.permissions)):
        if values:
            lines.append(f"{what}: " + ", ".join(f"{name} = {value}" for name, value in values.items()))
    if map_.poll:
        lines.append("polled: " + ", ".join(f"{name} every {every:g} s" for name, every in map_.poll.items()))
    lines += _trips(map_)
    if map_.inferred:
        lines.append(f"inferred, verify at the device: {', '.join(map_.inferred)}")
    lines.append(f"source: {' '.join(map_.source.split())}")
    return lines


def _trips(map_: RegisterMap) -> list[str]:
    """What the machine guards by itself, a line each."""
    if map_.trips is None:
        return []
    reset = f"reset by {map_.trips.reset}" if map_.trips.reset else "reset at the machine"
    lines = [f"trips: shown in {map_.trips.status}, {reset}"]
    for name, trip in map_.trips.wired.items():
        side = "below" if trip.above is None else "above"
        running = "".join(f", while {what} > {value}" for what, value in trip.running.items())
        back = (
            f", reset {trip.hysteresis} inside" if trip.hysteresis
            else f", {trip.bus_resets} resets an hour over the bus" if trip.bus_resets is not None else ""
        )  # fmt: skip
        lines.append(f"  {name}: {trip.watch} {side} {trip.limit} for {trip.delay:g} s{running}{back}"
                     + (", where the site names it" if trip.optional else ""))  # fmt: skip
    return lines


def _row(map_: RegisterMap, point: Point) -> tuple[str, ...]:
    written = point.write_range or point.range
    ends = f"{point.show(written[0])} .. {point.show(written[1])}" if written else ""
    safe = point.show(point.safe) if isinstance(point.safe, float) else point.safe or ""
    type_ = f"{point.type}[{point.count}]" if point.type == "string" else point.type
    if point.bits is not None:
        type_ += f" {point.bits[0]}" if point.bits[0] == point.bits[1] else f" {point.bits[0]}..{point.bits[1]}"
    access = point.access if not point.writable or point.kind == "setpoint" else f"{point.access} {point.kind}"
    return (
        point.name, str(point.table), str(point.address), type_, "" if point.unit == "1" else point.unit,
        _number(point.scale, 1.0), _number(point.offset, 0.0), access, ends, safe,
        f"{point.refresh:g} s" if point.refresh else "", "; ".join(_notes(point)),
    )  # fmt: skip


def _notes(point: Point) -> list[str]:
    notes: list[Any] = [point.description]
    if point.enum is not None:
        notes.append(", ".join(f"{raw} {name}" for raw, name in point.enum.items()))
    if point.flags is not None:
        notes.append(", ".join(f"bit {bit} {flag.name}" for bit, flag in point.flags.items()))
    if point.counts:
        notes.append(f"counts {point.counts}")
    if point.clears:
        notes.append(f"clears {', '.join(point.clears)}")
    if point.references:
        notes.append(f"scale or unit by {', '.join(point.references)}")
    for name in ("nonvolatile", "self_clearing", "optional"):
        if getattr(point, name):
            notes.append(name.replace("_", " "))
    if point.inferred:
        notes.append("inferred: verify")
    return [note for note in notes if note]


def _number(value: float, plain: float) -> str:
    return "" if value == plain else f"{value:.10g}"
