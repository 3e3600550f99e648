"""What the trainer asks of a task: a program, its batches, its loss and its score.

The trainer knows schedules, optimizers, checkpoints and processes; a task knows data. Neither knows the other's part.
Invariant: a batch is a pure function of its arguments and the task's seed, so a run that is resumed, or spread over
processes, sees exactly what an undisturbed one would have seen.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


class Task(Protocol):
    """What a run trains on, and how it is scored."""

    name: str  # "bytes", "labels"
    unit: str  # what a rate is per: "byte", "label"

    def build(self) -> "nn.Module":
        """Return the program to train, seeded, on the CPU, in float32."""

    def batch(self, step: int, micro: int, rank: int, world: int) -> Any:
        """Return the micro batch number `micro` of process `rank` among `world` at `step`, on the CPU.

        A pure function: global micro batch `micro * world + rank` holds the same units however it is divided.
        """

    def loss(self, module: "nn.Module", batch: Any) -> "tuple[Tensor, int]":
        """Return (sum of nats over the batch, differentiable; units in it). Regularisers may be added to the sum.

        module: what `build` returned, perhaps wrapped for several processes; call it, do not reach into it.
        """

    def evaluate(self, module: "nn.Module") -> dict[str, float]:
        """Return held-out scores, "bits_per_unit" among them; quick enough to be called many times in a run."""

    def units_per_batch(self) -> int:
        """Return how many units one micro batch of one process holds."""

    def flops_per_unit(self) -> float:
        """Return training FLOPs a unit: six a weight that is multiplied with, and attention."""

    def save(self, module: "nn.Module", folder: Path) -> None:
        """Write an ordinary Hugging Face directory (config, safetensors, tokenizer) into `folder`."""

    def describe(self) -> dict[str, Any]:
        """Return what a resumed run must agree on, as plain JSON values: data digests, shape, seed."""
