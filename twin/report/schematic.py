"""A site's schematic: its nodes as lines, circuit by circuit, its machines between them. SVG that stands alone.

Equal machines are one box with their count. A box hangs on the lines that its ports are attached to; an arrow says
which way the water goes by design, a dashed line is a sensor's. The layout is that of the report's plant picture
(:func:`twin.report.picture.arrange`): no box lies on another, whatever the site.
"""

from __future__ import annotations

from dataclasses import dataclass

from plant_models.component import Component, FluidPort, Port
from plant_models.site import Site
from twin.report.display import THIN, title_of
from twin.report.graph import Bus
from twin.report.picture import Placed, arrange
from twin.report.site_graph import Circuit, SitePicture, picture_of
from twin.report.svg import tag, text

ROW, BETWEEN, COLUMN = 92.0, 40.0, 180.0
"""between two lines, more of it between two circuits; between two columns"""
BOX_WIDTH, BOX_HEIGHT = 158.0, 46.0
LEFT, TOP, RIGHT, FOOT = 176.0, 76.0, 24.0, 58.0
ARROW = 5.0
LETTER = 0.6
"""mean width of a letter over the size of its type"""
COLOURS = (
    ("#2166ac", "#c8452f"), ("#11806a", "#b7791f"), ("#6d4bb5", "#b83280"), ("#4d7c0f", "#9a5b13"),
    ("#0e7490", "#be123c"), ("#475569", "#92400e"), ("#1d4ed8", "#a21caf"),
)  # fmt: skip
"""cold and warm line of each circuit, in turn"""
HEAT = "#6b7280"
MEDIA = {"water": "water", "none": "heat"}
SIZES = (
    ("P_it_nominal", "W"), ("Q_flow_nominal", "W"), ("Q_flow_sink_nominal", "W"), ("P_nominal", "W"),
    ("Q_demand_design", "W"), ("UA_nominal", "W/K"), ("m_flow_nominal", "kg/s"), ("m_flow_max", "kg/s"),
    ("volume", "m³"), ("mass", "kg"),
)  # fmt: skip
"""what a box says of its machine: the first of these that it has"""
STYLE = """
text{font-family:Inter,"Helvetica Neue",Arial,sans-serif;fill:#1f2937}
.title{font-size:19px;font-weight:600}.under{font-size:12.5px;fill:#4b5563}
.name{font-size:13px;font-weight:600}.small{font-size:11px;fill:#4b5563}
.box{fill:#fff;stroke:#374151;stroke-width:1.3}.stack{fill:#eef1f5;stroke:#374151;stroke-width:1}
.leader{stroke:#cbd5e1;stroke-width:1;stroke-dasharray:2 4}
.bus{stroke-width:4;stroke-linecap:round}.heat{stroke-dasharray:9 6;stroke-width:3}
.stub{stroke-width:2.4}.sense{stroke-width:1.1;stroke-dasharray:4 3}
"""


