"""What networks of other shapes are asked for: matrices of low rank, parts that go. Light: nothing here loads torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from multum.errors import UsageError

WHITENED, SVD = "whitened", "svd"
APPROXIMATIONS = (WHITENED, SVD)


@dataclass(frozen=True)
class LowRank:
    """How matrices become products of two narrower ones; see `lowrank`.

    share: of the weights of all matrices, what may stay. method: one of APPROXIMATIONS. Raises UsageError.
    """

    share: float
    method: str = WHITENED

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and 0 < self.share < 1):
            raise UsageError(
                f"matrices of low rank cannot have a share of {self.share:g}; give more than 0 and less than 1"
            )
        if self.method not in APPROXIMATIONS:
            allowed = ", ".join(APPROXIMATIONS)
            raise UsageError(f"'{self.method}' is no way to lower ranks; allowed is {allowed}")

    def __str__(self) -> str:
        """Return the recipe's words for it."""
        return f"{self.share:g}:{self.method}"


def read_lowrank(words: Sequence[str]) -> LowRank:
    """Return what a recipe's words tell: the share of weights that stays, and a method. Raises UsageError."""
    if not 1 <= len(words) <= 2 or not words[0]:
        raise UsageError("lowrank takes SHARE[:METHOD], such as 0.9 or 0.7:svd")
    try:
        share = float(words[0])
    except ValueError:
        raise UsageError(f"'{words[0]}' is no share of the weights that stay; give one such as 0.9") from None
    return LowRank(share, *words[1:])


CHANNELS, HEADS, NEURONS, LAYERS = "channels", "heads", "neurons", "layers"
PARTS = (CHANNELS, HEADS, NEURONS, LAYERS)


@dataclass(frozen=True)
class Structure:
    """Which parts of a network go; see `structure`.

    part: one of PARTS. share: of them in each layer, what goes; of LAYERS: how many. Raises UsageError.
    """

    part: str
    share: float

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise UsageError(f"'{self.part}' are no parts that go by themselves; allowed is {', '.join(PARTS)}")
        if self.part == LAYERS and not (self.share >= 1 and self.share == int(self.share)):
            raise UsageError(f"{self.share:g} layers cannot go; give a whole number, such as layers:2")
        if self.part != LAYERS and not 0 < self.share < 1:
            raise UsageError(
                f"a share of {self.share:g} of the {self.part} cannot go; give more than 0 and less than 1"
            )

    def __str__(self) -> str:
        """Return the recipe's words for it."""
        return f"{self.part}:{self.share:g}"


def read_structure(words: Sequence[str]) -> Structure:
    """Return what a recipe's words tell: PART:SHARE, or layers:N. Raises UsageError."""
    if len(words) != 2:
        raise UsageError("structure takes PART:SHARE, such as heads:0.25, neurons:0.5 or channels:0.25, or layers:N")
    try:
        share = float(words[1])
    except ValueError:
        raise UsageError(f"'{words[1]}' is no share of the {words[0]}; give one such as 0.25, or layers:2") from None
    return Structure(words[0], share)
