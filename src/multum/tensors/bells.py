"""A family of tables for whole numbers that are frequent around a middle and rare far from it.

A bell has the density exp(-|x / a| ** power): Laplace's at power 1, Gauss's at power 2. What it gives a number is
the mass of the number's cell. Few small numbers tell a bell, so that files need not tell tables.

Invariant: a bell's table is made by integers alone, so that every machine has the same one.
Source: the generalized normal distribution, Subbotin (1923).
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.bits.frequencies import ESCAPE, SHIFT_LIMIT, SYMBOLS, TOTAL, FrequencyTables, share_out

# Powers, in eighths.
POWERS = (4, 6, 8, 10, 12, 14, 16, 20)
# a = 2 ** ((level - 48) / 8): 1/64 to 940.
LEVELS = 128
LEVEL_UNIT = 8
_LEVEL_ONE = 48
# How much wider the cell of 0 is, on both sides, in 16ths: rounding that favours 0.
ZONES = 8
# Where the middle is, in quarters of the way to the next number.
PHASES = 4
# What numbers are 0 whatever else the bell says, in 16ths.
ZEROS = 16
_REACH = 127
# A place of TOTAL costs all others 2**-11.5 bits; to escape costs 16 bits more than a place: it pays from here on.
_KEPT_BITS = 15
# Cells consist of 16 pieces, whose density is that of their middle.
_PIECES = 16
_SIDE = _PIECES * (_REACH + 3)
_FRACTION = 24
_ONE = 1 << _FRACTION
_TABLE_BITS = _FRACTION // 2
_MANTISSA = 30
_LOG2_E = 24204406  # log2(e) in 24 bits
# Density has 2**_DENSITY at the middle, and none where it is below 2**-_DENSITY of that.
_DENSITY = 38
# Costs are in parts of a bit.
COST_UNIT = 1 << 10


class Bell(NamedTuple):
    """What tells a table.

    power: index into POWERS. zone, phase, level, zeros: below ZONES, PHASES, LEVELS and ZEROS.
    """

    power: int
    zone: int
    phase: int
    level: int
    zeros: int = 0


class Table(NamedTuple):
    """A table of the interleaved coder: see FrequencyTables."""

    low: int
    shift: int
    frequencies: NDArray[np.int64]


def gather_tables(bells: Sequence[Bell]) -> FrequencyTables:
    """Return the tables of `bells`, in their order."""
    tables = [make_table(bell) for bell in bells]
    return FrequencyTables(
        np.array([table.low for table in tables], np.int64),
        np.array([table.shift for table in tables], np.int64),
        np.stack([table.frequencies for table in tables]),
    )


@lru_cache(maxsize=1 << 13)
def make_table(bell: Bell) -> Table:
    """Return the table of `bell`: the fewest bits as they are with which its numbers are symbols.

    Numbers that are rarer than 2**-_KEPT_BITS are left to the escape.
    """
    for shift in range(SHIFT_LIMIT + 1):
        masses, total = _weigh_cells(bell, shift)
        kept = np.flatnonzero(masses << _KEPT_BITS >= total)
        if len(kept) and (shift == SHIFT_LIMIT or (kept[0] > 0 and kept[-1] < 2 * _REACH)):
            break
    counts = np.zeros(SYMBOLS, np.int64)
    first, last = int(kept[0]), int(kept[-1])
    counts[: last - first + 1] = masses[first : last + 1]
    counts[ESCAPE] = max(total - int(counts.sum()), 1)
    counts = counts >> (_DENSITY // 2) | (counts > 0)
    if bell.zeros:
        aside = bell.zeros * int(counts.sum())
        counts *= ZEROS - bell.zeros
        counts[_REACH - first] += aside
    return Table(first - _REACH, shift, share_out(counts))


def _weigh_cells(bell: Bell, shift: int) -> tuple[NDArray[np.int64], int]:
    """Return (int64[2 * _REACH + 1], total): the masses of quotients from -_REACH on, and that of all numbers."""
    side = _weigh_pieces(POWERS[bell.power], bell.level - LEVEL_UNIT * shift)
    sums = np.concatenate([[0], np.cumsum(np.concatenate([side[::-1], side]))])
    # the cell of quotient q begins half a number and the phase before q, in its own units
    before = (_PIECES // 2 >> shift) + (_PIECES // PHASES * bell.phase >> shift)
    edges = _SIDE - before + _PIECES * np.arange(-_REACH, _REACH + 2)
    if shift == 0:
        edges[_REACH] -= bell.zone
        edges[_REACH + 1] += bell.zone
    masses: NDArray[np.int64] = np.diff(sums[edges])
    return masses, int(sums[-1])


def _weigh_pieces(power: int, level: int) -> NDArray[np.int64]:
    """Return int64[_SIDE]: the density in the middle of each piece on one side, nearest first."""
    # t = (x / a) ** power, by way of its logarithm
    logarithms = _log2_middles() - ((level - _LEVEL_ONE) << _FRACTION) // LEVEL_UNIT
    t = _exp2(np.minimum(power * logarithms >> 3, 6 << _FRACTION))
    return _exp2(-(t * _LOG2_E >> _FRACTION), _DENSITY)


def _exp2(x: NDArray[np.int64], bits: int = _FRACTION) -> NDArray[np.int64]:
    """Return 2**x in `bits` fractional bits; x in _FRACTION, at most 6. Off by a few of 2**-_MANTISSA of it."""
    high, low = _make_powers()
    fraction = x & (_ONE - 1)
    mantissa = high[fraction >> _TABLE_BITS] * low[fraction & ((1 << _TABLE_BITS) - 1)] >> _MANTISSA
    places = (x >> _FRACTION) + (bits - _MANTISSA)
    left, right = np.maximum(places, 0), np.minimum(-np.minimum(places, 0), 62)
    powers: NDArray[np.int64] = mantissa << left >> right
    return powers


@cache
def _make_powers() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (int64[4096], int64[4096]): 2 ** (k / 2**12) and 2 ** (k / 2**24), in _MANTISSA bits."""
    guard = 96
    root, tables = 2 << guard, []
    for _ in range(2):
        for _ in range(_TABLE_BITS):
            root = isqrt(root << guard)
        powers = [1 << guard]
        while len(powers) < 1 << _TABLE_BITS:
            powers.append(powers[-1] * root >> guard)
        tables.append(np.array([power >> (guard - _MANTISSA) for power in powers], np.int64))
    return tables[0], tables[1]


