"""Blocks of rows of tensors: their payloads, and what those take to decode."""

import struct

from multum.archive.bases import HeldBase
from multum.archive.frames import DIFFERENCE, GRID, TENSOR
from multum.archive.planning import GridRows, Planned
from multum.archive.varints import Cursor, encode_varint
from multum.errors import FormatError, UsageError
from multum.tensors.difference_coding import decode_difference, encode_difference
from multum.tensors.grid_coding import decode_grid, encode_grid
from multum.tensors.lossless import decode_sheet, encode_sheet
from multum.tensors.sheets import LARGEST_COUNT, Sheet, read_head

_SHAPE = struct.Struct("<II")
# Bytes of work for each byte of content, at most: numbers, contexts, levels and bits, beside the data and its code.
_COPIES = 14
_LEAST_WIDTH = 2  # bytes of a value on a grid


def encode_rows(raw: bytes, planned: Planned, base: HeldBase | None) -> tuple[int, bytes]:
    """Return (method, payload) of the block `raw`. Raises UsageError when its grid gives other bytes."""
    if planned.rows is not None:
        return GRID, _encode_grid_rows(raw, planned.rows)
    payload = encode_sheet(raw, planned.sheet)
    if base is not None and planned.origins:
        told = b"".join(map(encode_varint, [len(planned.origins), *planned.origins]))
        told += encode_difference(raw, _read_origins(base, planned.sheet, planned.origins), planned.sheet)
        if len(told) < len(payload):
            return DIFFERENCE, told
    return TENSOR, payload


def _encode_grid_rows(raw: bytes, rows: GridRows) -> bytes:
    """Return the payload of rows on a grid. Raises UsageError when it gives other bytes than `raw`."""
    grid = rows.grid.cut(rows.start, rows.stop)
    if grid.values().tobytes() != raw:
        raise UsageError(
            f"tensor {rows.tensor!r} has other values than its grid in rows {rows.start} to {rows.stop};"
            " write the grid's values into the file"
        )
    return _SHAPE.pack(*grid.codes.shape) + encode_grid(grid)


def decode_rows(method: int, payload: bytes, raw_bytes: int, base: HeldBase | None) -> bytes:
    """Return the data of a block of method TENSOR, GRID or DIFFERENCE. Raises FormatError."""
    if method == TENSOR:
        return decode_sheet(payload, raw_bytes)
    if method == GRID:
        rows, columns = _read_shape(payload, raw_bytes)
        return decode_grid(payload[_SHAPE.size :], rows, columns).values().tobytes()
    assert base is not None, "an archive with differences has a base, or was refused"
    origins, told = _split_origins(payload)
    sheet, _, _ = read_head(told, raw_bytes)
    if len(origins) != len(sheet.matrices):
        raise FormatError(f"a block of {len(sheet.matrices)} matrices names {len(origins)} places in the base")
    return decode_difference(told, _read_origins(base, sheet, origins))


def _split_origins(payload: bytes) -> tuple[tuple[int, ...], bytes]:
    """Return (where each matrix begins in the base, the rest of a payload). Raises FormatError."""
    cursor = Cursor(payload, 0)
    count = cursor.varint("number of places in the base", LARGEST_COUNT)
    origins = tuple(cursor.varint("place in the base") for _ in range(count))
    return origins, payload[cursor.offset :]


def _read_origins(base: HeldBase, sheet: Sheet, origins: tuple[int, ...]) -> bytes:
    """Return the bytes of the base that those of `sheet` are compared with. Raises FormatError."""
    pairs = zip(sheet.matrices, origins, strict=True)
    return b"".join(base.read(origin, sheet.width * matrix.count) for matrix, origin in pairs)


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
