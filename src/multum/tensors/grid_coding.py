"""The bytes of a grid: what is told of its rows and columns, and then its codes, each under the bell of its place.

Nothing but the grid decides its bytes, and nothing outside them is needed to read it. Weights are nearly
independent once their scale is known, so that a sum of two levels is nearly all there is to know of a code.
docs/TENSORS.md is the normative description.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from multum.bits.interleaved import decode_numbers, encode_numbers
from multum.errors import FormatError, UsageError
from multum.tensors.bells import LEVEL_UNIT, LEVELS, PHASES, POWERS, ZONES, Bell, gather_tables
from multum.tensors.grid_levels import Levels, choose_levels, count_levels
from multum.tensors.grids import FINEST, WIDTHS, Grid
from multum.tensors.lists import decode_lists, encode_lists

_HEAD = struct.Struct("<BBBBI")  # dtype, fine, power and zone, flags, bytes of the lists
_DTYPES = tuple(WIDTHS)
_ROWS_TIED, _COLUMNS_TIED, _CENTRED = 1, 2, 4
_ZONE_SHIFT = 4
_CHUNK_CODES = 1 << 16  # intermediate results stay in the processor's cache


def encode_grid(grid: Grid) -> bytes:
    """Return the payload of `grid`.

    Cost: about 50 ns a code; memory: 8 bytes a code. Raises UsageError for a grid without codes.
    """
    if not grid.codes.size:
        raise UsageError(f"a grid of {grid.codes.shape} has no codes to write")
    levels = choose_levels(np.ascontiguousarray(grid.codes))
    told, flags = _tell(grid, levels)
    head = _HEAD.pack(_DTYPES.index(grid.dtype), grid.fine, levels.power | levels.zone << _ZONE_SHIFT, flags, len(told))
    contexts, bells = _place(levels)
    numbers = grid.codes if levels.middles is None else grid.codes - levels.middles // PHASES
    return head + told + encode_numbers(numbers.ravel(), contexts, gather_tables(bells))


def decode_grid(data: bytes, rows: int, columns: int) -> Grid:
    """Return the grid of rows × columns codes that encode_grid made `data` of. Raises FormatError."""
    if len(data) < _HEAD.size:
        raise FormatError(f"the head of a grid takes {_HEAD.size} bytes, {len(data)} are there")
    dtype, fine, shape, flags, told_bytes = _HEAD.unpack_from(data)
    power, zone = shape & (1 << _ZONE_SHIFT) - 1, shape >> _ZONE_SHIFT
    end = _HEAD.size + told_bytes
    if (
        dtype >= len(_DTYPES)
        or fine > FINEST
        or power >= len(POWERS)
        or zone >= ZONES
        or flags >= 2 * _CENTRED
        or end > len(data)
    ):
        raise FormatError(f"no grid has dtype {dtype}, {fine} bits of an octave, zone {zone} and flags {flags}")
    row_steps, column_steps, levels = _hear(data[_HEAD.size : end], (rows, columns), fine, flags, power, zone)
    contexts, bells = _place(levels)
    codes = decode_numbers(data[end:], contexts, gather_tables(bells)).reshape(rows, columns)
    if levels.middles is not None:
        codes += levels.middles // PHASES
    try:
        return Grid(codes, row_steps, column_steps, fine, _DTYPES[dtype])
    except UsageError as error:
        raise FormatError(f"what a grid is told to be is none: {error}") from error


def estimate_bits(grid: Grid) -> float:
    """Return about how many bits the payload of `grid` takes; the codes are not written."""
    levels = choose_levels(np.ascontiguousarray(grid.codes))
    told, _ = _tell(grid, levels)
    return float(8 * (_HEAD.size + len(told)) + count_levels(grid.codes, levels))


def _tell(grid: Grid, levels: Levels) -> tuple[bytes, int]:
    """Return (lists, flags): exponents, levels and middles. Where steps differ and scales do not, levels are tied."""
    lists = [grid.rows, grid.columns]
    flags = 0 if levels.middles is None else _CENTRED
    for own, exponents, tied in ((levels.rows, grid.rows, _ROWS_TIED), (levels.columns, grid.columns, _COLUMNS_TIED)):
        over = own + _scale_exponents(exponents, grid.fine)
        if len(encode_lists([over])) < len(encode_lists([own])):
            own, flags = over, flags | tied
        lists.append(own)
    return encode_lists(lists if levels.middles is None else [*lists, levels.middles]), flags


def _hear(
    told: bytes, shape: tuple[int, int], fine: int, flags: int, power: int, zone: int
) -> tuple[NDArray[np.int16], NDArray[np.int16], Levels]:
    """Return (exponents of rows, of columns, levels) of what _tell told. Raises FormatError."""
    lengths = [*shape, *shape, *([shape[1]] if flags & _CENTRED else [])]
    rows, columns, row_levels, column_levels, *middles = decode_lists(told, lengths)
    if flags & _ROWS_TIED:
        row_levels -= _scale_exponents(rows, fine)
    if flags & _COLUMNS_TIED:
        column_levels -= _scale_exponents(columns, fine)
    return rows, columns, Levels(row_levels, column_levels, middles[0] if middles else None, power, zone)


def _scale_exponents(exponents: NDArray[np.int16], fine: int) -> NDArray[np.int16]:
    """Return exponents in units of a level, rounded down."""
    return (exponents.astype(np.int32) * LEVEL_UNIT >> fine).astype(np.int16)


def _place(levels: Levels) -> tuple[NDArray[np.uint8], list[Bell]]:
    """Return (uint8[codes], bells): the bell of each code in row-major order, as an index into those that occur."""
    rows = levels.rows.astype(np.int32)
    columns = levels.columns.astype(np.int32)
    phases = None if levels.middles is None else levels.middles % PHASES
    used = _list_keys(rows, columns, phases)
    index = np.zeros(1 << 8, np.uint8)
    index[used] = np.arange(len(used))
    contexts = np.empty((len(rows), len(columns)), np.uint8)
    some = max(1, _CHUNK_CODES // max(1, len(columns)))
    for first in range(0, len(rows), some):
        part = slice(first, first + some)
        contexts[part] = index[_find_keys(rows[part], columns, phases)]
    if phases is None:
        bells = [Bell(levels.power, levels.zone, 0, key) for key in used.tolist()]
    else:
        bells = [Bell(levels.power, 0, key % PHASES, key // PHASES * 2) for key in used.tolist()]
    return contexts.ravel(), bells


def _find_keys(
    rows: NDArray[np.int32], columns: NDArray[np.int32], phases: NDArray[np.int16] | None
) -> NDArray[np.int32]:
    """Return int32[rows, columns], below 256: a level; or half a level, its last bit lost, and a phase."""
    sums: NDArray[np.int32] = np.clip(rows[:, None] + columns, 0, LEVELS - 1)
    return sums if phases is None else (sums >> 1) * PHASES + phases


def _list_keys(
    rows: NDArray[np.int32], columns: NDArray[np.int32], phases: NDArray[np.int16] | None
) -> NDArray[np.int32]:
    """Return the keys that occur, ascending."""
    if phases is None:
        return np.unique(_find_keys(np.unique(rows), np.unique(columns), None))
    pairs = np.unique(columns * PHASES + phases)
    return np.unique(_find_keys(np.unique(rows), pairs // PHASES, (pairs % PHASES).astype(np.int16)))
