"""What a search for recipes is asked for. Light: nothing here loads torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.choosing.points import Goal
from multum.errors import UsageError

if TYPE_CHECKING:
    from multum.training.retraining.lessons import Batch

BUDGET_S = 600.0


@dataclass(frozen=True)
class AutoOptions:
    """How to search; see `auto_shrink`. Raises UsageError for options that are out of range."""

    data: "str | Path | Sequence[Batch] | None" = None
    evaluation: "str | Path | Sequence[Batch] | None" = None
    target_bytes: int | None = None
    target_loss: float | None = None
    target_accuracy: float | None = None
    target_latency: float | None = None
    budget_s: float = BUDGET_S
    trials: int | None = None
    folder: str | Path | None = None
    calibration: int | None = None
    seed: int = 0
    threads: int | None = None
    memory_limit: int | None = None

    def __post_init__(self) -> None:
        if self.data is None and self.evaluation is None:
            raise UsageError("a search compares losses: give data with --data (data=), whose last part is held out")
        if all(value is None for value in vars(self.goal).values()):
            raise UsageError(
                "a search has a target: give --target-bytes, --target-loss, --target-accuracy or --target-latency"
            )
        for name, value in vars(self.goal).items():
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"a target of {value:g} {name} is not allowed; give more than 0")
        if not (math.isfinite(self.budget_s) and self.budget_s > 0):
            raise UsageError(f"a budget of {self.budget_s:g} seconds is not allowed; give more than 0, such as 10m")
        if self.trials is not None and self.trials < 1:
            raise UsageError(f"{self.trials} trials find nothing; give 1 or more")

    @property
    def goal(self) -> Goal:
        """What is to be reached."""
        return Goal(self.target_bytes, self.target_loss, self.target_accuracy, self.target_latency)

    @property
    def shrinking(self) -> dict[str, Any]:
        """The options of `shrink` that each trial has."""
        given: dict[str, Any] = {"data": self.data, "evaluation": self.evaluation, "calibration": self.calibration}
        given |= {"seed": self.seed, "threads": self.threads, "memory_limit": self.memory_limit}
        return {name: value for name, value in given.items() if value is not None}
