"""Rows of tensors as bytes that are shorter, and back bit for bit.

A block holds one or several matrices whose elements are of one kind. Floating-point elements are taken apart
(multum.tensors.fields); of others each byte is coded for itself. docs/TENSORS.md is the normative description.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.tensors.fields import join_fields, split_fields
from multum.tensors.levels import count_dropped, fit_levels, measure_logarithms
from multum.tensors.sheets import (
    Matrix,
    Sheet,
    bytes_to_words,
    check_bits,
    decode_counted,
    encode_counted,
    encode_head,
    make_words,
    read_head,
    split_length,
    with_length,
    words_to_bytes,
)

# Finer levels want more tables: one for each of 2**fraction parts of an octave.
_FRACTIONS = ((1 << 18, 3), (1 << 16, 2), (1 << 14, 1))
_LARGEST_FRACTION = 3
# Contexts of what is told of rows and columns.
_ROW, _COLUMN, _DROP = range(3)


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
    body = _encode_fields(data, sheet, fraction) if sheet.mantissa else _encode_planes(data, sheet.width)
    return encode_head(sheet, fraction) + body


def decode_sheet(payload: bytes, raw_bytes: int) -> bytes:
    """Return the `raw_bytes` bytes whose payload encode_sheet made. Raises FormatError."""
    sheet, fraction, body = read_head(payload, raw_bytes)
    if fraction > (_LARGEST_FRACTION if sheet.mantissa else 0):
        raise FormatError(f"levels have {fraction} bits of fraction; at most {_LARGEST_FRACTION} are allowed, or none")
    raw = np.empty(raw_bytes, np.uint8)
    if sheet.mantissa:
        _decode_fields(body, sheet, fraction, raw)
    else:
        _decode_planes(body, sheet.width, raw)
    return raw.tobytes()


def _choose_fraction(sheet: Sheet) -> int:
    """Return the bits of a level's fraction that repay their tables."""
    if not sheet.mantissa:
        return 0
    return next((fraction for least, fraction in _FRACTIONS if sheet.count >= least), 0)


def _encode_fields(data: NDArray[np.uint8], sheet: Sheet, fraction: int) -> bytes:
    """Return scales, numbers and bits of floating-point elements, each with its length before it but the last."""
    words = make_words(sheet.count * (sheet.mantissa + 1))
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
    code = encode_counted(np.concatenate(numbers), np.concatenate(contexts), 1 << fraction)
    return with_length(_encode_scales(scales)) + with_length(code) + words_to_bytes(words, at)


def _measure(raw: NDArray[np.uint8], sheet: Sheet, matrix: Matrix, fraction: int) -> _Scales:
    logarithms = measure_logarithms(raw, sheet.width, sheet.mantissa).reshape(matrix.rows, matrix.columns)
    drops = count_dropped(raw, sheet.width, sheet.mantissa, matrix.rows)
    return _Scales(*fit_levels(logarithms, fraction), drops)


def _encode_scales(scales: list[_Scales]) -> bytes:
    parts = [(getattr(one, name), context) for one in scales for name, context in _SCALE_PARTS]
    numbers = np.concatenate([part for part, _ in parts]).astype(np.int16)
    contexts = np.repeat(np.array([context for _, context in parts], np.uint8), [len(part) for part, _ in parts])
    return encode_counted(numbers, contexts, len(_SCALE_PARTS))


_SCALE_PARTS = (("rows", _ROW), ("columns", _COLUMN), ("drops", _DROP))


def _decode_scales(code: bytes, sheet: Sheet) -> list[_Scales]:
    """Return the scales of each matrix. Raises FormatError."""
    lengths = [length for m in sheet.matrices for length in (m.rows, m.columns, m.rows)]
    order = np.tile(np.array([context for _, context in _SCALE_PARTS], np.uint8), len(sheet.matrices))
    numbers = decode_counted(code, np.repeat(order, lengths), len(_SCALE_PARTS)).astype(np.int64)
    parts = np.split(numbers, np.cumsum(lengths)[:-1])
    if any((part < 0).any() or (part > sheet.mantissa).any() for part in parts[_DROP::3]):
        raise FormatError(f"a row leaves out more bits than the {sheet.mantissa} of its mantissas")
    triples = zip(parts[_ROW::3], parts[_COLUMN::3], parts[_DROP::3], strict=True)
    return [_Scales(rows, columns, drops.astype(np.uint8)) for rows, columns, drops in triples]


def _decode_fields(body: bytes, sheet: Sheet, fraction: int, raw: NDArray[np.uint8]) -> None:
    """Fill `raw`. Raises FormatError."""
    told, body = split_length(body)
    code, bits = split_length(body)
    scales = _decode_scales(told, sheet)
    mask = (1 << fraction) - 1
    contexts = [((one.rows & mask)[:, None] + (one.columns & mask) & mask).astype(np.uint8).ravel() for one in scales]
    numbers = decode_counted(code, np.concatenate(contexts), 1 << fraction)
    words = bytes_to_words(bits)
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
    check_bits(at, bits)


def _encode_planes(data: NDArray[np.uint8], width: int) -> bytes:
    """Return elements coded byte by byte, each place of an element under a table of its own."""
    return encode_counted(data.view(np.int8).astype(np.int16), _plane_contexts(len(data), width), width)


def _decode_planes(body: bytes, width: int, raw: NDArray[np.uint8]) -> None:
    """Fill `raw`. Raises FormatError."""
    numbers = decode_counted(body, _plane_contexts(len(raw), width), width)
    raw[:] = numbers.astype(np.uint8)


def _plane_contexts(size_bytes: int, width: int) -> NDArray[np.uint8]:
    return np.tile(np.arange(width, dtype=np.uint8), size_bytes // width)
