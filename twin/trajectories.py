"""Recorded signals on their way to disk and back: a Parquet file that grows with a run and is read by column."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plant_models.signals import Account, Role, Signal, Vocabulary, Watch

SIGNALS_KEY = b"heatloop.signals"
ROW_GROUP_BYTES = 32e6
"""of float32 that wait in memory for the next row group: fewer groups make the file's directory small"""
TIME = pa.timestamp("us", tz="UTC")


class Recorded(Protocol):
    """Column ``time`` and one of every recorded signal: a frame in memory, or a file."""

    @property
    def columns(self) -> Iterable[str]:
        """Names, ``time`` among them."""
        ...

    def __contains__(self, name: object) -> bool: ...

    def __len__(self) -> int: ...

    def __getitem__(self, name: str) -> pd.Series[Any]: ...


class Rows:
    """Recorded rows kept in memory."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._times: list[float] = []
        self._rows: list[NDArray[np.float32]] = []

    def add(self, time: float, row: NDArray[np.float64]) -> None:
        """One interval's values, by its end (s, POSIX)."""
        self._times.append(time)
        self._rows.append(row.astype(np.float32))

    def finish(self) -> pd.DataFrame:
        """All rows."""
        values = np.array(self._rows, dtype=np.float32).reshape(len(self._rows), len(self._columns))
        frame = pd.DataFrame(values, columns=self._columns)
        frame.insert(0, "time", pd.to_datetime(np.array(self._times), unit="s", utc=True))
        return frame


class GrowingFile:
    """The same on disk: row groups are written as they fill, under the file's own name once it is finished."""

    def __init__(self, path: Path, columns: Sequence[str], vocabulary: Vocabulary) -> None:
        self._path, self._partial = path, path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._schema = schema(columns, vocabulary)
        self._values = np.empty((max(16, int(ROW_GROUP_BYTES / 4 / max(1, len(columns)))), len(columns)), np.float32)
        self._times = np.empty(len(self._values))
        self._count = 0
        self._writer = pq.ParquetWriter(self._partial, self._schema, compression="zstd", use_dictionary=False)

    def add(self, time: float, row: NDArray[np.float64]) -> None:
        """One interval's values, by its end (s, POSIX)."""
        self._times[self._count], self._values[self._count] = time, row
        self._count += 1
        if self._count == len(self._values):
            self._write()

    def _write(self) -> None:
        stamps = pa.array(np.rint(self._times[: self._count] * 1e6).astype(np.int64)).cast(TIME)
        values = (pa.array(np.ascontiguousarray(column)) for column in self._values[: self._count].T)
        self._writer.write_table(pa.table([stamps, *values], schema=self._schema))
        self._count = 0

    def finish(self) -> TrajectoryFile:
        """Write what still waits, and give the file its name."""
        if self._count:
            self._write()
        self._writer.close()
        self._partial.replace(self._path)
        return TrajectoryFile(self._path)


class TrajectoryFile:
    """Recorded signals on disk: each column is read when it is asked for. ValueError for a file of another make."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = pq.ParquetFile(path)
        self.columns: list[str] = list(self._file.schema_arrow.names)
        self._known = frozenset(self.columns)

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """The plant's, or None where heatloop did not write the file."""
        blob = (self._file.schema_arrow.metadata or {}).get(SIGNALS_KEY)
        return None if blob is None else Vocabulary(_signal(record) for record in json.loads(blob))

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        if name not in self._known:
            raise KeyError(name)
        frame: pd.DataFrame = self._file.read(columns=[name], use_threads=False).to_pandas(ignore_metadata=True)
        return frame[name]

    def frame(self) -> pd.DataFrame:
        """All of them, in memory."""
        frame: pd.DataFrame = self._file.read().to_pandas(ignore_metadata=True)
        return frame


def signal_of(column: str) -> str:
    """The signal that a column is of: ``cdu.1.T_supply max`` is one of ``cdu.1.T_supply``."""
    return column.partition(" ")[0]


def schema(columns: Iterable[str], vocabulary: Vocabulary) -> pa.Schema:
    """``time`` and the columns with their units and descriptions; the whole vocabulary goes with them."""
    parts = [pa.field("time", TIME, metadata={"description": "end of the interval"})]
    for name in columns:
        signal = vocabulary[signal_of(name)]
        parts.append(pa.field(name, pa.float32(), metadata={"unit": signal.unit, "description": signal.description}))
    records = json.dumps([_record(signal) for signal in vocabulary.values()])
    return pa.schema(parts, metadata={SIGNALS_KEY: records})


_DEFAULTS: Mapping[str, Any] = asdict(Signal("", "", Role.STATE, ""))
_ALWAYS = ("name", "unit", "role", "description")


def _record(signal: Signal) -> dict[str, Any]:
    """A signal as JSON-ready data; infinite bounds and other defaults are left out."""
    values = {field.name: getattr(signal, field.name) for field in fields(signal)}
    return {
        key: value
        for key, value in values.items()
        if key in _ALWAYS or (value != _DEFAULTS[key] and value == value)  # NaN is a default, and never equal
    }


def _signal(record: Mapping[str, Any]) -> Signal:
    values = dict(record) | {"role": Role(record["role"])}
    if "account" in record:
        values["account"] = Account(record["account"])
    if "watch" in record:
        values["watch"] = Watch(record["watch"])
    return Signal(**values)
