"""What a pass over a network gets: the network, what is asked of it, and data to see what it minds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from multum.quantization.sensitivities import Batch
from multum.quantization.weights import Weight

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
