"""Zeros in the weights of a network: which ones, and what the weights that stay make good.

Methods, by what decides that a weight may go:
  magnitude   its size
  wanda       its size times that of what it multiplies, in its row; nothing is made good. Sun and others (2024)
  sparsegpt   what its loss costs the layer's outputs once other weights have made it good. Frantar and Alistarh (2023)
  surgeon     the same, by what errors of each output cost the network's predictions, with one threshold for all layers.
              Hassibi and Stork (1992); van der Ouderaa and others, "The LLM Surgeon" (2024), for Fisher information
Invariant: a layer's weights change in the light of what it reads after all layers before it have changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from multum.errors import UsageError
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import EMBEDDING, Skipped, Weight, find_weights
from multum.reduction.choices import GLOBAL, MAGNITUDE, SPARSEGPT, SURGEON, WANDA, Pruning
from multum.reduction.heads import find_head
from multum.reduction.jobs import Job, Progress
from multum.reduction.masks import choose, find_below, find_global_threshold
from multum.reduction.saliences import Cutting, measure_saliences
from multum.reduction.solving import SharedCosts, prune_matrix, refit
from multum.reduction.walking import Moments, walk

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Pruned:
    """What `prune` did. weights: in the matrices that were pruned. zeros: of them. left: what was not touched, why."""

    weights: int
    zeros: int
    left: tuple[Skipped, ...]

    @property
    def share(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


def prune(
    module: "nn.Module",
    pruning: Pruning,
    batches: Sequence[Batch] | None = None,
    *,
    weights: Sequence[Weight] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Pruned:
    """Set weights of linear layers and convolutions in `module` to zero, in place; return what was done.

    Tables of words, and heads tied to them or known as such, stay. batches: named arguments of calls of `module`, which
    all methods but magnitude need. weights: those of find_weights that may be pruned; None for all. seed: of
    measuring what predictions mind. progress: called with what is being done and its share.
    Memory: what a run of all batches at once takes, and for surgeon the square of each layer's inputs.
    Raises UsageError, FormatError.
    """
    skipped: tuple[Skipped, ...] = ()
    if weights is None:
        weights, skipped = find_weights(module)
    chosen, left = _choose_weights(module, weights, pruning)
    if not chosen:
        raise UsageError("the network has no linear layer or convolution that can be pruned so")
    if pruning.reads_data and not batches:
        raise UsageError(f"{pruning.method} looks at what layers read: give data, or prune by magnitude, without any")
    missed = _METHODS[pruning.method](Job(module, pruning, chosen, batches or (), seed, progress))
    zeros = sum(int((weight.parameter == 0).sum()) for weight in chosen)
    lost = [weight for weight in chosen if weight.name in missed]
    left += [Skipped(weight.name, weight.parameter.numel(), "the data do not reach it") for weight in lost]
    return Pruned(sum(weight.parameter.numel() for weight in chosen), zeros, (*skipped, *left))


def _choose_weights(module: Any, weights: Sequence[Weight], pruning: Pruning) -> tuple[list[Weight], list[Skipped]]:
    """Return (weights that are pruned, those that stay)."""
    head = find_head(module)
    chosen, left = [], []
    for weight in weights:
        reason = _why_not(weight, head, pruning)
        if reason is None:
            chosen.append(weight)
        else:
            left.append(Skipped(weight.name, weight.parameter.numel(), reason))
    return chosen, left


def _why_not(weight: Weight, head: Any, pruning: Pruning) -> str | None:
    if any(use.kind == EMBEDDING for use in weight.uses):
        return "a table of words is not pruned"
    if any(use.module is head for use in weight.uses):
        return "the head that predicts words is not pruned"
    columns = weight.shape[0] if weight.transposed else weight.shape[1]
    if pruning.pattern is not None and columns % pruning.pattern[1]:
        return f"{columns} inputs are no multiple of {pruning.pattern[1]}"
    return None


def _walk(job: Job, change: Callable[[Weight, Moments], Tensor]) -> frozenset[str]:
    """Give each weight what `change` makes of it; return the names of those that the data do not reach."""
    done = 0

    def visit(weight: Weight, moments: Moments) -> None:
        nonlocal done
        weight.write(change(weight, moments))
        done += 1
        job.tell("pruning", done / len(job.weights))

    return walk(job.module, job.weights, job.batches, visit)


def _prune_by_magnitude(job: Job) -> frozenset[str]:
    """Clear the smallest weights. Every weight is reached."""
    sizes = {weight.name: weight.read().abs() for weight in job.weights}
    threshold: float | None = None
    if job.asked.share is not None and job.asked.usual_scope == GLOBAL:
        threshold = find_global_threshold(sizes.values(), job.asked.share)
    for done, weight in enumerate(job.weights):
        scores = sizes[weight.name]
        gone = choose(scores, job.asked) if threshold is None else find_below(scores, threshold)
        weight.write(weight.read().masked_fill_(gone, 0.0))
        job.tell("pruning", (done + 1) / len(job.weights))
    return frozenset()


def _prune_by_wanda(job: Job) -> frozenset[str]:
    """Clear weights that are small beside what they multiply."""

    def change(weight: Weight, moments: Moments) -> Tensor:
        matrix = weight.read()
        scores = matrix.square() * moments.columns.diagonal().float()
        return matrix.masked_fill_(choose(scores, job.asked), 0.0)

    return _walk(job, change)


def _prune_by_sparsegpt(job: Job) -> frozenset[str]:
    """Clear weights whose loss the outputs mind least, and have later columns make it good."""
    shared = SharedCosts(natural=True)

    def change(weight: Weight, moments: Moments) -> Tensor:
        return prune_matrix(weight.read(), shared.prepare(moments), lambda scores: choose(scores, job.asked))

    return _walk(job, change)


def _prune_by_surgeon(job: Job) -> frozenset[str]:
    """Clear weights whose loss the predictions mind least; then all that stay make it good."""
    told = job.teller("measuring")
    saliences = measure_saliences(job.module, job.weights, job.batches, seed=job.seed, progress=told)
    reached = [weight for weight in job.weights if weight.name in saliences]
    cutting = Cutting.plan(job.asked, reached, saliences)
    shared = SharedCosts(natural=job.asked.pattern is not None)

    def change(weight: Weight, moments: Moments) -> Tensor:
        matrix, costs = weight.read(), shared.prepare(moments)
        return refit(matrix, prune_matrix(matrix, costs, cutting.choose(weight)), costs)

    missed = _walk(replace(job, weights=reached), change)
    return missed | {weight.name for weight in job.weights if weight.name not in saliences}


_METHODS: dict[str, Callable[[Job], frozenset[str]]] = {
    MAGNITUDE: _prune_by_magnitude,
    WANDA: _prune_by_wanda,
    SPARSEGPT: _prune_by_sparsegpt,
    SURGEON: _prune_by_surgeon,
}
