"""Files to series: CSV and Parquet with declared columns, units and times; refused or repaired, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .clock import Clock, Rows
from .context import Context
from .series import Array, InputError, Inputs, Interpolation, Series, Source, stamp
from .settings import Column, FileInput, Repair


@dataclass(frozen=True)
class Table:
    """The raw content of a file; line numbers are those an editor shows (rows of a Parquet file count from 1)."""

    name: str
    frame: pd.DataFrame
    first_line: int

    def column(self, name: str) -> pd.Series:
        """A column by name. Raises InputError that lists the columns there are."""
        if name not in self.frame.columns:
            raise InputError(f"{self.name} has no column {name!r}; it has {', '.join(map(str, self.frame.columns))}")
        found: pd.Series = self.frame[name]
        return found


def read_table(path: Path) -> Table:
    """Read a CSV file (comma separated, UTF-8, one header line) or a Parquet file. Raises InputError otherwise."""
    if path.suffix not in {".csv", ".parquet"}:
        raise InputError(f"{path.name}: expected a file that ends in .csv or .parquet")
    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False, index_col=False)
            first_line = 2
        else:
            frame, first_line = pd.read_parquet(path), 1
    except (OSError, ValueError) as error:  # the parsers' own errors are ValueErrors
        raise InputError(f"{path.name} cannot be read: {error}") from error
    if len(frame) < 2:
        raise InputError(f"{path.name}: expected at least two rows of data, found {len(frame)}")
    return Table(path.name, frame, first_line)


@dataclass(frozen=True)
class Wanted:
    """A signal to be read from a column: its SI unit and the range that values must lie in."""

    name: str
    column: Column
    unit: str
    lower: float
    upper: float
    largest_step: float = np.inf
    """between neighbouring rows up to an hour apart; what jumps further is an error of measurement"""


def _numbers(table: Table, wanted: Wanted) -> Array:
    scale, offset = wanted.column.affine(wanted.unit)
    raw = table.column(wanted.column.column)
    values = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=float)
    empty = raw.isna().to_numpy() | raw.astype(str).str.strip().str.lower().isin(["", "nan", "na", "null"]).to_numpy()
    wrong = ~np.isfinite(values) & ~empty
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{table.name}, line {row + table.first_line}, column {wanted.column.column!r}: found "
            f"{raw.iloc[row]!r}, expected a number in {wanted.column.unit}"
        )
    converted: Array = scale * values + offset
    # NaN compares as False: empty places are the gap rule's
    beyond = (converted < wanted.lower) | (converted > wanted.upper)
    if beyond.any():
        row = int(np.argmax(beyond))
        low, high = ((bound - offset) / scale for bound in (wanted.lower, wanted.upper))
        raise InputError(
            f"{table.name}, line {row + table.first_line}, column {wanted.column.column!r}: found "
            f"{values[row]:g} {wanted.column.unit}, accepted is {low:g} to {high:g} {wanted.column.unit} "
            f"for {wanted.name}; is the unit right?"
        )
    return converted


def read_series(
    table: Table, settings: FileInput, wanted: Sequence[Wanted], interpolation: Interpolation, context: Context
) -> Inputs:
    """The wanted columns as series that share one time array.

    Raises InputError that names file, line, column, what was found and what would be accepted.
    """
    clock = Clock(table.column(settings.time.column), settings.time, settings.repair, table.name, table.first_line)
    time, rows = clock.read((context.first, context.last))
    values = np.column_stack([_numbers(table, one) for one in wanted])[rows]
    mender = _Mender(table, wanted, settings.repair)
    time, values = mender.mend(time, values, rows)
    source = Source(f"{table.name} ({settings.origin})", settings.synthetic)
    series = (
        Series(one.name, time, np.ascontiguousarray(values[:, position]), interpolation, source)
        for position, one in enumerate(wanted)
    )
    return Inputs.of(*series, notes=[*clock.notes, *mender.notes])


class _Mender:
    """Discarded lines, order, duplicates, jumps, gaps and empty values of one table, in this sequence."""

    def __init__(self, table: Table, wanted: Sequence[Wanted], repair: Repair) -> None:
        self.table, self.wanted, self.repair = table, wanted, repair
        self.columns = [one.column.column for one in wanted]
        self.notes: list[str] = []

    def mend(self, time: Array, values: Array, rows: Rows) -> tuple[Array, Array]:
        time, values, rows = self._discard(time, values, rows)
        time, values, rows = self._order(time, values, rows)
        time, values, rows = self._duplicates(time, values, rows)
        self._jumps(time, values, rows)
        return self._gaps(time, values, rows)

    def _line(self, rows: Rows, at: int) -> str:
        return f"{self.table.name}, line {int(rows[at]) + self.table.first_line}"

    def _discard(self, time: Array, values: Array, rows: Rows) -> tuple[Array, Array, Rows]:
        keep = np.ones(rows.size, dtype=bool)
        first, count = self.table.first_line, len(self.table.frame)
        for item in self.repair.discard:
            numbers = item.numbers
            if min(numbers) < first or max(numbers) >= first + count:
                raise InputError(
                    f"{self.table.name}: discard names lines {min(numbers)} to {max(numbers)}, data stand "
                    f"in lines {first} to {first + count - 1}"
                )
            keep &= ~np.isin(rows, np.array(numbers) - first)
            self.notes.append(f"{self.table.name}: {len(numbers)} lines discarded, first {min(numbers)}: {item.reason}")
        return time[keep], values[keep], rows[keep]

    def _jumps(self, time: Array, values: Array, rows: Rows) -> None:
        # the seam between two repetitions of a typical year is no jump
        near = (np.diff(time) <= 3600.0) & (np.diff(rows) == 1)
        for position, one in enumerate(self.wanted):
            jump = near & (np.abs(np.diff(values[:, position])) > one.largest_step)
            if jump.any():
                at = int(np.argmax(jump)) + 1
                scale, offset = one.column.affine(one.unit)
                before, after = ((values[row, position] - offset) / scale for row in (at - 1, at))
                raise InputError(
                    f"{self._line(rows, at)}, column {one.column.column!r}: jumps from {before:g} to {after:g} "
                    f"{one.column.unit} ({int(jump.sum())} such jumps in all), accepted for {one.name} are steps up to "
                    f"{one.largest_step:g} {one.unit}. If the lines are wrong, state the repair discard with their "
                    "lines and reason, and gaps to fill them; if they are right, raise largest_step"
                )

    def _order(self, time: Array, values: Array, rows: Rows) -> tuple[Array, Array, Rows]:
        back = np.diff(time) < 0
        if not back.any():
            return time, values, rows
        at = int(np.argmax(back)) + 1
        if self.repair.order is None:
            raise InputError(
                f"{self._line(rows, at)}: time goes back from {stamp(time[at - 1])} to {stamp(time[at])}; "
                "sort the rows, or state the repair order: sort"
            )
        order = np.argsort(time, kind="stable")
        self.notes.append(f"{self._line(rows, at)}: rows sorted by time")
        return time[order], values[order], rows[order]

    def _duplicates(self, time: Array, values: Array, rows: Rows) -> tuple[Array, Array, Rows]:
        same = np.diff(time) == 0
        if not same.any():
            return time, values, rows
        at = int(np.argmax(same)) + 1
        if self.repair.duplicates is None:
            raise InputError(
                f"{self._line(rows, at)}: {stamp(time[at])} comes twice; remove one row, or state the "
                "repair duplicates: first, last or mean"
            )
        begins = np.flatnonzero(np.concatenate(([True], ~same)))
        ends = np.append(begins[1:], time.size)
        if self.repair.duplicates == "mean":
            mended = np.add.reduceat(values, begins, axis=0) / (ends - begins)[:, None]
        else:
            mended = values[begins if self.repair.duplicates == "first" else ends - 1]
        self.notes.append(
            f"{self.table.name}: {int(same.sum())} rows with a time that was there already, first "
            f"{self._line(rows, at)}; kept: {self.repair.duplicates}"
        )
        return time[begins], mended, rows[begins]

    def _gaps(self, time: Array, values: Array, rows: Rows) -> tuple[Array, Array]:
        if time.size < 2:
            raise InputError(f"{self.table.name}: fewer than two different times")
        steps = np.diff(time)
        step = float(np.median(steps))
        wide = steps > 1.5 * step
        repair = self.repair.gaps
        if wide.any() and repair is None:
            at = int(np.argmax(wide))
            raise InputError(
                f"{self._line(rows, at)}: a gap of {steps[at] / 3600:g} h follows {stamp(time[at])}, rows "
                f"are {step / 3600:g} h apart; complete the file, or state the repair gaps with "
                "max_length and method"
            )
        missing = np.isnan(values)
        if missing.any() and repair is None:
            at, column = (int(place) for place in np.argwhere(missing)[0])
            raise InputError(
                f"{self._line(rows, at)}, column {self.columns[column]!r}: no number; complete the file, "
                "or state the repair gaps with max_length and method"
            )
        if repair is None:
            return time, values
        inside = [np.arange(1, round(steps[at] / step)) * step + time[at] for at in np.flatnonzero(wide)]
        grid = np.sort(np.concatenate([time, *inside]))
        out = np.empty((grid.size, values.shape[1]))
        filled = 0
        for column in range(values.shape[1]):
            good = ~missing[:, column]
            at_rows = np.flatnonzero(good)
            if not (good[0] and good[-1]):
                end = 0 if not good[0] else time.size - 1
                raise InputError(
                    f"{self._line(rows, end)}, column {self.columns[column]!r}: the data begin or end "
                    "without a number; there is nothing to fill from on one side"
                )
            good_time = time[good]
            holes = np.diff(good_time)
            if holes.max() > max(repair.max_length, 1.5 * step):
                at = int(at_rows[int(np.argmax(holes))])
                raise InputError(
                    f"{self._line(rows, at)}, column {self.columns[column]!r}: a gap of "
                    f"{holes.max() / 3600:g} h follows {stamp(time[at])}; the repair gaps allows "
                    f"{repair.max_length / 3600:g} h"
                )
            if repair.method == "linear":
                out[:, column] = np.interp(grid, good_time, values[good, column])
            else:
                out[:, column] = values[good, column][np.searchsorted(good_time, grid, side="right") - 1]
            filled += grid.size - good_time.size
        if filled:
            self.notes.append(
                f"{self.table.name}: {filled} values filled ({repair.method}) in gaps up to "
                f"{repair.max_length / 3600:g} h"
            )
        return grid, out
