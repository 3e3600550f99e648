"""Passes over a model: each makes it smaller in one way and says what it left alone.

A pass changes the network of a State and notes which tensors have become integers; the runner measures around it.
Invariant: after a pass the network computes with exactly the values that a file of the state holds.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from multum.errors import UsageError
from multum.quantization.memory import give_back_memory
from multum.quantization.quantizer import Quantizer, Target
from multum.quantization.weights import Weight, find_weights
from multum.shrinking.limits import measure_peak_bytes
from multum.shrinking.material import Material
from multum.shrinking.models import CODED_TYPES, Model
from multum.shrinking.reports import Left, Loss, PassLine

if TYPE_CHECKING:
    from torch import nn

    from multum.tensors.grids import Grid

Progress = Callable[[str, float], None]
_NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
_PLAIN = {2: np.int16, 4: np.int32}


@dataclass(eq=False)
class State:
    """A model on its way. grids: integers of the tensors that have become such, by the names in the file.

    fixed: those of them that coding keeps as they are.
    seed: where chance begins. calibrated: the folder where what calibration finds stays, if any. coded_bytes: what all
    integers may take; taken_bytes: what coding says that they do. quantizer: what calibration found, kept for further
    attempts, in which the same passes come before it. teacher: the network as it came, where a pass learns from it.
    weigh: returns how long the file of the network would be as it is, where a pass has to know. learned: the passes
    that learned so far, by name.
    """

    model: Model
    material: Material
    seed: int = 0
    calibrated: Path | None = None
    coded_bytes: int = 0
    taken_bytes: int = 0
    grids: "dict[str, Grid]" = field(default_factory=dict)
    fixed: "dict[str, Grid]" = field(default_factory=dict)
    quantizer: Quantizer | None = None
    teacher: "nn.Module | None" = None
    weigh: Callable[[], int] | None = None
    learned: list[str] = field(default_factory=list)

    def restore(self) -> None:
        """Begin anew, with the values that the passes before coding left."""
        self.model.restore()
        self.grids = dict(self.fixed)

    def forget(self) -> None:
        """Let go of all that only further coding needs: it is as large as the model."""
        self.quantizer = self.teacher = self.weigh = None
        self.grids.clear()
        give_back_memory()

    def measure(self) -> Loss | None:
        """Return what the model costs on the held-out data, None where there are none."""
        gauge = self.material.gauge
        return None if gauge is None else gauge.measure(self.model.module)

    def count_dense_bytes(self) -> int:
        """Return the bytes of the tensors as they would lie in a plain file."""
        return sum(tensor.nbytes for tensor in self.model.stored.values())


@dataclass(frozen=True)
class Outcome:
    """What a pass did. left: what it did not touch, and why. told: what it did, in words."""

    left: tuple[Left, ...]
    told: str = ""


class Pass(Protocol):
    """A way to make a model smaller."""

    @property
    def name(self) -> str:
        """How recipes and ledgers call it."""

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Change `state`; return what was done, and what was left alone. Raises UsageError, FormatError."""


@dataclass(frozen=True)
class Code:
    """Weights become integers on a grid that context coding makes short."""

    name: str = "code"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Quantize all matrices that the file can hold as grids. Raises UsageError for a model without any."""
        codable, left = list_codable(state.model)
        if not codable:
            raise UsageError(f"'{state.model.name}' has no matrices that can be coded; `multum pack` makes it smaller")
        weights = list_free(state)
        if not weights:
            return Outcome(left)  # all are integers already, which are coded as they are
        if state.quantizer is None:
            module, batches = state.model.module, state.material.batches
            told = _tell(progress, "calibrating")
            state.quantizer = Quantizer(
                module, weights, batches, seed=state.seed, folder=state.calibrated, progress=told
            )
        found = state.quantizer.quantize(Target(state.coded_bytes), _tell(progress, "coding"))
        state.taken_bytes = round(found.coded_bytes)
        settle(state, weights, found.grids)
        return Outcome((*left, *(Left(one.name, one.size, one.reason) for one in found.skipped)))


def _tell(progress: Progress | None, what: str) -> Callable[[float], None] | None:
    return None if progress is None else partial(progress, what)


def list_codable(model: Model) -> tuple[tuple[Weight, ...], tuple[Left, ...]]:
    """Return (matrices that a file of `model` can hold as grids, what stays as it is)."""
    weights, skipped = find_weights(model.module)
    left = [Left(model.names.get(one.name, one.name), one.size, one.reason) for one in skipped]
    codable = []
    for weight in weights:
        reason = _why_not(model, weight)
        if reason is None:
            codable.append(weight)
        else:
            left.append(Left(weight.name, weight.parameter.numel(), reason))
    return tuple(codable), tuple(left)


def list_free(state: State) -> tuple[Weight, ...]:
    """Return the matrices that are not integers yet, and can become such."""
    weights, _ = list_codable(state.model)
    return tuple(weight for weight in weights if state.model.names[weight.name] not in state.fixed)


def _why_not(model: Model, weight: Weight) -> str | None:
    if weight.name not in model.names:
        return "the file holds it under another name or in another form"
    stored = model.stored[model.names[weight.name]].dtype
    return None if stored in CODED_TYPES else f"stored as {str(stored).removeprefix('torch.')}"


def settle(state: State, weights: Sequence[Weight], grids: "dict[str, Grid]") -> None:
    """Note `grids`, by parameters, under the names of the file and in its types; give the network their values."""
    found = name_grids(state.model, grids)
    state.grids |= found
    for weight in weights:
        name = state.model.names[weight.name]
        if weight.name in grids:
            with torch.no_grad():
                weight.parameter.copy_(read_values(found[name], state.model.stored[name]))


def name_grids(model: Model, grids: "dict[str, Grid]") -> "dict[str, Grid]":
    """Return `grids`, by parameters, under the names of the file and in its types."""
    named = {}
    for name, grid in grids.items():
        file = model.names[name]
        named[file] = replace(grid, dtype=_NAMES[model.stored[file].dtype])
    return named


def read_values(grid: "Grid", like: Tensor) -> Tensor:
    """Return the values of `grid` as a tensor of the type and shape of `like`."""
    bits: Any = grid.values()
    return torch.from_numpy(bits.view(_PLAIN[bits.itemsize])).view(like.dtype).reshape(like.shape)


def run_passes(state: State, passes: Sequence[Pass], before: Loss | None, progress: Progress | None) -> list[PassLine]:
    """Return the ledger of `passes` over `state`, a line each. before: the loss that the model begins with."""
    ledger: list[PassLine] = []
    for one in passes:
        started_s = time.perf_counter()
        size_bytes = state.count_dense_bytes()
        done = one.apply(state, progress)
        after = state.measure()
        seconds = time.perf_counter() - started_s
        taken = (seconds, measure_peak_bytes())
        sizes = (size_bytes, state.count_dense_bytes())
        ledger.append(PassLine(one.name, *sizes, before, after, *taken, done.left, done.told))
        before = after
    return ledger
