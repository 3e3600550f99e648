"""What a ladder can be asked for. Light: nothing here loads torch."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multum.errors import UsageError
from multum.neural.architectures import ARCHITECTURES
from multum.training.settings import PRECISIONS

AUTO = "auto"
# Bits a weight that every program of a chosen grid is rounded to.
BITS = (8.0, 6.0, 4.0, 3.0)
_LEAST_BITS, _MOST_BITS = 1.0, 8.0


@dataclass(frozen=True)
class LadderOptions:
    """How to run a ladder; see `ladder`."""

    time_s: float | None = None
    flops: float | None = None
    grid: "str | os.PathLike[str] | Mapping[str, Any]" = AUTO
    bits: tuple[float, ...] = BITS
    architecture: str = "llama"
    held_out: "str | os.PathLike[str] | None" = None
    workers: int = 0
    cluster: str | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.time_s is not None and self.flops is not None:
            raise UsageError("a budget is time or FLOPs, one of them")
        if self.is_auto and self.time_s is self.flops is None:
            raise UsageError(
                "a grid is chosen for a budget: give --budget TIME (time_s=), --flops F (flops=), or a grid of your own"
            )
        for name, value in (("time", self.time_s), ("FLOPs", self.flops)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"a budget of {value:g} {name} is not possible; give more than 0")
        for one in self.bits:
            if not _LEAST_BITS <= one <= _MOST_BITS:
                raise UsageError(
                    f"{one:g} bits a weight are not possible; allowed is {_LEAST_BITS:g} to {_MOST_BITS:g}"
                )
        if self.architecture not in ARCHITECTURES:
            raise UsageError(
                f"there is no architecture '{self.architecture}'; choose one of {', '.join(ARCHITECTURES)}"
            )
        if self.precision not in PRECISIONS:
            raise UsageError(f"there is no precision '{self.precision}'; choose one of {', '.join(PRECISIONS)}")
        if self.workers < 0:
            raise UsageError(f"{self.workers} workers; give 1 or more, or 0 for one a core")
        if self.workers and self.cluster is not None:
            raise UsageError("workers are of this machine, a cluster has its own; give one of them")

    @property
    def is_auto(self) -> bool:
        """Whether the grid is to be chosen."""
        return isinstance(self.grid, str) and self.grid == AUTO

    def describe(self) -> dict[str, Any]:
        """Return what decides the runs, as plain values; a table is described by its runs."""
        chosen: dict[str, Any] = {"budget_s": self.time_s, "flops": self.flops} if self.is_auto else {}
        if self.precision != AUTO:
            chosen["precision"] = self.precision
        return chosen | {"bits": list(self.bits), "architecture": self.architecture, "seed": self.seed}
