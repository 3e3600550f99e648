"""Weights of a network as integers of few bits, as machines multiply them: a step for each group of weights.

Methods:
  rtn    each weight to the nearest
  hqq    the same, with steps that mind few large errors less than many small ones; see multum.reduction.scaling
  awq    the same, with steps that are finer for inputs that are larger; see there
  gptq   the next columns make good what a column loses. Frantar and others, "OPTQ" (2023)
Any of them may leave some of the loss to two narrow matrices beside the integers; see multum.reduction.correcting.
Zeros stay zeros, whatever made them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from multum.errors import UsageError
from multum.neural.factors import ROUNDED, put_halves
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import EMBEDDING, Skipped, Weight, find_weights
from multum.reduction.choices import AWQ, GPTQ, HQQ, RTN, Rounding
from multum.reduction.correcting import can_correct, round_and_correct
from multum.reduction.factoring import Halves
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
    """What `quantize` made.

    grids: the integers, by the names that weights have now. left: what was not touched, and why. corrected: the layers
    that have two narrow ones beside them, by name.
    """

    grids: dict[str, Grid]
    left: tuple[Skipped, ...]
    corrected: tuple[str, ...] = ()

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

    Tables of words, and heads tied to them or known as such, stay. Where a rank is asked for, layers that can have two
    narrow ones beside them get these. batches: named arguments of calls of `module`, which gptq and awq need. weights:
    those of find_weights that may change; None for all. progress: called with what is being done and its share.
    Raises UsageError.
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
    work = _Work(module, rounding, _choose_corrected(module, chosen, rounding))

    def visit(weight: Weight, moments: Moments | None) -> None:
        work.change(weight, moments)
        if progress is not None:
            progress("rounding", len(work.grids) / len(chosen))

    missed: Sequence[str] | frozenset[str] = [weight.name for weight in chosen]
    if rounding.reads_data or (rounding.rank and batches):
        missed = walk(module, chosen, batches or (), visit)
    for weight in chosen:
        if weight.name in missed:
            visit(weight, None)
    grids, layers = work.finish(chosen)
    left = [Skipped(one.name, one.parameter.numel(), why) for one in weights if (why := reasons[one.name])]
    return Rounded(grids, (*skipped, *left), layers)


def _choose_corrected(module: "nn.Module", chosen: Sequence[Weight], rounding: Rounding) -> frozenset[str]:
    """Return the names of the weights that get halves beside them. Raises UsageError where none can have them."""
    if not rounding.rank:
        return frozenset()
    found = frozenset(weight.name for weight in chosen if can_correct(module, weight, rounding.rank))
    if not found:
        raise UsageError(f"two layers of rank {rounding.rank} would be smaller beside none of the layers; lower it")
    return found


@dataclass(eq=False)
class _Work:
    """One rounding on its way. corrected: names of weights that get halves beside them. grids, halves: what is made."""

    module: "nn.Module"
    rounding: Rounding
    corrected: frozenset[str]
    grids: dict[str, Grid] = field(default_factory=dict)
    halves: dict[str, Halves] = field(default_factory=dict)
    shared: SharedCosts = field(default_factory=lambda: SharedCosts(natural=False))

    def change(self, weight: Weight, moments: Moments | None) -> None:
        """Give a weight the values of its integers, and until the end those that the halves beside it add."""
        rounding, matrix = self.rounding, weight.read()
        method = _METHODS[rounding.method if moments is not None or not rounding.reads_data else RTN]

        def round_one(rest: Tensor) -> tuple[Scales, Tensor]:
            return method(rest, moments, rounding, self.shared)

        if weight.name in self.corrected:
            scales, codes, halves = round_and_correct(matrix, moments, rounding.rank, round_one)
            self.halves[weight.name] = halves
            matrix.copy_(codes * scales.spread()[0]).add_(halves[1] @ halves[0])
        else:
            scales, codes = round_one(matrix)
            matrix.copy_(codes * scales.spread()[0])
        self.grids[weight.name] = make_grid(codes.to(torch.int16), scales, weight)
        weight.write(matrix)

    def finish(self, weights: Sequence[Weight]) -> tuple[dict[str, Grid], tuple[str, ...]]:
        """Put the halves beside their layers; return (the integers by what weights are called then, the layers)."""
        names, layers = {name: name for name in self.grids}, []
        for weight in weights:
            if weight.name in self.halves:
                layer = weight.uses[0].name
                values: Any = self.grids[weight.name].values().view(np.float32)
                rounded = torch.from_numpy(values).reshape(weight.parameter.shape)
                put_halves(self.module, layer, *self.halves[weight.name], rounded=rounded)
                names[weight.name] = f"{layer}.{ROUNDED}.weight"
                layers.append(layer)
        return {names[name]: grid for name, grid in self.grids.items()}, tuple(layers)


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
