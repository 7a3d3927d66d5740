"""Compiles CasADi Functions to machine code where a C compiler is at hand, cached by content; else interprets them.

The result is the same to round-off either way. ``HEATLOOP_COMPILER`` names another compiler, or ``none`` for no
compiling.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import casadi as ca

FLAGS = ("-O2", "-fno-math-errno", "-shared", "-fPIC")


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


def fastest(function: ca.Function) -> ca.Function:
    """The function as machine code if it can be compiled, else itself.

    Raises RuntimeError when a compiler is there but fails: a half-working set-up should be seen, not worked around.
    """
    command = compiler()
    if command is None:
        return function
    # the name must not depend on the order in which groups were built, so that the cache is shared between plants
    generator = ca.CodeGenerator("plant.c", {"with_header": False})
    generator.add(function)
    source = generator.dump()
    digest = hashlib.sha256("\0".join([source, *command, *FLAGS]).encode()).hexdigest()[:32]
    library = cache_folder() / f"{function.name()}-{digest}.so"
    if not library.exists():
        _compile(source, command, library)
    return ca.external(function.name(), str(library))


def _compile(source: str, command: tuple[str, ...], library: Path) -> None:
    """Write ``library`` in one rename, so that parallel builds never see a half-written one."""
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        _build(source, command, library)
    except OSError as error:
        raise RuntimeError(
            f"cannot compile the plant with {shlex.join(command)} into {library.parent} ({error}); name another folder "
            "by XDG_CACHE_HOME, another compiler by HEATLOOP_COMPILER, or set HEATLOOP_COMPILER=none to run interpreted"
        ) from None


def _build(source: str, command: tuple[str, ...], library: Path) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        text, built = Path(folder) / "plant.c", Path(folder) / "plant.so"
        text.write_text(source)
        done = subprocess.run([*command, *FLAGS, str(text), "-o", str(built), "-lm"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(
                f"{shlex.join(command)} failed on the generated plant ({done.stderr.strip()[:500]}); "
                "set HEATLOOP_COMPILER=none to run interpreted"
            )
        built.replace(library)
