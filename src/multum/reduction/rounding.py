"""Weights of a network as integers of few bits, as machines multiply them: a step for each group of weights.

Methods:
  rtn    each weight to the nearest
  gptq   the next columns make good what a column loses. Frantar and others, "OPTQ" (2023)
Zeros stay zeros, whatever made them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from multum.errors import UsageError
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import EMBEDDING, Skipped, Weight, find_weights
from multum.reduction.choices import GPTQ, Rounding
from multum.reduction.heads import find_head
from multum.reduction.scales import Scales, choose_scales
from multum.reduction.solving import Costs, SharedCosts
from multum.reduction.walking import Moments, walk
from multum.tensors.grids import FINEST, Grid

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[str, float], None]
_BLOCK = 128


@dataclass(frozen=True, eq=False)
class Rounded:
    """What `quantize` made. grids: the integers, by the names of weights. left: what was not touched, and why."""

    grids: dict[str, Grid]
    left: tuple[Skipped, ...]

    @property
    def weights(self) -> int:
        """How many weights became integers."""
        return sum(grid.codes.size for grid in self.grids.values())


def quantize(
    module: "nn.Module",
    rounding: Rounding,
    batches: Sequence[Batch] | None = None,
    *,
    weights: Sequence[Weight] | None = None,
    progress: Progress | None = None,
) -> Rounded:
    """Give the linear layers and convolutions of `module` values of few bits, in place; return the integers.

    Tables of words, and heads tied to them or known as such, stay. batches: named arguments of calls of `module`, which
    gptq needs. weights: those of find_weights that may change; None for all. progress: called with what is being done
    and its share. Raises UsageError.
    """
    skipped: tuple[Skipped, ...] = ()
    if weights is None:
        weights, skipped = find_weights(module)
    head = find_head(module)
    reasons = {weight.name: _why_not(weight, head, rounding) for weight in weights}
    chosen = [weight for weight in weights if reasons[weight.name] is None]
    if not chosen:
        raise UsageError(f"the network has no linear layer or convolution that {rounding} could round")
    if rounding.method == GPTQ and not batches:
        raise UsageError("gptq looks at what layers read: give data, or round by rtn, without any")
    grids: dict[str, Grid] = {}
    shared = SharedCosts(natural=False)

    def change(weight: Weight, moments: Moments | None) -> None:
        matrix = weight.read()
        grids[weight.name] = _round(matrix, None if moments is None else shared.prepare(moments), rounding, weight)
        weight.write(matrix)
        if progress is not None:
            progress("rounding", len(grids) / len(chosen))

    missed: Sequence[str] | frozenset[str] = [weight.name for weight in chosen]
    if rounding.method == GPTQ:
        missed = walk(module, chosen, batches or (), change)
    for weight in chosen:
        if weight.name in missed:
            change(weight, None)
    left = [Skipped(one.name, one.parameter.numel(), why) for one in weights if (why := reasons[one.name])]
    return Rounded(grids, (*skipped, *left))


def _why_not(weight: Weight, head: object, rounding: Rounding) -> str | None:
    if any(use.kind == EMBEDDING for use in weight.uses):
        return "a table of words is not rounded"
    if any(use.module is head for use in weight.uses):
        return "the head that predicts words is not rounded"
    if isinstance(rounding.group, int):
        if weight.transposed:
            return "its inputs lie apart in the file, so that they have no groups; round it by channel"
        if weight.shape[1] % rounding.group:
            return f"{weight.shape[1]} inputs are no multiple of {rounding.group}"
    return None


def _round(matrix: Tensor, costs: Costs | None, rounding: Rounding, weight: Weight) -> Grid:
    """Return the integers of float32[R, C], which is given their values. costs: None for the nearest ones."""
    if costs is None:
        scales = choose_scales(matrix, torch.ones(matrix.shape[1]), rounding)
        codes = scales.round(matrix)
    else:
        worth = costs.moments.diagonal()[torch.argsort(costs.order)]
        scales = choose_scales(matrix, worth, rounding)
        codes = _round_with_feedback(matrix, costs, scales)
    matrix.copy_(codes * scales.spread()[0])
    return make_grid(codes.to(torch.int16), scales, weight)


def _round_with_feedback(matrix: Tensor, costs: Costs, scales: Scales) -> Tensor:
    """Return float32[R, C]: codes whose errors later columns make good."""
    work = matrix[:, costs.order]
    kept = work != 0
    limits = tuple(part[:, costs.order] for part in scales.spread())
    codes = torch.empty_like(work)
    for start in range(0, work.shape[1], _BLOCK):
        end = min(start + _BLOCK, work.shape[1])
        block, errors = work[:, start:end].clone(), torch.empty(len(work), end - start)
        for place, column in enumerate(range(start, end)):
            steps, least, largest = (part[:, column] for part in limits)
            code = torch.minimum(torch.maximum((block[:, place] / steps).round(), least), largest)
            codes[:, column] = code * kept[:, column]
            errors[:, place] = block[:, place] - codes[:, column] * steps
            block[:, place + 1 :].addr_(errors[:, place], costs.feedback[column, column + 1 : end], alpha=-1)
        work[:, end:].addmm_(errors, costs.feedback[start:end, end:], alpha=-1)
    return codes[:, torch.argsort(costs.order)]


def make_grid(codes: Tensor, scales: Scales, weight: Weight) -> Grid:
    """Return the integers as the network's state holds the matrix; groups are the rows of the grid."""
    exponents = scales.exponents.flatten().contiguous().numpy()
    ones = np.zeros(scales.size, np.int16)
    if weight.transposed:
        return Grid(codes.T.contiguous().numpy(), ones, exponents, FINEST, "F32")
    return Grid(codes.reshape(-1, scales.size).numpy(), exponents, ones, FINEST, "F32")
