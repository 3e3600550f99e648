"""What networks of several kinds are called with, and what they say then."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from multum.quantization.sensitivities import Batch
from tests.neural.samples import build_llama
from tests.shrinking.families import FAMILIES, make_perceptron

KINDS: dict[str, Callable[[], Any]] = FAMILIES | {
    "llama": lambda: build_llama(hidden_size=32, intermediate_size=64),  # two heads that share one key
    "perceptron": make_perceptron,
}


def make_network(kind: str) -> Any:
    """Return a random network, the same each time."""
    torch.manual_seed(0)
    return KINDS[kind]().eval()


def draw_batches(kind: str, count: int = 2) -> list[Batch]:
    """Return batches that a network of this kind takes."""
    generator = torch.Generator().manual_seed(1)
    batches = []
    for _ in range(count):
        if kind == "perceptron":
            batches.append({"input": torch.randn(32, 24, generator=generator)})
        elif kind in ("vit", "resnet"):
            batches.append({"pixel_values": torch.randn(8, 1, 16, 16, generator=generator)})
        else:
            batches.append({"input_ids": torch.randint(0, 256, (4, 33), generator=generator)})
    return batches


@torch.no_grad()
def compute(module: Any, batches: list[Batch]) -> Tensor:
    """Return what the network says, all batches below each other."""
    results = [module(**batch) for batch in batches]
    return torch.cat([one if isinstance(one, Tensor) else getattr(one, "logits", one[0]) for one in results])


def measure_error(module: Any, kind: str, batches: list[Batch]) -> float:
    """Return how far what a network says is from what it said before it was changed, as a share."""
    before = compute(make_network(kind), batches)
    return float((compute(module, batches) - before).norm() / before.norm())
