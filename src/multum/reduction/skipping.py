"""Layers that a network can do without: those whose absence its predictions mind least, one after another.

Source: Men and others, "ShortGPT" (2024), section 4.4, for leaving out by what it costs, and not by what layers do to
their inputs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multum.quantization.sensitivities import Batch
from multum.reduction.anatomy import Anatomy
from multum.reduction.heads import find_head
from multum.reduction.walking import join_batches

# How much of the data is looked at, as each layer is left out once for each that goes: positions where a network
# predicts words at each, rows where it says one thing of each.
_POSITIONS, _ROWS = 2048, 64


def choose_layers(
    anatomy: Anatomy, count: int, batches: Sequence[Batch], progress: Callable[[float], None] | None = None
) -> list[nn.Module]:
    """Return the layers that stay when `count` go. The network is as before afterwards."""
    whole, kept = list(anatomy.blocks), list(anatomy.blocks)
    data = _take(join_batches(batches), find_head(anatomy.module) is not None)
    wanted = predict(anatomy.module, data)
    tried, trials = 0, sum(len(whole) - gone for gone in range(count))
    try:
        for _ in range(count):
            costs = []
            for number in range(len(kept)):
                anatomy.keep_layers(kept[:number] + kept[number + 1 :])
                costs.append(_measure_divergence(wanted, predict(anatomy.module, data)))
                tried += 1
                if progress is not None:
                    progress(tried / trials)
            del kept[costs.index(min(costs))]
    finally:
        anatomy.keep_layers(whole)
    return kept


def _take(batch: Batch, by_position: bool) -> Batch:
    """Return the first rows of a batch."""
    longest = max(value.shape[1] for value in batch.values() if isinstance(value, Tensor) and value.ndim > 1)
    rows = max(1, _POSITIONS // longest) if by_position else _ROWS
    return {name: value[:rows] if isinstance(value, Tensor) and value.ndim else value for name, value in batch.items()}


@torch.inference_mode()
def predict(module: Any, data: Batch) -> Tensor:
    """Return what a network says: logits, or features where it has no head."""
    result = module(**data)
    said = result if isinstance(result, Tensor) else getattr(result, "logits", None)
    return (result[0] if said is None else said).float()


def _measure_divergence(wanted: Tensor, found: Tensor) -> float:
    """Return the nats that what was `wanted`, as chances, takes by what was `found`. float[..., classes], both."""
    return float(-(wanted.softmax(-1) * found.log_softmax(-1)).sum(-1).mean())
