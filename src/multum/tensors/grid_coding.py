"""The bytes of a grid: what is told of its rows and columns, and then its codes, each under the bell of its place.

Nothing but the grid decides its bytes, and nothing outside them is needed to read it. Weights are nearly
independent once their scale is known, so that a sum of two levels is nearly all there is to know of a code; of a
tall matrix, such as an embedding, columns are told something of those that come later.
docs/TENSORS.md is the normative description.
"""

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from multum.bits.interleaved import decode_numbers, encode_numbers
from multum.errors import FormatError, UsageError
from multum.tensors.bells import LEVEL_UNIT, LEVELS, PHASES, POWERS, ZONES, Bell, gather_tables
from multum.tensors.grid_levels import Levels, choose_levels, count_bits
from multum.tensors.grid_numbers import find_middles
from multum.tensors.grids import FINEST, WIDTHS, Grid
from multum.tensors.lists import decode_lists, encode_lists
from multum.tensors.prediction import (
    MOST_COLUMNS,
    Prediction,
    clip_to_int16,
    count_told,
    cut_strips,
    fit_prediction,
    hear_prediction,
)

_HEAD = struct.Struct("<BBBBI")  # dtype, fine, power and zone, flags and zeros, bytes of the lists
_LENGTH = struct.Struct("<I")
_DTYPES = tuple(WIDTHS)
_ROWS_TIED, _COLUMNS_TIED, _CENTRED, _PREDICTED = 1, 2, 4, 8
_ZONE_SHIFT = _ZEROS_SHIFT = 4
_CHUNK_CODES = 1 << 16  # intermediate results stay in the processor's cache
# With a smaller share of codes that are not 0, more may be won by setting zeros aside than by middles.
_DENSE = 0.75


@dataclass(frozen=True)
class _Centre:
    """Where the middles of codes are. middles: int16[columns], in parts of a code, PHASES to one."""

    middles: NDArray[np.int16]
    prediction: Prediction | None

    @property
    def strips(self) -> list[slice]:
        """What columns are coded at once: without a prediction, all."""
        columns = len(self.middles)
        return [slice(0, columns)] if self.prediction is None else list(cut_strips(columns))

    def expect(self, codes: NDArray[np.int16], strip: slice) -> NDArray[np.int16]:
        """Return int16[rows or 1, width]: the middles of the codes of a strip; codes before it are known."""
        if self.prediction is None or not strip.start:
            return self.middles[None, strip]
        return clip_to_int16(self.prediction.expect(codes, strip) + self.middles[strip])


