"""Intervals by the bootstrap: how far a figure would move had other data of the same kind been drawn.

Examples are drawn one by one. Bytes are drawn in blocks of neighbours, for a byte's bits depend on those before it: an
interval from single bytes would be far too narrow.
Invariant: what is drawn depends on counts and seed alone, so that two programs on the same data meet the same draws.
Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 8 and 13.
"""

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

RESAMPLES = 1000
CONFIDENCE = 0.95
# Of data so many blocks are drawn, and none of fewer bytes than these: about the length of a paragraph.
_BLOCKS, _LEAST_BLOCK = 50, 64


class Interval(NamedTuple):
    """From where to where a figure lies, in 95 of 100 cases."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"[{self.low:.3f}, {self.high:.3f}]"


def resample(statistic: Callable[[Places], Sequence[float]], count: int, draws: int, seed: int) -> Floats:
    """Return float64[RESAMPLES, figures]: `statistic` of `draws` places below `count`, drawn again and again."""
    generator = np.random.default_rng(seed)
    return np.array([statistic(generator.integers(count, size=draws)) for _ in range(RESAMPLES)], np.float64)


def find_interval(found: Floats) -> Interval:
    """Return the interval of a figure by what its resamples, float64[RESAMPLES], were."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(found, [tail, 100 - tail])
    return Interval(float(low), float(high))


def find_share_interval(hits: int, count: int) -> Interval:
    """Return the interval of a share by Wilson's score: of 40 right answers in 40 too, where resamples all are 1.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return Interval(max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def find_chance(found: Floats) -> float:
    """Return the two-sided chance that a difference is none, by what its resamples were.

    Never 0: so many resamples tell no less than one in them.
    """
    least = min(int((found <= 0).sum()), int((found >= 0).sum()))
    return min(1.0, 2 * (least + 1) / (len(found) + 1))


def resample_means(values: NDArray[Any], seed: int) -> Floats:
    """Return float64[RESAMPLES]: means of values [n] drawn in blocks of neighbours that go round the end.

    Source: Politis and Romano, "A circular block-resampling procedure for stationary data" (1992).
    """
    count = len(values)
    length = min(count, max(_LEAST_BLOCK, -(-count // _BLOCKS)))
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[: length - 1]]), dtype=np.float64)])
    blocks = sums[length:] - sums[:-length]  # [count]: of the block that begins at each place
    draws = -(-count // length)
    return resample(lambda starts: [blocks[starts].sum() / (draws * length)], count, draws, seed)[:, 0]
