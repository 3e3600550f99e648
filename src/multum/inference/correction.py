"""What a network that never changes cannot know of the tokens at hand, learnt while they are coded.

Every token has a bias, added to the network's log-probability, that follows the gradient of the code length: up
when the token comes, down by as much as it was expected. Invariant: all of it is integer, and a function of the
tokens that came before.
"""

import numpy as np

from multum.bits.kernels import part
from multum.bits.ranges import TOTAL_BITS

# A whole surprise moves a bias by a quarter of a bit, which was the best on text that the network had not seen.
RATE = 16000
# A bias stays within +-16 bits.
LIMIT = 16 << 16


@part
def correct(logits, s, bias, values):
    """Write to `values` the logits of stream s with the biases added; all int32, in units of 2**-16 bit."""
    for k in range(values.shape[0]):
        values[k] = logits[s, k] + bias[k]


@part
def learn_token(bias, frequencies, token):
    """Learn that `token` came where `frequencies`, of 2**24, were expected."""
    for k in range(frequencies.shape[0]):
        bias[k] = max(bias[k] - ((frequencies[k] * np.int64(RATE)) >> TOTAL_BITS), -LIMIT)
    bias[token] = min(bias[token] + RATE, LIMIT)
