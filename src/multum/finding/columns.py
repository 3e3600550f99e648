"""Which columns of a table in text tell others: a code tells its name, a block its county."""

import numpy as np
from numpy.typing import NDArray

_LINES = 1500
_LEAST_LINES = 40
_NAMED = 128  # columns whose text a context can be made of


Parents = tuple[int, ...]
Told = NDArray[np.bool_]


def find_parents(data: bytes, separator: int, most: int = 4) -> tuple[Parents, ...]:
    """Return the columns, or pairs of them, that tell most about others, the best first; empty where it is no table.

    A key tells a column where the last line with the same key mostly has the same value there, and the line above
    has not. Bytes so told are counted; each next key is chosen for what those before leave untold.
    """
    rows = _read_rows(data, separator)
    if len(rows) < _LEAST_LINES:
        return ()
    values, lengths = _number_values(rows)
    changed = np.zeros(values.shape, bool)
    changed[1:] = values[1:] != values[:-1]
    columns = range(min(values.shape[1], _NAMED))
    told: dict[Parents, Told] = {(column,): _tell(values, values[:, column], changed, column) for column in columns}
    untold, found = changed.copy(), list[Parents]()
    while len(found) < most:
        gains = {key: int(lengths[one & untold].sum()) for key, one in told.items()}
        best = max(gains, key=lambda key: gains[key])
        if gains[best] * 100 < int(lengths[changed].sum()):
            break
        found.append(best)
        untold &= ~told[best]
        if len(best) == 1:
            told |= {
                (*best, other): _tell(values, values[:, best[0]] << 32 | values[:, other], changed, max(*best, other))
                for other in columns
                if other not in best
            }
    return tuple(found)


def count_columns(data: bytes, separator: int) -> int:
    """Return how many columns can be contexts of their own; 0 where `data` is no table."""
    rows = _read_rows(data, separator)
    return min(len(rows[0]), _NAMED) if len(rows) >= _LEAST_LINES else 0


def _read_rows(data: bytes, separator: int) -> list[list[bytes]]:
    """Return the fields of lines from the middle of the data that have as many fields as most."""
    middle = data[len(data) // 3 : len(data) // 3 + (1 << 20)]
    rows = [line.split(bytes([separator])) for line in middle.split(b"\n")[1:-1]][:_LINES]
    counts = [len(row) for row in rows]
    usual = max(set(counts), key=counts.count) if counts else 0
    return [row for row in rows if len(row) == usual] if usual > 2 else []


def _number_values(rows: list[list[bytes]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (a number for each value of each column, how long it is), both [rows, columns]."""
    values = np.zeros((len(rows), len(rows[0])), np.int64)
    for column in range(values.shape[1]):
        numbers: dict[bytes, int] = {}
        values[:, column] = [numbers.setdefault(row[column], len(numbers)) for row in rows]
    lengths = np.array([[len(field) for field in row] for row in rows], np.int64)
    return values, lengths


def _last_alike(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the last one before with the same key, or -1."""
    seen: dict[int, int] = {}
    before = np.full(len(keys), -1, np.int64)
    for row, value in enumerate(keys.tolist()):
        before[row] = seen.get(value, -1)
        seen[value] = row
    return before


def _tell(values: NDArray[np.int64], keys: NDArray[np.int64], changed: NDArray[np.bool_], last: int) -> Told:
    """Return [rows, columns]: what the last row with the same key tells, of columns that it mostly tells right.

    last: the column after which the key is known.
    """
    before = _last_alike(keys)
    tried = changed & (before >= 0)[:, None]
    told = tried & (values == values[before])
    trusted = told.sum(axis=0) * 5 >= tried.sum(axis=0) * 4
    trusted[: last + 1] = False
    found: Told = told & trusted
    return found
