"""Blocks of rows of tensors: their payloads, and what those take to decode."""

import struct
from functools import cache
from typing import TYPE_CHECKING

from multum.archive.frames import GRID, TENSOR
from multum.archive.planning import GridRows, Planned
from multum.errors import FormatError, UsageError
from multum.tensors.lossless import decode_sheet, encode_sheet

if TYPE_CHECKING:
    from multum.tensors.grids import Grid, Tables

_SHAPE = struct.Struct("<II")
# Bytes of work for each byte of content: numbers, contexts and bits beside the data and its code; on a grid, steps too.
_SHEET_COPIES = 14
_GRID_COPIES = 20


def encode_rows(raw: bytes, planned: Planned, tables: "Tables | None") -> tuple[int, bytes, bytes]:
    """Return (method, recipe, payload) of the block `raw`. Raises UsageError when its grid gives other bytes."""
    if planned.rows is None:
        return TENSOR, b"", encode_sheet(raw, planned.sheet)
    from multum.tensors.grids import encode_grid

    assert tables is not None, "tables are fitted wherever there are grids"
    grid = _cut_grid(planned.rows)
    if grid.values().tobytes() != raw:
        raise UsageError(
            f"tensor {planned.rows.tensor!r} has other values than its grid in rows {planned.rows.start} to"
            f" {planned.rows.stop}; write the grid's values into the file"
        )
    return GRID, tables.to_bytes(), _SHAPE.pack(*grid.codes.shape) + encode_grid(grid, tables)


def _cut_grid(rows: GridRows) -> "Grid":
    """Return the rows of a grid as a grid of their own."""
    from dataclasses import replace

    grid, here = rows.grid, slice(rows.start, rows.stop)
    return replace(grid, codes=grid.codes[here], rows=grid.rows[here])


def decode_rows(method: int, recipe: bytes, payload: bytes, raw_bytes: int) -> bytes:
    """Return the data of a block of method TENSOR or GRID. Raises FormatError."""
    if bool(recipe) != (method == GRID):
        raise FormatError("a block of rows on a grid needs tables, and no other block of rows has any")
    if method == TENSOR:
        return decode_sheet(payload, raw_bytes)
    from multum.tensors.grids import decode_grid

    rows, columns = read_shape(payload, raw_bytes)
    grid = decode_grid(payload[_SHAPE.size :], rows, columns, read_tables(recipe))
    return grid.values().tobytes()


def read_shape(payload: bytes, raw_bytes: int) -> tuple[int, int]:
    """Return (rows, columns) of a block on a grid. Raises FormatError for more than its bytes can hold."""
    if len(payload) < _SHAPE.size:
        raise FormatError("the shape of a block on a grid is cut short")
    rows, columns = _SHAPE.unpack_from(payload)
    if not 0 < rows * columns <= raw_bytes // 2:  # an element has two bytes at least
        raise FormatError(f"a block of {raw_bytes} bytes has {rows} rows of {columns} elements")
    return rows, columns


@cache
def read_tables(data: bytes) -> "Tables":
    """Return the tables that `data` serialises. Raises FormatError."""
    from multum.tensors.grids import Tables

    return Tables.from_bytes(data)


def rows_memory_bytes(method: int, raw_bytes: int) -> int:
    """Return the bytes of memory that decoding `raw_bytes` of content by `method` takes."""
    return (_GRID_COPIES if method == GRID else _SHEET_COPIES) * raw_bytes
