"""What a fit of a classifier can be asked for."""

from dataclasses import dataclass
from pathlib import Path

from multum.errors import UsageError
from multum.training.settings import Budget


@dataclass(frozen=True)
class LabelOptions:
    """How to fit a classifier; None takes the recipe's choice for its kind.

    text_columns, label_column: of tables, see `read_labelled`. held_out: a share of the examples, or a file of others.
    init: a directory or hub name to start from. epochs, time_s, flops: the budget, one of them. batch: examples a
    step. dropout: of the small program for texts. most_tokens: of a text, that are read. augment: of images: "shift",
    "crop", "flip". token_dropout: most tokens of a text to hide. label_smoothing: share of a label spread over all.
    adversarial: how far inputs are moved, in their root-mean-squares; 0 for not at all; adversarial_steps: 1 for FGSM,
    more for PGD. teacher: a classifier to learn from, with teacher_weight of the loss at temperature. threads: 0 for
    all cores. Others as in Settings.
    """

    text_columns: tuple[str, ...] = ()
    label_column: str | None = None
    held_out: float | str | Path = 0.1
    init: str | None = None
    epochs: float | None = None
    time_s: float | None = None
    flops: float | None = None
    batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    most_tokens: int = 256
    augment: tuple[str, ...] = ()
    token_dropout: float | None = None
    label_smoothing: float | None = None
    adversarial: float = 0.0
    adversarial_steps: int = 1
    teacher: str | None = None
    teacher_weight: float = 0.5
    temperature: float = 2.0
    accumulation: int = 1
    patience: int | None = 6
    seed: int = 0
    threads: int = 0
    device: str = "auto"
    precision: str = "auto"
    sharded: bool = False

    def __post_init__(self) -> None:
        for name in ("batch", "epochs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value}; allowed is more than 0")
        if self.most_tokens < 2:
            raise UsageError(f"most tokens are {self.most_tokens}; allowed is 2 or more")
        if self.threads < 0:
            raise UsageError(f"threads is {self.threads}; give 1 or more, or 0 for all cores")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise UsageError(f"dropout is {self.dropout}; allowed is 0 to less than 1")
        if self.adversarial < 0:
            raise UsageError(f"adversarial strength is {self.adversarial}; allowed is 0 or more")

    def make_budget(self, examples: int, epochs: float) -> Budget:
        """Return the budget asked for; without one, `epochs` passes over `examples`. Raises UsageError for several."""
        given = [name for name in ("epochs", "time_s", "flops") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"a budget is epochs, time or FLOPs, one of them; got {' and '.join(given)}")
        if self.time_s is not None or self.flops is not None:
            return Budget(time_s=self.time_s, flops=self.flops)
        return Budget(units=max(1, round(examples * (self.epochs or epochs))))
