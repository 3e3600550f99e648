"""Fixed-point logistic tables: the domain in which predictions are mixed.

A probability p of a one bit is carried in 16 bits. Its stretch, ln(p / (1 - p)),
is carried in units of 1/256 and clipped to +-STRETCH_LIMIT, where squash has
reached the ends of the 16-bit range. Invariant: both tables are made by integer
arithmetic alone, so that every machine has the same ones.
"""

import numpy as np
from numpy.typing import NDArray

STRETCH_UNIT = 256
STRETCH_LIMIT = 2839  # round(256 ln 65535): squash is 65535/65536 there
SQUASH_OFFSET = 3072  # index of stretch 0 in SQUASH; the table spans +-12 nats
_FRACTION_BITS = 96
# exp(-1/256) in 96 fractional bits, from its alternating series in integers
_TERMS = 12


def _exp_step() -> int:
    """Return floor(2**96 exp(-1/256)), summed from its series in guarded integers."""
    guard = 32
    term = total = 1 << (_FRACTION_BITS + guard)
    for k in range(1, 2 * _TERMS):
        term = -(-term // (STRETCH_UNIT * k)) if term < 0 else term // (STRETCH_UNIT * k)
        term = -term
        total += term
    return total >> guard


def sigmoid_table() -> list[int]:
    """Return round(2**32 / (1 + exp(-x/256))) for x in [-3072, 3071], in integers."""
    one = 1 << _FRACTION_BITS
    step = _exp_step()
    power = one
    upper = []
    for _ in range(SQUASH_OFFSET + 1):
        upper.append(((one << 32) + (one + power) // 2) // (one + power))
        power = (power * step) >> _FRACTION_BITS
    return [(1 << 32) - upper[x] for x in range(SQUASH_OFFSET, 0, -1)] + upper[:-1]


def make_squash() -> NDArray[np.uint16]:
    """Return uint16[6144]: SQUASH[x + 3072] is the 16-bit probability of stretch x, in [1, 65535]."""
    exact = np.array(sigmoid_table(), dtype=np.int64)
    rounded: NDArray[np.int64] = np.clip((exact + (1 << 15)) >> 16, 1, 65535)
    return rounded.astype(np.uint16)


def make_stretch() -> NDArray[np.int16]:
    """Return int16[4096]: the stretch of the middle of each of 4096 probability intervals.

    STRETCH[p >> 4] approximates ln(p / (1 - p)) in units of 1/256; it is odd around the middle.
    """
    exact = np.array(sigmoid_table(), dtype=np.int64)
    middles = (np.arange(2048, 4096, dtype=np.int64) << 20) + (1 << 19)
    upper = np.searchsorted(exact, middles) - SQUASH_OFFSET
    return np.concatenate([-upper[::-1], upper]).astype(np.int16)


SQUASH = make_squash()
STRETCH = make_stretch()
