"""How far the generators agree with the statistics they are calibrated on: the table of docs/inputs.md.

Run ``python -m twin.inputs.statistics`` to measure again (some seconds).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from plant_models.psychrometrics import saturation_pressure, wet_bulb

from .series import Array
from .synthetic_load import FRONTIER_P_MAX, hpc, training
from .synthetic_market import day_ahead
from .synthetic_weather import climate

SEED = 1
DAY = 86400.0
_FRONTIER = "Frontier 2023"
_LYON = "Lyon-Bron TMYx"
_PRICES = "France 2015-16"


@dataclass(frozen=True)
class Line:
    """One figure: what was published, what the generator gives, and up to which difference that is agreement."""

    subject: str
    what: str
    unit: str
    published: float
    measured: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the generator is within the tolerance."""
        return abs(self.measured - self.published) <= self.tolerance

    def row(self) -> str:
        """The line as a row of a Markdown table."""
        return (
            f"| {self.subject} | {self.what} | {self.unit} | {self.published:g} | {self.measured:.3g} | "
            f"{'yes' if self.agrees else '**no**'} |"
        )


def correlation(values: Array, lag: int) -> float:
    """Autocorrelation at ``lag`` steps."""
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


def hpc_lines() -> Iterator[Line]:
    """A machine of 25 CDUs over a year, and 60 days of it in steps of 15 s."""
    halls = np.repeat(np.arange(3), (9, 8, 8))
    begin = datetime(2023, 1, 1, tzinfo=UTC).timestamp()
    loads = hpc(round(begin / 60), 365 * 1440, 60.0, halls, 0.42, SEED)[::10]
    total = loads.mean(axis=1) * FRONTIER_P_MAX
    days = total.reshape(365, 144)
    quantiles = np.percentile(total, [1, 5, 50, 95, 99])
    for share, published, measured in zip(
        (1, 5, 50, 95, 99), (6.868, 8.043, 10.988, 17.695, 21.681), quantiles, strict=True
    ):
        yield Line(_FRONTIER, f"power, {share} % quantile", "MW", published, measured, 0.08 * published)
    yield Line(_FRONTIER, "power, mean", "MW", 11.6, float(total.mean()), 0.4)
    yield Line(_FRONTIER, "autocorrelation at 10 min", "1", 0.88, correlation(total, 1), 0.03)
    yield Line(_FRONTIER, "autocorrelation at 1 day", "1", 0.16, correlation(total, 144), 0.07)
    yield Line(
        _FRONTIER, "share of 10 min steps above 2 MW", "1", 0.1233, float(np.mean(np.abs(np.diff(total)) > 2)), 0.02
    )
    for share, published in ((5, 8.85), (50, 11.55), (95, 14.6)):
        yield Line(
            _FRONTIER,
            f"daily mean, {share} % quantile",
            "MW",
            published,
            float(np.percentile(days.mean(axis=1), share)),
            0.6,
        )
    for share, published in ((5, 4.69), (50, 9.03), (95, 17.04)):
        yield Line(
            _FRONTIER,
            f"daily range, {share} % quantile",
            "MW",
            published,
            float(np.percentile(np.ptp(days, axis=1), share)),
            0.1 * published,
        )
    fine = hpc(round(begin / 15), 60 * 5760, 15.0, halls, 0.42, SEED).mean(axis=1) * FRONTIER_P_MAX
    ramps = np.abs(np.diff(fine))
    yield Line("Frontier 7 Apr 2024", "step in 15 s, 99 % quantile", "MW", 1.56, float(np.percentile(ramps, 99)), 0.3)
    yield Line("Frontier 7 Apr 2024", "step in 15 s, worst", "MW", 3.1, float(ramps.max()), 0.6)
    yield Line(
        "Frontier 7 Apr 2024",
        "correlation of one CDU and the total",
        "1",
        0.997,
        float(np.corrcoef(loads[:, 0], total)[0, 1]),
        0.02,
    )


def training_lines() -> Iterator[Line]:
    """A cluster of 7 halls with 10 CDUs each over a year."""
    halls = np.repeat(np.arange(7), 10)
    begin = datetime(2023, 1, 1, tzinfo=UTC).timestamp()
    for factor in (0.7, 0.8, 0.9):
        loads = training(round(begin / 300), 365 * 288, 300.0, halls, factor, SEED)
        yield Line("AI training, practice", f"load factor asked {factor:g}", "1", factor, float(loads.mean()), 0.02)


