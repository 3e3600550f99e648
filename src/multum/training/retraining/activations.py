"""How far the inputs of layers reach, before a training learns where to clip them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from multum.neural.clips import Reach
from multum.quantization.weights import Weight
from multum.training.retraining.lessons import Batch
from multum.training.retraining.pupils import ask

# A few inputs in a thousand are far larger than all others, and a clip that begins beyond them is slow to come back.
_KEPT = 0.999
# Values of a batch that are looked at: enough for the largest in a thousand.
_SAMPLE = 1 << 16


@torch.no_grad()
def measure_reaches(module: nn.Module, weights: Iterable[Weight], batches: Iterable[Batch]) -> dict[str, Reach]:
    """Return how far what each layer reads reaches, by the layers' names, in the order in which they are called.

    The first and the last layer are left out: what comes in and what goes out is worth more than few bits.
    """
    layers = {use.name: use.module for weight in weights for use in weight.uses}
    most: dict[str, list[float]] = {}
    least: dict[str, float] = {}
    with _watched(layers, partial(_note, most, least)):
        for batch in batches:
            ask(module, batch)
    inner = list(most)[1:-1]
    return {name: Reach(max(most[name]), least[name] < 0) for name in inner}


def _note(most: dict[str, list[float]], least: dict[str, float], name: str, inputs: Tensor) -> None:
    """Note how far some inputs of a layer reach."""
    values = inputs.detach().flatten()
    values = values[:: max(1, len(values) // _SAMPLE)].float()
    most.setdefault(name, []).append(float(values.abs().quantile(_KEPT)))
    least[name] = min(least.get(name, 0.0), float(values.min()))


@contextmanager
def _watched(layers: dict[str, nn.Module], note: "partial[None]") -> Iterator[None]:
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: note(name, inputs[0]))
        for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