@dataclass(frozen=True, slots=True)
class _Line:
    """A node as it is drawn."""

    bus: Bus
    y: float
    colour: str
    heat: bool


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Where a box lies."""

    stem: str
    x: float
    y: float
    width: float = BOX_WIDTH
    height: float = BOX_HEIGHT


class Schematic:
    """A site, laid out."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._picture: SitePicture = picture_of(site)
        ends = {circuit.buses[-1] for circuit in self._picture.circuits}
        last = frozenset(i for i, bus in enumerate(self._picture.graph.buses) if bus.name in ends)
        self._placed = arrange(self._picture.graph, hang_above=last)
        self._lines = self._place_lines()
        columns = max(p.column for p in self._placed) + 1
        self._width = max(LEFT + columns * COLUMN + RIGHT, LEFT + 560.0)
        below = ROW if any(p.gap == len(self._lines) for p in self._placed) else 30.0
        self._bottom = self._lines[-1].y + below
        self.boxes = [Rectangle(p.box.stem, self._x(p), self._y(p)) for p in self._placed]
        """every group of machines once, none on another"""

    def svg(self) -> str:
        """The drawing as a file's content; the same for the same site."""
        site = self._site
        variant = "" if site.variant == "default" else f", variant {site.variant}"
        parts = [
            tag("style", STYLE),
            tag("rect", width="100%", height="100%", fill="#fff"),
            text(site.title, 24, 34, "title"),
            text(f"{site.name}{variant}: {len(site.instances())} machines, {len(site.node_instances())} nodes", 24, 54,
                 "under"),
            *self._bands(),
            *(part for line in self._lines for part in self._line(line)),
            *(part for p in self._placed for part in self._stubs(p)),
            *(self._box(p) for p in self._placed),
            *self._legend(),
        ]  # fmt: skip
        height = self._bottom + FOOT
        label = f"Schematic of {site.title}: machines between the lines of water that join them"
        size = {"width": f"{self._width:g}", "height": f"{height:g}", "viewBox": f"0 0 {self._width:g} {height:g}"}
        return tag("svg", *parts, xmlns="http://www.w3.org/2000/svg", role="img", aria_label=label, **size) + "\n"

    # --- where things are ----------------------------------------------------------------------------------------

    def _place_lines(self) -> list[_Line]:
        lines: list[_Line] = []
        buses = {bus.name: bus for bus in self._picture.graph.buses}
        y = TOP + (ROW if any(p.gap == 0 for p in self._placed) else 34.0)
        for i, circuit in enumerate(self._picture.circuits):
            heat = circuit.medium == "none"
            pair = (HEAT, HEAT) if heat else COLOURS[circuit.number % len(COLOURS)]
            y += BETWEEN if i else 0.0
            temperatures = [buses[name].T for name in circuit.buses]
            middle = 0.5 * (min(temperatures) + max(temperatures))
            for name in circuit.buses:
                lines.append(_Line(buses[name], y, pair[middle < buses[name].T], heat))
                y += ROW
        return lines

    def _gap_y(self, gap: int) -> float:
        """The middle of a gap between two lines; gap 0 lies above the first."""
        if gap == 0:
            return self._lines[0].y - 0.5 * ROW
        if gap == len(self._lines):
            return self._lines[-1].y + 0.5 * ROW
        return 0.5 * (self._lines[gap - 1].y + self._lines[gap].y)

    @staticmethod
    def _x(p: Placed) -> float:
        return LEFT + p.column * COLUMN

    def _y(self, p: Placed) -> float:
        return self._gap_y(p.gap) - 0.5 * BOX_HEIGHT

    def _ends(self, p: Placed) -> list[tuple[str, float, int, bool]]:
        """(port, x, row, above) of every stub of a box, inlets on the left and sensors on the right."""
        machine = self._picture.arrays[p.box.stem].component
        row = {line.bus.name: i for i, line in enumerate(self._lines)}
        rank = {"in": 0, "either": 1, "out": 2}
        ports = sorted(
            machine.ports,
            key=lambda q: (_senses(q), rank[q.direction] if isinstance(q, FluidPort) else 1),
        )
        ends = []
        for above in (True, False):
            side = [q.name for q in ports if (row[p.box.buses[q.name]] < p.gap) == above]
            ends += [
                (name, self._x(p) + BOX_WIDTH * (i + 1) / (len(side) + 1), row[p.box.buses[name]], above)
                for i, name in enumerate(side)
            ]
        return ends

    def _colours(self, circuit: Circuit) -> list[str]:
        """Those of a circuit's lines, the coldest first."""
        lines = sorted((line for line in self._lines if line.bus.name in circuit.buses), key=lambda line: line.bus.T)
        return list(dict.fromkeys(line.colour for line in lines))

    # --- what is drawn -------------------------------------------------------------------------------------------

    def _bands(self) -> list[str]:
        """A shade behind each circuit, with its name."""
        parts, at = [], {line.bus.name: line for line in self._lines}
        for circuit in self._picture.circuits:
            first, last = at[circuit.buses[0]].y, at[circuit.buses[-1]].y
            shade = {"x": 12, "y": first - 26, "width": self._width - 24, "height": last - first + 52, "rx": 10}
            parts.append(tag("rect", **shade, fill=self._colours(circuit)[0], fill_opacity=0.06))
        return parts

    def _line(self, line: _Line) -> list[str]:
        reach = [x for p in self._placed for name, x, _, _ in self._ends(p) if p.box.buses[name] == line.bus.name]
        count = f"{len(line.bus.nodes)}{THIN}× " if len(line.bus.nodes) > 1 else ""
        first, last = min(reach), max(reach)
        if first == last:
            first, last = first - 14, last + 14
        class_ = "bus heat" if line.heat else "bus"
        return [
            tag("line", x1=LEFT - 12, x2=first, y1=line.y, y2=line.y, class_="leader"),
            tag("line", x1=first, x2=last, y1=line.y, y2=line.y, class_=class_, stroke=line.colour),
            text(f"{count}{line.bus.name}", LEFT - 18, line.y - 1, "name", text_anchor="end"),
            text(f"{line.bus.T - 273.15:.0f}{THIN}°C at start", LEFT - 18, line.y + 14, "small", text_anchor="end"),
        ]

    def _stubs(self, p: Placed) -> list[str]:
        parts: list[str] = []
        machine = self._picture.arrays[p.box.stem].component
        ports = {port.name: port for port in machine.ports}
        for name, x, row, above in self._ends(p):
            line, port = self._lines[row], ports[name]
            edge = self._y(p) + (0.0 if above else BOX_HEIGHT)
            senses = _senses(port)
            class_ = "sense" if senses else "stub heat" if line.heat else "stub"
            parts.append(tag("line", x1=x, x2=x, y1=line.y, y2=edge, class_=class_, stroke=line.colour))
            if not senses:
                parts.append(tag("circle", cx=x, cy=line.y, r=4.4, fill=line.colour))
            else:
                parts.append(tag("circle", cx=x, cy=line.y, r=3.4, fill="#fff", stroke=line.colour, stroke_width=1.3))
            if isinstance(port, FluidPort) and not senses and port.direction != "either":
                into = port.direction == "in"
                parts.append(_arrow(x, edge + (-9.0 if above else 9.0), down=above == into, colour=line.colour))
        return parts

    def _box(self, p: Placed) -> str:
        x, y = self._x(p), self._y(p)
        array = self._picture.arrays[p.box.stem]
        many = array.count > 1
        title = f"{array.count}{THIN}× {array.name}" if many else array.name
        back = [tag("rect", x=x + 4, y=y - 4, width=BOX_WIDTH, height=BOX_HEIGHT, rx=7, class_="stack")] if many else []
        return tag(
            "g",
            tag("title", f"{array.name}: {array.count} of kind {array.component.kind}"),
            *back,
            tag("rect", x=x, y=y, width=BOX_WIDTH, height=BOX_HEIGHT, rx=7, class_="box"),
            _fitted(title, x + 0.5 * BOX_WIDTH, y + 20, "name", 13.0),
            _fitted(_says(array.component, p.box.part), x + 0.5 * BOX_WIDTH, y + 36, "small", 11.0),
            data_machine=array.name,
        )

    def _legend(self) -> list[str]:
        """The circuits with their liquids and colours, and what the signs mean."""
        x, y, parts = 24.0, self._bottom + 22, []
        for circuit in self._picture.circuits:
            colours = self._colours(circuit)
            class_ = "bus heat" if circuit.medium == "none" else "bus"
            for i, colour in enumerate(colours):
                parts.append(tag("line", x1=x + 22 * i, x2=x + 22 * i + 16, y1=y, y2=y, class_=class_, stroke=colour))
            words = f"{circuit.name}: {_liquid(circuit)}"
            parts.append(text(words, x + 22 * len(colours) + 6, y + 4, "small"))
            x += 22 * len(colours) + 24 + 6.2 * len(words)
            if x > self._width - 150:
                x, y = 24.0, y + 18
        signs = "arrow: flow by design · thin dashes, open ring: a sensor · stacked box: equal machines, drawn once"
        return [*parts, text(signs, 24, max(y + 20, self._bottom + 42), "small")]


