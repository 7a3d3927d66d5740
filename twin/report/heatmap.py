"""Many signals over time at a glance: one row a signal, colour by how far it is from its limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.report.charts import time_ticks
from twin.report.display import Array, number, zone
from twin.report.svg import drawing, png, tag, text

SCALE = np.array(
    [[38, 62, 104], [46, 113, 148], [104, 170, 160], [222, 214, 160], [238, 168, 92], [214, 88, 66], [150, 22, 48]],
    dtype=float,
)
"""dark and cool to red and hot; the last stands for the limit"""
ABOVE = np.array([236, 64, 214], dtype=np.uint8)
"""colour of what is above the limit: found nowhere on the scale"""


def colours(values: Array, low: float, high: float) -> np.ndarray:
    """RGB for values between low and high, shape of values plus one."""
    at = np.clip((values - low) / (high - low), 0.0, 1.0) * (len(SCALE) - 1)
    first = np.minimum(at.astype(int), len(SCALE) - 2)
    share = (at - first)[..., None]
    mixed = np.asarray(SCALE[first] * (1 - share) + SCALE[first + 1] * share).astype(np.uint8)
    mixed[values > high] = ABOVE
    return mixed


def draw(names: Sequence[str], values: Array, limit: float, unit: str, start: float, end: float, time_zone: str) -> str:
    """The picture of ``values`` (row a name, column a stretch of time) on a scale that ends at ``limit``."""
    low = float(np.floor(min(values.min(), limit - 10) / 5) * 5)
    image = png(colours(values, low, limit))
    local, _ = zone(time_zone)

    def picture(width: float) -> str:
        ticks = time_ticks(start, end, local, 10 if width > 600 else 5)
        places = [((moment - start) / (end - start), words) for moment, words in ticks]
        return _picture(image, names, low, limit, unit, places, width)

    return f'<div class="wide">{picture(920.0)}</div><div class="narrow">{picture(400.0)}</div>'


def _picture(
    image: str,
    names: Sequence[str],
    low: float,
    limit: float,
    unit: str,
    ticks: Sequence[tuple[float, str]],
    width: float,
) -> str:
    rows = len(names)
    left, right, top = 46.0, width - 8.0, 4.0
    tall = float(np.clip(rows * 3.6, 24, 260))
    bottom = top + tall
    parts = [
        tag(
            "image",
            href=image,
            x=left,
            y=top,
            width=right - left,
            height=tall,
            preserveAspectRatio="none",
            style="image-rendering:pixelated",
        )
    ]
    step = max(1, round(rows / (tall / 26)))
    for row in range(0, rows, step):
        parts.append(text(names[row], left - 7, top + (row + 0.5) / rows * tall + 4, "tick", text_anchor="end"))
    for share, words in ticks:
        x = left + share * (right - left)
        parts.append(text(words, x, bottom + 16, "tick", text_anchor="middle" if x < right - 30 else "end"))
    key = png(colours(np.linspace(low, limit, 120)[None, :], low, limit + 1e-9))
    wide = min(200.0, width / 2)
    parts += [
        tag("image", href=key, x=left, y=bottom + 28, width=wide, height=8, preserveAspectRatio="none"),
        text(number(low), left, bottom + 50, "tick"),
        text(f"{number(limit)} {unit} = limit", left + wide, bottom + 50, "tick", text_anchor="end"),
        tag("rect", x=left + wide + 22, y=bottom + 28, width=14, height=8, style="fill:rgb({},{},{})".format(*ABOVE)),
        text("above the limit", left + wide + 22, bottom + 50, "tick"),
    ]
    return drawing(width, bottom + 56, *parts, label="Every limited temperature over the run")
