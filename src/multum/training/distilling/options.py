"""What distilling is asked for. Light: nothing here loads torch."""

from dataclasses import dataclass
from pathlib import Path

from multum.errors import UsageError
from multum.training.retraining.choices import EPOCHS, Retraining
from multum.training.settings import Budget


@dataclass(frozen=True)
class DistilOptions:
    """How to distil; see `distil`. None takes what suits the kind of program.

    layers: of the teacher that the student keeps, evenly apart, half of them without any option; or student: a
    directory or hub name to start from; or parameters: a new program over bytes of about so many. epochs or time_s:
    the budget. held_out: a share of the examples, or a file. batch: examples, or windows, a step. window: tokens.
    text_columns, label_column, most_tokens, augment: as for `fit_labels`. Others as in Retraining and Settings.
    Raises UsageError.
    """

    layers: int | None = None
    student: str | None = None
    parameters: int | None = None
    epochs: float | None = None
    time_s: float | None = None
    temperature: float | None = None
    teacher_weight: float | None = None
    hidden: float = 0.0
    learning_rate: float | None = None
    batch: int | None = None
    window: int | None = None
    held_out: float | str | Path | None = None
    text_columns: tuple[str, ...] = ()
    label_column: str | None = None
    most_tokens: int = 256
    augment: tuple[str, ...] = ()
    evaluations: int = 12
    patience: int | None = 6
    seed: int = 0
    threads: int = 0
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        starts = [name for name in ("layers", "student", "parameters") if getattr(self, name) is not None]
        if len(starts) > 1:
            raise UsageError(f"a student has one beginning: {' and '.join(starts)} exclude each other")
        for name in ("layers", "batch", "window"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; allowed is 1 or more")
        if self.threads < 0:
            raise UsageError(f"{self.threads} threads; give 1 or more, or 0 for all cores")
        if self.epochs is not None and self.time_s is not None:
            raise UsageError("a budget is epochs or time, one of them")
        _ = self.retraining  # which checks its numbers

    @property
    def retraining(self) -> Retraining:
        """What of this is about learning."""
        return Retraining(
            epochs=self.epochs or EPOCHS,
            temperature=self.temperature,
            teacher_weight=self.teacher_weight,
            hidden=self.hidden,
            learning_rate=self.learning_rate,
            seed=self.seed,
        )

    def make_budget(self, units_an_epoch: int) -> Budget:
        """Return the time that was asked for, or the units of so many epochs."""
        if self.time_s is not None:
            return Budget(time_s=self.time_s)
        return Budget(units=max(1, round(self.retraining.epochs * units_an_epoch)))
