"""The test behind every match: does a target lie in the span of a few columns and one of very many candidates?

Project out the few columns, and take a few random sums of what is left. These sums are linear, so a candidate fits
exactly if its sums are a multiple of the target's: one matrix product a bank, then sorting, instead of a least squares
a pair. Two targets with the same ratios agree by chance once in 10**9 times; a third ratio settles it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.discovery.formulas.operators import Array

SUMS = 4
# Of ratios of sums; conditioning takes half of a double's digits at worst.
TOLERANCE = 1e-8


@dataclass(frozen=True)
class Functionals:
    """weights: float64[rows, SUMS], orthogonal to every column of the base. base: float64[rows, columns]."""

    base: Array
    weights: Array

    def measure(self, values: Array) -> Array:
        """Return float64[..., SUMS] of candidates float64[..., rows]; NaN where nothing is left beyond the base."""
        with np.errstate(invalid="ignore", over="ignore"):
            sums = values @ self.weights
            size = np.sqrt((values * values).sum(-1, keepdims=True))
            lost = ~(np.abs(sums).max(-1, keepdims=True) > 1e-10 * size)
        return np.where(lost, np.nan, sums)


def make_functionals(base: Array, seed: int = 0) -> Functionals:
    """Return functionals that vanish on the columns of `base`, float64[rows, columns]."""
    generator = np.random.default_rng(seed)
    weights = generator.standard_normal((len(base), SUMS))
    norms = np.sqrt((base * base).sum(0))
    basis, _ = np.linalg.qr(base / np.where(norms > 0, norms, 1.0))
    for _ in range(2):  # twice is enough: Kahan and Parlett
        weights = weights - basis @ (basis.T @ weights)
    return Functionals(base, weights / np.sqrt((weights * weights).sum(0)))


def take_ratios(sums: Array) -> Array:
    """Return float64[..., SUMS - 1], what does not change when values are scaled."""
    with np.errstate(all="ignore"):
        return sums[..., 1:] / sums[..., :1]


def match(wanted: Array, offered: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (i, j) of all pairs where wanted[i] and offered[j] agree in every column.

    wanted: float64[targets, k], offered: float64[candidates, k]. Sorted by the first column: O(n log n).
    """
    order = np.argsort(offered[:, 0], kind="stable")
    order = order[np.isfinite(offered[order, 0])]
    first = offered[order, 0]
    slack = TOLERANCE * (np.abs(wanted[:, 0]) + 1e-3)
    start = np.searchsorted(first, wanted[:, 0] - slack)
    stop = np.searchsorted(first, wanted[:, 0] + slack)
    counts = np.where(np.isfinite(wanted).all(1), np.minimum(stop - start, 64), 0)
    left = np.repeat(np.arange(len(wanted)), counts)
    steps = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    right = order[np.repeat(start, counts) + steps] if len(left) else np.empty(0, np.intp)
    close = np.abs(wanted[left] - offered[right]) <= TOLERANCE * (np.abs(wanted[left]) + 1e-3)
    agreed = close.all(1)
    return left[agreed], right[agreed]
