"""Weights of a network as integers of few bits, as machines multiply them: a step for each group of weights.

Methods:
  rtn    each weight to the nearest
  hqq    the same, with steps that mind few large errors less than many small ones; see multum.reduction.scaling
  awq    the same, with steps that are finer for inputs that are larger; see there
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
from multum.reduction.choices import AWQ, GPTQ, HQQ, RTN, Rounding
from multum.reduction.heads import find_head
from multum.reduction.jobs import Progress
from multum.reduction.scales import Scales, choose_scales
from multum.reduction.scaling import fit_robustly, scale_inputs
from multum.reduction.solving import Costs, SharedCosts
from multum.reduction.walking import Moments, walk
from multum.tensors.grids import FINEST, Grid

if TYPE_CHECKING:
    from torch import nn

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
    gptq and awq need. weights: those of find_weights that may change; None for all. progress: called with what is being
    done and its share. Raises UsageError.
    """
    skipped: tuple[Skipped, ...] = ()
    if weights is None:
        weights, skipped = find_weights(module)
    head = find_head(module)
    reasons = {weight.name: _why_not(weight, head, rounding) for weight in weights}
    chosen = [weight for weight in weights if reasons[weight.name] is None]
    if not chosen:
        raise UsageError(f"the network has no linear layer or convolution that {rounding} could round")
    if rounding.reads_data and not batches:
        raise UsageError(f"{rounding.method} looks at what layers read: give data, or round by rtn, without any")
    grids: dict[str, Grid] = {}
    shared = SharedCosts(natural=False)

    def change(weight: Weight, moments: Moments | None) -> None:
        matrix = weight.read()
        method = _METHODS[rounding.method if moments is not None or not rounding.reads_data else RTN]
        scales, codes = method(matrix, moments, rounding, shared)
        matrix.copy_(codes * scales.spread()[0])
        grids[weight.name] = make_grid(codes.to(torch.int16), scales, weight)
        weight.write(matrix)
        if progress is not None:
            progress("rounding", len(grids) / len(chosen))

    missed: Sequence[str] | frozenset[str] = [weight.name for weight in chosen]
    if rounding.reads_data:
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


def _round_plainly(
    matrix: Tensor, _moments: Moments | None, rounding: Rounding, _shared: SharedCosts
) -> tuple[Scales, Tensor]:
    """Return (steps, the nearest integers) of float32[R, C]."""
    scales = choose_scales(matrix, torch.ones(matrix.shape[1]), rounding)
    return scales, scales.round(matrix)


def _round_robustly(
    matrix: Tensor, _moments: Moments | None, rounding: Rounding, _shared: SharedCosts
) -> tuple[Scales, Tensor]:
    """Return (steps that few large errors do not widen, the nearest integers)."""
    scales = fit_robustly(matrix, rounding)
    return scales, scales.round(matrix)


def _round_scaled(
    matrix: Tensor, moments: Moments | None, rounding: Rounding, _shared: SharedCosts
) -> tuple[Scales, Tensor]:
    """Return (steps that are finer for larger inputs, the nearest integers)."""
    assert moments is not None, "the method reads data"
    scales = scale_inputs(matrix, moments, rounding)
    return scales, scales.round(matrix)


def _round_by_feedback(
    matrix: Tensor, moments: Moments | None, rounding: Rounding, shared: SharedCosts
) -> tuple[Scales, Tensor]:
    """Return (steps, integers whose errors later columns make good)."""
    assert moments is not None, "the method reads data"
    costs = shared.prepare(moments)
    worth = costs.moments.diagonal()[torch.argsort(costs.order)]
    scales = choose_scales(matrix, worth, rounding)
    return scales, _feed_back(matrix, costs, scales)


def _feed_back(matrix: Tensor, costs: Costs, scales: Scales) -> Tensor:
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
    columns = np.zeros(scales.size, np.int16) if scales.columns is None else scales.columns.numpy()
    if weight.transposed:
        return Grid(codes.T.contiguous().numpy(), columns, exponents, FINEST, "F32")
    return Grid(codes.reshape(-1, scales.size).numpy(), exponents, columns, FINEST, "F32")


# Each is given a matrix, what it reads where that is known, the rounding, and costs that layers share.
_METHODS: dict[str, Callable[[Tensor, Moments | None, Rounding, SharedCosts], tuple[Scales, Tensor]]] = {
    RTN: _round_plainly,
    HQQ: _round_robustly,
    AWQ: _round_scaled,
    GPTQ: _round_by_feedback,
}
