"""Something that a tiny network learns in a second: which of two numbers is larger, told from eight."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROWS = 32


def draw_batches(count: int = 12, labelled: bool = True) -> list[dict[str, Tensor]]:
    """Return batches of eight numbers, and which of the first two is larger."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(count, ROWS, 8, generator=generator)
    batches = [{"input": one} for one in inputs]
    return (
        [one | {"labels": (one["input"][:, 0] > one["input"][:, 1]).long()} for one in batches] if labelled else batches
    )


class Net(nn.Module):
    """Three layers, two of them inner ones."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(8, 24), nn.Linear(24, 24), nn.Linear(24, 2)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as torch calls it
        hidden = self.second(self.first(input).relu()).relu()
        logits: Tensor = self.last(hidden)
        return logits


def make_taught() -> Net:
    """Return a net that knows the answer."""
    torch.manual_seed(0)
    module = Net()
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    for batch in draw_batches() * 6:
        nn.functional.cross_entropy(module(batch["input"]), batch["labels"]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return module.eval()


def measure_accuracy(module: Any) -> float:
    """Return how often `module` is right about numbers that it never saw."""
    inputs = torch.randn(512, 8, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        told = module(inputs).argmax(1)
    return float((told == (inputs[:, 0] > inputs[:, 1]).long()).float().mean())


def write_digits(path: Path, count: int = 240) -> Path:
    """Write 8 x 8 images of two classes, bright on the left or on the right, to `path`; return it."""
    import numpy as np

    draws = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = draws.integers(0, 100, (count, 8, 8))
    for image, label in zip(images, labels, strict=True):
        image[:, 4 * label : 4 * label + 4] += 120
    np.savez(path, x=images.astype(np.uint8), y=labels)
    return path
