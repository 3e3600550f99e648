"""What the predictions of a network lose with each weight, and where one threshold for all of them cuts.

Saliences foretell well what small changes cost, and too little for a layer that goes altogether: taken at their word
they cleared the first layer of a trained network, and with it all that the network knew. So layers follow them half
way, and rows by their roots: docs/LOG.md.
Invariant: how much of a layer goes is known before anything changes; which weights, when columns and layers before them
have changed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from multum.quantization.quantizer import AT_ONCE_BYTES, group_weights
from multum.quantization.sensitivities import Batch, Sensitivity, measure_sensitivities
from multum.quantization.weights import Weight
from multum.reduction.choices import GLOBAL, Pruning
from multum.reduction.masks import choose, find_below, find_global_threshold, find_lowest
from multum.reduction.solving import Choice, prepare_costs
from multum.reduction.walking import Moments

_TRUST = 0.5  # how far layers follow the threshold, from equal shares


@dataclass(frozen=True, eq=False)
class Salience:
    """What a squared weight costs that goes: rows[r] * columns[c] nats a prediction, about. float32[R], float32[C]."""

    rows: Tensor
    columns: Tensor

    def weigh(self, matrix: Tensor) -> Tensor:
        """Return float32[R, C]: what each weight of a matrix costs."""
        return matrix.square() * self.rows[:, None] * self.columns


def measure_saliences(
    module: Any,
    weights: Sequence[Weight],
    batches: Sequence[Batch],
    *,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Salience]:
    """Return the saliences of `weights` by name; those that no gradient reaches are missing.

    Of a large network the batches are read once for each part of it, so that memory is enough.
    Raises UsageError, FormatError: see measure_sensitivities.
    """
    groups = list(group_weights(weights, AT_ONCE_BYTES))
    saliences: dict[str, Salience] = {}
    for number, group in enumerate(groups):
        told = None if progress is None else partial(_tell, progress, number, len(batches), len(groups))
        found = measure_sensitivities(module, group, batches, seed=seed, progress=told)
        # each is made where the other was, so that both never lie in memory
        saliences |= {name: _weigh(found.pop(name)) for name in list(found)}
    return saliences


def _tell(progress: Callable[[float], None], number: int, batches: int, groups: int, done: int) -> None:
    progress((number + done / batches) / groups)


def _weigh(sensitivity: Sensitivity) -> Salience:
    costs = prepare_costs(Moments(sensitivity.columns.double(), sensitivity.positions), natural=False)
    return Salience(sensitivity.rows.float(), costs.columns[torch.argsort(costs.order)])


@dataclass(frozen=True, eq=False)
class Cutting:
    """How much of each layer goes, and by what. shares: of each weight's matrix, by name; empty for a pattern."""

    pruning: Pruning
    saliences: Mapping[str, Salience]
    shares: Mapping[str, float]

    @classmethod
    def plan(cls, pruning: Pruning, weights: Sequence[Weight], saliences: Mapping[str, Salience]) -> "Cutting":
        """Return the cutting of `weights`, each of which has a salience.

        With one threshold for all, a layer loses what lies half way between the share of all and its own share of
        weights below the threshold.
        """
        share, shares = pruning.share, {}
        if share is not None and pruning.usual_scope == GLOBAL:
            threshold = find_global_threshold(_weigh_all(weights, saliences), share)
            for weight, scores in zip(weights, _weigh_all(weights, saliences), strict=True):
                own = int(find_below(scores, threshold).sum()) / scores.numel()
                shares[weight.name] = share + _TRUST * (own - share)
        elif share is not None:
            shares = dict.fromkeys(saliences, share)
        return cls(pruning, saliences, shares)

    def choose(self, weight: Weight) -> Choice:
        """Return the choice of what goes of `weight`."""
        rows, share = self.saliences[weight.name].rows.sqrt()[:, None], self.shares.get(weight.name)

        def pick(scores: Tensor) -> Tensor:
            if share is None:
                return choose(scores, self.pruning)  # neighbours are in one row
            return find_lowest(scores * rows, round(share * scores.numel()))

        return pick


def _weigh_all(weights: Sequence[Weight], saliences: Mapping[str, Salience]) -> Iterator[Tensor]:
    return (saliences[weight.name].weigh(weight.read()) for weight in weights)
