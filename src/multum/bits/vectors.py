"""The inner loops of mixing and of exact products, many numbers at a time.

These are the loops as plain Python; multum.bits.compiling emits them for kernels as
vector instructions of whatever processor there is, which compilers do not find by
themselves. Invariant: sums are exact, so their order is free.
"""

from typing import Any

import numpy as np

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


# Tiles of a product of matrices: so many rows by so many times 16 columns stay in registers.
TILE_LANES = 16


def _make_tile(rows: int, vectors: int) -> Any:
    def multiply_tile(
        a: Any, a_at: int, a_step: int, w: Any, w_at: int, w_step: int, pairs: int, c: Any, c_at: int, c_step: int
    ) -> None:
        """Write the tile c[r, n] = sum over k < 2 * pairs of a[r, k] * w[k // 2, n, k % 2], which must fit int32.

        a: flat int16, row r begins at a_at + r * a_step. w: flat int8 or int16, pair k begins at
        w_at + 2 * k * w_step. c: flat int32, row r begins at c_at + r * c_step.
        """
        columns = TILE_LANES * vectors
        for k in range(pairs):
            pair = w[w_at + 2 * k * w_step : w_at + 2 * (k * w_step + columns)].reshape(columns, 2).astype(np.int32)
            for r in range(rows):
                first = a_at + r * a_step + 2 * k
                added = pair[:, 0] * int(a[first]) + pair[:, 1] * int(a[first + 1])
                tile = c[c_at + r * c_step : c_at + r * c_step + columns]
                tile[:] = added + (tile if k else 0)

    multiply_tile.__name__ = f"multiply_{rows}_by_{vectors}"
    return multiply_tile


multiply_1_by_1 = _make_tile(1, 1)
multiply_1_by_4 = _make_tile(1, 4)
multiply_1_by_8 = _make_tile(1, 8)
multiply_4_by_1 = _make_tile(4, 1)
multiply_4_by_4 = _make_tile(4, 4)
TILES = {
    (1, 1): multiply_1_by_1,
    (1, 4): multiply_1_by_4,
    (1, 8): multiply_1_by_8,
    (4, 1): multiply_4_by_1,
    (4, 4): multiply_4_by_4,
}
