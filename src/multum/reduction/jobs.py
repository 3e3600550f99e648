"""What a pass over a network gets, and what one that takes parts out returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from multum.errors import UsageError
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import Skipped, Weight

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Job:
    """One pass. asked: how, as multum.reduction.choices and shapes say it. weights: those that may change.

    seed: of measuring what predictions mind. progress: called with what is being done and its share.
    """

    module: Any
    asked: Any
    weights: Sequence[Weight]
    batches: Sequence[Batch]
    seed: int
    progress: Progress | None

    def tell(self, what: str, share: float) -> None:
        """Tell how far the work is."""
        if self.progress is not None:
            self.progress(what, share)

    def teller(self, what: str) -> Callable[[float], None] | None:
        """Return what tells the share of `what` alone, None where nobody listens."""
        return None if self.progress is None else partial(self.progress, what)


@dataclass(frozen=True)
class Removed:
    """Parts that went. told: which, in words. changes: of the network's config.

    origins: of each parameter that has another name now, the name that it had. sizes: of layers that are narrower and
    that no config tells of; see multum.neural.narrowing. left: channels that stay, and why.
    """

    told: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    left: tuple[Skipped, ...] = ()


def check_batches(job: Job) -> None:
    """Raise UsageError unless there are data to see on what the parts that are asked for are worth."""
    if not job.batches:
        raise UsageError(f"what {job.asked.part} are worth is seen on data: give some")
