"""Passes that come before coding: they change what the values of a model are."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from multum.quantization.weights import Weight
from multum.reduction.choices import Pruning
from multum.reduction.pruning import prune
from multum.shrinking.passes import Outcome, Pass, Progress, State, list_codable
from multum.shrinking.recipes import PRUNE, Step
from multum.shrinking.reports import Left


@dataclass(frozen=True)
class Prune:
    """Weights become zero, and others make it good."""

    pruning: Pruning

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{PRUNE}={self.pruning}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Prune the matrices that a file can hold otherwise. Raises UsageError, FormatError."""
        weights, left = list_codable(state.model)
        done = prune(
            state.model.module,
            self.pruning,
            state.material.batches,
            weights=weights,
            seed=state.seed,
            progress=progress,
        )
        keep_values(state, weights)
        left = (*left, *(Left(one.name, one.size, one.reason) for one in done.left))
        return Outcome(left, f"{done.zeros:,} of {done.weights:,} weights are 0")


def keep_values(state: State, weights: Sequence[Weight]) -> None:
    """Note the values that `weights` have now as those of the model, in the types of its file."""
    stored = state.model.stored
    for weight in weights:
        name = state.model.names[weight.name]
        stored[name] = weight.parameter.detach().to(stored[name].dtype, copy=True)
        with torch.no_grad():
            weight.parameter.copy_(stored[name])


_PASSES = {PRUNE: Prune}


def make_passes(steps: Sequence[Step]) -> list[Pass]:
    """Return the passes of a recipe's steps before coding."""
    return [_PASSES[step.name](step.choice) for step in steps]