def weather_lines() -> Iterator[Line]:
    """Ten years."""
    begin = datetime(2010, 1, 1, tzinfo=UTC).timestamp()
    T, T_dew, p = climate(begin - 3600 + 3600 * np.arange(3650.0 * 24), SEED)
    humidity = np.clip(saturation_pressure(T_dew) / saturation_pressure(T), 0.05, 1.0)
    wet = np.minimum(wet_bulb(T, humidity, p), T) - 273.15
    dry = T - 273.15
    yield Line(_LYON, "dry bulb, mean", "°C", 13.02, float(dry.mean()), 0.5)
    for share, published in ((0.4, -3.4), (5, 0.2), (95, 26.6), (99.6, 33.5)):
        yield Line(_LYON, f"dry bulb, {share:g} % quantile", "°C", published, float(np.percentile(dry, share)), 1.0)
    for limit, published in ((22, 1337), (24, 866), (27, 388), (32, 67)):
        yield Line(
            _LYON, f"hours above {limit} °C", "h/yr", published, float(np.sum(dry > limit)) / 10, 0.15 * published
        )
    yield Line(_LYON, "wet bulb, mean", "°C", 9.69, float(wet.mean()), 0.5)
    for share, published in ((0.4, -3.8), (5, -1.0), (95, 19.0), (99.6, 21.2)):
        yield Line(_LYON, f"wet bulb, {share:g} % quantile", "°C", published, float(np.percentile(wet, share)), 1.0)
    days = np.column_stack([dry, T_dew - 273.15]).reshape(3650, 24, 2)
    year = 2 * np.pi * np.arange(3650) / 365.2425
    base = np.column_stack([np.ones(3650), np.cos(year), np.sin(year)])
    means = days.mean(axis=1)
    rest = means - base @ np.linalg.lstsq(base, means, rcond=None)[0]
    yield Line(_LYON, "daily mean about the yearly course, deviation", "K", 3.23, float(rest[:, 0].std()), 0.3)
    yield Line(_LYON, "the same, autocorrelation at 1 day", "1", 0.677, correlation(rest[:, 0], 1), 0.07)
    yield Line(_LYON, "the same, correlation with the dew point", "1", 0.70, float(np.corrcoef(rest.T)[0, 1]), 0.07)
    yield Line(_LYON, "daily range, mean", "K", 9.10, float(np.ptp(days[:, :, 0], axis=1).mean()), 0.5)
    yield Line(
        _LYON, "daily range, deviation about the mean", "K", 4.3, float(np.ptp(days[:, :, 0], axis=1).std()), 0.6
    )


def price_lines() -> Iterator[Line]:
    """The two years of the published prices, generated with their mean and without the later solar trough."""
    begin = datetime(2015, 1, 3, 23, tzinfo=UTC).timestamp()
    price = day_ahead(begin + 3600 * np.arange(17472.0), 0.0, SEED) * 37.6
    yield Line(_PRICES, "mean", "EUR/MWh", 37.6, float(price.mean()), 2.0)
    yield Line(_PRICES, "deviation", "EUR/MWh", 19.6, float(price.std()), 2.0)
    for share, published in (
        (1, 8.2),
        (5, 16.0),
        (25, 26.1),
        (50, 35.4),
        (75, 46.1),
        (95, 65.4),
        (99, 85.8),
        (99.9, 143.3),
    ):
        yield Line(
            _PRICES,
            f"{share:g} % quantile",
            "EUR/MWh",
            published,
            float(np.percentile(price, share)),
            max(0.1 * published, 2.0),
        )
    yield Line(_PRICES, "highest", "EUR/MWh", 874.0, float(price.max()), 90.0)
    for lag, published in ((1, 0.756), (24, 0.70), (168, 0.658)):
        yield Line(_PRICES, f"autocorrelation at {lag} h", "1", published, correlation(price, lag), 0.08)
    yield Line(
        _PRICES, "daily range, median", "EUR/MWh", 26.0, float(np.median(np.ptp(price.reshape(-1, 24), axis=1))), 2.6
    )


def lines() -> list[Line]:
    """All figures."""
    return [*hpc_lines(), *training_lines(), *weather_lines(), *price_lines()]


def main() -> None:
    """Print the table of docs/inputs.md."""
    head = "| calibrated on | figure | unit | there | here | agrees |\n|---|---|---|---|---|---|"
    sys.stdout.write("\n".join([head, *(line.row() for line in lines())]) + "\n")


if __name__ == "__main__":
    main()