@cache
def _log2_middles() -> NDArray[np.int64]:
    """Return int64[_SIDE]: the logarithm of the middle of each piece, (2 k + 1) / 32, digit by digit."""
    odd = 2 * np.arange(_SIDE, dtype=np.int64) + 1
    whole = np.array([int(n).bit_length() - 1 for n in odd], np.int64)
    mantissa = odd << (_MANTISSA - whole)
    logarithm = whole
    for _ in range(_FRACTION):
        mantissa = mantissa * mantissa >> _MANTISSA
        digit = mantissa >> (_MANTISSA + 1)
        mantissa >>= digit
        logarithm = logarithm << 1 | digit
    return logarithm - (5 << _FRACTION)  # 32 = 2**5


@lru_cache(maxsize=1 << 13)
def list_costs(bell: Bell, reach: int) -> NDArray[np.int32]:
    """Return int32[2 * reach + 1]: what numbers from -reach on cost under `bell`, in COST_UNIT."""
    table = make_table(bell)
    prices = _make_prices()[table.frequencies] + COST_UNIT * table.shift
    escaped = int(prices[ESCAPE]) + 16 * COST_UNIT
    symbols = (np.arange(-reach, reach + 1) >> table.shift) - table.low
    inside = (symbols >= 0) & (symbols < ESCAPE)
    symbols = np.where(inside, symbols, 0)
    coded = inside & (table.frequencies[symbols] > 0)
    return np.where(coded, prices[symbols], escaped).astype(np.int32)


@lru_cache(maxsize=1 << 13)
def list_costs_aside(bell: Bell) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (int64[ZEROS], int64[ZEROS]): nearly what a zero, and any other number more, costs with so many aside.

    bell: with none aside. Tables of its like are not made for it, because searches ask for many.
    """
    table, aside = make_table(bell), np.arange(ZEROS)
    at = (int(table.frequencies[-table.low]) * (ZEROS - aside) + TOTAL * aside) // ZEROS
    prices = _make_prices()
    return prices[at] + COST_UNIT * table.shift, prices[TOTAL * (ZEROS - aside) // ZEROS]


@cache
def _make_prices() -> NDArray[np.int64]:
    """Return int64[TOTAL + 1]: the cost of a frequency, in COST_UNIT; 32 bits for none."""
    shares = np.arange(1, TOTAL + 1) / TOTAL
    return np.concatenate([[32 * COST_UNIT], np.rint(-np.log2(shares) * COST_UNIT).astype(np.int64)])
