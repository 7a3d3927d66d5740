"""A simulator's snapshot as a file, so that a twin goes on after a restart as if there had been none.

    save(simulator, "plant.npz")
    load(simulator, "plant.npz")     of the same plant, in another process, on another day

The file is a NumPy archive without pickled objects: reading one runs nothing. It holds every number in full, so what
follows is the same to the last bit as without the file, on the same engine and processor. It also says which plant it
is of, and :func:`load` refuses one that does not fit.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from plant_models.integrate import Simulator
from plant_models.plant import Plant

FORMAT = 1
VECTORS = ("x", "u", "y", "z", "market")
FIGURES = ("elapsed", "circulation", "came_in", "went_out", "stored")
CARRIED = "carried."


class SnapshotError(ValueError):
    """A file that is no snapshot, or one that does not fit; the message says what differs and what to do."""


def save(simulator: Simulator, path: Path | str) -> None:
    """Write the simulator's snapshot; a file that is there is replaced at once or not at all.

    Raises OSError where the file cannot be written.
    """
    snapshot, path = simulator.snapshot(), Path(path)
    arrays = {key: snapshot[key] for key in VECTORS}
    arrays |= {f"{CARRIED}{name}": a for name, a in simulator.packed_carried(snapshot["carried"]).items()}
    head = {
        "format": FORMAT, "version": _version(), "scheme": simulator.scheme, "plant": _description(simulator.plant),
        "figures": {key: snapshot[key] for key in FIGURES},
    }  # fmt: skip
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            np.savez_compressed(file, head=np.array(json.dumps(head)), **arrays)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load(simulator: Simulator, path: Path | str, any_version: bool = False) -> None:
    """Put the simulator where :func:`save` found the other one.

    Raises SnapshotError for a file that is no snapshot, is of another plant or scheme, or was written by another
    version of heatloop (whose equations may differ; ``any_version`` takes it all the same), OSError where it cannot be
    read. The simulator is then as before.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        head = json.loads(str(arrays.pop("head")))
        kind = head["format"]
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise SnapshotError(f"{path} is no snapshot of a plant, or is damaged ({error})") from None
    if kind != FORMAT:
        raise SnapshotError(f"{path} has format {kind}, this version of heatloop reads {FORMAT}: save it anew")
    _check(simulator, path, head, any_version)
    try:
        carried = {name.removeprefix(CARRIED): a for name, a in arrays.items() if name.startswith(CARRIED)}
        snapshot: dict[str, Any] = {key: arrays[key] for key in VECTORS} | {
            key: head["figures"][key] for key in FIGURES
        }
        snapshot["carried"] = simulator.unpacked_carried(carried)
    except KeyError as error:
        raise SnapshotError(f"{path} is damaged: it has no {error}") from None
    now = simulator.snapshot()
    for key in VECTORS:
        if snapshot[key].shape != now[key].shape:
            raise SnapshotError(
                f"{path}: {snapshot[key].size} values of {key} where this plant has {now[key].size}: its machines have "
                "other signals in this version of heatloop"
            )
    simulator.restore(snapshot)


def _check(simulator: Simulator, path: Path, head: Mapping[str, Any], any_version: bool) -> None:
    """Whether the file fits the simulator."""
    if differences := _differences(head["plant"], _description(simulator.plant)):
        raise SnapshotError(
            f"{path} is of another plant than {simulator.plant.site.name}: {'; '.join(differences[:3])}"
            + (f"; and {len(differences) - 3} more" if len(differences) > 3 else "")
        )
    if head["version"] != _version() and not any_version:
        raise SnapshotError(
            f"{path} was written by heatloop {head['version']}, this is {_version()}, whose equations may differ: "
            "settle anew, or load it with any_version=True"
        )
    if head["scheme"] != simulator.scheme:
        raise SnapshotError(f"{path} is of scheme {head['scheme']}: make the simulator with scheme={head['scheme']!r}")


def _version() -> str:
    try:
        return metadata.version("heatloop")
    except metadata.PackageNotFoundError:
        return "not installed"


def _description(plant: Plant) -> dict[str, dict[str, Any]]:
    """All that the plant's equations and the order of their variables depend on."""
    return {
        "machine": {name: component.model_dump(mode="json") for name, component in plant.components.items()},
        "node": {
            n.name: {"medium": n.medium.name if n.medium else "none", "capacity": n.capacity} for n in plant.nodes
        },
        "connections of": plant.attached,
    }


def _differences(saved: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """What differs, in the plant's words."""
    found = []
    for what, here in present.items():
        there = saved.get(what, {})
        found += [f"{what} {name} is in the file only" for name in there if name not in here]
        found += [f"{what} {name} is not in the file" for name in here if name not in there]
        for name in here:
            if name in there:
                found += _of_one(f"{what} {name}", there[name], here[name])
        if not found and list(there) != list(here):
            found.append(f"another order of every {what}")
    return found


def _of_one(owner: str, saved: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    return [
        f"{owner}: {key} was {saved.get(key)}, is {present.get(key)}"
        for key in dict.fromkeys([*saved, *present])
        if saved.get(key) != present.get(key)
    ]
