"""From what a network says of every token to the integers that a coder shares its interval by.

Invariant: every token has a frequency of one or more, and they add up to 2**24 exactly.
"""

import numpy as np

from multum.bits.kernels import part
from multum.bits.ranges import TOTAL
from multum.inference.exponentials import exp2_fixed

LARGEST_VOCABULARY = 1 << 18
_SCALE_BITS = 38


@part
def share_out(values, frequencies):
    """Write the frequencies that the log-probabilities `values` give each token.

    values: int32[V], base two, units of 2**-16 bit, but for a constant; they differ by less than 2**31.
    frequencies: int32[V], V at most 2**18. A token has its share of 2**24 - V, rounded down, and one more; what
    rounding leaves goes to the likeliest token, the first of several.
    """
    n = values.shape[0]
    top = np.int32(values[0])
    for k in range(n):
        top = max(top, np.int32(values[k]))
    mass = np.int64(0)
    for k in range(n):
        weight = exp2_fixed(np.int64(values[k]) - top)
        frequencies[k] = np.int32(weight)
        mass += weight
    room = np.int64(TOTAL - n)
    # weight <= mass, so that weight * scale <= room * 2**38 < 2**62
    scale = (room << _SCALE_BITS) // mass
    left = room
    for k in range(n):
        share = (np.int64(frequencies[k]) * scale) >> _SCALE_BITS
        frequencies[k] = np.int32(share + 1)
        left -= share
    frequencies[find_likeliest(values, top)] += np.int32(left)


@part
def find_likeliest(values, top):
    """Return the first token whose value is `top`, the largest."""
    k = 0
    while values[k] != top:
        k += 1
    return k


@part
def add_up(frequencies, token):
    """Return the sum of the frequencies before `token`."""
    start = np.int64(0)
    for k in range(token):
        start += np.int64(frequencies[k])
    return start


@part
def find_token(frequencies, target):
    """Return (token, sum of the frequencies before it) of the token whose share the number `target` lies in."""
    token = 0
    start = np.int64(0)
    while start + frequencies[token] <= target:
        start += frequencies[token]
        token += 1
    return token, start
