"""How coarse to code: as fine as a number of bytes allows, or as coarse as a loss does.

Both are met by trying: what a code takes is known before, the rest of the file nearly, the loss not at all.
"""

import math
from collections.abc import Callable

from multum.errors import UsageError

# A file between this share of the target and the target is near enough.
_NEAR = 0.99
_TRIES = 3
# Loss searches: bits a weight to begin with, how close two sizes may come, networks tried at most.
_FIRST_BITS = 4.0
_CLOSE_BITS = 0.03
_LOSS_TRIES = 8
_LEAST_BITS, _MOST_BITS = 0.3, 12.0


def reach_bytes(target_bytes: int, rest_bytes: int, write: Callable[[int], int]) -> int:
    """Return the length of the file that `write` made last, not above `target_bytes`.

    rest_bytes: about what the file takes beside the codes. write: makes the file whose codes take what it is given.
    Raises UsageError when the target is out of reach, with what is within.
    """
    coded_bytes = target_bytes - rest_bytes
    if coded_bytes <= 0:
        raise UsageError(
            f"a target of {target_bytes:,} bytes cannot be reached: what is not coded takes {rest_bytes:,} bytes;"
            " give more"
        )
    for _ in range(_TRIES):
        size_bytes = write(coded_bytes)
        if _NEAR * target_bytes <= size_bytes <= target_bytes:
            return size_bytes
        missed = target_bytes - size_bytes
        if missed > 0 and size_bytes - rest_bytes < _NEAR * coded_bytes:
            return size_bytes  # the codes themselves cannot become longer
        coded_bytes += missed - round((1 - _NEAR) / 4 * target_bytes)
        if coded_bytes <= 0:
            break
    if size_bytes <= target_bytes:
        return size_bytes
    raise UsageError(f"a target of {target_bytes:,} bytes cannot be reached: {size_bytes:,} bytes can; give more")


def search_bits(most: float, try_bits: Callable[[float], float]) -> float:
    """Return the fewest bits a weight, of those tried, whose loss increase is at most `most`.

    try_bits: makes the network at so many bits and returns its loss increase, NaN for one that broke.
    Between two sizes the logarithm of the increase is nearly a line: a bit more a weight is a quarter of the loss.
    Raises UsageError when no size keeps the loss.
    """
    low, high = _LEAST_BITS, _MOST_BITS
    fits: float | None = None
    bits, best = _FIRST_BITS, math.inf
    for _ in range(_LOSS_TRIES):
        increase = try_bits(bits)
        best = min(best, math.inf if math.isnan(increase) else increase)
        if increase <= most:
            high = fits = bits
        else:
            low = bits
        if high - low < _CLOSE_BITS:
            break
        bits = _guess_bits(bits, increase, most, low, high)
    if fits is None:
        raise UsageError(
            f"a loss increase of at most {most:g} bits cannot be kept: the least that was found is {best:.4g};"
            " allow more, or give a target in bytes"
        )
    return fits


def _guess_bits(bits: float, increase: float, most: float, low: float, high: float) -> float:
    """Return the bits to try next, strictly between `low` and `high`."""
    # A little on the safe side, so that the guess itself is mostly one that fits.
    guess = bits + math.log(increase / most, 4) + _CLOSE_BITS / 2 if min(increase, most) > 0 else bits - 1
    if math.isnan(guess) or not low + _CLOSE_BITS / 4 <= guess <= high - _CLOSE_BITS / 4:
        guess = (low + high) / 2
    return guess
