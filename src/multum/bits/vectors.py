"""The two inner loops of mixing, eight numbers at a time.

These are the loops as plain Python; multum.bits.compiling emits them for kernels as
vector instructions of whatever processor there is, which compilers do not find by
themselves for so few numbers. Invariant: sums are exact, so their order is free.
"""

from typing import Any

LANES = 8
WEIGHT_LIMIT = 1 << 19
STEP_BITS = 14


def dot_lanes(x: Any, w: Any, offset: int, blocks: int) -> int:
    """Return sum(x[i] * w[offset + i]) over the first 8 * blocks numbers of int32 x and w."""
    return sum(int(x[i]) * int(w[offset + i]) for i in range(LANES * blocks))


def train_lanes(x: Any, w: Any, offset: int, blocks: int, step: int) -> None:
    """Add x[i] * step / 2**14, rounded, to w[offset + i], clipped to +-2**19; products stay below 2**31."""
    for i in range(LANES * blocks):
        moved = int(w[offset + i]) + ((int(x[i]) * int(step) + (1 << STEP_BITS - 1)) >> STEP_BITS)
        w[offset + i] = min(max(moved, -WEIGHT_LIMIT), WEIGHT_LIMIT - 1)
