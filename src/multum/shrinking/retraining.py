"""Passes in which a model learns again, from the model as it came: with more zeros, in fewer bits, of fewer layers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.errors import UsageError
from multum.neural.depth import keep_layers
from multum.shrinking.passes import Outcome, Pass, Progress, State, list_codable, settle
from multum.shrinking.recipes import DISTIL, GRADUAL, QAT
from multum.shrinking.reports import Left
from multum.shrinking.reshaping import Origin, store_anew
from multum.training.retraining.choices import Distil, Gradual, Qat
from multum.training.retraining.running import Retrained, retrain

if TYPE_CHECKING:
    from multum.training.trainer import Moment

# What a recipe's words are joined by, and names of folders are not.
_SIGNS = re.compile(r"[=:]")


@dataclass(frozen=True)
class Thin:
    """Weights become zero one after another while the others learn to do without them."""

    asked: Gradual

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{GRADUAL}={self.asked}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Train the matrices that a file can hold otherwise. Raises UsageError, FormatError."""
        done, left = _retrain(self, state, progress)
        return Outcome(left, f"{done.zeros:,} of {done.weights:,} weights are 0, {_tell_run(done)}")


@dataclass(frozen=True)
class Narrow:
    """Weights learn to be integers of so many bits each, and perhaps what layers read as well; coding keeps them."""

    asked: Qat

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{QAT}={self.asked}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Train the matrices that a file can hold as integers. Raises UsageError, FormatError."""
        done, left = _retrain(self, state, progress)
        state.fixed.update(state.grids)
        integers = sum(grid.codes.size for grid in done.grids.values())
        clipped = f", {len(done.reaches)} layers read {self.asked.activations} bits" if done.reaches else ""
        return Outcome(left, f"{integers:,} weights are integers of {self.asked.bits} bits{clipped}, {_tell_run(done)}")


@dataclass(frozen=True)
class Teach:
    """Some layers go, and those that stay learn to do the work of all."""

    asked: Distil

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{DISTIL}={self.asked}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Take layers away and train the others. Raises UsageError, FormatError."""
        told = "all layers stay"
        if self.asked.share < 1:
            told = _take_layers(state, self.asked.share)
        done, left = _retrain(self, state, progress)
        return Outcome(left, f"{told}, {_tell_run(done)}")


def _retrain(
    one: "Thin | Narrow | Teach", state: State, progress: Progress | None
) -> tuple[Retrained, tuple[Left, ...]]:
    """Train the network of `state` as the pass `one` asks, and note its values; return what was done, and left alone.

    What a file cannot hold otherwise does not learn. Raises UsageError where there is nothing to learn from.
    """
    model = state.model
    if state.material.lessons is None:
        raise UsageError(f"{one.name} learns from data: give text or labelled examples with --data (data=)")
    weights, left = list_codable(model)
    frozen = [parameter for name, parameter in model.module.named_parameters() if name not in model.names]
    for parameter in frozen:
        parameter.requires_grad_(False)
    done = retrain(
        model.module,
        state.material.lessons(),
        replace(one.asked.retraining, seed=state.seed),
        teacher=state.teacher,
        weights=weights,
        folder=_find_folder(one.name, state),
        progress=None if progress is None else partial(_tell, progress),
    )
    for parameter in frozen:
        parameter.requires_grad_(True)
    model.module.eval()
    settle(state, weights, done.grids)
    store_anew(model, {})
    return done, left


def _find_folder(name: str, state: State) -> Path | None:
    """Return where the checkpoints of a pass stay: of each of several that are called the same elsewhere."""
    state.learned.append(name)
    if state.calibrated is None:
        return None
    number = state.learned.count(name)
    return state.calibrated / (_SIGNS.sub("-", name) + (f"-{number}" if number > 1 else ""))


def _tell(progress: Progress, moment: "Moment") -> None:
    progress("learning", moment.fraction)


def _tell_run(done: Retrained) -> str:
    return f"after {done.run.steps:,} steps in {done.run.time_s:.0f} s"


def _take_layers(state: State, share: float) -> str:
    """Leave so large a share of the layers to the network of `state`; return what was done, in words."""
    model = state.model
    if model.source is None:
        raise UsageError("layers are taken from models of transformers in a folder; distil=1 keeps all of them")
    if model.factored:
        raise UsageError("layers in halves cannot be taken away; put distil before lowrank, or keep all by distil=1")
    shallow = keep_layers(model.module, share)
    names = dict(model.names)
    gone = set(dict(model.module.named_buffers())) - set(dict(shallow.module.named_buffers()))
    for name in gone & set(model.stored):
        del model.stored[name]
    model.module, model.config = shallow.module, shallow.module.config
    model.changes.update(shallow.changes)
    moved = {name: old for name, old in shallow.origins.items() if old in names and name in names}
    store_anew(model, {name: Origin(old, names[name]) for name, old in moved.items()})
    kept, before = shallow.kept
    return f"{kept} of {before} layers stay"


PASSES: dict[str, Callable[[Any], Pass]] = {GRADUAL: Thin, QAT: Narrow, DISTIL: Teach}
