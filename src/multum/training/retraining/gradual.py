"""More and more zeros while a network trains: quickly at first, when weights are many, then ever more slowly.

Which weights go is decided anew at each turn, by the weights as they have become; a weight that is zero learns nothing.
Sources: Zhu and Gupta 2017, "To prune, or not to prune" (the schedule); Lee et al. 2021, "Layer-adaptive sparsity for
the magnitude-based pruning" (the scores, by which one threshold serves all layers and clears none of them).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from multum.reduction.masks import find_below, find_global_threshold
from multum.training.retraining.constraints import list_kept

# How often zeros are chosen, and when the last are: what is left of the budget is for those that stay.
_TURNS = 50
_SETTLED = 0.6


@dataclass(frozen=True)
class Masking:
    """A shaping that ends with `share` of the masked weights at zero. module has `turn`, an int64 buffer."""

    share: float
    settled: float = _SETTLED

    def advance(self, module: nn.Module, fraction: float) -> None:
        """Mask as many weights of `module` as are to be zero at `fraction` of the budget."""
        turn = min(_TURNS, int(fraction / self.settled * _TURNS))
        done: Tensor = module.turn  # type: ignore[assignment]
        if turn == int(done):
            return
        done.fill_(turn)
        mask_lowest(module, self.share, turn / _TURNS)


def mask_lowest(module: nn.Module, share: float, passed: float) -> None:
    """Mask the weights with the lowest scores: from those that are zero already to `share` of all, as time passes."""
    masked = list_kept(module)
    count = sum(weight.numel() for _, weight in masked)
    begun = sum(int((weight == 0).sum()) for _, weight in masked) / count
    scores = [score_weights(weight) for _, weight in masked]
    threshold = find_global_threshold(scores, share + (min(begun, share) - share) * (1 - passed) ** 3)
    for (kept, weight), score in zip(masked, scores, strict=True):
        kept.mask.copy_(~find_below(score, threshold).view(weight.shape) & (weight != 0))


def score_weights(weight: Tensor) -> Tensor:
    """Return float32[rows, columns]: each squared weight's share of those of its matrix that are not smaller."""
    squares = weight.double().square().flatten()
    order = squares.argsort(stable=True)
    ordered = squares[order]
    larger = ordered.flip(0).cumsum(0).flip(0).clamp_min(torch.finfo(torch.float64).tiny)
    scores = torch.empty_like(squares)
    scores[order] = ordered / larger
    return scores.view(len(weight), -1)
