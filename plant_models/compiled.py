"""Compiles C text to machine code where a C compiler is at hand, cached by content.

``HEATLOOP_COMPILER`` names another compiler, or ``none`` for no compiling: plants are then interpreted.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FLAGS = ("-O2", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-shared", "-fPIC")
VECTORS = {"avx512f": 8, "avx2": 4}
"""doubles that one instruction takes, by what the processor says it can"""


def cache_folder() -> Path:
    """Where compiled plants are kept: ``$XDG_CACHE_HOME/heatloop`` or ``~/.cache/heatloop``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heatloop"


@cache
def compiler() -> tuple[str, ...] | None:
    """The C compiler's command, or None."""
    wanted = os.environ.get("HEATLOOP_COMPILER")
    if wanted == "none":
        return None
    if wanted:
        return tuple(shlex.split(wanted))
    for name in ("gcc", "clang", "cc"):
        if found := shutil.which(name):
            return (found,)
    if importlib.util.find_spec("ziglang"):  # a C compiler as a Python package: the extra heatloop[compiler]
        return (sys.executable, "-m", "ziglang", "cc")
    return None


@cache
def processor() -> tuple[str, ...]:
    """What this processor can, so that machine code made for another one is never run."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return (platform.machine(), platform.processor())
    can = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return (platform.machine(), *sorted(can))


@cache
def lanes() -> int:
    """How many members of a group are computed at once."""
    return next((width for name, width in VECTORS.items() if name in processor()), 2)


@dataclass(frozen=True, slots=True)
class Deferred:
    """C text that is written only where the cache does not know what its key stands for."""

    key: str
    """equal for equal text only"""
    write: Callable[[], str]


def libraries(sources: Mapping[str, str | Deferred]) -> dict[str, ctypes.CDLL]:
    """The C texts by name as loaded libraries, compiled side by side if they are not in the cache.

    Raises RuntimeError when the compiler fails: a half-working set-up should be seen, not worked around.
    """
    command = compiler()
    if command is None:
        raise RuntimeError("there is no C compiler")
    flags = [*FLAGS, *(["-march=native"] if platform.machine() in ("x86_64", "AMD64") else [])]
    found: dict[str, Path] = {}
    missing: dict[Path, str] = {}
    made: dict[Path, Path] = {}
    for name, source in sources.items():
        note = None
        if isinstance(source, Deferred):
            note = cache_folder() / f"{_place(name, source.key, command, flags).stem}.made"
            if (library := _noted(note)) is not None:
                found[name] = library
                continue
        text = source.write() if isinstance(source, Deferred) else source
        found[name] = _place(name, text, command, flags)
        if note is not None:
            made[note] = found[name]
        if not found[name].exists():
            missing[found[name]] = text
    try:
        if missing or made:
            cache_folder().mkdir(parents=True, exist_ok=True)
        if missing:
            _build(missing, command, flags)
        for note, library in made.items():
            partial = note.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(library.name)
            partial.replace(note)
    except OSError as error:
        raise RuntimeError(
            f"cannot compile the plant with {shlex.join(command)} into {cache_folder()} ({error}); name another "
            "folder by XDG_CACHE_HOME, another compiler by HEATLOOP_COMPILER, or set HEATLOOP_COMPILER=none to run "
            "interpreted"
        ) from None
    return {name: ctypes.CDLL(str(path)) for name, path in found.items()}


def _place(name: str, content: str, command: tuple[str, ...], flags: list[str]) -> Path:
    """Where the library made of ``content`` is kept."""
    digest = hashlib.sha256("\0".join([content, *command, *flags, *processor()]).encode()).hexdigest()[:32]
    return cache_folder() / f"{name.partition(':')[0]}-{digest}.so"


def _noted(note: Path) -> Path | None:
    """The library that a note in the cache tells of, if both are there."""
    try:
        library = cache_folder() / note.read_text()
    except OSError:
        return None
    return library if library.is_file() else None


def _build(sources: Mapping[Path, str], command: tuple[str, ...], flags: list[str]) -> None:
    """Write each library in one rename, so that parallel builds never see a half-written one."""
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        waiting = list(sources.items())
        running: list[tuple[Path, Path, subprocess.Popen[str]]] = []
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                library, source = waiting.pop()
                text, built = Path(folder) / f"{library.stem}.c", Path(folder) / library.name
                text.write_text(source)
                arguments = [*command, *flags, str(text), "-o", str(built), "-lm"]
                running.append((library, built, subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)))
            library, built, process = running.pop(0)
            _, said = process.communicate()
            if process.returncode:
                for *_, other in running:
                    other.kill()
                    other.communicate()
                raise RuntimeError(
                    f"{shlex.join(command)} failed on the generated plant ({said.strip()[:500]}); "
                    "set HEATLOOP_COMPILER=none to run interpreted"
                )
            built.replace(library)
