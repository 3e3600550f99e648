"""Rows of tensors as bytes that are shorter, and back bit for bit.

A block holds one or several matrices whose elements are of one kind. Floating-point elements are taken apart
(multum.tensors.fields); of others each byte is coded for itself. docs/TENSORS.md is the normative description.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.bits.frequencies import FrequencyTables
from multum.bits.interleaved import decode_numbers, encode_numbers
from multum.errors import FormatError
from multum.tensors.fields import join_fields, split_fields
from multum.tensors.histograms import decode_histograms, encode_histograms, fit_histograms
from multum.tensors.levels import count_dropped, fit_levels, measure_logarithms

# (bytes, bits of mantissa) of an element of each type; no mantissa: its bytes are coded for themselves.
ELEMENTS = {
    "F8_E4M3": (1, 3),
    "F8_E5M2": (1, 2),
    "F8_E4M3FNUZ": (1, 3),
    "F8_E5M2FNUZ": (1, 2),
    "F16": (2, 10),
    "BF16": (2, 7),
    "F32": (4, 23),
    "F64": (8, 52),
    "I16": (2, 0),
    "U16": (2, 0),
    "I32": (4, 0),
    "U32": (4, 0),
    "I64": (8, 0),
    "U64": (8, 0),
    "C64": (4, 23),
}
BYTES = (1, 0)  # any other
KINDS = frozenset([*ELEMENTS.values(), BYTES])
LARGEST_COUNT = 1 << 16

_HEAD = struct.Struct("<BBBI")  # bytes and mantissa of an element, bits of a level's fraction, matrices
_SHAPE = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
# Finer levels want more tables: one for each of 2**fraction parts of an octave.
_FRACTIONS = ((1 << 18, 3), (1 << 16, 2), (1 << 14, 1))
_LARGEST_FRACTION = 3
# Contexts of what is told of rows and columns.
_ROW, _COLUMN, _DROP = range(3)


@dataclass(frozen=True)
class Matrix:
    """The shape of rows of a tensor."""

    rows: int
    columns: int

    @property
    def count(self) -> int:
        """How many elements it has."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Sheet:
    """What a block consists of. width, mantissa: of an element, one of KINDS. matrices: one after another."""

    width: int
    mantissa: int
    matrices: tuple[Matrix, ...]

    @property
    def count(self) -> int:
        """How many elements it has."""
        return sum(matrix.count for matrix in self.matrices)

    @property
    def size_bytes(self) -> int:
        """How many bytes its elements take."""
        return self.width * self.count


