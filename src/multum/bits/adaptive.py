"""Adaptive probabilities: maps that learn by counts, and refinement by interpolation.

A map's entry is an int32: a 22-bit probability of a one and a 9-bit count. Invariant:
updates are integer, so a map is a function of the bits it has seen.
Source: Mahoney, ZPAQ specification 2.06 (ICM, SSE components).
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import part, prefetch
from multum.bits.logistic import SQUASH

COUNT_LIMIT = 511
# 2**16 / (n + 3/2): the step of the n-th update
RECIPROCAL = np.array([131072 // (2 * n + 3) for n in range(COUNT_LIMIT + 1)], np.int64)
# interpolation points of a refinement, one a nat over +-12
REFINE_POINTS = 25


def pack_map(probability: int, count: int) -> int:
    """Return the map entry of a 22-bit probability and a count."""
    return probability << 9 | count


def initial_refinement() -> NDArray[np.uint16]:
    """Return uint16[25]: the refinement that changes nothing."""
    return np.array([SQUASH[min(256 * i, 6143)] for i in range(REFINE_POINTS)], np.uint16)


@part
def learn(table, i, bit, limit, reciprocal):
    """Move table[i] towards bit by 1 / (count + 3/2); the count grows to limit."""
    k = np.uint64(i)
    v = np.int64(table[k])
    n = v & 511
    p = v >> 9
    p += (((bit << 22) - p) * reciprocal[np.uint64(n)]) >> 16
    table[k] = (p << 9) | (n + 1 if n < limit else n)


@part
def prefetch_row(table, row):
    """Ask for the points of row."""
    prefetch(table, row * REFINE_POINTS)
    prefetch(table, row * REFINE_POINTS + REFINE_POINTS - 1)


@part
def refine(table, row, stretch):
    """Return (16-bit probability, index of the nearer point) of row at a stretch within +-2839."""
    x = stretch + 3072
    a = row * REFINE_POINTS + (x >> 8)
    w = x & 255
    p = np.int64(table[np.uint64(a)]) * (256 - w) + np.int64(table[np.uint64(a + 1)]) * w
    return p >> 8, a + (w >> 7)
