"""What a network that never changes cannot know of the tokens at hand, learnt while they are coded.

Every token has a bias, and what followed the same one to three tokens before has a boost that depends on how often
it did. Both are added to the network's log-probabilities, and both learn from each token by the gradient of its
code length. Invariant: all of it is integer, and a function of the tokens that came before.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import part
from multum.bits.lines import filled
from multum.bits.ranges import TOTAL_BITS

ORDERS = 3
CLASSES = 8  # how often in a row a token has followed: 0 never, 7 seven times or more
TABLE_BITS = 18
CORRECTION_BYTES = 5 * ORDERS << TABLE_BITS  # biases aside
# Biases stay within +-16 bits; rates are in units of 2**-16 bit a whole surprise.
_LIMIT = 16 << 16
_BIAS_RATE = 1300
_BOOST_RATE = 1300


class Correction(NamedTuple):
    """What a lane has learnt."""

    bias: NDArray[np.int32]  # [V] units of 2**-16 bit
    boost: NDArray[np.int32]  # [ORDERS * CLASSES] the same
    follower: NDArray[np.int32]  # [ORDERS, 2**TABLE_BITS] the token that followed a context, by its hash
    times: NDArray[np.uint8]  # [ORDERS, 2**TABLE_BITS] how often in a row, below CLASSES
    slot: NDArray[np.int64]  # [ORDERS] where the present contexts lie; -1 where the stream is too short


def make_correction(vocabulary: int) -> Correction:
    """Return a correction that has learnt nothing."""
    return Correction(
        bias=filled(vocabulary, 0, np.int32),
        boost=filled(ORDERS * CLASSES, 0, np.int32),
        follower=filled(ORDERS << TABLE_BITS, 0, np.int32).reshape(ORDERS, -1),
        times=filled(ORDERS << TABLE_BITS, 0, np.uint8).reshape(ORDERS, -1),
        slot=filled(ORDERS, 0, np.int64),
    )


@part
def correct(own, tokens, s, t, logits, values):
    """Write to `values` the logits of stream s, whose token t comes next, with biases and boosts added."""
    for k in range(values.shape[0]):
        values[k] = logits[s, k] + own.bias[k]
    mask = own.follower.shape[1] - 1
    hashed = np.int64(0)
    for order in range(ORDERS):
        if t > order:
            # 30 bits times 30 bits: nothing overflows
            hashed = ((hashed + tokens[s, t - 1 - order] + 1) * 0x2545F491) & 0x3FFFFFFF
            slot = (hashed >> 9) & mask
            own.slot[order] = slot
            values[own.follower[order, slot]] += own.boost[order * CLASSES + own.times[order, slot]]
        else:
            own.slot[order] = -1


@part
def learn_token(own, frequencies, token):
    """Learn that `token` came where `frequencies` were expected."""
    for k in range(frequencies.shape[0]):
        own.bias[k] -= (np.int64(frequencies[k]) * _BIAS_RATE) >> TOTAL_BITS
    own.bias[token] = min(own.bias[token] + _BIAS_RATE, _LIMIT)
    for order in range(ORDERS):
        slot = own.slot[order]
        if slot >= 0:
            learn_follower(own, order, slot, frequencies, token)


@part
def learn_follower(own, order, slot, frequencies, token):
    """Learn whether the follower at `slot` was right to be expected, and what follows there."""
    guess = np.int64(own.follower[order, slot])
    seen = np.int64(own.times[order, slot])
    if seen:
        k = order * CLASSES + seen
        surprise = (np.int64(guess == token) << TOTAL_BITS) - frequencies[guess]
        own.boost[k] = min(max(own.boost[k] + ((surprise * _BOOST_RATE) >> TOTAL_BITS), -_LIMIT), _LIMIT)
    if guess == token:
        own.times[order, slot] = min(seen + 1, CLASSES - 1)
    elif seen > 1:
        own.times[order, slot] = seen >> 1
    else:
        own.follower[order, slot] = token
        own.times[order, slot] = 1
