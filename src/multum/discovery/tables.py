"""Tables of numbers as they are written: values, and the unit of the last digit of each.

Invariant: every number is finite, and what was left out of a table is told.
"""

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.data.rows import check_table, read_csv, read_objects, read_parquet
from multum.errors import FormatError, UsageError

Array = NDArray[np.float64]
Source = "str | os.PathLike[str] | Mapping[str, Any]"

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
# So many rows tell a law as well as more would; what is found is checked on every one that was read.
MOST_ROWS = 1_000_000
_SHOWN = 5
# A double has no more digits that mean something.
_DIGITS = 15
_NUMBER = re.compile(r"\s*[+-]?(\d+)?(?:(\.)(\d*))?(?:[eE]([+-]?\d+))?\s*")


@dataclass(frozen=True)
class Table:
    """Columns of text. source: for messages. names: of the columns. cells: one list a column, as written.

    computed: names of columns that came as numbers, not as text; all digits of these are meant.
    """

    source: str
    names: tuple[str, ...]
    cells: tuple[list[str], ...]
    notes: tuple[str, ...] = ()
    computed: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.cells[0]) if self.cells else 0

    def find(self, name: str) -> int:
        """Return the place of a column. Raises UsageError."""
        if name not in self.names:
            raise UsageError(f"'{self.source}' has no column '{name}'; its columns are {', '.join(self.names)}")
        return self.names.index(name)


@dataclass(frozen=True)
class Column:
    """Numbers of one column. units: of the last digit written, float64, 0 where all a double's digits are."""

    name: str
    values: Array
    units: Array


def read_table(source: "str | os.PathLike[str] | Mapping[str, Any]") -> Table:
    """Return the table in a file, or in columns by name. Raises UsageError, FormatError with the line, MissingExtra."""
    if isinstance(source, Mapping):
        return _read_columns(source)
    path = Path(source)
    suffix = check_table(path, SUFFIXES)
    if suffix == ".parquet":
        columns = read_parquet(path)
        table = _gather(path, columns, list(columns.values()))
    elif suffix in (".jsonl", ".ndjson"):
        objects = [found for _, found in read_objects(path, parse_float=str, parse_int=str)]
        names = dict.fromkeys(name for one in objects for name in one)
        table = _gather(path, names, [[one.get(name) for one in objects] for name in names])
    else:
        header, rows = read_csv(path)
        table = _gather(path, header, list(zip(*(cells for _, cells in rows), strict=True)))
    if not table.rows:
        raise FormatError(f"'{path}' has no rows; a header and rows below it were expected")
    return table


def _read_columns(columns: Mapping[str, Any]) -> Table:
    """Return columns that are in memory. Raises UsageError for columns of different lengths."""
    cells = {str(name): [_write_cell(value) for value in values] for name, values in columns.items()}
    lengths = {name: len(one) for name, one in cells.items()}
    if not lengths or not all(lengths.values()):
        raise UsageError("there are no rows; give columns with at least one value each")
    if len(set(lengths.values())) > 1:
        raise UsageError(f"columns must be equally long; these have {lengths}")
    return _limit(Table("columns", tuple(cells), tuple(cells.values()), computed=_find_computed(columns)))


def _find_computed(columns: Mapping[str, Iterable[Any]]) -> frozenset[str]:
    """Return the names of columns in which no value is text."""
    return frozenset(str(name) for name, values in columns.items() if not any(isinstance(one, str) for one in values))


def _write_cell(value: Any) -> str:
    """Return a value as a cell; numbers so that they are read back the same."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value.item() if isinstance(value, np.generic) else value)


def _gather(path: Path, names: Iterable[str], columns: Iterable[Sequence[Any]]) -> Table:
    """Return the table of columns of a file; a value that is missing is an empty cell."""
    named = dict(zip(names, columns, strict=False))  # a table without rows has no columns either
    cells = tuple([_write_cell(value) for value in one] for one in named.values())
    return _limit(Table(str(path), tuple(named), cells, computed=_find_computed(named)))


def _limit(table: Table) -> Table:
    """Return a table of at most MOST_ROWS rows, evenly taken, and said so."""
    if table.rows <= MOST_ROWS:
        return table
    places = np.linspace(0, table.rows - 1, MOST_ROWS).astype(int)
    cells = tuple([column[place] for place in places] for column in table.cells)
    note = f"{table.rows:,} rows; {MOST_ROWS:,} of them, evenly taken, were looked at"
    return replace(table, cells=cells, notes=(*table.notes, note))


def read_numbers(table: Table, names: Iterable[str]) -> list[Column]:
    """Return columns as numbers. Raises UsageError naming the rows that hold none."""
    return [_read_column(table, name, table.cells[table.find(name)]) for name in names]


def _read_column(table: Table, name: str, cells: Sequence[str]) -> Column:
    try:
        values = np.array(list(map(float, cells)))
    except ValueError:
        values = np.array([parse_number(cell) for cell in cells])
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        shown = ", ".join(f"{cells[place]!r} in row {place + 1}" for place in wrong[:_SHOWN])
        raise UsageError(
            f"column '{name}' of '{table.source}' has {len(wrong)} cells that are no finite numbers: {shown}"
            f"{', ...' if len(wrong) > _SHOWN else ''}; remove these rows, or leave the column out with --inputs"
        )
    if name in table.computed:
        return Column(name, values, np.zeros(len(values)))
    return Column(name, values, np.array([find_unit(cell) for cell in cells]))


def parse_number(cell: str) -> float:
    """Return the number in a cell, NaN for none."""
    try:
        return float(cell)
    except ValueError:
        return math.nan


def is_numeric(cells: Sequence[str]) -> bool:
    """Return whether every cell is a finite number."""
    return all(math.isfinite(parse_number(cell)) for cell in cells)


def find_unit(cell: str) -> float:
    """Return the unit of the last digit of a number as written; 0 where it is whole, or has all digits of a double."""
    match = _NUMBER.fullmatch(cell)
    if match is None or (match[2] is None and match[4] is None):
        return 0.0
    digits = ((match[1] or "") + (match[3] or "")).lstrip("0")
    if len(digits) >= _DIGITS:
        return 0.0
    return 10.0 ** (int(match[4] or 0) - len(match[3] or ""))
