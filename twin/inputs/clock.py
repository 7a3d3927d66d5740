"""Times of a file to POSIX seconds: zones, summer time, typical years."""

from __future__ import annotations

from datetime import tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from plant_models.units import to_si

from .series import Array, InputError
from .settings import Repair, TimeColumn, parse_zone

Rows = NDArray[np.intp]
_OFFSET_AT_END = r":\d\d(?:\.\d+)?\s*(?:Z|[+-]\d\d:?\d\d)$"
_DAY = pd.Timedelta(days=1)


class Clock:
    """Reads one time column. ``place(row)`` names a row in messages, ``notes`` collects what was repaired."""

    def __init__(self, raw: pd.Series, settings: TimeColumn, repair: Repair, file: str, first_line: int) -> None:
        self.raw, self.settings, self.repair = raw, settings, repair
        self.file, self.first_line = file, first_line
        self.notes: list[str] = []

    def place(self, row: int) -> str:
        """Where a row is: file, line and time column."""
        return f"{self.file}, line {row + self.first_line}, column {self.settings.column!r}"

    def read(self, span: tuple[float, float]) -> tuple[Array, Rows]:
        """POSIX seconds in the file's order, and the row that each belongs to (0 = first row of data).

        ``span`` (s) says which years a typical year has to cover. Rows may be missing from the answer or come twice
        where a repair says so.
        """
        if self.settings.unit is not None:
            return self._numbers()
        stamps, rows, aware = self._parse()
        if aware:
            return _posix(stamps), rows
        assert self.settings.zone is not None
        zone = parse_zone(self.settings.zone)
        if self.settings.year is not None:
            stamps, rows = self._lay(stamps, rows, zone, span)
        return self._localise(stamps, rows, zone)

    def _numbers(self) -> tuple[Array, Rows]:
        settings = self.settings
        assert settings.unit is not None
        assert settings.origin is not None
        numbers = pd.to_numeric(self.raw, errors="coerce").to_numpy(dtype=float)
        if not np.all(np.isfinite(numbers)):
            row = int(np.argmin(np.isfinite(numbers)))
            raise InputError(f"{self.place(row)}: found {self.raw.iloc[row]!r}, expected a number of {settings.unit}")
        scale = to_si(f"1 {settings.unit}", "s")
        return settings.origin.timestamp() + scale * numbers, np.arange(numbers.size)

    def _parse(self) -> tuple[pd.DatetimeIndex, Rows, bool]:
        """Moments in UTC (True) or as on the wall (False)."""
        raw, settings = self.raw, self.settings
        if isinstance(raw.dtype, pd.DatetimeTZDtype):
            offsets = np.ones(len(raw), dtype=bool)
        elif pd.api.types.is_datetime64_dtype(raw.dtype):
            offsets = np.zeros(len(raw), dtype=bool)
        elif pd.api.types.is_numeric_dtype(raw.dtype):
            raise InputError(
                f"{self.file}, column {settings.column!r}: times are numbers; say what they count with "
                "unit (such as s) and origin (such as 2024-04-07T00:00:00Z)"
            )
        else:
            offsets = raw.astype(str).str.contains(_OFFSET_AT_END, regex=True).to_numpy(dtype=bool)
        aware = bool(offsets[0])
        if not np.all(offsets == aware):
            row = int(np.argmax(offsets != aware))
            raise InputError(
                f"{self.place(row)}: {raw.iloc[row]!r} is {'without' if aware else 'with'} an offset, the "
                "rows before are not; give all times one form"
            )
        if not aware and settings.zone is None:
            raise InputError(
                f"{self.place(0)}: {str(raw.iloc[0])!r} has no time zone; declare it with zone: UTC, an "
                "offset such as UTC+1, or a place such as Europe/Paris"
            )
        if aware and (settings.zone is not None or settings.year is not None):
            raise InputError(f"{self.place(0)}: {str(raw.iloc[0])!r} carries its own offset; remove zone and year")
        layout = settings.format or ("ISO8601" if raw.dtype == object or pd.api.types.is_string_dtype(raw) else None)
        stamps = pd.DatetimeIndex(pd.to_datetime(raw, format=layout, utc=aware, errors="coerce"))
        if stamps.hasnans:
            row = int(np.argmax(stamps.isna()))
            raise InputError(
                f"{self.place(row)}: found {raw.iloc[row]!r}, expected a time such as 2024-01-31T23:00"
                + (f" in the format {settings.format!r}" if settings.format else "")
            )
        return stamps, np.arange(len(stamps)), aware

    def _lay(
        self, stamps: pd.DatetimeIndex, rows: Rows, zone: tzinfo, span: tuple[float, float]
    ) -> tuple[pd.DatetimeIndex, Rows]:
        if self.settings.year == "scenario":
            edges = [pd.Timestamp(edge, unit="s", tz="UTC").tz_convert(zone) for edge in span]
            years = list(range((edges[0] - _DAY).year, (edges[1] + _DAY).year + 1))
        else:
            assert isinstance(self.settings.year, int)
            years = [self.settings.year]
        leap_day = np.asarray((stamps.month == 2) & (stamps.day == 29))
        eve = np.asarray((stamps.month == 2) & (stamps.day == 28))
        in_year = stamps - pd.to_datetime(pd.DataFrame({"year": stamps.year, "month": 1, "day": 1}))
        of_leap_year = np.asarray(stamps.is_leap_year)
        late = np.asarray(stamps.month > 2)
        out, out_rows = [], []
        for year in years:
            begin = pd.Timestamp(year, 1, 1)
            leaps = begin.is_leap_year
            shift = np.where(late, int(leaps) - of_leap_year.astype(int), 0)
            moved = begin + in_year + pd.to_timedelta(shift, unit="D")
            keep = np.ones(len(stamps), dtype=bool) if leaps else ~leap_day
            parts, part_rows = [moved[keep]], [rows[keep]]
            if leaps and not leap_day.any() and eve.any():
                last_eve = int(np.flatnonzero(eve)[-1]) + 1
                parts = [moved[:last_eve], moved[eve] + _DAY, moved[last_eve:]]
                part_rows = [rows[:last_eve], rows[eve], rows[last_eve:]]
                self.notes.append(f"{self.file}: 29 February {year} repeats the 28th of the typical year")
            out += [pd.DatetimeIndex(part) for part in parts]
            out_rows += part_rows
        self.notes.append(f"{self.file}: typical year laid onto {', '.join(map(str, years))}")
        laid = pd.DatetimeIndex(np.concatenate([part.to_numpy() for part in out]))
        return laid, np.concatenate(out_rows)

    def _localise(self, stamps: pd.DatetimeIndex, rows: Rows, zone: tzinfo) -> tuple[Array, Rows]:
        summer = np.ones(len(stamps), dtype=bool)
        ambiguous = np.asarray(stamps.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna())
        twice = pd.Series(1, index=stamps[ambiguous]).groupby(level=0).cumcount().to_numpy()
        summer[ambiguous] = twice == 0
        counts = stamps[ambiguous].value_counts()
        lonely = np.zeros(len(stamps), dtype=bool)
        lonely[ambiguous] = stamps[ambiguous].isin(counts.index[counts == 1])
        if lonely.any() and self.repair.ambiguous is None:
            row = int(rows[np.argmax(lonely)])
            raise InputError(
                f"{self.place(row)}: {stamps[int(np.argmax(lonely))]} comes twice in {self.settings.zone} "
                "(end of summer time) and stands once in the file; give times in UTC, or state the repair "
                "ambiguous: both, which lets the row hold for both hours"
            )
        moments = stamps.tz_localize(zone, ambiguous=summer, nonexistent="NaT")
        skipped = np.asarray(moments.isna())
        if skipped.any():
            row = int(rows[np.argmax(skipped)])
            if self.repair.nonexistent is None:
                raise InputError(
                    f"{self.place(row)}: {stamps[int(np.argmax(skipped))]} does not exist in "
                    f"{self.settings.zone} (summer time begins); give times in UTC, or state the repair "
                    "nonexistent: drop"
                )
            self.notes.append(
                f"{self.file}: {int(skipped.sum())} rows dropped in hours that summer time skips, first "
                f"line {row + self.first_line}"
            )
        seconds, rows_out = _posix(moments[~skipped]), rows[~skipped]
        if lonely.any():
            self.notes.append(
                f"{self.file}: {int(lonely.sum())} rows hold for both hours at the end of summer time, "
                f"first line {int(rows[np.argmax(lonely)]) + self.first_line}"
            )
            winter = stamps[lonely].tz_localize(zone, ambiguous=np.zeros(int(lonely.sum()), dtype=bool))
            extra = _posix(winter)
            # each second hour goes in where its time belongs, after the rows that come before it
            places = np.searchsorted(np.maximum.accumulate(seconds), extra)
            seconds = np.insert(seconds, places, extra)
            rows_out = np.insert(rows_out, places, rows[lonely])
        return seconds, rows_out


def _posix(moments: pd.DatetimeIndex) -> Array:
    utc = moments.tz_convert("UTC").tz_localize(None)
    return np.asarray((utc - pd.Timestamp(0)) / pd.Timedelta(seconds=1), dtype=float)
