"""Charts over the time of a run, as SVG: lines, bands, stacked areas and bars on one calm pair of axes.

Each chart is drawn twice, for a page and for a phone, because scaled-down lettering cannot be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

import numpy as np

from twin.report.display import MINUS, THIN, Array, number
from twin.report.svg import band, drawing, path, tag, text

BUCKETS = (300, 900, 1800, 3600, 10800, 21600, 43200, 86400)
"""s, widths to which recorded intervals are joined"""
POINTS = 700
"""points of a line, at most"""
SHORT = 3.0
"""hours, up to which the time axis counts in minutes"""


@dataclass(frozen=True, slots=True)
class Grid:
    """The time axis of a report: recorded intervals joined to at most :data:`POINTS` buckets."""

    edges: Array
    """start of the run and end of each bucket, s, POSIX"""
    first: Array
    """index of each bucket's first recorded interval"""
    weight: Array
    """length of the recorded intervals, s"""

    @classmethod
    def of(cls, edges: Array) -> Grid:
        """The grid over recorded intervals between ``edges`` (s, POSIX)."""
        span = edges[-1] - edges[0]
        width = next((w for w in BUCKETS if span / w <= POINTS), span / POINTS)
        index = np.floor((edges[:-1] - edges[0] + 1e-6) / width)
        first = np.flatnonzero(np.diff(np.concatenate([[-1.0], index])))
        ends = np.concatenate([edges[first[1:]], edges[-1:]])
        return cls(np.concatenate([edges[:1], ends]), first.astype(float), np.diff(edges))

    @property
    def middle(self) -> Array:
        """Middle of every bucket, s, POSIX."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def mean(self, values: Array) -> Array:
        """Time-weighted mean of recorded values in every bucket."""
        at = self.first.astype(int)
        return np.asarray(np.add.reduceat(values * self.weight, at) / np.add.reduceat(self.weight, at))

    def highest(self, values: Array) -> Array:
        """Largest recorded value in every bucket."""
        return np.asarray(np.maximum.reduceat(values, self.first.astype(int)))

    def lowest(self, values: Array) -> Array:
        """Smallest recorded value in every bucket."""
        return np.asarray(np.minimum.reduceat(values, self.first.astype(int)))


@dataclass(frozen=True, slots=True)
class Line:
    """A named line; ``colour`` is a class of the style sheet (``heat``, ``water``, ``power``, ...)."""

    label: str
    time: Array
    values: Array
    colour: str
    style: str = ""
    """``thin``, ``dashed``, ``faint`` or nothing"""


@dataclass(frozen=True, slots=True)
class Area:
    """A filled band between two lines."""

    label: str
    time: Array
    low: Array
    high: Array
    colour: str


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line at a limit."""

    label: str
    value: float
    colour: str = "limit"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that is marked from top to bottom: something happened."""

    label: str
    start: float
    end: float


@dataclass(slots=True)
class Chart:
    """One chart of a report; see :meth:`draw`."""

    title: str
    unit: str
    start: float
    end: float
    zone: tzinfo
    lines: list[Line] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    zero: bool = False
    """whether the value axis must show zero"""
    height: int = 220

    def draw(self) -> str:
        """The chart for wide and for narrow pages, with its legend; nothing where there is nothing to show."""
        pictures = "".join(
            f'<div class="{class_}">{self._picture(width, self.height)}</div>'
            for class_, width in (("wide", 920), ("narrow", 400))
        )
        return f'<figure class="chart">{self._caption()}{pictures}</figure>'

    def _caption(self) -> str:
        entries = [(line.label, line.colour, line.style) for line in self.lines if "faint" not in line.style]
        entries += [(area.label, area.colour, "area") for area in self.areas]
        entries += [(level.label, level.colour, "dashed") for level in self.levels]
        entries += [(span.label, "span", "area") for span in self.spans]
        seen: dict[str, str] = {}
        for label, colour, style in entries:
            if label:
                seen.setdefault(label, f'<span class="key {colour} {style}"><i></i>{_escape(label)}</span>')
        unit = f' <span class="unit">{_escape(self.unit)}</span>' if self.unit else ""
        keys = f'<span class="keys">{"".join(seen.values())}</span>'
        return f"<figcaption><b>{_escape(self.title)}</b>{unit}{keys}</figcaption>"

    def _range(self) -> tuple[float, float]:
        stacks = [line.values for line in self.lines] + [a.low for a in self.areas] + [a.high for a in self.areas]
        known = np.concatenate([np.ravel(values) for values in stacks] + [np.array([lv.value for lv in self.levels])])
        known = known[np.isfinite(known)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if self.zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if high - low < 1e-9 * max(abs(low), abs(high), 1.0):
            low, high = low - 0.5, high + 0.5
        return low, high

    def _picture(self, width: int, height: int) -> str:
        left, right, top, bottom = 46.0, width - 8.0, 8.0, height - 24.0
        ticks = nice_ticks(*self._range(), 5 if height > 160 else 3)
        low, high = ticks[0], ticks[-1]

        def X(time: Array) -> Array:
            return left + (np.asarray(time) - self.start) / (self.end - self.start) * (right - left)

        def Y(values: Array) -> Array:
            return bottom - (np.asarray(values, dtype=float) - low) / (high - low) * (bottom - top)

        parts = []
        for tick in ticks:
            y = float(Y(np.array(tick)))
            parts += [
                tag("line", x1=left, x2=right, y1=y, y2=y, class_="zero" if tick == 0 else "grid"),
                text(tick_label(tick, ticks), left - 7, y + 4, "tick", text_anchor="end"),
            ]
        for moment, words in time_ticks(self.start, self.end, self.zone, 10 if width > 600 else 5):
            x = float(X(np.array(moment)))
            parts += [
                tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"),
                text(words, x, bottom + 18, "tick", text_anchor="middle" if x < right - 30 else "end"),
            ]
        for span in self.spans:
            x, far = (float(X(np.array(min(max(t, self.start), self.end)))) for t in (span.start, span.end))
            said = tag("title", _escape(span.label))
            parts.append(tag("rect", said, x=x, y=top, width=max(far - x, 1.5), height=bottom - top, class_="span"))
        for area in self.areas:
            parts.append(tag("path", d=band(X(area.time), Y(area.low), Y(area.high)), class_=f"area {area.colour}"))
        for level in self.levels:
            y = float(Y(np.array(level.value)))
            parts.append(tag("line", x1=left, x2=right, y1=y, y2=y, class_=f"line dashed {level.colour}"))
        for line in self.lines:
            named = line.label if "faint" not in line.style else None
            parts.append(
                tag(
                    "path",
                    d=path(X(line.time), Y(line.values)),
                    class_=f"line {line.colour} {line.style}",
                    data_label=named,
                )
            )
        return drawing(
            width,
            height,
            *parts,
            label=self.title,
            class_="time",
            data_low=low,
            data_high=high,
            data_top=top,
            data_bottom=bottom,
            data_left=left,
            data_right=right,
            data_unit=self.unit,
            data_start=int(self.start),
            data_end=int(self.end),
        )


def bars(
    title: str,
    unit: str,
    labels: Sequence[str],
    stacks: Sequence[tuple[str, str, Sequence[float]]],
    notes: Sequence[str] | None = None,
    height: int = 200,
) -> str:
    """Stacked bars: ``stacks`` are (label, colour, one value a bar); ``notes`` stand above the bars."""
    total = np.sum([values for _, _, values in stacks], axis=0)
    ticks = nice_ticks(0.0, max(float(total.max()), 1e-9), 4)

    def picture(width: int) -> str:
        left, right, top, bottom = 46.0, width - 8.0, 22.0, height - 24.0
        pitch = (right - left) / len(labels)
        wide = min(pitch * 0.62, 54.0)
        every = max(1, math.ceil(len(labels) * (46 if width > 600 else 40) / (right - left)))
        parts = []
        for tick in ticks:
            y = bottom - tick / ticks[-1] * (bottom - top)
            parts += [
                tag("line", x1=left, x2=right, y1=y, y2=y, class_="zero" if tick == 0 else "grid"),
                text(tick_label(tick, ticks), left - 7, y + 4, "tick", text_anchor="end"),
            ]
        for i, label in enumerate(labels):
            x, y = left + (i + 0.5) * pitch, bottom
            for name, colour, values in stacks:
                size = values[i] / ticks[-1] * (bottom - top)
                if size > 0.05:
                    said = tag("title", f"{_escape(label)}: {number(values[i])} {unit} {_escape(name)}")
                    parts.append(
                        tag("rect", said, x=x - wide / 2, y=y - size, width=wide, height=size, class_=f"bar {colour}")
                    )
                    y -= size
            if notes and notes[i] and len(labels) <= 16:
                parts.append(text(notes[i], x, y - 6, "tick", text_anchor="middle"))
            if i % every == 0:
                parts.append(text(label, x, bottom + 18, "tick", text_anchor="middle"))
        return drawing(width, height, *parts, label=title)

    keys = "".join(f'<span class="key {colour} area"><i></i>{_escape(label)}</span>' for label, colour, _ in stacks)
    return (
        f'<figure class="chart"><figcaption><b>{_escape(title)}</b> <span class="unit">{_escape(unit)}</span>'
        f'<span class="keys">{keys}</span></figcaption><div class="wide">{picture(920)}</div>'
        f'<div class="narrow">{picture(400)}</div></figure>'
    )


def stacked(time: Array, layers: Sequence[tuple[str, str, Array]]) -> list[Area]:
    """Areas on top of each other from (label, colour, values)."""
    areas, base = [], np.zeros(len(time))
    for label, colour, values in layers:
        areas.append(Area(label, time, base, base + values, colour))
        base = base + values
    return areas


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Round values that cover low..high, about ``count`` steps."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def tick_label(value: float, ticks: Sequence[float]) -> str:
    """A tick with as many decimals as its neighbours need."""
    step = ticks[1] - ticks[0]
    decimals = next((d for d in range(7) if abs(round(step, d) - step) < 1e-6 * step), 6)
    return f"{value:,.{decimals}f}".replace(",", THIN).replace("-", MINUS) if value else "0"


def time_ticks(start: float, end: float, zone: tzinfo, count: int) -> list[tuple[float, str]]:
    """About ``count`` moments of the local clock or calendar, with their labels."""
    hours = (end - start) / 3600
    if hours <= SHORT:
        return _minute_ticks(start, end, zone, count)
    step = next((h for h in (1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 1440) if hours / h <= count), 2160)
    moment = datetime.fromtimestamp(start, tz=zone).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    moment = moment.replace(hour=0 if step >= 24 else moment.hour // step * step)
    ticks = []
    while (at := moment.replace(tzinfo=zone).timestamp()) < end + 1:
        if at >= start - 1:
            clock = f"{moment:%H:%M}" if moment.hour or step < 24 else ""
            date = f"{moment:%a} {moment.day}" if hours <= 24 * 32 else f"{moment.day} {moment:%b}"
            ticks.append((at, clock if moment.hour else date))
        moment += timedelta(hours=step)
    return ticks


def _minute_ticks(start: float, end: float, zone: tzinfo, count: int) -> list[tuple[float, str]]:
    """Round minutes of the local clock."""
    step = next((m for m in (1, 2, 5, 10, 15, 30) if (end - start) / 60 / m <= count), 60) * 60
    first = math.ceil((start - 1) / step)
    moments = [i * step for i in range(first, math.floor((end + 1) / step) + 1)]
    return [(float(at), f"{datetime.fromtimestamp(at, tz=zone):%H:%M}") for at in moments]


def _escape(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
