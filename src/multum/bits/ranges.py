"""The multi-symbol range coder: a 56-bit range, frequencies of 2**24 in all, carries resolved in place.

Invariant: encoder and decoder make the same sequence of (range, start, frequency), and the
symbols of one position share out the whole interval. So every string of bytes is the code of
something, and what it decodes to has that string, without its last zeros, as its code.
Source: Martin, "Range encoding" (1979); the carry rule is that of Schindler (1998).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from multum.bits.binary import add_carry
from multum.bits.kernels import kernel, part
from multum.errors import UsageError

TOTAL_BITS = 24
TOTAL = 1 << TOTAL_BITS
WIDTH_BITS = 56
WIDTH_FIRST = 1 << WIDTH_BITS
WIDTH_BOTTOM = 1 << 48
START_BYTES = 7
# A symbol takes 24 bits at most, and the end of the code a byte.
SYMBOL_BYTES = 3
_LOW_MASK = WIDTH_FIRST - 1
_TOP_SHIFT = WIDTH_BITS - 8


@part
def start_ranges(code):
    """Return (value, end) of a decoder that has read the first bytes of code; zeros follow its end."""
    value = np.int64(0)
    for k in range(START_BYTES):
        value = (value << 8) | (np.int64(code[k]) if k < code.shape[0] else 0)
    return value, np.int64(START_BYTES)


@part
def find_target(width, value):
    """Return the number in [0, TOTAL) whose symbol is next: the one with start <= it < start + frequency."""
    return min(value // (width >> TOTAL_BITS), TOTAL - 1)


@part
def narrow_range(decoding, start, frequency, code, low, width, value, end):
    """Code or decode the symbol of [start, start + frequency), of TOTAL; frequency is 1 or more.

    Returns (low, width, value, end), the coder's next state.
    """
    unit = width >> TOTAL_BITS
    offset = unit * start
    # what the division leaves belongs to the last symbol: no part of the interval is lost
    width = unit * frequency if start + frequency < TOTAL else width - offset
    low += offset
    value -= offset
    if low >> WIDTH_BITS:
        low &= _LOW_MASK
        if not decoding:
            add_carry(code, end)
    while width < WIDTH_BOTTOM:
        width <<= 8
        if decoding:
            value = (value << 8) | (np.int64(code[end]) if end < code.shape[0] else 0)
        else:
            code[end] = low >> _TOP_SHIFT
        low = (low << 8) & _LOW_MASK
        end += 1
    return low, width, value, end


@part
def finish_ranges(code, end, low, width):
    """Write the shortest code that lies in the coder's interval when zeros follow; return its length.

    The interval is [low, low + width) with width at least WIDTH_BOTTOM: one byte more is enough.
    """
    if low + width > WIDTH_FIRST:
        add_carry(code, end)
    elif low:
        code[end] = (low + WIDTH_BOTTOM - 1) >> _TOP_SHIFT
        end += 1
    while end > 0 and code[end - 1] == 0:
        end -= 1
    return end


@kernel
def _encode_ranges(starts, frequencies, code):
    low, width, value, end = np.int64(0), np.int64(WIDTH_FIRST), np.int64(0), np.int64(0)
    for i in range(starts.shape[0]):
        low, width, value, end = narrow_range(
            False, np.int64(starts[i]), np.int64(frequencies[i]), code, low, width, value, end
        )
    return finish_ranges(code, end, low, width)


@kernel
def _decode_ranges(code, tables, symbols):
    low, width = np.int64(0), np.int64(WIDTH_FIRST)
    value, end = start_ranges(code)
    for i in range(symbols.shape[0]):
        target = find_target(width, value)
        symbol, start = 0, np.int64(0)
        while start + tables[i, symbol] <= target:
            start += tables[i, symbol]
            symbol += 1
        symbols[i] = symbol
        low, width, value, end = narrow_range(True, start, np.int64(tables[i, symbol]), code, low, width, value, end)
    return end


def _check_tables(frequencies: ArrayLike) -> NDArray[np.int64]:
    found = np.asarray(frequencies)
    if found.ndim != 2 or (found.size and (found.dtype.kind not in "iu" or (found < 0).any())):
        raise UsageError("frequencies are whole numbers, a row for each symbol, none of them negative")
    sums = found.sum(axis=1, dtype=np.int64)
    if (sums != TOTAL).any():
        row = int(np.argmax(sums != TOTAL))
        raise UsageError(f"frequencies of row {row} add up to {sums[row]}; allowed is {TOTAL}")
    return found.astype(np.int64)


def encode_symbols(symbols: ArrayLike, frequencies: ArrayLike) -> bytes:
    """Return `symbols` coded, each under its own row of frequencies; the shortest code there is.

    symbols: [n]. frequencies: [n, k], each row adding up to 2**24.
    Cost: at most their information content, 0.0001 % of it, and a byte.
    Raises UsageError, also for a symbol whose frequency is zero.
    """
    tables = _check_tables(frequencies)
    found = np.asarray(symbols, dtype=np.int64)
    if found.shape != tables.shape[:1] or ((found < 0) | (found >= tables.shape[1])).any():
        raise UsageError(f"symbols are numbers below {tables.shape[1]}, as many as rows of frequencies ({len(tables)})")
    rows = np.arange(len(found))
    chosen = tables[rows, found]
    if (chosen == 0).any():
        raise UsageError(f"symbol {int(np.argmax(chosen == 0))} has a frequency of zero and cannot be coded")
    starts = np.cumsum(tables, axis=1)[rows, found] - chosen
    code = np.zeros(SYMBOL_BYTES * len(found) + START_BYTES, np.uint8)
    return code[: _encode_ranges(starts, chosen, code)].tobytes()


def decode_symbols(code: bytes, frequencies: ArrayLike) -> NDArray[np.int64]:
    """Return the int64[n] symbols that encode_symbols coded under the same frequencies. Raises UsageError."""
    tables = _check_tables(frequencies)
    symbols = np.zeros(len(tables), np.int64)
    _decode_ranges(np.frombuffer(code, np.uint8).copy(), tables, symbols)
    return symbols
