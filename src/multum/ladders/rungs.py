"""Rungs: the runs of a ladder, as they are asked for, and what each of them computes."""

from dataclasses import dataclass
from functools import cached_property

from multum.errors import UsageError
from multum.laws.points import FLOPS_A_PARAMETER
from multum.neural.architectures import Shape, derive_shape
from multum.training.recipes import WINDOW

# Forward, backward by the inputs, backward by the weights: a forward pass alone is a third.
PASSES = 3


@dataclass(frozen=True)
class Rung:
    """One run: a program of a size, trained on an amount of data.

    parameters: the dial of `fit`. trained_bytes: repeats counted. share: of the training bytes that it sees at all.
    """

    parameters: int
    trained_bytes: int
    architecture: str = "llama"
    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.trained_bytes < 1:
            raise UsageError(f"a run on {self.trained_bytes} bytes is not possible; give 1 or more")
        if not 0 < self.share <= 1:
            raise UsageError(f"a share of {self.share:g} of the data is not possible; allowed is above 0 to 1")

    @cached_property
    def shape(self) -> Shape:
        """The program's shape. Raises UsageError for a size or an architecture that there is none of."""
        return derive_shape(self.parameters, self.architecture)

    @property
    def flops(self) -> float:
        """What training costs; see `count_flops`."""
        return count_flops(self.shape) * self.trained_bytes

    @property
    def name(self) -> str:
        """A name for its folder, which no other rung of a grid has."""
        parts = [f"n{self.shape.parameters}", f"d{self.trained_bytes}"]
        parts += [f"share{self.share:g}"] if self.share < 1 else []
        return "-".join(parts + ([f"seed{self.seed}"] if self.seed else []))


def count_flops(shape: Shape, window: int = WINDOW) -> float:
    """Return training FLOPs a byte: 6 a weight, embedding and head included, and thrice attention's over half a window.

    To leave out the embedding and the head of small programs bends a law's exponents more than any other choice.
    Source: Hoffmann et al. 2022 (2203.15556), appendix F; Porian et al. 2024 (2406.19146).
    """
    return FLOPS_A_PARAMETER * shape.parameters + PASSES * shape.mixing * window / 2
