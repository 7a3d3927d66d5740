"""What a terminal shows: results on stdout, progress on stderr, JSON where a script asks for it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 180


def console(*, stderr: bool = False) -> Console:
    """A rich console on stdout or stderr; where no terminal limits the width, lines are not broken at 80."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
    return made


def print_json(data: object) -> None:
    """``data`` as strict JSON on stdout: not-a-number and infinity become null."""
    typer.echo(json.dumps(finite(data), indent=2, ensure_ascii=False, allow_nan=False))


def finite(data: Any) -> Any:
    """``data`` with null in place of every float that JSON cannot carry."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(value) for value in data]
    return data


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """A table on stdout; the columns named in ``right`` are set flush right."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console().print(table)


class Tasks(Protocol):
    """Shows how far tasks are, while its context lasts."""

    def __enter__(self) -> Tasks:
        """Begin to show."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop showing."""
        ...

    def begin(self, name: str) -> None:
        """Show a task, not begun."""
        ...

    def tell(self, name: str, share: float) -> None:
        """A share (0..1) of a task is done."""
        ...


def progress() -> Tasks:
    """How far tasks are, on stderr, for whatever takes over two seconds: bars in a terminal, plain lines in a log."""
    shown = console(stderr=True)
    return _Bars(shown) if shown.is_terminal else _Lines(shown)


class _Bars:
    def __init__(self, shown: Console) -> None:
        from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=shown,
        )

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def begin(self, name: str) -> None:
        self._tasks[name] = self._progress.add_task(name, total=1.0)

    def tell(self, name: str, share: float) -> None:
        self._progress.update(self._tasks[name], completed=share)


class _Lines:
    """A line per task at its beginning, at every tenth, and at its end."""

    def __init__(self, shown: Console) -> None:
        self._console = shown
        self._said: dict[str, int] = {}
        self._began: dict[str, float] = {}

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *error: object) -> None:
        del error

    def begin(self, name: str) -> None:
        self._said[name] = -1

    def tell(self, name: str, share: float) -> None:
        tenth = int(10.0 * share + 1e-9)
        if tenth <= self._said[name]:
            return
        self._said[name] = tenth
        now = time.monotonic()
        elapsed = now - self._began.setdefault(name, now)
        self._console.print(f"{name}: {10 * tenth} %, {elapsed:.0f} s", markup=False)
