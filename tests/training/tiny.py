"""A task that trains in milliseconds: tell from four numbers whether the product of two is positive."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multum.training.settings import Budget, Settings

Batch = tuple[Tensor, Tensor]
ROWS = 16


class TinyTask:
    """Sixteen labels a batch, averages in a norm; `trouble` may be put into the loss."""

    name = "tiny"
    unit = "label"

    def __init__(self, accumulation: int = 1, dropout: float = 0.0, trouble: float = 0.0) -> None:
        self.accumulation, self.dropout, self.trouble = accumulation, dropout, trouble

    def build(self) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(self.dropout), nn.Linear(16, 2)
        )

    def batch(self, step: int, micro: int, rank: int, world: int) -> Batch:
        return self._draw(step * self.accumulation * world + micro * world + rank)

    def _draw(self, number: int) -> Batch:
        inputs = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(number))
        return inputs, (inputs[:, 0] * inputs[:, 1] > 0).long()

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        inputs, labels = batch
        nats = nn.functional.cross_entropy(module(inputs), labels, reduction="sum")
        return (nats * self.trouble if self.trouble else nats), len(labels)

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        nats, units = self.loss(module, self._draw(1_000_000))
        return {"bits_per_unit": float(nats) / units / 0.6931}

    def units_per_batch(self) -> int:
        return ROWS

    def flops_per_unit(self) -> float:
        return 1000.0

    def save(self, module: nn.Module, folder: Path) -> None:
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        return {"dropout": self.dropout}


def settings(steps: int = 60, **changes: Any) -> Settings:
    """Return settings for `steps` steps of a single micro batch, a checkpoint after each."""
    fixed: dict[str, Any] = {
        "learning_rate": 1e-2,
        "checkpoint_s": 0.0,
        "precision": "float32",
        "device": "cpu",
        "patience": None,
    }
    return Settings(**{"budget": Budget(units=steps * ROWS)} | fixed | changes)
