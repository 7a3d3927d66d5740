"""One plant's load columns spread over another plant's CDUs."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from plant_models.units import Duration, Power, Ratio, si

from .context import Context
from .noise import uniform
from .series import Array, InputError, stamp
from .settings import Strict


class Spread(Strict):
    """How few columns become many loads.

    Every target takes one source column: the columns are dealt out in rounds, each round in another random order.
    From the second round on a column is also shifted in time by a random amount up to ``max_shift``, wrapping round
    at the end of the data, so that no two targets are alike. Then it is scaled to the target's design power P:

    - ``design``: ``rated``, the design power of a source CDU (a column's own maximum if not given), becomes
      ``fraction`` * P. Shape and relative depth are kept, the mean follows.
    - ``mean``: a column's mean becomes ``fraction`` * P. Refused where the peak would exceed ``peak_limit`` * P.
    """

    scale: Literal["design", "mean"] = "design"
    fraction: Annotated[float, si("1"), Field(gt=0, le=1)] = 1.0
    rated: Power | None = None
    max_shift: Annotated[float, si("s"), Field(ge=0)] = 1800.0
    peak_limit: Ratio = 1.0

    def apply(self, columns: Array, step: float, nominal: Array, seed: int, full: float | None = None) -> Array:
        """Loads (W), one column per target, from ``columns`` (W) on a regular grid of ``step`` s.

        ``full`` is the value at design power where the columns have one in common (shares: 1); else ``rated`` is.
        Raises InputError for a column of zeros and for peaks above ``peak_limit``.
        """
        generator = np.random.default_rng([seed, 0x5B7EAD])
        count, targets = columns.shape[1], nominal.size
        rounds = -(-targets // count)
        order = np.concatenate([generator.permutation(count) for _ in range(rounds)])[:targets]
        shifts = np.round(generator.uniform(-self.max_shift, self.max_shift, targets) / step).astype(int)
        shifts[:count] = 0
        out = np.empty((columns.shape[0], targets))
        for target in range(targets):
            column = columns[:, order[target]]
            base = (full or self.rated or column.max()) if self.scale == "design" else column.mean()
            if not base > 0:
                raise InputError(f"load column {order[target] + 1} is zero throughout; leave it out")
            out[:, target] = np.roll(column, shifts[target]) * (self.fraction * nominal[target] / base)
        excess = out.max(axis=0) / nominal
        if excess.max() > self.peak_limit * (1 + 1e-9):
            raise InputError(
                f"spread: scaled by {self.scale} to {self.fraction:g} of design power the load peaks at "
                f"{excess.max():.2f} of it, accepted is peak_limit = {self.peak_limit:g}; choose a "
                "smaller fraction"
            )
        return out


def resample(time: Array, values: Array, step: float) -> tuple[Array, Array]:
    """Means over intervals of ``step`` s of values that hold from point to point: their time integral is kept.

    The answer starts at the first multiple of ``step`` inside the data; ``time`` (s) increases, rows of ``values``
    belong to it. Raises InputError if the data are shorter than one interval.
    """
    first = np.ceil(time[0] / step - 1e-9)
    end = time[-1] + (time[-1] - time[-2])
    count = int(np.floor(end / step + 1e-9) - first)
    if count < 2:
        raise InputError(f"load from {stamp(time[0])} to {stamp(end)} is shorter than two steps of {step:g} s")
    edges = (first + np.arange(count + 1)) * step
    widths = np.diff(np.append(time, end))
    totals = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values * widths[:, None], axis=0)])
    knots = np.append(time, end)
    sums = np.column_stack([np.interp(edges, knots, totals[:, column]) for column in range(values.shape[1])])
    return edges[:-1], np.diff(sums, axis=0) / step


class Repeat(Strict):
    """The first ``period`` of the data, laid end to end.

    ``shift: random``: every repetition begins at another moment of the data (wrapping round), drawn from the seed.
    Else the load of a day could be foreseen exactly from the day before. ``blend``: time in which one repetition
    fades into the next, so that no step is larger than in the data.
    """

    period: Duration
    shift: Literal["random", "none"] = "random"
    blend: Annotated[float, si("s"), Field(ge=0)] = 1800.0

    @model_validator(mode="after")
    def _short(self) -> Repeat:
        if self.blend > self.period / 2:
            raise ValueError("blend is at most half of the period")
        return self

    def apply(self, time: Array, values: Array, context: Context) -> tuple[Array, Array]:
        """Times (s) and rows that cover the run and what lies before and after; ``time`` is a regular grid.

        Repetitions are counted from 1970, so a moment is the same for any run. Raises InputError where the data do
        not fill the period.
        """
        step = float(time[1] - time[0])
        count = round(self.period / step)
        if abs(count * step - self.period) > 1e-6 * self.period or time.size < count:
            raise InputError(
                f"repeat: the data cover {time.size * step / 3600:g} h in steps of {step:g} s, which do "
                f"not fill {self.period / 3600:g} h; choose a period that they fill"
            )
        out = context.grid(step)
        number = np.round(out / step).astype(np.int64)
        block = number // count
        first, blocks = int(block[0]) - 1, int(block[-1] - block[0]) + 2
        if self.shift == "random":
            shares = uniform(context.seed, "load/repeat", first, blocks)
            offsets = np.floor(shares * count).astype(np.int64)
        else:
            offsets = np.full(blocks, -round(time[0] / step), dtype=np.int64)
        now = values[np.mod(number + offsets[block - first], count)]
        before = values[np.mod(number + offsets[block - first - 1], count)]
        weight = np.minimum((np.mod(number, count) * step + step / 2) / max(self.blend, 1e-9), 1.0)[:, None]
        return out, weight * now + (1 - weight) * before


Step = Annotated[Duration, Field(description="of the loads given to the plant: means over this time")]
