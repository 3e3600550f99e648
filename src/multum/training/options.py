"""What a fit of a program over bytes can be asked for. Light: nothing here loads torch."""

from dataclasses import dataclass
from pathlib import Path

from multum.errors import UsageError
from multum.neural.architectures import ARCHITECTURES
from multum.training.settings import Budget

TEN_MINUTES_S = 600.0


@dataclass(frozen=True)
class FitOptions:
    """How to fit a program; None takes what the recipe derives from the number of parameters.

    parameters, architecture: the dial and the family ("llama", "recurrent"), unless `init`, a directory or hub name,
    gives a program to train further. time_s, tokens, flops: the budget, one of them, by default ten minutes; a token
    is a byte. held_out: a file to be scored on, by default the last part of the data. window: bytes read at once.
    batch: bytes a step. evaluations: of a sample of the held-out bytes, within the run; the best weights are kept.
    patience: evaluations without gain that end it early, None for never. threads: 0 for all cores.
    """

    parameters: int = 1_000_000
    architecture: str = "llama"
    init: str | None = None
    time_s: float | None = None
    tokens: int | None = None
    flops: float | None = None
    held_out: str | Path | None = None
    window: int | None = None
    batch: int | None = None
    dropout: float = 0.0
    weight_decay: float | None = None
    learning_rate: float | None = None
    evaluations: int = 24
    patience: int | None = 8
    checkpoint_s: float = 60.0
    threads: int = 0
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    sharded: bool = False

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UsageError(
                f"there is no architecture '{self.architecture}'; choose one of {', '.join(ARCHITECTURES)}"
            )
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout is {self.dropout}; allowed is 0 to 1, without 1")
        for name in ("window", "batch", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name.replace('_', ' ')} is {value}; allowed is more than 0")
        if self.threads < 0:
            raise UsageError(f"{self.threads} threads; give 1 or more, or 0 for all cores")
        self.make_budget()

    def make_budget(self) -> Budget:
        """Return the budget asked for, or ten minutes. Raises UsageError for several."""
        if self.time_s is self.tokens is self.flops is None:
            return Budget(time_s=TEN_MINUTES_S)
        return Budget(time_s=self.time_s, units=self.tokens, flops=self.flops)
