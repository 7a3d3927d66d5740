"""A few words of SVG: elements as text, escaped; colours come from the page's style sheet by class."""

from __future__ import annotations

import base64
import html
import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def tag(element: str, *content: str, **attributes: object) -> str:
    """One element. ``content`` is SVG already; attribute names use ``_`` for ``-``, ``class_`` for ``class``."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_plain(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(content)
    return f"<{element}{pairs}>{inside}</{element}>" if inside else f"<{element}{pairs}/>"


def text(words: str, x: float, y: float, class_: str = "", **attributes: object) -> str:
    """Escaped words at a point."""
    return tag("text", html.escape(words), x=x, y=y, class_=class_ or None, **attributes)


def path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """The ``d`` of a line through the points, broken where y is not a number."""
    parts, pen = [], "M"
    for a, b in zip(x.round(1).tolist(), y.round(1).tolist(), strict=True):
        if b != b:
            pen = "M"
            continue
        parts.append(f"{pen}{a:g} {b:g}")
        pen = "L"
    return "".join(parts)


def band(x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
    """The ``d`` of the area between two lines; holes where either is not a number are left out."""
    known = ~(np.isnan(low) | np.isnan(high))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    areas = []
    for first, last in edges.reshape(-1, 2):
        part = slice(first, last)
        around = path(np.concatenate([x[part], x[part][::-1]]), np.concatenate([high[part], low[part][::-1]]))
        areas.append(around + "Z")
    return "".join(areas)


def drawing(width: float, height: float, *content: str, label: str, class_: str = "", **attributes: object) -> str:
    """A whole picture that scales with its place; ``label`` is what a screen reader says."""
    return tag(
        "svg",
        *content,
        viewBox=f"0 0 {width:g} {height:g}",
        class_=class_ or None,
        role="img",
        aria_label=label,
        xmlns="http://www.w3.org/2000/svg",
        **attributes,
    )


def png(pixels: NDArray[np.uint8]) -> str:
    """A data URI of an RGB picture, ``pixels`` of shape (rows, columns, 3)."""
    rows, columns, _ = pixels.shape
    raw = b"".join(b"\0" + pixels[row].tobytes() for row in range(rows))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _plain(value: object) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)
