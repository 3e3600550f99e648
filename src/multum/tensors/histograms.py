"""Tables for the interleaved coder that are made from what a block holds, and told in few bytes.

Invariant: a table is told by whole numbers only, and both sides make the same coder's table of them.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from multum.bits.frequencies import ESCAPE, SYMBOLS, TOTAL, FrequencyTables, share_out
from multum.errors import FormatError

_HEAD = struct.Struct("<hB")  # the first number, and how many frequencies follow
_SEVEN_BITS = 0x7F
# An escape costs about this many bits, and one step of frequency a share of 1.44 / TOTAL bits of all numbers.
_ESCAPE_BITS = 24
_NUMBERS_PER_STEP_BIT = 2840
_TOLD_BITS = 8
_COUNTED_AT_ONCE = 1 << 18


def fit_histograms(numbers: NDArray[np.int16], contexts: NDArray[np.uint8], tables: int) -> FrequencyTables:
    """Return tables for `numbers`: one for each context below `tables`.

    numbers: int16[n]. contexts: uint8[n]. What is too rare for a place of its own is left to the escape.
    """
    least = int(numbers.min(initial=0))
    span = int(numbers.max(initial=0)) - least + 1
    counts = np.zeros(tables * span, np.int64)
    for start in range(0, len(numbers), _COUNTED_AT_ONCE):
        part = slice(start, start + _COUNTED_AT_ONCE)
        places = contexts[part].astype(np.int64) * span + (numbers[part].astype(np.int64) - least)
        counts += np.bincount(places, minlength=len(counts))
    fitted = [_fit_one(row) for row in counts.reshape(tables, span)]
    return FrequencyTables(
        np.array([least + first for first, _ in fitted], np.int64),
        np.zeros(tables, np.int64),
        np.stack([frequencies for _, frequencies in fitted]),
    )


def _fit_one(counts: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """Return (place of the first symbol, int64[SYMBOLS] frequencies) for int64[span] counts."""
    total = int(counts.sum())
    # worth its place when escaping would cost more than the step of frequency that all others give up
    kept = counts * (_ESCAPE_BITS * _NUMBERS_PER_STEP_BIT) > total + _TOLD_BITS * _NUMBERS_PER_STEP_BIT
    first = _densest_window(np.where(kept, counts, 0))
    window = np.zeros(SYMBOLS, np.int64)
    inside = np.where(kept, counts, 0)[first : first + ESCAPE]
    window[: len(inside)] = inside
    window[ESCAPE] = total - int(inside.sum())
    if not total:
        window[ESCAPE] = 1
    return first, share_out(window)


def _densest_window(counts: NDArray[np.int64]) -> int:
    """Return where the ESCAPE neighbouring symbols begin that hold the most counts, and hold them earliest."""
    used = np.flatnonzero(counts)
    if not len(used):
        return 0
    sums = np.concatenate([[0], np.cumsum(counts)])
    starts = used
    held = sums[np.minimum(starts + ESCAPE, len(counts))] - sums[starts]
    return int(starts[int(np.argmax(held))])


def encode_histograms(tables: FrequencyTables) -> bytes:
    """Return tables without shifts as bytes: for each its first number, a count, and so many frequencies.

    A frequency takes a byte, or two above 127; after one of zero a byte tells how many more zeros follow.
    """
    return b"".join(_encode_one(int(low), row) for low, row in zip(tables.lows, tables.frequencies, strict=True))


def _encode_one(low: int, frequencies: NDArray[np.int64]) -> bytes:
    used = np.flatnonzero(frequencies[:ESCAPE])
    count = int(used[-1]) + 1 if len(used) else 0
    out, at = bytearray(_HEAD.pack(low, count)), 0
    while at < count:
        frequency = int(frequencies[at])
        if frequency > _SEVEN_BITS:
            out += bytes([frequency & _SEVEN_BITS | 0x80, frequency >> 7])
        elif frequency:
            out.append(frequency)
        else:
            zeros = int(used[np.searchsorted(used, at)]) - at
            out += bytes([0, zeros - 1])
            at += zeros - 1
        at += 1
    return bytes(out)


def decode_histograms(data: bytes, tables: int) -> tuple[FrequencyTables, int]:
    """Return (tables, bytes read) of the `tables` tables that `data` begins with. Raises FormatError."""
    lows, rows, at = np.zeros(tables, np.int64), np.zeros((tables, SYMBOLS), np.int64), 0
    for k in range(tables):
        if at + _HEAD.size > len(data):
            raise FormatError("a table is cut short")
        lows[k], count = _HEAD.unpack_from(data, at)
        at = _decode_one(data, at + _HEAD.size, rows[k, : min(count, ESCAPE)])
        left = TOTAL - int(rows[k].sum())
        if count > ESCAPE or left < 0:
            raise FormatError(f"a table's {count} frequencies add up to {TOTAL - left}, at most {TOTAL} are allowed")
        rows[k, ESCAPE] = left
    return FrequencyTables(lows, np.zeros(tables, np.int64), rows), at


def _decode_one(data: bytes, at: int, frequencies: NDArray[np.int64]) -> int:
    """Fill `frequencies`, zeros so far; return where what follows them begins. Raises FormatError."""
    place = 0
    while place < len(frequencies):
        first, second = data[at : at + 1], data[at + 1 : at + 2]
        if not first or (not second and not 0 < first[0] <= _SEVEN_BITS):
            raise FormatError("a table is cut short")
        if 0 < first[0] <= _SEVEN_BITS:
            frequencies[place] = first[0]
            at += 1
        elif first[0]:
            frequencies[place] = first[0] - 0x80 | second[0] << 7
            at += 2
        else:
            place += second[0]
            at += 2
        place += 1
    if place > len(frequencies):
        raise FormatError(f"a table has more zeros than the {len(frequencies)} frequencies it tells")
    return at
