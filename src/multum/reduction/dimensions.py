"""What features in fewer dimensions are asked for. Light: nothing here loads torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from multum.errors import UsageError

PCA, LEARNED = "pca", "learned"
PROJECTIONS = (PCA, LEARNED)


@dataclass(frozen=True)
class Projection:
    """How a classifier's head reads fewer dimensions; see `project`.

    dimensions: how many. method: one of PROJECTIONS. Raises UsageError.
    """

    dimensions: int
    method: str = PCA

    def __post_init__(self) -> None:
        if self.dimensions < 1:
            raise UsageError(f"features of {self.dimensions} dimensions tell nothing; give 1 or more, such as 64")
        if self.method not in PROJECTIONS:
            allowed = " or ".join(PROJECTIONS)
            raise UsageError(f"'{self.method}' is no way to reduce features; allowed is {allowed}")

    def __str__(self) -> str:
        """Return the recipe's words for it."""
        return f"{self.dimensions}:{self.method}"


def read_projection(words: Sequence[str]) -> Projection:
    """Return what a recipe's words tell: how many dimensions, and a method. Raises UsageError."""
    if not 1 <= len(words) <= 2 or not words[0].isdigit():
        raise UsageError("features takes DIMENSIONS[:METHOD], such as 64 or 16:learned")
    return Projection(int(words[0]), *words[1:])