@dataclass(frozen=True)
class _Scales:
    """What is told of each matrix's rows and columns; see multum.tensors.levels."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    drops: NDArray[np.uint8]


def encode_sheet(raw: bytes, sheet: Sheet) -> bytes:
    """Return the payload of the elements `raw` of `sheet`. It may be longer than they are."""
    data = np.frombuffer(raw, np.uint8).copy()  # kernels take writeable arrays
    fraction = _choose_fraction(sheet)
    head = _HEAD.pack(sheet.width, sheet.mantissa, fraction, len(sheet.matrices))
    shapes = b"".join(_SHAPE.pack(matrix.rows, matrix.columns) for matrix in sheet.matrices)
    body = _encode_fields(data, sheet, fraction) if sheet.mantissa else _encode_planes(data, sheet.width)
    return head + shapes + body


def decode_sheet(payload: bytes, raw_bytes: int) -> bytes:
    """Return the `raw_bytes` bytes whose payload encode_sheet made. Raises FormatError."""
    sheet, fraction, at = read_sheet(payload, raw_bytes)
    raw = np.empty(raw_bytes, np.uint8)
    if sheet.mantissa:
        _decode_fields(payload[at:], sheet, fraction, raw)
    else:
        _decode_planes(payload[at:], sheet.width, raw)
    return raw.tobytes()


def read_sheet(payload: bytes, raw_bytes: int) -> tuple[Sheet, int, int]:
    """Return (sheet, bits of a level's fraction, where the rest begins) of a payload. Raises FormatError."""
    if len(payload) < _HEAD.size:
        raise FormatError("the head of a block of tensors is cut short")
    width, mantissa, fraction, count = _HEAD.unpack_from(payload)
    end = _HEAD.size + count * _SHAPE.size
    if (width, mantissa) not in KINDS or fraction > _LARGEST_FRACTION or (fraction and not mantissa):
        raise FormatError(f"a block of tensors has elements of {width} bytes and {mantissa} bits of mantissa")
    if count > LARGEST_COUNT or end > len(payload):
        raise FormatError(f"a block of tensors has {count} matrices and no room for their shapes")
    matrices = tuple(Matrix(*_SHAPE.unpack_from(payload, at)) for at in range(_HEAD.size, end, _SHAPE.size))
    sheet = Sheet(width, mantissa, matrices)
    if sheet.size_bytes != raw_bytes or not all(matrix.count for matrix in matrices):
        raise FormatError(f"the matrices of a block have {sheet.size_bytes} bytes; the block has {raw_bytes}")
    return sheet, fraction, end


def _choose_fraction(sheet: Sheet) -> int:
    """Return the bits of a level's fraction that repay their tables."""
    if not sheet.mantissa:
        return 0
    return next((fraction for least, fraction in _FRACTIONS if sheet.count >= least), 0)


def _encode_fields(data: NDArray[np.uint8], sheet: Sheet, fraction: int) -> bytes:
    """Return scales, numbers and bits of floating-point elements, each with its length before it but the last."""
    words = np.zeros(sheet.count * (sheet.mantissa + 1) // 32 + 3, np.uint32)
    scales, numbers, contexts, at, start = list[_Scales](), [], [], 0, 0
    for matrix in sheet.matrices:
        raw = data[start : start + sheet.width * matrix.count]
        found = _measure(raw, sheet, matrix, fraction)
        one, context, at = split_fields(
            raw, sheet.width, sheet.mantissa, fraction, found.rows, found.columns, found.drops, at, words
        )
        scales.append(found)
        numbers.append(one)
        contexts.append(context)
        start += len(raw)
    code = _encode_histogrammed(np.concatenate(numbers), np.concatenate(contexts), 1 << fraction)
    bits = words[: -(-at // 32)].astype("<u4").tobytes()[: -(-at // 8)]
    return b"".join([_with_length(_encode_scales(scales)), _with_length(code), bits])


def _measure(raw: NDArray[np.uint8], sheet: Sheet, matrix: Matrix, fraction: int) -> _Scales:
    logarithms = measure_logarithms(raw, sheet.width, sheet.mantissa).reshape(matrix.rows, matrix.columns)
    drops = count_dropped(raw, sheet.width, sheet.mantissa, matrix.rows)
    return _Scales(*fit_levels(logarithms, fraction), drops)


def _encode_scales(scales: list[_Scales]) -> bytes:
    parts = [(getattr(one, name), context) for one in scales for name, context in _SCALE_PARTS]
    numbers = np.concatenate([part for part, _ in parts]).astype(np.int16)
    contexts = np.repeat(np.array([context for _, context in parts], np.uint8), [len(part) for part, _ in parts])
    return _encode_histogrammed(numbers, contexts, len(_SCALE_PARTS))


_SCALE_PARTS = (("rows", _ROW), ("columns", _COLUMN), ("drops", _DROP))


def _decode_scales(code: bytes, sheet: Sheet) -> list[_Scales]:
    """Return the scales of each matrix. Raises FormatError."""
    lengths = [length for m in sheet.matrices for length in (m.rows, m.columns, m.rows)]
    order = np.tile(np.array([context for _, context in _SCALE_PARTS], np.uint8), len(sheet.matrices))
    numbers = _decode_histogrammed(code, np.repeat(order, lengths), len(_SCALE_PARTS)).astype(np.int64)
    parts = np.split(numbers, np.cumsum(lengths)[:-1])
    if any((part < 0).any() or (part > sheet.mantissa).any() for part in parts[_DROP::3]):
        raise FormatError(f"a row leaves out more bits than the {sheet.mantissa} of its mantissas")
    triples = zip(parts[_ROW::3], parts[_COLUMN::3], parts[_DROP::3], strict=True)
    return [_Scales(rows, columns, drops.astype(np.uint8)) for rows, columns, drops in triples]


def _decode_fields(body: bytes, sheet: Sheet, fraction: int, raw: NDArray[np.uint8]) -> None:
    """Fill `raw`. Raises FormatError."""
    told, body = _split_length(body)
    code, bits = _split_length(body)
    scales = _decode_scales(told, sheet)
    mask = (1 << fraction) - 1
    contexts = [((one.rows & mask)[:, None] + (one.columns & mask) & mask).astype(np.uint8).ravel() for one in scales]
    numbers = _decode_histogrammed(code, np.concatenate(contexts), 1 << fraction)
    words = np.frombuffer(bits + bytes(-len(bits) % 4 + 8), "<u4").astype(np.uint32)
    at = first = 0
    for matrix, one in zip(sheet.matrices, scales, strict=True):
        last = first + matrix.count
        at = join_fields(
            numbers[first:last],
            sheet.width,
            sheet.mantissa,
            fraction,
            one.rows,
            one.columns,
            one.drops,
            at,
            words,
            raw[first * sheet.width : last * sheet.width],
        )
        if at < 0:
            break
        first = last
    if -(-at // 8) != len(bits):
        raise FormatError(f"the elements of a block do not end where its {len(bits)} bytes of plain bits do")


def _encode_planes(data: NDArray[np.uint8], width: int) -> bytes:
    """Return elements coded byte by byte, each place of an element under a table of its own."""
    return _encode_histogrammed(data.view(np.int8).astype(np.int16), _plane_contexts(len(data), width), width)


def _decode_planes(body: bytes, width: int, raw: NDArray[np.uint8]) -> None:
    """Fill `raw`. Raises FormatError."""
    numbers = _decode_histogrammed(body, _plane_contexts(len(raw), width), width)
    raw[:] = numbers.astype(np.uint8)


def _plane_contexts(size_bytes: int, width: int) -> NDArray[np.uint8]:
    return np.tile(np.arange(width, dtype=np.uint8), size_bytes // width)


def _encode_histogrammed(numbers: NDArray[np.int16], contexts: NDArray[np.uint8], tables: int) -> bytes:
    """Return tables made for `numbers`, and their code under them."""
    fitted = fit_histograms(numbers, contexts, tables)
    return encode_histograms(fitted) + encode_numbers(numbers, contexts, fitted)


def _decode_histogrammed(code: bytes, contexts: NDArray[np.uint8], tables: int) -> NDArray[np.int16]:
    """Return the numbers of _encode_histogrammed. Raises FormatError."""
    fitted: FrequencyTables
    fitted, at = decode_histograms(code, tables)
    return decode_numbers(code[at:], contexts, fitted)


def _with_length(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _split_length(data: bytes) -> tuple[bytes, bytes]:
    """Return (a part, what follows it). Raises FormatError when the part is cut short."""
    if len(data) < _LENGTH.size:
        raise FormatError("a part of a block of tensors is cut short")
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    if end > len(data):
        raise FormatError(f"a part of a block of tensors needs {end} bytes, {len(data)} are there")
    return data[_LENGTH.size : end], data[end:]
