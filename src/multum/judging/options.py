"""What `evaluate` can be asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from multum.errors import UsageError

# Called with (what is done now, share of it all that is done).
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Options:
    """How to judge; see `evaluate`."""

    against: str | None = None
    folds: int | None = None
    robust: bool = False
    memorised: str | None = None
    train: str | None = None
    text_columns: tuple[str, ...] = ()
    label_column: str | None = None
    seed: int = 0
    device: str = "auto"
    batch: int | None = None
    threads: int = 0
    memory_limit: int | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.folds is not None and (self.folds < 2 or self.train is not None or self.robust):
            raise UsageError(
                f"folds is {self.folds}; give 2 or more, and leave train and robust out: each part of the data is"
                " told by what was fitted to the others"
            )
        if self.memorised is not None and self.train is None:
            raise UsageError("to find what was memorised the items that were learnt from are needed: give train")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}; give 0 or more")

    @property
    def columns(self) -> tuple[tuple[str, ...], str | None]:
        """Where text and label are in tables; () and None to find them."""
        return self.text_columns, self.label_column

    def tell(self, what: str, share: float) -> None:
        """Say how far the work is, where anybody listens."""
        if self.progress is not None:
            self.progress(what, share)
