"""As many zeros as a loss allows, or as few as a size does: shares are tried, halving what is open between two.

Invariant: what is left in the network was measured to keep the loss, or the size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from multum.errors import UsageError
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import Weight, find_weights
from multum.reduction.choices import Pruning
from multum.reduction.jobs import Progress
from multum.reduction.pruning import Pruned, prune

if TYPE_CHECKING:
    from torch import nn

Measure = Callable[[], float]
# Shares are told to one in 2 ** _TRIALS.
_TRIALS = 6


def prune_as_asked(
    module: "nn.Module",
    pruning: Pruning,
    batches: Sequence[Batch] | None = None,
    *,
    measure: Measure | None = None,
    weights: Sequence[Weight] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Pruned:
    """Return what `prune` did: at once for a share or a pattern.

    For a loss it is done with the largest share that keeps it, for a size with the least share that does.
    measure: returns what `module` loses as it is, which a loss needs, or how many bytes it takes, which a size does.
    Cost of either: seven times that of a share. Memory: the weights once more.
    Raises UsageError, also where no share will do, FormatError.
    """
    options: dict[str, Any] = {"weights": weights, "seed": seed, "progress": progress}
    if pruning.loss is None and pruning.size_bytes is None:
        return prune(module, pruning, batches, **options)
    if measure is None:
        wanted = "the loss on: give data that the model predicts" if pruning.loss else "the size by: give measure="
        raise UsageError(f"there is nothing to measure {wanted}, or a share")
    return _Search(module, pruning, batches, measure, options).run()


@dataclass(frozen=True, eq=False)
class _Search:
    """What trying shares needs. options: of `prune`."""

    module: "nn.Module"
    pruning: Pruning
    batches: Sequence[Batch] | None
    measure: Measure
    options: dict[str, Any]

    def run(self) -> Pruned:
        """Return what pruning by the share that was found did."""
        kept = [(weight.parameter, weight.parameter.detach().clone()) for weight in find_weights(self.module)[0]]
        return self._try(self._find_least(kept) if self.pruning.loss is None else self._find_largest(kept))

    def _find_largest(self, kept: list[tuple[Any, Any]]) -> float:
        """Return the largest share that keeps the loss."""
        assert self.pruning.loss is not None, "that is what is searched for"
        most = self.measure() + self.pruning.loss
        best, _ = self._halve(kept, most, fewer=False)
        if best is None:
            raise UsageError(
                f"no share of the weights can go for a loss of {self.pruning.loss:g}; allow more, or another method"
            )
        return best

    def _find_least(self, kept: list[tuple[Any, Any]]) -> float:
        """Return the least share that keeps the size."""
        assert self.pruning.size_bytes is not None, "that is what is searched for"
        most, dense = self.pruning.size_bytes, self.measure()
        if dense <= most:
            raise UsageError(f"{dense:,} bytes are taken without any zeros, allowed is {most:,}: no weight has to go")
        best, shortest = self._halve(kept, most, fewer=True)
        if best is None:
            raise UsageError(
                f"no share of zeros makes a file of {most:,} bytes; the shortest that was tried has {shortest:,}: allow"
                " as many, or code in fewer bits"
            )
        return best

    def _halve(self, kept: list[tuple[Any, Any]], most: float, *, fewer: bool) -> tuple[float | None, float]:
        """Return (the best share of which no more than `most` is measured, the least that was measured).

        fewer: whether the best is the least share, for what falls with zeros; else the largest, for what rises.
        """
        share, step = 0.5, 0.5
        best: float | None = None
        found = []
        for _ in range(_TRIALS):
            self._try(share)
            found.append(self.measure())
            self._restore(kept)
            keeps = found[-1] <= most
            best, step = share if keeps else best, step / 2
            share += -step if keeps == fewer else step
        return best, min(found)

    def _try(self, share: float) -> Pruned:
        pruning = replace(self.pruning, share=share, loss=None, size_bytes=None)
        return prune(self.module, pruning, self.batches, **self.options)

    @staticmethod
    @torch.no_grad()
    def _restore(kept: list[tuple[Any, Any]]) -> None:
        for parameter, values in kept:
            parameter.copy_(values)
