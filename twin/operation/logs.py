"""Structured logs: what goes into the journal, also as lines for whatever collects logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO

if TYPE_CHECKING:
    from twin.runtime import Log

Format = Literal["none", "text", "json"]


def make_log(kind: Format, stream: TextIO | None = None, **fields: Any) -> Log | None:
    """A logger to ``stream`` (default stderr) with these fields on every line; None for ``none``."""
    if kind == "none":
        return None
    import structlog

    out = stream or sys.stderr
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if kind == "text":
        last = structlog.dev.ConsoleRenderer(colors=out.isatty())
    logger: Any = structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), last],
        cache_logger_on_first_use=True,
        **fields,
    )
    log: Log = logger
    return log
