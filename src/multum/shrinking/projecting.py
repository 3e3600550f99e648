"""The pass that reduces a classifier's features: its head reads fewer dimensions of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from multum.reduction.dimensions import Projection
from multum.reduction.projecting import project
from multum.shrinking.passes import Outcome, Pass, Progress, State
from multum.shrinking.recipes import FEATURES


@dataclass(frozen=True)
class Project:
    """The head of a classifier reads fewer dimensions."""

    asked: Projection

    @property
    def name(self) -> str:
        """The recipe's words."""
        return f"{FEATURES}={self.asked}"

    def apply(self, state: State, progress: Progress | None) -> Outcome:
        """Change the head, and tell how many dimensions would do. Raises UsageError."""
        if progress is not None:
            progress("reducing features", 0.0)
        model = state.model
        done = project(model.module, self.asked, state.material.batches)
        for name, parameter in model.module.get_submodule(done.head).named_parameters(prefix=done.head):
            if name in model.names:
                stored = model.stored[model.names[name]]
                model.stored[model.names[name]] = parameter.detach().to(stored.dtype, copy=True)
                with torch.no_grad():
                    parameter.copy_(model.stored[model.names[name]])
        curve = ", ".join(f"{size}: {same:.1%}" for size, same in done.curve)
        told = f"{done.kept} of {done.dimensions} dimensions hold {done.variance:.2%} of the variance"
        return Outcome((), f"{told}; told as before, by dimensions: {curve}")


PASSES: dict[str, Callable[[Any], Pass]] = {FEATURES: Project}
