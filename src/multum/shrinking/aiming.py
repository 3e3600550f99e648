"""How coarse to code: as fine as a number of bytes allows, or as coarse as a loss does.

Both are met by trying: what a code takes is known before, the rest of the file nearly, the loss not at all.
"""

import math
from collections.abc import Callable

from multum.errors import UsageError

# A file between this share of the target and the target is near enough.
_NEAR = 0.99
_MARGIN = 0.003
_TRIES = 4
# Loss searches: bits a weight to begin with, how close two sizes may come, networks tried at most.
_FIRST_BITS = 4.0
_CLOSE_BITS = 0.03
_LOSS_TRIES = 8
# A loss between this share of what is allowed and all of it is near enough.
_KEPT = 0.9
_LEAST_BITS = 0.3
# Codes are integers of 16 bits, and finer ones would be of no use.
MOST_BITS = 12.0


def reach_bytes(target_bytes: int, rest_bytes: int, write: Callable[[int], tuple[int, int]]) -> int:
    """Return the length of the file that `write` made last: as near to `target_bytes` as may be, not above it.

    rest_bytes: about what the file takes beside the codes. write: makes the file whose codes take what it is given at
    most; returns (the file's length, what its codes take, about).
    Raises UsageError when the target is out of reach, with what is within.
    """
    coded_bytes = target_bytes - rest_bytes
    if coded_bytes <= 0:
        raise UsageError(
            f"a target of {target_bytes:,} bytes cannot be reached: what is not coded takes {rest_bytes:,} bytes;"
            " give more"
        )
    sizes: dict[int, int] = {}  # of files, by what their codes might take
    while coded_bytes > 0 and coded_bytes not in sizes and len(sizes) < _TRIES:
        size_bytes, taken_bytes = write(coded_bytes)
        sizes[coded_bytes] = size_bytes
        if _NEAR * target_bytes <= size_bytes <= target_bytes:
            return size_bytes
        if list(sizes.values()).count(size_bytes) > 1:
            break  # the codes become no longer, or no shorter
        coded_bytes = taken_bytes + target_bytes - size_bytes - round(_MARGIN * target_bytes)
    fitting = {size: coded for coded, size in sizes.items() if size <= target_bytes}
    if not fitting:
        least = min(sizes.values())
        raise UsageError(f"a target of {target_bytes:,} bytes cannot be reached: {least:,} bytes can; give more")
    best = max(fitting)
    return best if best == size_bytes else write(fitting[best])[0]


def search_bits(most: float, try_bits: Callable[[float], float]) -> float:
    """Return the fewest bits a weight, of those tried, whose loss increase is at most `most`.

    try_bits: makes the network at so many bits and returns its loss increase, NaN for one that broke.
    Between two sizes the logarithm of the increase is nearly a line: a bit more a weight is a quarter of the loss.
    Raises UsageError when no size keeps the loss.
    """
    low, high = _LEAST_BITS, MOST_BITS
    fits: float | None = None
    bits, best = _FIRST_BITS, math.inf
    for _ in range(_LOSS_TRIES):
        increase = try_bits(bits)
        best = min(best, math.inf if math.isnan(increase) else increase)
        if increase <= most:
            high = fits = bits
        else:
            low = bits
        if high - low < _CLOSE_BITS or _KEPT * most <= increase <= most:
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
