"""Steps of integers that have few bits: as wide as the weights, or narrower where cutting off the largest costs less.

Invariant: a step is one that a grid of the file has, so that what was rounded is what the file holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from multum.reduction.choices import CHANNEL, TENSOR, Rounding
from multum.tensors.grids import FINEST, STEP_OCTAVES, read_steps

# How much of the range is tried; more than all, because the integer that stands for 0 may lie off its middle.
RANGES = tuple(1.1 - 0.025 * number for number in range(20))


@dataclass(frozen=True, eq=False)
class Scales:
    """Steps and zeros of groups of weights. exponents: int16[R, groups], of steps 2 ** (n / 2 ** FINEST).

    zeros: float32[R, groups]: which of the integers 0 to 2 ** bits - 1 stands for 0. size: weights of a group in a row.
    columns: int16[C], of further steps, one for each input, where all weights of a row are a group; None for none.
    """

    exponents: Tensor
    zeros: Tensor
    size: int
    bits: int
    columns: Tensor | None = None

    @property
    def steps(self) -> Tensor:
        """Float32[R, groups]."""
        return torch.from_numpy(read_steps(self.exponents.numpy(), FINEST))

    def spread(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return (steps, least codes, largest codes), float32[R, C] each, of every weight."""
        most = 2**self.bits - 1
        parts = (self.steps, -self.zeros, most - self.zeros)
        steps, least, largest = (part.repeat_interleave(self.size, 1) for part in parts)
        if self.columns is not None:
            steps = steps * torch.from_numpy(read_steps(self.columns.numpy(), FINEST))
        return steps, least, largest

    def round(self, matrix: Tensor) -> Tensor:
        """Return float32[R, C]: the nearest codes."""
        steps, least, largest = self.spread()
        return torch.minimum(torch.maximum((matrix / steps).round(), least), largest)


def choose_scales(matrix: Tensor, worth: Tensor, rounding: Rounding, parts: Sequence[float] = RANGES) -> Scales:
    """Return the scales of float32[R, C]. worth: float32[C], what a squared error in each column costs.

    parts: of the range of the weights that are tried.
    """
    rows, columns = matrix.shape
    size = rounding.group if isinstance(rounding.group, int) else columns
    shape = (1, 1, -1) if rounding.group == TENSOR else (rows, columns // size, size)
    values = matrix.reshape(shape)  # [R, groups, size], or all in one
    costs = worth.expand(rows, -1).reshape(shape)
    best = torch.full(shape[:2], torch.inf)
    exponents, zeros = torch.zeros(shape[:2], dtype=torch.int16), torch.zeros(shape[:2])
    for part in parts:
        tried, at = _fit_range(values, part, rounding)
        steps = torch.from_numpy(read_steps(tried.numpy(), FINEST))[..., None]
        codes = (values / steps).round().clamp(-at[..., None], 2**rounding.bits - 1 - at[..., None])
        loss = ((values - codes * steps).square() * costs).sum(-1)
        better = loss < best
        best, exponents, zeros = (
            torch.where(better, *pair) for pair in ((loss, best), (tried, exponents), (at, zeros))
        )
    if rounding.group == TENSOR:
        exponents, zeros = exponents.expand(rows, 1), zeros.expand(rows, 1)
    assert rounding.group in (TENSOR, CHANNEL) or columns % size == 0, "the caller looks for whole groups"
    return Scales(exponents, zeros, size, rounding.bits)


def _fit_range(values: Tensor, part: float, rounding: Rounding) -> tuple[Tensor, Tensor]:
    """Return (exponents, zeros), [R, groups], whose integers reach over so large a part of the values' range."""
    most = 2**rounding.bits - 1
    if rounding.symmetric:
        half = 2 ** (rounding.bits - 1)
        width = part * values.abs().amax(-1) / (half - 1)
        return find_exponents(width), torch.full(width.shape, float(half))
    low, high = values.amin(-1).clamp(max=0), values.amax(-1).clamp(min=0)
    exponents = find_exponents(part * (high - low) / most)
    steps = torch.from_numpy(read_steps(exponents.numpy(), FINEST))
    return exponents, (-part * low / steps).round().clamp(0, most)


def find_exponents(steps: Tensor) -> Tensor:
    """Return int16: the exponents nearest to steps; of no width at all, the least."""
    scaled: Tensor = steps.double().log2().clamp(-STEP_OCTAVES, STEP_OCTAVES) * 2**FINEST
    return scaled.round().to(torch.int16)
