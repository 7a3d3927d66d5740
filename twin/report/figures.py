"""The charts of a report, each from the accounts and roles of the run's signals."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from plant_models.signals import PRICE_ELECTRICITY, T_DRY, T_WET, Account, Signal
from twin.ledger import Ledger
from twin.report import heatmap
from twin.report.charts import Area, Chart, Grid, Level, Line, bars, stacked
from twin.report.display import ZERO_C, Array, power_unit, shown, title_of, zone
from twin.report.graph import stem

PLANS_SHOWN = 32
PLANNED_SIGNALS = 4


class Figures:
    """Draws; every method returns HTML, empty where the plant has nothing of the kind."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.grid = Grid.of(ledger.edges)
        self.start, self.end = float(ledger.edges[0]), float(ledger.edges[-1])
        self.zone, self.zone_name = zone(ledger.info.time_zone)
        self.limited = [s for s in ledger.vocabulary.values() if s.limit and s.unit == "K"]

    def chart(self, title: str, unit: str, **options: object) -> Chart:
        """An empty chart over the run."""
        return Chart(title, unit, self.start, self.end, self.zone, **options)  # type: ignore[arg-type]

    def mean(self, values: Array) -> Array:
        """Recorded values on the page's grid."""
        return self.grid.mean(values)

    def hottest(self) -> str:
        """The hottest and the coolest of all limited temperatures, and the limit."""
        if not self.limited:
            return ""
        columns = np.stack([self.ledger.column(s.name) for s in self.limited]) - ZERO_C
        chart = self.chart(
            f"Hottest chip of {len(self.limited)} groups" if len(self.limited) > 1 else "Hottest chip", "°C", height=240
        )
        time = self.grid.middle
        if len(self.limited) > 1:
            low, high = self.grid.lowest(columns.min(axis=0)), self.grid.highest(columns.max(axis=0))
            chart.areas.append(Area("all groups", time, low, high, "chips"))
            chart.lines.append(Line("median", time, self.mean(np.median(columns, axis=0)), "chips", "thin"))
        chart.lines.append(Line("hottest", time, self.grid.highest(columns.max(axis=0)), "chips"))
        for limit in sorted({s.upper for s in self.limited}):
            chart.levels.append(Level(f"limit {limit - ZERO_C:.0f} °C", limit - ZERO_C))
        return chart.draw()

    def heat_map(self) -> str:
        """One row for each limited temperature."""
        if len(self.limited) < 2 or len({s.upper for s in self.limited}) > 1:
            return ""
        coarse = max(1, len(self.grid.first) // 340)
        at = self.grid.first.astype(int)[::coarse]
        values = np.stack([
            np.maximum.reduceat(self.ledger.column(s.name), at) for s in self.limited
        ]) - ZERO_C  # fmt: skip
        names = [s.name.rpartition(".")[0].rpartition(".")[2] or s.name for s in self.limited]
        limit = self.limited[0].upper - ZERO_C
        picture = heatmap.draw(names, values, limit, "°C", self.start, self.end, self.ledger.info.time_zone)
        kind = title_of(stem(self.limited[0].name.rpartition(".")[0]))
        return (
            f'<figure class="chart"><figcaption><b>Every {kind} by itself</b> '
            f'<span class="unit">hottest chip, °C</span></figcaption>{picture}</figure>'
        )

    def water_temperatures(self) -> str:
        """Facility water to and from the machines that carry the IT load, or a network's; and the outside air."""
        water, sides = "Facility water", self.load_nodes()
        if not self.ledger.has(Account.ELECTRICITY_IT):
            water, back_and_forth = "Network water", self._sides(Account.HEAT_DEMAND)
            words = (("back from the consumers", "cooling"), ("to the consumers", "heat"))
            sides = [(*word, nodes) for word, nodes in zip(words, back_and_forth, strict=False)]
        chart = self.chart(f"{water} and outside air", "°C", height=240)
        for label, colour, nodes in sides:
            T = np.mean([self.ledger.column(f"{node}.T") for node in nodes], axis=0) - ZERO_C
            chart.lines.append(Line(label, self.grid.middle, self.mean(T), colour))
        for name, label, style in ((T_DRY.name, "outside air", ""), (T_WET.name, "wet bulb", "dashed")):
            if name in self.ledger.result.recorded:
                chart.lines.append(
                    Line(label, self.grid.middle, self.mean(self.ledger.column(name) - ZERO_C), "air", f"thin {style}")
                )
        return chart.draw() if chart.lines else ""

    def load_nodes(self) -> list[tuple[str, str, list[str]]]:
        """The nodes that IT machines are attached to, cold side first."""
        sides = self._sides(Account.ELECTRICITY_IT)
        if not sides:
            return []
        return [("to the racks' CDUs", "cooling", sides[0]), ("back from them", "heat", sides[1])]

    def _sides(self, account: Account) -> list[list[str]]:
        """The nodes on the cold and on the warm side of the machines of an account; nothing unless there are two."""
        owners = {s.name.rpartition(".")[0] for s in self.ledger.signals(account)}
        fluid = {node.name for node in self.ledger.info.picture.nodes if node.kind == "fluid"}
        by_port: dict[str, set[str]] = {}
        for component in self.ledger.info.picture.components:
            if component.name in owners:
                for port, node in component.ports.items():
                    if node in fluid:
                        by_port.setdefault(port, set()).add(node)
        mean = {
            port: np.mean([self.ledger.column(f"{node}.T").mean() for node in nodes]) for port, nodes in by_port.items()
        }
        order = sorted(by_port, key=lambda port: mean[port])
        return [sorted(by_port[port]) for port in order] if len(order) == 2 else []

    def heat(self) -> str:
        """Heat to the network against what it asked for, and heat to the air."""
        ledger, time = self.ledger, self.grid.middle
        charts = []
        if ledger.has(Account.HEAT_DEMAND):
            delivered = self.mean(ledger.flow(Account.HEAT_DELIVERED))
            demand = self.mean(ledger.flow(Account.HEAT_DEMAND))
            factor, unit = power_unit(delivered, demand)
            chart = self.chart("Heat for the network", unit, zero=True)
            chart.areas.append(Area("received", time, np.zeros(len(time)), delivered * factor, "heat"))
            chart.lines.append(Line("asked for", time, demand * factor, "ink", "thin"))
            charts.append(chart.draw())
        if ledger.has(Account.HEAT_REJECTED):
            layers = [("recovered", "heat", Account.HEAT_REUSED)] if ledger.has(Account.HEAT_REUSED) else []
            layers.append(("to the outside air", "air", Account.HEAT_REJECTED))
            charts.append(self._stack("Heat of the GPUs", layers, 180))
        return "".join(charts)

    def _stack(self, title: str, layers: list[tuple[str, str, Account]], height: int) -> str:
        """Flows of accounts on top of each other, in a unit that reads well."""
        flows = [self.mean(self.ledger.flow(account)) for _, _, account in layers]
        factor, unit = power_unit(sum(flows, np.zeros(1)))
        chart = self.chart(title, unit, zero=True, height=height)
        named = [(label, colour, flow * factor) for (label, colour, _), flow in zip(layers, flows, strict=True)]
        chart.areas = stacked(self.grid.middle, named)
        return chart.draw()

    def store(self) -> str:
        """Temperatures of the store's layers, top and bottom and some between."""
        layers = [n for n in self.ledger.result.recorded.columns if ".layer." in n and n.endswith(".T")]
        if not layers:
            return ""
        chart = self.chart("Heat store, top to bottom", "°C", height=180)
        chosen = [layers[round(i * (len(layers) - 1) / 5)] for i in range(6)] if len(layers) > 6 else layers
        for i, name in enumerate(chosen):
            label = {0: "top", len(chosen) - 1: "bottom"}.get(i, "")
            style = "" if label else "thin faint"
            colour = "heat" if i == 0 else ("cooling" if i == len(chosen) - 1 else "store")
            T = self.mean(self.ledger.column(name) - ZERO_C)
            chart.lines.append(Line(label, self.grid.middle, T, colour, style))
        return chart.draw()

    def electricity(self) -> str:
        """Electric power of IT, and below it what cooling and heat recovery draw."""
        layers = [("cooling", "cooling", Account.ELECTRICITY_COOLING)]
        if self.ledger.has(Account.ELECTRICITY_RECOVERY):
            layers.append(("heat pumps", "recovery", Account.ELECTRICITY_RECOVERY))
        if not self.ledger.has(Account.ELECTRICITY_IT):
            layers = [("pumps and heat sources", "recovery", Account.ELECTRICITY_RECOVERY)]
            return self._stack("Electricity of the heat network", layers, 180)
        rest = "cooling and heat recovery" if len(layers) > 1 else "cooling"
        return self._stack("Electricity of IT", [("IT", "power", Account.ELECTRICITY_IT)], 150) + self._stack(
            f"Electricity of {rest}", layers, 180
        )

    def price(self) -> str:
        """The electricity price, and what each hour cost besides the electricity of IT."""
        ledger, time = self.ledger, self.grid.middle
        if PRICE_ELECTRICITY.name not in ledger.result.recorded:
            return ""
        price = ledger.column(PRICE_ELECTRICITY.name)
        chart = self.chart("Electricity price", "EUR/MWh", zero=True, height=150)
        chart.lines.append(Line("price", time, self.mean(price) * 3.6e9, "ink"))
        spent = price * ledger.flow(Account.ELECTRICITY_COOLING, Account.ELECTRICITY_RECOVERY)
        burnt = ledger.flow(Account.FUEL) * ledger.info.tariffs.fuel
        earned = ledger.flow(Account.HEAT_DELIVERED) * ledger.info.tariffs.heat
        besides = " besides the electricity of IT" if ledger.has(Account.ELECTRICITY_IT) else ""
        cost = self.chart(f"Cost{besides}", "EUR/h", zero=True, height=180)
        zero = np.zeros(len(time))
        cost.areas.append(Area("electricity paid", time, zero, self.mean(spent) * 3600, "recovery"))
        if burnt.any():
            spent, below = spent + burnt, spent
            cost.areas.append(Area("fuel", time, self.mean(below) * 3600, self.mean(spent) * 3600, "power"))
        operated = ledger.flow(Account.HEAT_PUMPED) * ledger.info.tariffs.heat_pump_operation
        if operated.any():
            spent, below = spent + operated, spent
            cost.areas.append(
                Area("operation of heat pumps", time, self.mean(below) * 3600, self.mean(spent) * 3600, "store")
            )
        if earned.any():
            cost.areas.append(Area("heat sold", time, -self.mean(earned) * 3600, zero, "heat"))
            cost.lines.append(Line("net", time, self.mean(spent - earned) * 3600, "ink", "thin"))
        return chart.draw() + cost.draw()

    def water(self) -> str:
        """Water by day and where it went, with the hours of spraying above the bars."""
        ledger = self.ledger
        if ledger.total(Account.WATER_EVAPORATED, Account.WATER_BLOWDOWN, Account.WATER_LOOP) <= 0:
            return ""
        spraying = ledger.flow(Account.WATER_EVAPORATED) > 0.01
        moments = [datetime.fromtimestamp(t, tz=self.zone) for t in ledger.edges[:-1]]
        monthly = ledger.info.seconds > 62 * 86400
        keys = [f"{m:%Y-%m}" if monthly else f"{m:%Y-%m-%d}" for m in moments]
        labels = [f"{m:%b %y}" if monthly else f"{m:%a} {m.day}" for m in moments]
        frame = pd.DataFrame({"key": keys, "label": labels, "spray": spraying * ledger.dt / 3600})
        names = (
            ("evaporated", "water", Account.WATER_EVAPORATED),
            ("bled", "bled", Account.WATER_BLOWDOWN),
            ("topped up", "loop", Account.WATER_LOOP),
        )
        for label, _, account in names:
            frame[label] = ledger.flow(account) * ledger.dt / 1e3
        days = frame.groupby("key", sort=True).agg({"label": "first", "spray": "sum"} | {n: "sum" for n, _, _ in names})
        litres = days[[label for label, _, _ in names]].sum(axis=1).max() < 1
        stacks = [(label, colour, (days[label] * (1e3 if litres else 1)).tolist()) for label, colour, _ in names]
        notes = [f"{hours:.0f} h" if hours >= 0.5 else "" for hours in days["spray"]]
        title = f"Water by {'month' if monthly else 'day'}, and hours of spraying"
        return bars(title, "litres" if litres else "m³", days["label"].tolist(), stacks, notes)

    def plans(self) -> str:
        """What the controller expected at every shown moment, against what happened."""
        plans, columns = self.ledger.result.plans, self.ledger.result.recorded.columns
        if plans.empty:
            return ""
        names = [name for name in plans["signal"].unique() if name in columns][:PLANNED_SIGNALS]
        return "".join(self._plan(plans, self.ledger.vocabulary[name]) for name in names)

    def _plan(self, plans: pd.DataFrame, signal: Signal) -> str:
        happened, unit = shown(self.ledger.column(signal.name), signal.unit)
        chart = self.chart(f"{signal.name}: {signal.description}", unit, height=190)
        mine = plans[plans["signal"] == signal.name]
        issues = mine["issued"].unique()
        step = max(1, -(-len(issues) // PLANS_SHOWN))
        chart.lines.append(Line("planned", self.grid.middle[:0], self.grid.middle[:0], "plan", "thin"))
        for issued in issues[::step]:
            plan = mine[mine["issued"] == issued].sort_values("time")
            at = plan["time"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
            values, _ = shown(plan["value"].to_numpy(), signal.unit)
            inside = at <= self.end
            chart.lines.append(Line("", at[inside], values[inside], "plan", "thin faint"))
        chart.lines.append(Line("happened", self.grid.middle, self.mean(happened), "ink"))
        return chart.draw()

    def controller_time(self) -> str:
        """Computing time of every decision, as a share of the time between two."""
        decisions = self.ledger.result.decisions
        if len(decisions) < 2:
            return ""
        ratio = decisions["solve_s"].to_numpy(dtype=float) / self.ledger.info.controller_interval_s * 100
        if ratio.max() < 0.05:
            return ""
        at = decisions["time"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 1e6
        chart = self.chart("Computing time of a decision", "% of the time between two", zero=True, height=130)
        step = max(1, -(-len(ratio) // 900))
        starts = np.arange(0, len(ratio), step)
        chart.lines.append(Line("computing time", at[starts], np.maximum.reduceat(ratio, starts), "plan", "thin"))
        return chart.draw()
