"""Blocks of rows of tensors: their payloads, and what those take to decode."""

import struct

from multum.archive.frames import GRID, TENSOR
from multum.archive.planning import Planned
from multum.errors import FormatError, UsageError
from multum.tensors.grid_coding import decode_grid, encode_grid
from multum.tensors.lossless import decode_sheet, encode_sheet

_SHAPE = struct.Struct("<II")
# Bytes of work for each byte of content, at most: numbers, contexts, levels and bits, beside the data and its code.
_COPIES = 14
_LEAST_WIDTH = 2  # bytes of a value on a grid


def encode_rows(raw: bytes, planned: Planned) -> tuple[int, bytes]:
    """Return (method, payload) of the block `raw`. Raises UsageError when its grid gives other bytes."""
    rows = planned.rows
    if rows is None:
        return TENSOR, encode_sheet(raw, planned.sheet)
    grid = rows.grid.cut(rows.start, rows.stop)
    if grid.values().tobytes() != raw:
        raise UsageError(
            f"tensor {rows.tensor!r} has other values than its grid in rows {rows.start} to {rows.stop};"
            " write the grid's values into the file"
        )
    return GRID, _SHAPE.pack(*grid.codes.shape) + encode_grid(grid)


def decode_rows(method: int, payload: bytes, raw_bytes: int) -> bytes:
    """Return the data of a block of method TENSOR or GRID. Raises FormatError."""
    if method == TENSOR:
        return decode_sheet(payload, raw_bytes)
    rows, columns = _read_shape(payload, raw_bytes)
    return decode_grid(payload[_SHAPE.size :], rows, columns).values().tobytes()


def _read_shape(payload: bytes, raw_bytes: int) -> tuple[int, int]:
    """Return (rows, columns) of a block on a grid. Raises FormatError for more than its bytes can hold."""
    if len(payload) < _SHAPE.size:
        raise FormatError("the shape of a block on a grid is cut short")
    rows, columns = _SHAPE.unpack_from(payload)
    if not 0 < rows * columns <= raw_bytes // _LEAST_WIDTH:
        raise FormatError(f"a block of {raw_bytes} bytes has {rows} rows of {columns} values on a grid")
    return rows, columns


def rows_memory_bytes(raw_bytes: int) -> int:
    """Return the bytes of memory that decoding `raw_bytes` of rows takes."""
    return _COPIES * raw_bytes
