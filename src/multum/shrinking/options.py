"""What a shrink is asked for. Light: nothing here loads torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from multum.errors import UsageError
from multum.shrinking.recipes import USUAL, Recipe, read_recipe

if TYPE_CHECKING:
    from multum.training.retraining.lessons import Batch

USUAL_BITS = 4.0
CALIBRATION = 16384


@dataclass(frozen=True)
class ShrinkOptions:
    """How to shrink; see `shrink`. At most one of target_bytes and target_bits; 4 bits a weight without any target."""

    data: "str | Path | Sequence[Batch] | None" = None
    evaluation: "str | Path | Sequence[Batch] | None" = None
    target_bytes: int | None = None
    target_bits: float | None = None
    max_loss_increase: float | None = None
    calibration: int = CALIBRATION
    calibrated: str | Path | None = None
    seed: int = 0
    threads: int | None = None
    memory_limit: int | None = None
    recipe: str = USUAL

    def __post_init__(self) -> None:
        """Raise UsageError for options that are out of range or exclude each other."""
        if self.target_bytes is not None and self.target_bits is not None:
            raise UsageError("a target is bytes or bits a weight, one of them")
        if self.target_bytes is not None and self.target_bytes < 1:
            raise UsageError(f"a target of {self.target_bytes} bytes is not allowed; give 1 or more")
        if self.target_bits is not None and not 0 < self.target_bits <= 32:
            raise UsageError(
                f"a target of {self.target_bits:g} bits a weight is not allowed; give more than 0, up to 32"
            )
        if self.max_loss_increase is not None:
            self._check_gate(self.max_loss_increase)
        if self.calibration < 1:
            raise UsageError(f"calibration on {self.calibration} tokens is not possible; give 1 or more")
        if self.target_bytes is not None and self.steps.size_bytes is not None:
            raise UsageError(
                f"a size is asked for twice, by '{self.recipe}' and as a target; leave one out, or give bits a weight,"
                " at which zeros are to meet it"
            )
        if not self.steps.codes and (self.target_bytes is not None or self.target_bits is not None):
            raise UsageError(f"a size is met by coding, which '{self.recipe}' does not do; end it with | code")

    @cached_property
    def steps(self) -> Recipe:
        """The passes that were asked for."""
        return read_recipe(self.recipe)

    def _check_gate(self, most: float) -> None:
        if not (math.isfinite(most) and most >= 0):
            raise UsageError(f"a loss increase of {most:g} is not allowed; give 0 or more bits")
        if self.data is None and self.evaluation is None:
            raise UsageError(
                "a loss is measured on data: give calibration data with --data (data=), whose last part is held out,"
                " or data to measure on with --eval (evaluation=)"
            )

    @property
    def sized(self) -> bool:
        """Whether a size is asked for."""
        return any(size is not None for size in (self.target_bytes, self.target_bits, self.steps.size_bytes))

    @property
    def bits(self) -> float | None:
        """How many bits a coded weight takes where nothing else decides, None where none is coded."""
        usual = USUAL_BITS if self.target_bits is None else self.target_bits
        return usual if self.steps.codes else None

    @property
    def searches(self) -> bool:
        """Whether the size follows from the loss that is allowed."""
        return self.max_loss_increase is not None and not self.sized and self.steps.codes

    def find_target_bytes(self, weights: int) -> int:
        """Return what the file may take for a model of so many weights."""
        asked_bytes = self.target_bytes if self.steps.size_bytes is None else self.steps.size_bytes
        if asked_bytes is not None:
            return asked_bytes
        bits = USUAL_BITS if self.target_bits is None else self.target_bits
        return int(bits * weights / 8)
