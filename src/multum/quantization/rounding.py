"""Columns become codes one after the other, each code worth its bits and each error made good by the next columns.

Invariant: a code is the nearest one, or the next to zero where what it saves in bits is worth more than what it costs;
a weight that is 0 stays 0, and what it would have made good is left to the next columns.
Source: Wiedemann and others, "DeepCABAC" (2020), section 3, for rounding by rate.
"""

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.bits.kernels import kernel

# Squared error, in steps, that a bit is worth: what the rate-distortion curve of uniform quantization says.
_BIT_WORTH = math.log(2) / 6
# Spreads of codes are told apart in 1/16 octaves, from the least to the largest there can be.
_LEVELS_AN_OCTAVE = 16
_LEAST_OCTAVES, _MOST_OCTAVES = -4.5, 16


class Columns:
    """A matrix on its way to codes, column by column.

    values: float32[R, C], in steps of the rows, changed in place as errors are made good. steps: float32[C], of the
    columns. codes: int16[R, C], what came of the columns so far. What bits codes take is said by a Laplace
    distribution, as wide as row and column are wide.
    """

    def __init__(self, values: Tensor, steps: Tensor, most: int) -> None:
        """most: the largest code."""
        squares = (values / steps).square()
        rows, columns = 0.5 * squares.mean(1).log2(), 0.5 * (squares.mean(0).log2() - squares.mean().log2())
        # until a column is rounded, its codes are 0 where its values are to stay 0
        self.values, self.codes = values, (values != 0).to(torch.int16)
        self._steps, self._most = steps.contiguous().numpy(), most
        self._rows, self._columns = _count_levels(rows), _count_levels(columns)

    def round(self, start: int, stop: int, feedback: Tensor) -> Tensor:
        """Make codes of the columns `start` to `stop`; return their errors, float32[R, stop - start].

        feedback: float32[C, C], what later columns take over of a column's error; the later ones up to `stop` do.
        """
        errors = torch.empty(len(self.values), stop - start)
        _round_columns(
            self.values.numpy(),
            self._steps,
            feedback.numpy(),
            (self._rows, self._columns, *_list_margins()),
            self._most,
            start,
            self.codes.numpy(),
            errors.numpy(),
        )
        return errors


def _count_levels(octaves: Tensor) -> NDArray[np.int32]:
    """Return int32[n]: base-2 logarithms in levels; of nothing at all, the least."""
    levels: Tensor = octaves.clamp(-_MOST_OCTAVES, _MOST_OCTAVES).mul(_LEVELS_AN_OCTAVE).round()
    return levels.to(torch.int32).numpy()


@cache
def _list_margins() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return float32[levels], twice: by how much a value must be nearer to a code of 1, or of more, than to the next.

    With P(0) = 1 - exp(-d / 2) and P(+-k) = exp(-d (k - 1/2)) (1 - exp(-d)) / 2, where d = sqrt(2) / spread, a code
    of 1 takes 1 + d / (2 ln 2) - log2(1 - exp(-d)) + log2(1 - exp(-d / 2)) bits more than 0, and a larger one d / ln 2
    more than the next; half of a bit's worth in squared error is how far the middle between them moves.
    """
    levels = range(round(_LEAST_OCTAVES * _LEVELS_AN_OCTAVE), round(_MOST_OCTAVES * _LEVELS_AN_OCTAVE) + 1)
    decays = [math.sqrt(2) / 2 ** (level / _LEVELS_AN_OCTAVE) for level in levels]
    further = [decay / math.log(2) for decay in decays]
    first = [1 + d / math.log(4) - math.log2(-math.expm1(-d)) + math.log2(-math.expm1(-d / 2)) for d in decays]
    one, more = (np.array([_BIT_WORTH / 2 * bits for bits in list_], np.float32) for list_ in (first, further))
    return one, more


@kernel
def _round_columns(values, steps, feedback, rates, most, start, codes, errors):
    rows, columns, first, further = rates
    last, stop = np.int64(len(first)) - 1, start + errors.shape[1]
    lowest = np.int64(round(_LEAST_OCTAVES * _LEVELS_AN_OCTAVE))
    half, largest = np.float32(0.5), np.float32(most)
    for r in range(values.shape[0]):
        for c in range(start, stop):
            value = values[r, c] / steps[c]
            size = abs(value)
            nearest = min(np.rint(size), largest)
            level = min(max(np.int64(rows[r]) + columns[c] - lowest, 0), last)
            margin = first[level] if nearest <= 1 else further[level]
            if nearest > 0 and size - nearest + half < margin:
                nearest -= np.float32(1)
            if codes[r, c] == 0:
                nearest = np.float32(0)
            if value < 0:
                nearest = -nearest
            codes[r, c] = np.int16(nearest)
            error = values[r, c] - nearest * steps[c]
            errors[r, c - start] = error
            for later in range(c + 1, stop):
                values[r, later] -= error * feedback[c, later]
    return 0
