"""Gated mixing: weight sets picked by small contexts, each a logistic regression.

Inputs are stretched predictions (int32 within +-2**13), weights 16.16 fixed point
within +-8. Invariant: sums are exact 64-bit integers, so their order is free.
Source: Mahoney, "Adaptive Weighing of Context Models" (2005), section 3.2; gating by
several contexts with a second layer: Veness et al., "Gated Linear Networks" (2019).
"""

import numpy as np

from multum.bits.kernels import part
from multum.bits.vectors import dot_lanes, train_lanes

# How a weight set is selected; part of the archive format.
BY_NOTHING = 0
BY_PARTIAL = 1  # the bits of this byte so far
BY_FEATURE = 2  # eight bits of a feature
BY_FEATURE_PARTIAL = 3  # three bits of a feature, and the bits so far
BY_FEATURE_BIT = 4  # eight bits of a feature, and the bit's number
BY_MATCH = 5  # class of the longest match, its bit, and the bit's number
BY_HITS = 6  # how many contexts have been seen before, and the bit's number
BY_MATCH_PARTIAL = 7  # half the class of the longest match, and the bits so far
BY_FORECAST = 8  # what a trained network says of the bit, and the bit's number
BY_FORECAST_MATCH = 9  # the same in wider steps, the class of the longest match, and its bit
BY_FORECAST_BYTE = 10  # how likely its byte is, whether the bits so far are of that byte, and the bit's number
BY_FORECAST_HITS = 11  # what it says of the bit, and how many contexts have been seen before
FIRST_GUIDED = BY_FORECAST

SETS = (1, 256, 256, 2048, 2048, 768, 256, 4352, 296, 1920, 192, 640)


@part
def select_set(mode, feature, partial, bit_number, match_class, match_bit, hits, hint, forecast):
    """Return the number of the selected weight set, below SETS[mode].

    match_class: 0..31, 0 when no match predicts. match_bit: 0 none, else 1 + expected bit. hint: the forecast's
    stretch. forecast: see forecasts.guess_byte.
    """
    if mode == BY_FEATURE:
        return feature & 255
    if mode == BY_PARTIAL:
        return partial
    if mode == BY_FEATURE_BIT:
        return ((feature & 255) << 3) | bit_number
    if mode == BY_MATCH:
        return (match_class * 3 + match_bit) * 8 + bit_number
    if mode == BY_HITS:
        return min(hits, 31) * 8 + bit_number
    if mode == BY_MATCH_PARTIAL:
        return ((match_class + 1) >> 1) * 256 + partial
    if mode == BY_FEATURE_PARTIAL:
        return ((feature & 7) << 8) | partial
    if mode == BY_FORECAST:
        return ((hint + 2368) >> 7) * 8 + bit_number
    if mode == BY_FORECAST_MATCH:
        return (((hint + 2560) >> 8) * 3 + match_bit) * 32 + match_class
    if mode == BY_FORECAST_BYTE:
        holds = np.int64(((forecast & 255) | 256) >> (8 - bit_number) == partial)
        return ((forecast >> 8) * 2 + holds) * 8 + bit_number
    if mode == BY_FORECAST_HITS:
        return ((hint + 2560) >> 8) * 32 + min(hits, 31)
    return np.int64(0)


@part
def dot(x, w, offset, n):
    """Return the stretch sum(x * w) / 2**16 clipped to the table's domain; n is a multiple of eight."""
    return min(max(dot_lanes(x, w, offset, n >> 3) >> 16, -2839), 2839)


@part
def dot_few(x, w, offset, n):
    """Return what dot returns, one input at a time: for inputs that were written one at a time just now."""
    total = np.int64(0)
    for j in range(n):
        total += np.int64(x[j]) * np.int64(w[np.uint64(offset + j)])
    return min(max(total >> 16, -2839), 2839)


@part
def train_few(x, w, offset, n, step):
    """Train as train does, one input at a time."""
    for j in range(n):
        k = np.uint64(offset + j)
        v = np.int64(w[k]) + ((np.int64(x[j]) * step + 8192) >> 14)
        w[k] = np.int32(min(max(v, -524288), 524287))


@part
def train(x, w, offset, n, step):
    """Add x * step / 2**14 to the weights, rounded and clipped to +-2**19; |step| < 2**17, n as in dot."""
    train_lanes(x, w, offset, n >> 3, step)
