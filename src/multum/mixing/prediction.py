"""A linear prediction of the next field from its neighbours, whose weights are learnt while coding.

Recursive least squares, the normal equations solved by a few exact steps along single coordinates for each field
(Zakharov, White and Liu 2008, "Low-complexity RLS algorithms using dichotomous coordinate descent iterations"; the
steps here divide instead). Invariant: integers only; sums wrap rather than trap, and what is made of them is clipped.
"""

import numpy as np

from multum.bits.kernels import part
from multum.mixing.values import value_at

TAPS = 16
CHANNELS = 4  # fields side by side whose weights are kept apart
STEPS = 3  # coordinates moved for each field
WINDOW = 10  # the past counts for about 2**WINDOW fields

# A channel's cells: the weights, what the normal equations leave, and their matrix.
_WEIGHTS, _REST, _MATRIX = 0, TAPS, 2 * TAPS
CHANNEL_CELLS = 2 * TAPS + TAPS * TAPS
# Then, for the field that comes: its neighbours, what they predict, and two averages of past errors.
_INPUTS = CHANNELS * CHANNEL_CELLS
BASE, GUESS, CHANNEL, ERROR, SLOW_ERROR = range(_INPUTS + TAPS, _INPUTS + TAPS + 5)
CELLS = SLOW_ERROR + 1

_ONE = 1 << 16  # a weight of one
_GUESS_BITS = 4  # fraction bits of a prediction
_LARGEST = 1 << 15


@part
def gather(buf, start, length, stride, width, big, cells):
    """Write the neighbours of the field at `start`, less the left one, to the cells; return the left one."""
    base = value_at(buf, start - stride, width, big)
    for k in range(TAPS):
        back = reach(k, length, stride, width)
        if back < width:
            back = stride  # in a short row the fields on the right have not come yet
        value = value_at(buf, start - back, width, big) - base
        cells[_INPUTS + k] = min(max(value, -_LARGEST), _LARGEST)
    return base


@part
def reach(k, length, stride, width):
    """Return how many bytes back neighbour k begins.

    With rows: three on the left, five of the row above, three of the next, one of the next. Without: on the left.
    The last four: of the fields between a field and its left neighbour, if there are any, else more of these.
    """
    if k >= 12 and stride > width:
        if k == 13:
            return width + stride
        if k == 14:
            return width + length if length > stride else 2 * (width + stride)
        return width if k == 12 else 2 * width
    if length <= stride:
        return (k + 2) * stride
    if k < 3:
        return (k + 2) * stride
    if k < 8:
        return length + (k - 5) * stride
    if k < 11:
        return 2 * length + (k - 9) * stride
    if k == 11:
        return 3 * length
    return (k - 7) * stride if k < 14 else length + (29 - 2 * k) * 3 * stride


@part
def learn_field(cells, value):
    """Teach the channel that predicted last that its field was `value`."""
    c = np.uint64(cells[CHANNEL] * CHANNEL_CELLS)
    x = np.uint64(_INPUTS)
    miss = ((value << _GUESS_BITS) - cells[GUESS] + (1 << (_GUESS_BITS - 1))) >> _GUESS_BITS
    size = min(abs(miss), 4095) << 8
    cells[ERROR] += (size - cells[ERROR]) >> 2
    cells[SLOW_ERROR] += (size - cells[SLOW_ERROR]) >> 5
    wanted = value - cells[BASE]
    # the rest of the normal equations for the present weights: what is left of the past, and this miss
    total = np.int64(0)
    for i in range(TAPS):
        total += cells[x + np.uint64(i)] * cells[c + np.uint64(_WEIGHTS + i)]
    miss = wanted - (total >> 16)
    for i in range(TAPS):
        xi = cells[x + np.uint64(i)]
        rest = c + np.uint64(_REST + i)
        cells[rest] += xi * miss - (cells[rest] >> WINDOW)
        row = c + np.uint64(_MATRIX + i * TAPS)
        for j in range(TAPS):
            cells[row + np.uint64(j)] += xi * cells[x + np.uint64(j)] - (cells[row + np.uint64(j)] >> WINDOW)
    for _ in range(STEPS):
        step(cells, c)


@part
def step(cells, c):
    """Move the weight whose equation is left farthest from solved."""
    best = np.uint64(0)
    gain = np.int64(0)
    for i in range(TAPS):
        k = np.uint64(i)
        size = abs(cells[c + np.uint64(_REST) + k])
        if size > gain:
            gain = size
            best = k
    column = c + np.uint64(_MATRIX) + best * np.uint64(TAPS)
    diagonal = cells[column + best] + 64
    move = (cells[c + np.uint64(_REST) + best] << 16) // diagonal
    weight = c + np.uint64(_WEIGHTS) + best
    move = min(max(move, -4 * _ONE - cells[weight]), 4 * _ONE - cells[weight])
    cells[weight] += move
    for i in range(TAPS):
        k = np.uint64(i)
        cells[c + np.uint64(_REST) + k] -= (cells[column + k] * move) >> 16


@part
def predict_field(cells, channel, base, highest):
    """Return the prediction for the field whose neighbours are in the cells, with _GUESS_BITS fraction bits."""
    c = np.uint64(channel * CHANNEL_CELLS)
    x = np.uint64(_INPUTS)
    total = np.int64(0)
    for i in range(TAPS):
        total += cells[x + np.uint64(i)] * cells[c + np.uint64(_WEIGHTS + i)]
    guess = (base << _GUESS_BITS) + (total >> (16 - _GUESS_BITS))
    guess = min(max(guess, 0), highest << _GUESS_BITS)
    cells[BASE], cells[GUESS], cells[CHANNEL] = base, guess, channel
    return guess


@part
def size_class(n):
    """Return 0..15 for a number of 0 or more: its bits, in half steps."""
    bits = np.int64(0)
    m = n
    while m > 1:
        m >>= 1
        bits += 1
    return min(2 * bits + ((n >> max(bits - 1, 0)) & 1), 15)