def draw(site: Site) -> str:
    """The schematic of a site, SVG."""
    return Schematic(site).svg()


def _senses(port: Port) -> bool:
    return isinstance(port, FluidPort) and port.senses


def _arrow(x: float, y: float, *, down: bool, colour: str) -> str:
    """A head on a stub, its middle at the point."""
    tip = ARROW if down else -ARROW
    return tag("path", d=f"M{x - ARROW:g} {y - tip:g}L{x + ARROW:g} {y - tip:g}L{x:g} {y + tip:g}Z", fill=colour)


def _fitted(words: str, x: float, y: float, class_: str, size: float) -> str:
    """Words in the middle of a box, in a smaller type where they are too long for it."""
    length = LETTER * size * len(words)
    style = f"font-size:{size * (BOX_WIDTH - 14) / length:.3g}px" if length > BOX_WIDTH - 14 else None
    return text(words, x, y, class_, text_anchor="middle", style=style)


def _says(machine: Component, part: str) -> str:
    """The kind and its main size: of a store, what it holds."""
    kind = title_of(machine.kind)
    for name, unit in ((("volume", "m³"),) if part == "store" else ()) + SIZES:
        value = getattr(machine, name, None)
        if isinstance(value, (int, float)) and value > 0:
            units = getattr(machine, "n_units", None) or getattr(machine, "n_pumps", None) or 1
            several = f"{units}{THIN}× " if units > 1 else ""
            return f"{kind}, {several}{_in_words(float(value), unit)}"
    return kind


def _in_words(value: float, unit: str) -> str:
    if unit in ("W", "W/K"):
        for step, prefix in ((1e6, "M"), (1e3, "k")):
            if value >= step:
                return f"{value / step:.3g}{THIN}{prefix}{unit}"
    return f"{value:,.0f}{THIN}{unit}" if value >= 100 else f"{value:.3g}{THIN}{unit}"


def _liquid(circuit: Circuit) -> str:
    return MEDIA.get(circuit.medium, circuit.medium)
