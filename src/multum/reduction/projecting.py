"""Features of a classifier in fewer dimensions: its head reads a few directions of them, the others go.

Methods, by how the head reads what is left:
  pca      as before: of what data show, the directions of most variance stay. Of all projections they keep the most.
           Pearson (1901)
  learned  anew, fitted to the labels of the data by logistic regression on these directions
Invariant: shapes stay, so that every tool reads the network; what the head multiplies lies in so many dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from multum.errors import UsageError
from multum.quantization.sensitivities import Batch
from multum.reduction.dimensions import LEARNED, Projection

if TYPE_CHECKING:
    from torch import nn

LABELS = "labels"
# Of the mean square of the head's weights, beside the mean cross-entropy: few examples are not learned by heart.
_RIDGE = 1e-3
_STEPS = 100


@dataclass(frozen=True)
class Projected:
    """What `project` did. head: the layer's name. kept: of its inputs' `dimensions`. variance: the share they hold.

    curve: (dimensions, share of the examples whose class is what it was before), by powers of two, the kept ones last.
    """

    head: str
    kept: int
    dimensions: int
    variance: float
    curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a head reads and tells on data. features: float32[n, d]. logits: float32[n, classes]. labels: int64[n]."""

    features: Tensor
    logits: Tensor
    labels: Tensor | None


def project(module: "nn.Module", asked: Projection, batches: Sequence[Batch] | None) -> Projected:
    """Let the head of a classifier read fewer dimensions, in place; return what is left.

    batches: named arguments of calls of `module`, labels too where they are learned from. Raises UsageError for a
    network whose output is no layer's, for as many dimensions as there are, and without data.
    """
    if not batches:
        raise UsageError("which directions of features matter is seen on data: give some")
    name, head = _find_head(module, batches[0])
    if asked.dimensions >= head.in_features:
        raise UsageError(
            f"the head reads {head.in_features} dimensions, and {asked.dimensions} are not fewer; give less, such as"
            f" {max(1, head.in_features // 4)}"
        )
    seen = _look(module, head, batches)
    # without a bias nothing could make good what the mean tells, which then is one of the directions
    mean = seen.features.mean(0) * (head.bias is not None)
    directions, variances = _find_directions(seen.features - mean)
    sizes = [2**power for power in range(32) if 2**power < asked.dimensions] + [asked.dimensions]
    curve, made = [], (head.weight.detach(), head.bias)
    for size in sizes:
        made = _fit_head(head, seen, mean, directions[:, :size], asked.method)
        told = (seen.features @ made[0].T + made[1]).argmax(1)
        curve.append((size, float((told == seen.logits.argmax(1)).float().mean())))
    _set_head(head, *made)
    variance = float(variances[: asked.dimensions].sum() / variances.sum().clamp_min(1e-30))
    return Projected(name, asked.dimensions, head.in_features, variance, tuple(curve))


def _call(module: "nn.Module", batch: Batch) -> Tensor:
    """Return float[rows, classes]: what the network tells."""
    told: Any = module(**batch)
    logits: Tensor = getattr(told, "logits", told)
    return logits


@torch.no_grad()
def _find_head(module: "nn.Module", batch: Batch) -> tuple[str, Any]:
    """Return (name, layer): the linear layer whose output is the network's. Raises UsageError where none is."""
    outputs: dict[str, Tensor] = {}
    linear = {name: part for name, part in module.named_modules() if isinstance(part, torch.nn.Linear)}

    def note(name: str) -> Any:
        return lambda _, __, output: outputs.__setitem__(name, output)

    hooks = [part.register_forward_hook(note(name)) for name, part in linear.items()]
    try:
        logits = _call(module, batch)
    finally:
        for hook in hooks:
            hook.remove()
    for name, output in outputs.items():
        if logits.ndim == 2 and output.shape == logits.shape and torch.equal(output, logits):
            return name, linear[name]
    raise UsageError("the network is no classifier that ends with a linear layer, so that it has no features to reduce")


@torch.no_grad()
def _look(module: "nn.Module", head: Any, batches: Sequence[Batch]) -> _Seen:
    """Return what the head reads and tells on all batches."""
    features: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0].float()))
    try:
        logits = torch.cat([_call(module, batch) for batch in batches])
    finally:
        hook.remove()
    known = all(LABELS in batch for batch in batches)
    labels = torch.cat([batch[LABELS] for batch in batches]) if known else None
    return _Seen(torch.cat(features), logits, labels)


def _find_directions(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Return (float32[d, d], float32[d]): directions as columns, those of most variance first, and their variances."""
    variances, directions = torch.linalg.eigh(centred.double().T @ centred.double())
    return directions.flip(1).float(), variances.flip(0).clamp_min(0).float()


def _fit_head(head: Any, seen: _Seen, mean: Tensor, directions: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Return (weight, bias) of a head that reads only `directions`, float32[d, m], of features about their `mean`."""
    bias = torch.zeros(head.out_features) if head.bias is None else head.bias.detach()
    narrow = head.weight.detach() @ directions  # [classes, m]
    middle = head.weight.detach() @ mean + bias  # logits of the mean
    if method == LEARNED:
        if seen.labels is None:
            raise UsageError("a head is learned from labels, and the data have none; give labelled data, or use pca")
        narrow, middle = _learn((seen.features - mean) @ directions, seen.labels, narrow, middle)
    weight = narrow @ directions.T
    return weight, middle - weight @ mean


def _learn(scores: Tensor, labels: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return (weight, bias) by logistic regression of `labels` on `scores`, float32[n, m], from those given on."""
    size = scores.std(0).clamp_min(1e-6)  # steps of one length suit directions of one variance
    fitted, start = (weight * size).clone().requires_grad_(), bias.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([fitted, start], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def measure() -> Tensor:
        optimizer.zero_grad()
        logits = (scores / size) @ fitted.T + start
        loss = torch.nn.functional.cross_entropy(logits, labels) + _RIDGE * fitted.square().mean()
        loss.backward()
        return loss

    optimizer.step(measure)
    return (fitted / size).detach(), start.detach()


@torch.no_grad()
def _set_head(head: Any, weight: Tensor, bias: Tensor) -> None:
    """Give the head its values; one without a bias keeps none."""
    head.weight.copy_(weight)
    if head.bias is not None:
        head.bias.copy_(bias)
