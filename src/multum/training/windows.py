"""Which windows of a long row of symbols a run sees, and when.

Invariant: a place depends on the seed and its number alone. An epoch takes every window once, in an order that spreads
a batch over all of the data; each epoch cuts the data at other places.
"""

import math
from dataclasses import dataclass

import numpy as np

# Steps of near this share of an epoch's windows leave no two rows of a batch close together.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Places:
    """Where windows start, by their number in the run. size: symbols in all. window: of them predicted in a row."""

    size: int
    window: int
    seed: int

    @property
    def an_epoch(self) -> int:
        """How many windows fit wherever an epoch begins to cut, one at least."""
        return max(1, (self.size - self.window) // self.window)

    def find(self, number: int) -> int:
        """Return where window `number` of the run starts."""
        count = self.an_epoch
        epoch, turn = divmod(number, count)
        draws = np.random.default_rng((self.seed, epoch))
        room = self.size - count * self.window
        phase, first = int(draws.integers(room)), int(draws.integers(count))
        stride = _find_stride(count, _GOLDEN + 0.05 * draws.random())
        return phase + (first + turn * stride) % count * self.window


def _find_stride(count: int, share: float) -> int:
    """Return a step through `count` places that reaches each of them once, near `share` of them."""
    stride = max(1, round(count * (share % 1)))
    while math.gcd(stride, count) > 1:
        stride += 1
    return stride
