"""What the columns of a tall matrix that come first say of those that come later.

Embeddings have many more rows than columns, and columns that go together: a linear prediction learnt from all rows
costs less to tell than it saves. Columns are taken in strips; each is predicted from all strips before it.

Invariant: a prediction is a sum of products of whole numbers, modulo 2**32, so that its order is free; and it is
fitted with exact sums and elementwise operations, so that every machine finds the same.
Source: the sweep operator, Beaton (1964); Goodnight, "A tutorial on the sweep operator" (1979).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel
from multum.bits.vectors import TILE_LANES, multiply_1_by_1, multiply_4_by_1
from multum.tensors.bells import PHASES

STRIP = 32
# Coefficients are in parts of 1 / 32: finer ones cost more than they save with the rows that a block has.
_COEFFICIENT_BITS = 5
# A coefficient takes about this many bits; without so many rows for each column, none are tried.
_TOLD_BITS = 2.8
_LEAST_ROWS_PER_COLUMN = 8
# Fitting takes time with the cube of the columns.
MOST_COLUMNS = 1 << 10
_ROWS_AT_ONCE = 1 << 10
_RIDGE = 2.0**-8


@dataclass(frozen=True, eq=False)
class Prediction:
    """coefficients: int16[columns, columns]: what a column adds to each one of later strips."""

    coefficients: NDArray[np.int16]

    def expect(self, codes: NDArray[np.int16], strip: slice) -> NDArray[np.int64]:
        """Return int64[rows, width]: what the strips before `strip` expect there, in parts of a code, PHASES to one."""
        width = strip.stop - strip.start
        weights = np.zeros((strip.start // 2, STRIP, 2), np.int16)  # in pairs, as tiles want them
        weights[:, :width] = self.coefficients[: strip.start, strip].reshape(-1, 2, width).transpose(0, 2, 1)
        sums = np.empty(len(codes) * STRIP, np.int32)
        _multiply(codes.ravel(), codes.shape[1], weights.ravel(), len(weights), sums)
        shift = _COEFFICIENT_BITS - PHASES.bit_length() + 1
        rounded: NDArray[np.int64] = (sums.reshape(-1, STRIP)[:, :width].astype(np.int64) + (1 << shift >> 1)) >> shift
        return rounded

    def tell(self) -> NDArray[np.int16]:
        """Return int16[n]: the coefficients of each strip, row by row."""
        parts = [self.coefficients[: strip.start, strip].ravel() for strip in cut_strips(len(self.coefficients))]
        return np.concatenate(parts)


def hear_prediction(told: NDArray[np.int16], columns: int) -> Prediction:
    """Return the prediction that `tell` told."""
    coefficients, at = np.zeros((columns, columns), np.int16), 0
    for strip in cut_strips(columns):
        place = coefficients[: strip.start, strip]
        place[:] = told[at : at + place.size].reshape(place.shape)
        at += place.size
    return Prediction(coefficients)


def cut_strips(columns: int) -> Iterator[slice]:
    """Yield the strips of so many columns."""
    for first in range(0, columns, STRIP):
        yield slice(first, min(first + STRIP, columns))


def count_told(columns: int) -> int:
    """Return how many coefficients a prediction of so many columns has."""
    return sum(strip.start * (strip.stop - strip.start) for strip in cut_strips(columns))


def fit_prediction(codes: NDArray[np.int16]) -> tuple[Prediction, NDArray[np.int16]] | None:
    """Return (prediction, int16[columns]: what else columns have, in parts of a code) if it pays to tell, else None.

    codes: int16[rows, columns]. Cost: columns**3 operations; memory: four float64[columns, columns].
    """
    rows, columns = codes.shape
    if not STRIP < columns <= MOST_COLUMNS or rows < _LEAST_ROWS_PER_COLUMN * columns:
        return None
    means, covariance = _measure(codes)
    coefficients, left = _sweep(covariance)
    # rows / 2 * log2(before / after) is at least 0.72 * rows * (1 - after / before)
    saved = 0.72 * rows * (1 - left / np.maximum(np.diag(covariance), _RIDGE))
    if int(np.rint(saved).astype(np.int64).sum()) < int(_TOLD_BITS * count_told(columns)):
        return None
    told = clip_to_int16(coefficients * (1 << _COEFFICIENT_BITS))
    # means in 8 bits: whole numbers again, so that their sums are exact
    expected = np.rint(means * (1 << 8)).astype(np.int64) @ told.astype(np.int64) / (1 << (8 + _COEFFICIENT_BITS))
    return Prediction(told), clip_to_int16(PHASES * (means - expected))


def clip_to_int16(values: NDArray[Any]) -> NDArray[np.int16]:
    """Return int16[...]: the nearest whole numbers that there are."""
    clipped: NDArray[np.int16] = np.clip(np.rint(values), -(1 << 15), (1 << 15) - 1).astype(np.int16)
    return clipped


def _measure(codes: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (float64[columns], float64[columns, columns]): means and covariances, of sums that are exact."""
    rows, columns = codes.shape
    sums, products = np.zeros(columns), np.zeros((columns, columns))
    for first in range(0, rows, _ROWS_AT_ONCE):
        some = codes[first : first + _ROWS_AT_ONCE].astype(np.float64)
        sums += some.sum(axis=0)
        products += some.T @ some
    means = sums / rows
    return means, products / rows - means[:, None] * means


def _sweep(covariance: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (float64[columns, columns], float64[columns]): coefficients for each strip, and what variance is left."""
    swept = covariance + np.diag(_RIDGE * (1 + np.diag(covariance)))
    coefficients, left = np.zeros_like(swept), np.diag(covariance).copy()
    for strip in cut_strips(len(swept)):
        coefficients[: strip.start, strip] = swept[: strip.start, strip]
        left[strip] = np.diag(swept)[strip]
        for k in range(strip.start, strip.stop):
            later = slice(k + 1, None)
            row = swept[k, later] / swept[k, k]
            swept[:, later] -= swept[:, k, None] * row
            swept[k, later] = row
    return coefficients, left


@kernel
def _multiply(codes, columns, weights, pairs, sums):
    """Write the sums of the first 2 * pairs codes of each row, of `columns`, times their weights."""
    count = np.int64(codes.shape[0]) // columns
    for r in range(0, count - 3, 4):
        for c in range(0, STRIP, TILE_LANES):
            multiply_4_by_1(codes, r * columns, columns, weights, 2 * c, STRIP, pairs, sums, r * STRIP + c, STRIP)
    for r in range(count // 4 * 4, count):
        for c in range(0, STRIP, TILE_LANES):
            multiply_1_by_1(codes, r * columns, columns, weights, 2 * c, STRIP, pairs, sums, r * STRIP + c, STRIP)
    return 0
