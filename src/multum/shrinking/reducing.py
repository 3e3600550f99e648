"""Passes that come before coding: they change what the values of a model are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from multum.quantization.weights import Weight
from multum.reduction.choices import Pruning, Rounding
from multum.reduction.factoring import lowrank
from multum.reduction.rounding import quantize
from multum.reduction.shapes import LowRank, Structure
from multum.reduction.structuring import structure
from multum.reduction.thresholds import prune_as_asked
from multum.shrinking import projecting, retraining
from multum.shrinking.models import Model
from multum.shrinking.passes import Outcome, Pass, Progress, State, list_codable, settle
from multum.shrinking.recipes import LOWRANK, PRUNE, QUANTIZE, STRUCTURE, Step
from multum.shrinking.reports import Left
from multum.shrinking.reshaping import WEIGHT, name_all, note_halves, note_parts


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
        gauge = state.material.gauge
        measure = None if gauge is None else lambda: gauge.measure(state.model.module).value
        done = prune_as_asked(
            state.model.module,
            self.pruning,
            state.material.batches,
            measure=measure if self.pruning.size_bytes is None else state.weigh,
            weights=weights,
            seed=state.seed,
            progress=progress,
        )
        keep_values(state, weights)
        left = (*left, *(Left(one.name, one.size, one.reason) for one in done.left))
        return Outcome(left, f"{done.zeros:,} of {done.weights:,} weights are 0")


@dataclass(frozen=True)
class Lower:
    """Matrices become products of two narrower ones, which the file holds in place of them."""

    asked: LowRank

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{LOWRANK}={self.asked}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Halve the matrices that are smaller so. Raises UsageError, FormatError."""
        named, left = list_halvable(state.model)
        done = lowrank(
            state.model.module, self.asked, state.material.batches, weights=named, seed=state.seed, progress=progress
        )
        note_halves(
            state.model, {weight.uses[0].name: weight.transposed for weight in named if weight.name in done.ranks}
        )
        left = (*left, *(Left(one.name, one.size, one.reason) for one in done.left))
        share = done.after / done.weights
        return Outcome(
            left, f"{len(done.ranks)} layers are in halves, {share:.2f} of {done.weights:,} weights are left"
        )


@dataclass(frozen=True)
class Restructure:
    """Channels, heads, neurons or layers go; the file is that of a smaller network of the same family."""

    asked: Structure

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{STRUCTURE}={self.asked}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Take parts out. Raises UsageError, FormatError."""
        name_all(state.model)
        done = structure(state.model.module, self.asked, state.material.batches, seed=state.seed, progress=progress)
        note_parts(state.model, done)
        left = tuple(Left(one.name, one.size, one.reason) for one in done.left)
        return Outcome(left, f"{done.told}: {done.after:,} of {done.before:,} weights are left")


@dataclass(frozen=True)
class Quantize:
    """Weights become integers of so many bits each, as machines multiply them; coding keeps them."""

    rounding: Rounding

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{QUANTIZE}={self.rounding}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Round the matrices that a file can hold as integers. Raises UsageError, FormatError."""
        weights, left = list_halvable(state.model) if self.rounding.rank else list_codable(state.model)
        transposed = {weight.uses[0].name: weight.transposed for weight in weights}
        done = quantize(state.model.module, self.rounding, state.material.batches, weights=weights, progress=progress)
        if done.corrected:
            note_halves(state.model, {layer: transposed[layer] for layer in done.corrected})
            weights, _ = list_codable(state.model)  # some have other names now
        settle(state, weights, done.grids)
        keep_values(state, [weight for weight in weights if weight.name in done.grids])
        state.fixed.update(state.grids)
        left = (*left, *(Left(one.name, one.size, one.reason) for one in done.left))
        beside = f", {len(done.corrected)} layers have two of rank {self.rounding.rank} beside them"
        return Outcome(
            left,
            f"{done.weights:,} weights are integers of {self.rounding.bits} bits{beside if done.corrected else ''}",
        )


def list_halvable(model: Model) -> tuple[tuple[Weight, ...], tuple[Left, ...]]:
    """Return (matrices that a file of `model` can hold in halves, or with such beside them, what stays as it is)."""
    weights, left = list_codable(model)
    named = tuple(weight for weight in weights if model.names[weight.name].endswith(WEIGHT))
    others = [weight for weight in weights if weight not in named]
    reason = f"its name does not end in {WEIGHT}, so that its halves would have none"
    return named, (*left, *(Left(weight.name, weight.parameter.numel(), reason) for weight in others))


def keep_values(state: State, weights: Sequence[Weight]) -> None:
    """Note the values that `weights` have now as those of the model, in the types of its file."""
    stored = state.model.stored
    for weight in weights:
        name = state.model.names[weight.name]
        stored[name] = weight.parameter.detach().to(stored[name].dtype, copy=True)
        with torch.no_grad():
            weight.parameter.copy_(stored[name])


_PASSES: dict[str, Callable[[Any], Pass]] = {
    LOWRANK: Lower,
    PRUNE: Prune,
    QUANTIZE: Quantize,
    STRUCTURE: Restructure,
    **projecting.PASSES,
    **retraining.PASSES,
}


def make_passes(steps: Sequence[Step]) -> list[Pass]:
    """Return the passes of a recipe's steps before coding."""
    return [_PASSES[step.name](step.choice) for step in steps]
