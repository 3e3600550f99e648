"""Rows of tensors as bytes that tell how they differ from rows of the same kind and shape, and back bit for bit.

docs/TENSORS.md is the normative description.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.tensors.differences import (
    CONTEXTS,
    add_differences,
    find_differences,
    measure_rows,
    place_differences,
)
from multum.tensors.sheets import (
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


def encode_difference(raw: bytes, base: bytes, sheet: Sheet) -> bytes:
    """Return the payload of the elements `raw` of `sheet`, told by their differences from `base`.

    Where the two have little to do with each other it is longer than encode_sheet's.
    """
    words = make_words(sheet.count * 8 * sheet.width)
    levels, numbers, contexts, at = [], [], [], 0
    for here, old, rows in _pair(np.frombuffer(raw, np.uint8).copy(), base, sheet):  # kernels take writeable arrays
        level = measure_rows(here, old, sheet.width, sheet.mantissa, rows)
        one, context, at = find_differences(here, old, sheet.width, sheet.mantissa, level, at, words)
        levels.append(level)
        numbers.append(one)
        contexts.append(context)
    told = np.concatenate(levels)
    level_code = encode_counted(told, np.zeros(len(told), np.uint8), 1)
    code = encode_counted(np.concatenate(numbers), np.concatenate(contexts), CONTEXTS)
    return encode_head(sheet, 0) + with_length(level_code) + with_length(code) + words_to_bytes(words, at)


def decode_difference(payload: bytes, base: bytes) -> bytes:
    """Return the bytes, as many as in `base`, that encode_difference was given with it. Raises FormatError."""
    sheet, manner, body = read_head(payload, len(base))
    if manner:
        raise FormatError(f"differences of tensors are coded in manner 0 only, not {manner}")
    level_code, body = split_length(body)
    code, bits = split_length(body)
    raw = np.empty(len(base), np.uint8)
    told = decode_counted(level_code, np.zeros(sum(matrix.rows for matrix in sheet.matrices), np.uint8), 1)
    levels = np.split(told, np.cumsum([matrix.rows for matrix in sheet.matrices])[:-1])
    pairs = list(zip(levels, _pair(raw, base, sheet), strict=True))
    contexts = [place_differences(old, sheet.width, sheet.mantissa, level) for level, (_, old, _) in pairs]
    numbers = decode_counted(code, np.concatenate(contexts), CONTEXTS)
    words, at, first = bytes_to_words(bits), 0, 0
    for _, (here, old, rows) in pairs:
        part = numbers[first : first + len(here) // sheet.width]
        at = add_differences(part, old, sheet.width, sheet.mantissa, rows, at, words, here)
        if at < 0:
            break
        first += len(part)
    check_bits(at, bits)
    return raw.tobytes()


def _pair(
    raw: NDArray[np.uint8], base: bytes, sheet: Sheet
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], int]]:
    """Yield (bytes of `raw`, those of `base`, rows) of each matrix."""
    old, start = np.frombuffer(base, np.uint8).copy(), 0
    for matrix in sheet.matrices:
        part = slice(start, start + sheet.width * matrix.count)
        yield raw[part], old[part], matrix.rows
        start = part.stop
