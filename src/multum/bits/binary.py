"""The binary arithmetic coder: a 32-bit range, 16-bit probabilities, carries resolved in place.

Invariant: encoder and decoder make the same sequence of (range, bound) for the same
sequence of probabilities and bits. `low` keeps 32 bits and a carry out of it is added
to the bytes already written, which are in memory.
Source: Martin, "Range encoding" (1979); the carry rule is that of Schindler (1998).
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel

RANGE_TOP = 1 << 32
RANGE_BOTTOM = 1 << 24
FLUSH_BYTES = 4


@kernel
def add_carry(code: NDArray[np.uint8], end: int) -> None:
    """Add one to the big-endian number code[:end]; the coder guarantees that it does not overflow."""
    k = end - 1
    while code[k] == 255:
        code[k] = 0
        k -= 1
    code[k] += 1


@kernel
def flush(code: NDArray[np.uint8], end: int, low: int, width: int) -> int:
    """Write the shortest tail that stays in [low, low + width) when zeros follow; return the new end."""
    drop = 32
    while drop > 0:
        drop -= 8
        value = ((low + (1 << drop) - 1) >> drop) << drop
        if value < low + width:
            break
    if value >> 32:
        add_carry(code, end)
        value &= 0xFFFFFFFF
    while value:
        code[end] = value >> 24
        value = (value << 8) & 0xFFFFFFFF
        end += 1
    return end