@dataclass(frozen=True)
class _Places:
    """Which bell each code has."""

    levels: Levels
    centred: bool

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """The keys of all bells: levels; or where there are middles half a level, its last bit lost, and a phase."""
        sums = _add_levels(np.unique(self.levels.rows), np.unique(self.levels.columns))
        if self.centred:
            sums = (sums >> 1)[..., None] * PHASES + np.arange(PHASES)
        return np.unique(sums)

    @cached_property
    def bells(self) -> list[Bell]:
        """The bells, in the order of their keys."""
        power, zone = self.levels.power, self.levels.zone
        if self.centred:
            return [Bell(power, 0, key % PHASES, key // PHASES * 2) for key in self.keys.tolist()]
        return [Bell(power, zone, 0, key, self.levels.zeros) for key in self.keys.tolist()]

    def find(self, strip: slice, middles: NDArray[np.int16] | None) -> NDArray[np.uint8]:
        """Return uint8[codes of a strip]: their bells, as an index; row by row."""
        index = np.zeros(1 << 8, np.uint8)
        index[self.keys] = np.arange(len(self.keys))
        rows, columns = self.levels.rows, self.levels.columns[strip]
        contexts = np.empty((len(rows), len(columns)), np.uint8)
        some = max(1, _CHUNK_CODES // len(columns))
        for first in range(0, len(rows), some):
            part = slice(first, first + some)
            sums = _add_levels(rows[part], columns)
            if middles is not None:
                own = middles[part] if len(middles) > 1 else middles
                sums = (sums >> 1) * PHASES + own % PHASES
            contexts[part] = index[sums]
        return contexts.ravel()


def _add_levels(rows: NDArray[np.int16], columns: NDArray[np.int16]) -> NDArray[np.int32]:
    sums: NDArray[np.int32] = np.clip(rows.astype(np.int32)[:, None] + columns, 0, LEVELS - 1)
    return sums


def encode_grid(grid: Grid) -> bytes:
    """Return the payload of `grid`.

    Cost: about 60 ns a code; memory: 12 bytes a code. Raises UsageError for a grid without codes.
    """
    if not grid.codes.size:
        raise UsageError(f"a grid of {grid.codes.shape} has no codes to write")
    codes, centre, middles, levels = _fit(grid)
    head = _write_head(grid, levels, centre)
    places = _Places(levels, centre is not None)
    tables = gather_tables(places.bells)
    parts = []
    for strip in _list_strips(grid.codes.shape[1], centre):
        own = None if middles is None else middles[:, strip]
        numbers = codes[:, strip] if own is None else codes[:, strip] - own // PHASES
        parts.append(encode_numbers(numbers.ravel(), places.find(strip, own), tables))
    return head + b"".join(_LENGTH.pack(len(part)) + part for part in parts[:-1]) + parts[-1]


def estimate_bits(grid: Grid) -> float:
    """Return about how many bits the payload of `grid` takes; the codes are not written."""
    codes, centre, middles, levels = _fit(grid)
    return float(8 * len(_write_head(grid, levels, centre)) + count_bits(codes, middles, levels))


def _fit(grid: Grid) -> tuple[NDArray[np.int16], _Centre | None, NDArray[np.int16] | None, Levels]:
    """Return (codes, centre, int16[rows or 1, columns] middles, levels) for a grid."""
    codes = np.array(grid.codes, order="C")
    centre = _choose_centre(codes)
    if centre is None:
        return codes, None, None, choose_levels(codes, None)
    expected = [centre.expect(codes, strip) for strip in centre.strips]
    rows = max(map(len, expected))
    middles = np.concatenate([np.broadcast_to(part, (rows, part.shape[1])) for part in expected], axis=1)
    levels = choose_levels(codes, middles)
    if np.count_nonzero(codes) < _DENSE * codes.size:
        plain = choose_levels(codes, None)  # which may set zeros aside
        if plain.zeros and count_bits(codes, None, plain) < count_bits(codes, middles, levels):
            return codes, None, None, plain
    return codes, centre, middles, levels


def _choose_centre(codes: NDArray[np.int16]) -> _Centre | None:
    """Return where middles are, if telling it pays."""
    predicted = fit_prediction(codes)
    if predicted is not None:
        return _Centre(predicted[1], predicted[0])
    middles = find_middles(codes)
    return None if middles is None else _Centre(middles, None)


def _list_strips(columns: int, centre: _Centre | None) -> list[slice]:
    return [slice(0, columns)] if centre is None else centre.strips


def _write_head(grid: Grid, levels: Levels, centre: _Centre | None) -> bytes:
    """Return head and lists: exponents, levels and middles. Where steps differ and scales do not, levels are tied."""
    lists, flags = [grid.rows, grid.columns], 0
    for own, exponents, tied in ((levels.rows, grid.rows, _ROWS_TIED), (levels.columns, grid.columns, _COLUMNS_TIED)):
        over = own + _scale_exponents(exponents, grid.fine)
        if len(encode_lists([over])) < len(encode_lists([own])):
            own, flags = over, flags | tied
        lists.append(own)
    if centre is not None:
        lists.append(centre.middles)
        flags |= _CENTRED
        if centre.prediction is not None:
            lists.append(centre.prediction.tell())
            flags |= _PREDICTED
    told = encode_lists(lists)
    shape, flags = levels.power | levels.zone << _ZONE_SHIFT, flags | levels.zeros << _ZEROS_SHIFT
    return _HEAD.pack(_DTYPES.index(grid.dtype), grid.fine, shape, flags, len(told)) + told


def decode_grid(data: bytes, rows: int, columns: int) -> Grid:
    """Return the grid of rows × columns codes that encode_grid made `data` of.

    rows, columns: at least 1. Memory: 8 bytes a code, and columns squared where there is a prediction.
    Raises FormatError.
    """
    if len(data) < _HEAD.size:
        raise FormatError(f"the head of a grid takes {_HEAD.size} bytes, {len(data)} are there")
    dtype, fine, shape, flags, told_bytes = _HEAD.unpack_from(data)
    power, zone = shape & (1 << _ZONE_SHIFT) - 1, shape >> _ZONE_SHIFT
    zeros, flags = flags >> _ZEROS_SHIFT, flags & (1 << _ZEROS_SHIFT) - 1
    end = _HEAD.size + told_bytes
    known = dtype < len(_DTYPES) and fine <= FINEST and power < len(POWERS) and zone < ZONES
    if not known or (flags & _PREDICTED and not flags & _CENTRED) or (flags & _CENTRED and zeros):
        what = f"dtype {dtype}, {fine} bits of an octave, power {power}, zone {zone}, zeros {zeros} and flags {flags}"
        raise FormatError(f"no grid has {what}")
    if end > len(data):
        raise FormatError(f"a grid has lists of {told_bytes} bytes, {len(data) - _HEAD.size} are there")
    lengths = _list_lengths(rows, columns, flags)
    row_steps, column_steps, row_levels, column_levels, *rest = decode_lists(data[_HEAD.size : end], lengths)
    if flags & _ROWS_TIED:
        row_levels -= _scale_exponents(row_steps, fine)
    if flags & _COLUMNS_TIED:
        column_levels -= _scale_exponents(column_steps, fine)
    prediction = hear_prediction(rest[1], columns) if flags & _PREDICTED else None
    centre = _Centre(rest[0], prediction) if flags & _CENTRED else None
    codes = _decode_codes(data[end:], Levels(row_levels, column_levels, power, zone, zeros), centre)
    try:
        return Grid(codes, row_steps, column_steps, fine, _DTYPES[dtype])
    except UsageError as error:
        raise FormatError(f"what a grid is told to be is none: {error}") from error


def _list_lengths(rows: int, columns: int, flags: int) -> list[int]:
    """Return the lengths of the lists of a grid. Raises FormatError for more columns than a prediction has."""
    lengths = [rows, columns, rows, columns]
    if flags & _CENTRED:
        lengths.append(columns)
    if flags & _PREDICTED:
        if columns > MOST_COLUMNS:
            raise FormatError(f"a prediction has {columns} columns, at most {MOST_COLUMNS} are allowed")
        lengths.append(count_told(columns))
    return lengths


def _decode_codes(data: bytes, levels: Levels, centre: _Centre | None) -> NDArray[np.int16]:
    """Return int16[rows, columns]: the codes in `data`, strip by strip. Raises FormatError."""
    places = _Places(levels, centre is not None)
    tables = gather_tables(places.bells)
    codes = np.empty((len(levels.rows), len(levels.columns)), np.int16)
    strips = _list_strips(codes.shape[1], centre)
    for strip in strips:
        part, data = (data, b"") if strip is strips[-1] else _split(data)
        middles = None if centre is None else centre.expect(codes, strip)
        numbers = decode_numbers(part, places.find(strip, middles), tables).reshape(len(codes), -1)
        codes[:, strip] = numbers if middles is None else numbers + middles // PHASES
    return codes


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Return (a strip, what follows it). Raises FormatError when it is cut short."""
    end = _LENGTH.size + (_LENGTH.unpack_from(data)[0] if len(data) >= _LENGTH.size else 0)
    if end > len(data):
        raise FormatError(f"a strip of a grid takes {end} bytes, {len(data)} are there")
    return data[_LENGTH.size : end], data[end:]


def _scale_exponents(exponents: NDArray[np.int16], fine: int) -> NDArray[np.int16]:
    """Return exponents in units of a level, rounded down."""
    return (exponents.astype(np.int32) * LEVEL_UNIT >> fine).astype(np.int16)
