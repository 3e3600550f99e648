"""Floating-point numbers taken apart: what says how large a number is, and bits that nobody can foretell.

An element is seen relative to the level of its row and column. Its exponent, less what the level says, and the
first bits of its mantissa make one small number, which has a skewed distribution; the sign and the rest of the
mantissa are written as they are. Numbers far below their level keep no bits of the mantissa, for there all
mantissas are alike, and zero has a number of its own. Levels are in parts of an octave.
Invariant: join_fields undoes split_fields whatever the levels are; they decide how many bits it takes.
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel, part
from multum.tensors.plain_bits import SPARE_WORDS, WORD_BITS, load_element, put_bits, store_element, take_bits

# Bits of the mantissa that belong to the number, and the octave from which on they do.
TOP_BITS = 3
FINE_OCTAVE = -4
# The number of +0.0, below those of 31 coarse octaves.
ZERO = -64


@part
def _number(octave, top, kept):
    """Return the number of an element: its octave from its level, and the top bits of its mantissa."""
    if octave >= FINE_OCTAVE:
        return octave << kept | top
    coarse = (FINE_OCTAVE << kept) + octave - FINE_OCTAVE
    return coarse if coarse > ZERO else coarse - 1


@part
def _octave(number, kept):
    """Return the octave of a number that is not ZERO."""
    fine = FINE_OCTAVE << kept
    if number >= fine:
        return number >> kept
    return number - fine + FINE_OCTAVE + (1 if number < ZERO else 0)


@kernel
def _split(raw, width, mantissa, fraction, rows, columns, drops, at, numbers, contexts, words):
    """Fill numbers, contexts and, from bit `at` on, words; return the bit after the last."""
    kept_fine = min(TOP_BITS, mantissa)
    magnitude_bits = 8 * width - 1
    sizes = (np.int64(1) << (magnitude_bits - 1)) - 1 << 1 | 1  # all bits but the sign
    place = 0
    for i in range(rows.shape[0]):
        drop = np.int64(drops[i])
        for j in range(columns.shape[0]):
            word = load_element(raw, place, width)
            level = rows[i] + columns[j]
            contexts[place] = level & ((1 << fraction) - 1)
            magnitude = word & sizes
            if word == 0:
                numbers[place] = ZERO
            else:
                octave = (magnitude >> mantissa) - (level >> fraction)
                kept = kept_fine if octave >= FINE_OCTAVE else 0
                top = (magnitude >> (mantissa - kept)) & ((1 << kept) - 1)
                numbers[place] = _number(octave, top, kept_fine)
                size = max(mantissa - kept - drop, 0)
                rest = (magnitude >> drop) & ((np.int64(1) << size) - 1)
                at = put_bits(rest << 1 | (word >> magnitude_bits) & 1, size + 1, words, at)
            place += 1
    return at


@kernel
def _join(numbers, width, mantissa, fraction, rows, columns, drops, at, words, raw):
    """Fill raw; return the bit after the last that was read, or -1 where the words end too early.

    words ends with two that are not part of the bits.
    """
    kept_fine = min(TOP_BITS, mantissa)
    magnitude_bits = 8 * width - 1
    exponents = (np.int64(1) << (magnitude_bits - mantissa)) - 1
    end = WORD_BITS * (np.int64(words.shape[0]) - SPARE_WORDS)
    place = 0
    for i in range(rows.shape[0]):
        drop = np.int64(drops[i])
        for j in range(columns.shape[0]):
            number = np.int64(numbers[place])
            word = np.int64(0)
            if number != ZERO:
                octave = _octave(number, kept_fine)
                kept = kept_fine if octave >= FINE_OCTAVE else 0
                size = max(mantissa - kept - drop, 0)
                if at + size >= end:
                    return -1
                rest, at = take_bits(size + 1, words, at)
                exponent = (octave + ((rows[i] + columns[j]) >> fraction)) & exponents
                top = number & ((1 << kept) - 1)
                word = exponent << mantissa | top << (mantissa - kept) | (rest >> 1) << drop
                word |= (rest & 1) << magnitude_bits
            store_element(word, raw, place, width)
            place += 1
    return at


def split_fields(
    raw: NDArray[np.uint8],
    width: int,
    mantissa: int,
    fraction: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    drops: NDArray[np.uint8],
    at: int,
    words: NDArray[np.uint32],
) -> tuple[NDArray[np.int16], NDArray[np.uint8], int]:
    """Return (int16 numbers, uint8 contexts, the bit after the last written) of a matrix.

    raw: its elements row by row, `width` bytes each with `mantissa` bits of mantissa. fraction: levels are in
    2**-fraction octaves. rows, columns: their levels, which add up. drops: uint8[rows], low bits of the
    mantissa that are zero all over the row. words: gets the bits as they are from bit `at` on, zeros there.
    """
    count = len(rows) * len(columns)
    numbers, contexts = np.empty(count, np.int16), np.empty(count, np.uint8)
    at = _split(raw, width, mantissa, fraction, rows, columns, drops, at, numbers, contexts, words)
    return numbers, contexts, at


def join_fields(
    numbers: NDArray[np.int16],
    width: int,
    mantissa: int,
    fraction: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    drops: NDArray[np.uint8],
    at: int,
    words: NDArray[np.uint32],
    raw: NDArray[np.uint8],
) -> int:
    """Fill `raw` with the matrix whose numbers split_fields returned; return the bit after the last read.

    words: ends with two that are not part of the bits. Returns -1 where the bits end too early.
    """
    return int(_join(numbers, width, mantissa, fraction, rows, columns, drops, at, words, raw))
