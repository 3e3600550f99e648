"""A sample of a network's matrices, by which the bits of all their codes are known before they are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from multum.quantization.feedback import FINE, Ground, limit_noise, round_matrix
from multum.quantization.weights import Weight
from multum.tensors.grid_coding import estimate_bits
from multum.tensors.grids import Grid

# Some matrices are rounded, all large ones among them, and some of their rows.
_MATRICES = 32
_ROWS = 96
_TALL = 9  # rows a column from which on the coding of grids predicts columns, and a little more
_LARGE = 0.05


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of a matrix. rows: int64[r]. spreads: float64[r], base-2 logarithms of how wide they are, for a step of 1.

    signal: see measure_signal. large: whether the matrix stands for itself alone. rounded: whether it is rounded, and
    not only measured.
    """

    weight: Weight
    ground: Ground
    rows: Tensor
    signal: float
    spreads: Tensor
    large: bool
    rounded: bool

    def expect(self, step: float) -> float:
        """Return the bits that the codes of the matrix would take if its rows were Gaussian."""
        bits = 0.5 * torch.log2(1 + torch.exp2(2 * (self.spreads - limit_noise(step, self.signal) + 2)))
        return self.weight.parameter.numel() * float(bits.mean())

    def extrapolate(self, step: float) -> float:
        """Return the bits that the codes of the matrix would take, by those of the rows."""
        matrix, ground = self.weight.read()[self.rows], self.ground.pick_rows(self.rows)
        rounded = round_matrix(matrix, ground, limit_noise(step, self.signal))
        grid = Grid(rounded.codes.numpy(), rounded.rows.numpy(), rounded.columns.numpy(), FINE, "F32")
        half = len(self.rows) // 2
        # what is told of columns is told once, however many rows there are
        taken = estimate_bits(grid)
        each = (taken - estimate_bits(grid.cut(0, half))) / (len(self.rows) - half) if half else 0.0
        return taken + each * (len(self.ground.rows) - len(self.rows))


class Sample:
    """What the codes of matrices take, by those of a sample of them."""

    def __init__(self, weights: Sequence[Weight], grounds: Mapping[str, Ground], signals: Mapping[str, float]) -> None:
        size = sum(weight.parameter.numel() for weight in weights)
        stride = max(1, len(weights) // _MATRICES)
        self._parts = []
        for number, weight in enumerate(weights):
            ground, large = grounds[weight.name], weight.parameter.numel() > _LARGE * size
            rows = _pick_rows(ground)
            spreads = _measure_spreads(weight.read()[rows], ground.pick_rows(rows))
            signal = signals[weight.name]
            self._parts.append(_Part(weight, ground, rows, signal, spreads, large, large or number % stride == 0))

    def guess_step(self, bits: float) -> float:
        """Return the step at which the codes would take so many bits if rows were Gaussian; see round_matrix."""
        low, high = -100.0, 100.0
        while high - low > 1e-3:
            step = (low + high) / 2
            low, high = (step, high) if sum(part.expect(step) for part in self._parts) > bits else (low, step)
        return low

    def estimate_bits(self, step: float) -> float:
        """Return the bits that all codes would take.

        Matrices that are not rounded take as much more, or less, than Gaussian ones as those that are.
        """
        large = sum(part.extrapolate(step) for part in self._parts if part.large)
        small = [part for part in self._parts if not part.large]
        if not small:
            return large
        found = sum(part.extrapolate(step) for part in small if part.rounded)
        expected = sum(part.expect(step) for part in small if part.rounded)
        return large + found / expected * sum(part.expect(step) for part in small)


def _pick_rows(ground: Ground) -> Tensor:
    """Return int64: some rows of a matrix, evenly spread; of a tall one enough for its columns to be predicted."""
    outputs, tall = len(ground.rows), _TALL * len(ground.order)
    return torch.arange(0, outputs, max(1, outputs // (tall if outputs > tall else _ROWS)))


def _measure_spreads(matrix: Tensor, ground: Ground) -> Tensor:
    """Return float64[R]: base-2 logarithms of the root mean squares of rows, in steps."""
    scaled = matrix[:, ground.order] * torch.exp2(-ground.rows[:, None] - ground.column_steps)
    return 0.5 * scaled.square().mean(1).clamp_min(1e-300).log2()
