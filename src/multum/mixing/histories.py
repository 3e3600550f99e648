"""Bit histories: what one byte remembers of the bits seen in a context.

A state stands for either the exact history of up to four bits, or for a pair of
counts (zeros, ones) with the last bit kept while the total is under 16. Invariant:
state 0 is the empty history, states are ordered by total count, and the table is
made by integer rules alone.
Source: the indirect modelling of Mahoney, "Adaptive Weighing of Context Models for
Lossless Data Compression" (2005), section 3.1.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

# The largest larger count that is kept beside a smaller one of 0, 1, 2, 3, 4.
_BOUNDS = (41, 40, 12, 5, 4)
_LAST_BIT_TOTAL = 16
_EXACT_BITS = 4

# (zeros, ones, last bit or -1 when it is not kept, exact bits as a string or "")
State = tuple[int, int, int, str]


def _allowed(zeros: int, ones: int) -> bool:
    small, large = sorted((zeros, ones))
    return small < len(_BOUNDS) and large <= _BOUNDS[small]


def _canonical(zeros: int, ones: int, last: int) -> State:
    """Return the counted state that stands for this pair, dropping a last bit that is implied or old."""
    implied = zeros == 0 or ones == 0
    kept = last if implied or zeros + ones < _LAST_BIT_TOTAL else -1
    return (zeros, ones, kept, "")


def _states() -> list[State]:
    exact: list[State] = [
        (bits.count("0"), bits.count("1"), int(bits[-1]) if bits else -1, bits)
        for length in range(_EXACT_BITS + 1)
        for bits in map("".join, product("01", repeat=length))
    ]
    counted = {
        _canonical(zeros, ones, last)
        for zeros, ones, last in product(range(42), range(42), (0, 1))
        if zeros + ones > _EXACT_BITS and _allowed(zeros, ones) and (zeros, ones)[last] > 0
    }
    return exact + sorted(counted, key=lambda s: (s[0] + s[1], s))


def _discount(count: int) -> int:
    """Return what is left of a count after the opposite bit: about (8/3) log2 of it when it is large."""
    if count <= 2:
        return count
    return (0, 0, 0, 2, 3, 3, 4, 5, 5, 5, 6, 6, 6)[count] if count < 13 else 6 + (count > 18) + (count > 28)


def _successor(state: State, bit: int) -> State:
    zeros, ones, _, bits = state
    if zeros + ones < _EXACT_BITS:
        return (zeros + 1 - bit, ones + bit, bit, bits + str(bit))
    counts = [zeros, ones]
    counts[bit] += 1
    counts[1 - bit] = _discount(counts[1 - bit])
    while counts[0] + counts[1] <= _EXACT_BITS:
        counts[bit] += 1
    while not _allowed(*counts):
        # over a bound: give up the larger count's excess, or else an opposite one
        larger = 0 if counts[0] >= counts[1] else 1
        limit = _BOUNDS[counts[1 - larger]] if counts[1 - larger] < len(_BOUNDS) else -1
        if larger == bit and limit >= 0 and counts[bit] == limit + 1:
            counts[bit] -= 1
        else:
            counts[1 - bit] -= 1
    while counts[0] + counts[1] <= _EXACT_BITS:
        counts[bit] += 1
    return _canonical(counts[0], counts[1], bit)


def make_histories() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (next_state uint8[512], counts uint8[256, 2]).

    next_state[2 * state + bit] is the state after `bit`; counts[state] is its (zeros, ones).
    """
    states = _states()
    number = {state: i for i, state in enumerate(states)}
    next_state = np.zeros(512, np.uint8)
    counts = np.zeros((256, 2), np.uint8)
    for state, i in number.items():
        counts[i] = state[:2]
        for bit in (0, 1):
            next_state[2 * i + bit] = number[_successor(state, bit)]
    return next_state, counts


NEXT_STATE, COUNTS = make_histories()
