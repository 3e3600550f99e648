"""Which weights go: those with the lowest scores, of a row, of a matrix, of neighbours, or of all matrices."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from multum.reduction.choices import ROW, Pruning

# Scores are counted by their logarithms, in parts of an octave.
_PARTS, _OCTAVES = 512, 300


def find_lowest_in_rows(scores: Tensor, share: float) -> Tensor:
    """Return bool[R, C]: in each row so large a share of the lowest scores. scores: float[R, C]."""
    count = round(share * scores.shape[1])
    lowest = torch.zeros(scores.shape, dtype=torch.bool)
    places = scores.argsort(dim=1, stable=True)[:, :count]
    return lowest.scatter_(1, places, True)


def find_lowest(scores: Tensor, count: int) -> Tensor:
    """Return bool[R, C]: the `count` lowest scores of a matrix."""
    lowest = torch.zeros(scores.numel(), dtype=torch.bool)
    lowest[scores.flatten().argsort(stable=True)[:count]] = True
    return lowest.view(scores.shape)


def find_lowest_of_neighbours(scores: Tensor, pattern: tuple[int, int]) -> Tensor:
    """Return bool[R, C]: all but the n highest of each m neighbours in a row. C: a multiple of m."""
    kept, among = pattern
    groups = scores.reshape(len(scores), -1, among)
    return find_lowest_in_rows(groups.flatten(0, 1), (among - kept) / among).view(scores.shape)


@dataclass(eq=False)
class Tally:
    """How many scores lie where; scores of any number of matrices.

    counts: int64[bins], by the logarithm; scores of 0 are in the first bin.
    """

    counts: Tensor

    @classmethod
    def of(cls, scores: Tensor) -> "Tally":
        """Return the tally of float[R, C] scores."""
        bins = _place(scores)
        return cls(torch.bincount(bins.flatten(), minlength=2 * _OCTAVES * _PARTS + 1))

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.counts + other.counts)

    def find_threshold(self, share: float) -> float:
        """Return the logarithm below which at least so large a share of the scores lies, and hardly more."""
        below = torch.cumsum(self.counts, 0)
        place = int(torch.searchsorted(below, share * int(below[-1])))
        return (place + 1) / _PARTS - _OCTAVES


def find_below(scores: Tensor, threshold: float) -> Tensor:
    """Return bool[R, C]: the scores below a threshold of find_threshold."""
    return _place(scores) < round((threshold + _OCTAVES) * _PARTS)


def _place(scores: Tensor) -> Tensor:
    """Return int64[R, C]: the bins of scores."""
    logarithms = scores.double().log2().clamp(-_OCTAVES, _OCTAVES)
    return ((logarithms + _OCTAVES) * _PARTS).floor().long()


def find_global_threshold(scores: Iterable[Tensor], share: float) -> float:
    """Return the threshold below which so large a share of all scores lies."""
    tally = Tally(torch.zeros(2 * _OCTAVES * _PARTS + 1, dtype=torch.int64))
    for one in scores:
        tally = tally + Tally.of(one)
    return tally.find_threshold(share)


def choose(scores: Tensor, pruning: Pruning) -> Tensor:
    """Return bool[R, C]: what goes of one matrix, or some of its columns, by its own scores."""
    if pruning.pattern is not None:
        return find_lowest_of_neighbours(scores, pruning.pattern)
    assert pruning.share is not None, "a share or a pattern is there"
    if pruning.usual_scope == ROW:
        return find_lowest_in_rows(scores, pruning.share)
    return find_lowest(scores, round(pruning.share * scores.numel()))
