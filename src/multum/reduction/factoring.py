"""Matrices as products of two narrower ones, where these have fewer weights.

Methods:
  svd        nearest by the squares of the weights, each matrix by its own size; without data
  whitened   nearest by what predictions lose: by what the layer reads, and what errors of each output cost. Wang and
             others, "SVD-LLM" (2024); rows as in multum.quantization.sensitivities
Invariant: ranks are known before anything changes; a layer changes in the light of what it reads after all layers
before it have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from multum.errors import UsageError
from multum.neural.factors import list_factored, put_halves
from multum.quantization.quantizer import AT_ONCE_BYTES, group_weights
from multum.quantization.sensitivities import Batch, measure_sensitivities
from multum.quantization.weights import CONVOLUTION, EMBEDDING, Skipped, Weight, find_weights
from multum.reduction.heads import find_head
from multum.reduction.jobs import Job, Progress
from multum.reduction.ranks import Curve, choose_ranks
from multum.reduction.shapes import WHITENED, LowRank
from multum.reduction.solving import damp
from multum.reduction.walking import Moments, walk

if TYPE_CHECKING:
    from torch import nn


# What takes a matrix's place: [rank, inputs] and [outputs, rank].
Halves = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class LowRanked:
    """What `lowrank` did. ranks: of the weights that are two now, by name. weights: of all matrices looked at.

    after: what they are now. left: matrices that stayed, and why.
    """

    ranks: dict[str, int]
    weights: int
    after: int
    left: tuple[Skipped, ...]


def lowrank(
    module: "nn.Module",
    asked: LowRank,
    batches: Sequence[Batch] | None = None,
    *,
    weights: Sequence[Weight] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LowRanked:
    """Put two layers in place of each linear layer and convolution of `module` that is worth it; return what was done.

    Tables of words, heads, and layers that share their weights stay. batches: named arguments of calls of `module`,
    which `whitened` needs. weights: those of find_weights that may go; None for all. seed: of measuring what
    predictions mind. progress: called with what is done and its share. Memory: see measure_sensitivities, and walk.
    Raises UsageError, FormatError.
    """
    skipped: tuple[Skipped, ...] = ()
    if weights is None:
        weights, skipped = find_weights(module)
    reasons = {weight.name: why_not_halved(module, weight) for weight in weights}
    chosen = [weight for weight in weights if reasons[weight.name] is None]
    if not chosen:
        raise UsageError("the network has no linear layer or convolution whose rank could be lowered")
    if asked.method == WHITENED and not batches:
        raise UsageError("whitened looks at what layers read: give data, or lower ranks by svd, without any")
    job = Job(module, asked, chosen, batches or (), seed, progress)
    halves = _halve_whitened(job) if asked.method == WHITENED else _halve_plainly(job)
    for weight in chosen:
        if weight.name in halves:
            put_halves(module, weight.uses[0].name, *halves[weight.name])
        else:
            reasons[weight.name] = "two matrices would not be smaller, or not as good"
    left = [Skipped(one.name, one.parameter.numel(), why) for one in weights if (why := reasons[one.name])]
    whole = sum(weight.parameter.numel() for weight in chosen)
    kept = whole - sum(weight.parameter.numel() for weight in chosen if weight.name in halves)
    after = kept + sum(half.numel() for pair in halves.values() for half in pair)
    ranks = {name: len(pair[0]) for name, pair in halves.items()}
    return LowRanked(ranks, whole, after, (*skipped, *left))


def why_not_halved(module: Any, weight: Weight) -> str | None:
    """Return why two layers cannot take the place of the one with `weight`, None where they can."""
    if any(use.kind == EMBEDDING for use in weight.uses):
        return "a table of words keeps its rank"
    if any(use.module is find_head(module) for use in weight.uses):
        return "the head that predicts words keeps its rank"
    if len(weight.uses) > 1 or len(weight.names) > 1:
        return "several layers share it"
    if any(weight.name.startswith(f"{name}.") for name in list_factored(module)):
        return "it is half of a layer already"
    layer = weight.uses[0].module
    return "its channels are in groups" if weight.uses[0].kind == CONVOLUTION and layer.groups > 1 else None


def _halve_plainly(job: Job) -> dict[str, Halves]:
    """Return the halves of matrices, [rank, inputs] and [outputs, rank], nearest by the squares of the weights."""
    curves = {weight.name: _measure_plain(weight.read()) for weight in job.weights}
    ranks = choose_ranks(curves, job.asked.share)
    halves: dict[str, Halves] = {}
    for done, weight in enumerate(job.weights):
        if ranks[weight.name]:
            matrix = weight.read()
            sides = torch.ones(len(matrix)), torch.eye(matrix.shape[1])
            halves[weight.name] = halve_matrix(matrix, *sides, ranks[weight.name])
        job.tell("lowering ranks", (done + 1) / len(job.weights))
    return halves


def _measure_plain(matrix: Tensor) -> Curve:
    """Return what a matrix loses of its own size, so that no layer goes because its weights are small."""
    values = torch.linalg.svdvals(matrix)
    size = values.square().sum().sqrt().clamp_min(torch.finfo(values.dtype).tiny)
    return Curve.of(values / size * matrix.numel() ** 0.5, (matrix.shape[0], matrix.shape[1]))


def _halve_whitened(job: Job) -> dict[str, Halves]:
    """Return the halves of matrices whose product the predictions mind least."""
    rows, curves = _measure_curves(job, job.teller("measuring"))
    ranks = choose_ranks(curves, job.asked.share)
    reached = [weight for weight in job.weights if ranks.get(weight.name)]
    halves: dict[str, Halves] = {}

    def change(weight: Weight, moments: Moments) -> None:
        matrix = weight.read()
        pair = halve_matrix(matrix, rows[weight.name], find_root(moments), ranks[weight.name])
        weight.write(pair[1] @ pair[0])
        halves[weight.name] = pair
        job.tell("lowering ranks", len(halves) / len(reached))

    if reached:
        walk(job.module, reached, job.batches, change)
    return halves


def _measure_curves(job: Job, told: Callable[[float], None] | None) -> tuple[Mapping[str, Tensor], Mapping[str, Curve]]:
    """Return (what errors of each output cost, what each matrix loses by its rank), of all that gradients reach."""
    groups = list(group_weights(job.weights, AT_ONCE_BYTES))
    rows: dict[str, Tensor] = {}
    curves: dict[str, Curve] = {}
    for number, group in enumerate(groups):
        found = measure_sensitivities(job.module, group, job.batches, seed=job.seed)
        for weight in group:
            one = found.pop(weight.name, None)
            if one is not None:
                matrix, root = weight.read(), find_root(Moments(one.columns.double(), one.positions))
                rows[weight.name] = one.rows.float().sqrt()
                values = torch.linalg.svdvals(rows[weight.name][:, None] * matrix @ root)
                curves[weight.name] = Curve.of(values, (matrix.shape[0], matrix.shape[1]))
        if told is not None:
            told((number + 1) / len(groups))
    return rows, curves


def find_root(moments: Moments) -> Tensor:
    """Return float32[C, C], lower triangular: R with R @ R.T the second moments, a little damped."""
    root: Tensor = torch.linalg.cholesky(damp(moments)).float()
    return root


def halve_matrix(matrix: Tensor, rows: Tensor, root: Tensor, rank: int) -> Halves:
    """Return ([rank, inputs], [outputs, rank]), whose product is nearest to a matrix.

    rows: float32[outputs], what errors are multiplied by on the left; root: float32[inputs, inputs], on the right.
    """
    left, values, right = torch.linalg.svd(rows[:, None] * matrix @ root, full_matrices=False)
    spread = values[:rank].sqrt()
    first = torch.linalg.solve_triangular(root, spread[:, None] * right[:rank], upper=False, left=False)
    return first.contiguous(), (left[:, :rank] * spread / rows[:, None]).contiguous()
