"""Tables of frequencies for the interleaved coder: which numbers a context expects, and how much.

Invariant: the frequencies of a table add up to TOTAL, so that its intervals share out the
whole range; and what a decoder looks up is made from them by integers alone.
"""

from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError

TOTAL_BITS = 12
TOTAL = 1 << TOTAL_BITS
# Symbols of a table; the last one says that the number follows in 16 bits.
SYMBOLS = 256
ESCAPE = SYMBOLS - 1
# An interval and the bits written as they are make up 16 bits, one word, at most.
SHIFT_LIMIT = 16 - TOTAL_BITS


@dataclass(frozen=True, eq=False)
class FrequencyTables:
    """Tables, one a context.

    Symbol s of table k stands for the numbers from (lows[k] + s) << shifts[k] on, 1 << shifts[k] of them.
    lows: int64[tables], in [-2**15, 2**15). shifts: int64[tables], 0 to SHIFT_LIMIT.
    frequencies: int64[tables, SYMBOLS], each row adding up to TOTAL.
    Raises UsageError.
    """

    lows: NDArray[np.int64]
    shifts: NDArray[np.int64]
    frequencies: NDArray[np.int64]

    def __post_init__(self) -> None:
        found = self.frequencies
        tables = len(found)
        if found.ndim != 2 or found.shape[1] != SYMBOLS or (found < 0).any() or (found.sum(axis=1) != TOTAL).any():
            raise UsageError(f"a table is {SYMBOLS} frequencies, none of them negative, that add up to {TOTAL}")
        if self.shifts.shape != (tables,) or (self.shifts < 0).any() or (self.shifts > SHIFT_LIMIT).any():
            raise UsageError(f"shifts are one a table ({tables}), from 0 to {SHIFT_LIMIT}")
        if self.lows.shape != (tables,) or (self.lows < -(1 << 15)).any() or (self.lows >= 1 << 15).any():
            raise UsageError(f"lows are one a table ({tables}), whole numbers of 16 bits")

    @cached_property
    def slots(self) -> NDArray[np.uint8]:
        """uint8[tables, TOTAL]: the symbol whose interval a place in [0, TOTAL) lies in."""
        symbols = np.tile(np.arange(SYMBOLS, dtype=np.uint8), len(self.frequencies))
        return np.repeat(symbols, self.frequencies.ravel()).reshape(-1, TOTAL)

    @cached_property
    def intervals(self) -> NDArray[np.uint32]:
        """uint32[tables, SYMBOLS]: the frequency of each symbol << 16 | where its interval starts."""
        starts = np.cumsum(self.frequencies, axis=1) - self.frequencies
        packed: NDArray[np.uint32] = (self.frequencies << 16 | starts).astype(np.uint32)
        return packed


def share_out(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[k]: frequencies that add up to TOTAL, as the counts do, and none of them zero where a count is not.

    counts: [k], none negative, 1 to TOTAL of them more than 0. No other frequencies take noticeably
    fewer bits for what was counted. Raises UsageError.
    """
    used = np.count_nonzero(counts)
    if (counts < 0).any() or not 0 < used <= TOTAL:
        raise UsageError(f"counts are not negative, and from 1 to {TOTAL} of them are more than 0")
    # Less than anyone's due, even when each of the rare ones takes one place: what is left is handed out one by one.
    shares = counts * (TOTAL - used) // counts.sum() - 1
    shares = np.where(counts > 0, np.maximum(shares, 1), 0)
    waiting = [(-_worth(int(counts[k]), int(shares[k])), int(k)) for k in np.flatnonzero(counts)]
    heapify(waiting)
    for _ in range(TOTAL - int(shares.sum())):
        _, k = waiting[0]
        shares[k] += 1
        heapreplace(waiting, (-_worth(int(counts[k]), int(shares[k])), k))
    return shares


def _worth(count: int, share: int) -> float:
    """Return what one place more saves, count log((share + 1) / share), in halves of its first term; no logarithms."""
    return count / (2 * share + 1)
