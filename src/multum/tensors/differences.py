"""Elements told by how far they are from those of another tensor: a later state of it, most often.

Elements are put in the order of their values, so that a difference counts the representable values between two.
Training moves elements by amounts that are alike along a row; how many values that is goes with the exponent
of the element they started from. Both make the context. A difference of less than 8 is a number of its own; of a
larger one its length, its sign and two bits after the first are, and the rest is written as it is.
Invariant: add_differences undoes find_differences, whatever the levels of the rows are.
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel, part, wrapping
from multum.tensors.plain_bits import SPARE_WORDS, WORD_BITS, load_element, put_bits, store_element, take_bits

# Contexts: how many octaves a difference is expected to have, up to this.
CONTEXTS = 32
_SMALL = 8
_SMALL_BITS = 3  # of a difference's length, those that the numbers of small ones stand for
_TOP_BITS = 2
# Differences are added up in 64 bits: of up to 2**24, at most 16 octaves apart, in rows of up to 2**22.
_LARGEST_SUMMED = 1 << 24
_SUMMED_OCTAVES = 16


@part
def _order(word, width, signed):
    """Return a number that grows with the value of an element of `width` bytes; signed: with a sign of its own."""
    sign = np.int64(1) << (8 * width - 1)
    if signed and word & sign:
        return ~word & (sign - 1 | sign)
    return word ^ sign if signed else word


@part
def _disorder(order, width, signed):
    """Return the element whose number in order is given, all higher bits ignored."""
    sign = np.int64(1) << (8 * width - 1)
    order &= sign - 1 | sign
    if signed and not order & sign:
        return ~order & (sign - 1 | sign)
    return order ^ sign if signed else order


@part
def _difference(word, origin, width, signed):
    """Return how far `word` is from `origin`, as a number with a sign of 8 * width bits."""
    spare = 64 - 8 * width
    return (_order(word, width, signed) - _order(origin, width, signed)) << spare >> spare


@part
def _exponent(word, width, mantissa):
    """Return the exponent of an element; 0 of one that has none."""
    return (word >> mantissa) & ((np.int64(1) << (8 * width - 1 - mantissa)) - 1) if mantissa else np.int64(0)


@part
def _length(size):
    """Return how many bits a number takes that is 0 or more."""
    bits = np.int64(0)
    while size:
        size >>= 1
        bits += 1
    return bits


@part
def _context(level, word, width, mantissa):
    """Return the octaves that a difference is expected to have from what it started with."""
    return min(max(level - _exponent(word, width, mantissa), 0), CONTEXTS - 1)


@kernel
def _find(raw, base, width, mantissa, levels, columns, at, numbers, contexts, words):
    """Fill numbers, contexts and, from bit `at` on, words; return the bit after the last."""
    place = 0
    for i in range(levels.shape[0]):
        for _ in range(columns):
            origin = load_element(base, place, width)
            difference = _difference(load_element(raw, place, width), origin, width, mantissa > 0)
            contexts[place] = _context(levels[i], origin, width, mantissa)
            size = abs(difference)
            if -_SMALL < difference < _SMALL:
                numbers[place] = difference
            elif size < 0:  # the one number without a positive twin
                numbers[place] = -_SMALL - ((64 - _SMALL_BITS - 1) << _TOP_BITS)
                at = put_bits(np.int64(0), 61, words, at)
            else:
                bits = _length(size)
                plain = bits - _SMALL_BITS
                number = _SMALL + ((bits - _SMALL_BITS - 1) << _TOP_BITS) + ((size >> plain) & 3)
                numbers[place] = number if difference > 0 else -number
                at = put_bits(size & ((np.int64(1) << plain) - 1), plain, words, at)
            place += 1
    return at


@kernel
def _add(numbers, base, width, mantissa, rows, columns, at, words, raw):
    """Fill raw; return the bit after the last that was read, or -1 where words end too early or a number is none."""
    end = WORD_BITS * (np.int64(words.shape[0]) - SPARE_WORDS)
    most = _SMALL + ((64 - _SMALL_BITS) << _TOP_BITS)
    place = 0
    for _ in range(rows):
        for _ in range(columns):
            difference = np.int64(numbers[place])
            over = abs(difference) - _SMALL
            if over >= most - _SMALL:
                return -1
            if over >= 0:
                plain = (over >> _TOP_BITS) + 1
                if at + plain > end:
                    return -1
                rest, at = take_bits(plain, words, at)
                size = (over & 3 | 4) << plain | rest
                difference = size if difference > 0 else -size
            order = _order(load_element(base, place, width), width, mantissa > 0)
            store_element(_disorder(order + difference, width, mantissa > 0), raw, place, width)
            place += 1
    return at


@kernel
def _sum_rows(raw, base, width, mantissa, lowest, columns, sums):
    """Fill sums with the differences of each row added up, in units of the value of exponent `lowest`."""
    place = 0
    for i in range(sums.shape[0]):
        total = np.int64(0)
        for _ in range(columns):
            origin = load_element(base, place, width)
            size = abs(_difference(load_element(raw, place, width), origin, width, mantissa > 0))
            size = size if 0 <= size < _LARGEST_SUMMED else _LARGEST_SUMMED
            total += size << min(max(_exponent(origin, width, mantissa) - lowest, 0), _SUMMED_OCTAVES)
            place += 1
        sums[i] = total
    return 0


def measure_rows(
    raw: NDArray[np.uint8], base: NDArray[np.uint8], width: int, mantissa: int, rows: int
) -> NDArray[np.int16]:
    """Return int16[rows]: how much a row differs from that of `base`, as the exponent of the mean; 0 for not at all.

    raw, base: elements of `width` bytes, `mantissa` bits of mantissa each, or none.
    """
    lowest = _find_highest(base, width, mantissa) - _SUMMED_OCTAVES
    columns = len(raw) // width // rows
    sums = np.zeros(rows, np.int64)
    with wrapping():
        _sum_rows(raw, base, width, mantissa, lowest, columns, sums)
    lengths = np.frexp((sums // columns).astype(np.float64))[1]
    return np.where(sums > 0, np.maximum(lengths + lowest, 1), 0).astype(np.int16)


def _find_highest(base: NDArray[np.uint8], width: int, mantissa: int) -> int:
    """Return the highest exponent in `base`, or 0 where elements have none."""
    if not mantissa:
        return 0
    sizes = base.view(f"<u{width}") & np.array((1 << (8 * width - 1)) - 1, f"<u{width}")
    return int(sizes.max()) >> mantissa


def find_differences(
    raw: NDArray[np.uint8],
    base: NDArray[np.uint8],
    width: int,
    mantissa: int,
    levels: NDArray[np.int16],
    at: int,
    words: NDArray[np.uint32],
) -> tuple[NDArray[np.int16], NDArray[np.uint8], int]:
    """Return (int16 numbers, uint8 contexts, the bit after the last written) of a matrix.

    raw, base: see measure_rows. levels: its result. words: gets the bits as they are from bit `at` on, zeros there.
    """
    count = len(raw) // width
    numbers, contexts = np.empty(count, np.int16), np.empty(count, np.uint8)
    with wrapping():
        at = _find(raw, base, width, mantissa, levels, count // len(levels), at, numbers, contexts, words)
    return numbers, contexts, at


def place_differences(
    base: NDArray[np.uint8], width: int, mantissa: int, levels: NDArray[np.int16]
) -> NDArray[np.uint8]:
    """Return uint8[n]: the contexts of find_differences, from what a decoder has."""
    if mantissa:
        sizes = base.view(f"<u{width}") & np.array((1 << (8 * width - 1)) - 1, f"<u{width}")
        exponents = (sizes >> np.array(mantissa, sizes.dtype)).astype(np.int16).reshape(len(levels), -1)
    else:
        exponents = np.zeros((len(levels), len(base) // width // len(levels)), np.int16)
    # in place: exponents are below 2**11, and a level that is not is clipped all the same
    np.subtract(np.clip(levels, -(1 << 12), 1 << 12)[:, None], exponents, out=exponents)
    contexts: NDArray[np.uint8] = np.clip(exponents, 0, CONTEXTS - 1, out=exponents).astype(np.uint8)
    return contexts.ravel()


def add_differences(
    numbers: NDArray[np.int16],
    base: NDArray[np.uint8],
    width: int,
    mantissa: int,
    rows: int,
    at: int,
    words: NDArray[np.uint32],
    raw: NDArray[np.uint8],
) -> int:
    """Fill `raw` with what find_differences was given; return the bit after the last read.

    words: ends with SPARE_WORDS that are not part of the bits. Returns -1 where bits end too early.
    """
    with wrapping():
        return int(_add(numbers, base, width, mantissa, rows, len(numbers) // rows, at, words, raw))
