"""As many zeros as a loss allows: shares are tried, halving what is open between one that is kept and one that is not.

Invariant: what is left in the network was measured to keep the loss.
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
    """Return what `prune` did: at once for a share or a pattern, for a loss with the largest share that keeps it.

    measure: returns what `module` loses as it is, which a loss needs. Cost of a loss: seven times that of a share.
    Memory: the weights once more. Raises UsageError, also where no share keeps the loss, FormatError.
    """
    options: dict[str, Any] = {"weights": weights, "seed": seed, "progress": progress}
    if pruning.loss is None:
        return prune(module, pruning, batches, **options)
    if measure is None:
        raise UsageError("there is nothing to measure the loss on: give data that the model predicts, or a share")
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
        """Return what pruning by the largest share that keeps the loss did."""
        assert self.pruning.loss is not None, "that is what is searched for"
        kept = [(weight.parameter, weight.parameter.detach().clone()) for weight in find_weights(self.module)[0]]
        most = self.measure() + self.pruning.loss
        share, step, best = 0.5, 0.5, 0.0
        for _ in range(_TRIALS):
            self._try(share)
            keeps = self.measure() <= most
            self._restore(kept)
            best, step = share if keeps else best, step / 2
            share += step if keeps else -step
        if not best:
            raise UsageError(
                f"no share of the weights can go for a loss of {self.pruning.loss:g}; allow more, or another method"
            )
        return self._try(best)

    def _try(self, share: float) -> Pruned:
        return prune(self.module, replace(self.pruning, share=share, loss=None), self.batches, **self.options)

    @staticmethod
    @torch.no_grad()
    def _restore(kept: list[tuple[Any, Any]]) -> None:
        for parameter, values in kept:
            parameter.copy_(values)
