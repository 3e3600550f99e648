"""Points of a search: a recipe, a size, and what the file that they made costs. Light: nothing here loads torch."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Tried:
    """What was tried.

    recipe: its passes. bits: of the file a weight, as asked for. single: whether one pass makes it. number: of its file
    in the search's folder, which is there while nothing beats it. size_bytes, loss, accuracy, seconds: of the file, on
    the held-out data, and of one run; None where there is no file, and then why says so. accuracy: of classifiers only.
    cost_s: what trying took.
    """

    recipe: str
    bits: float
    single: bool = False
    number: int = 0
    size_bytes: int | None = None
    loss: float | None = None
    accuracy: float | None = None
    seconds: float | None = None
    cost_s: float = 0.0
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @property
    def worth(self) -> tuple[float, float, float, float]:
        """(bytes, loss, seconds of a run, share of examples told wrongly), of each the less the better."""
        assert self.size_bytes is not None, "only what became a file is compared"
        assert self.loss is not None, "a search has data"
        return self.size_bytes, self.loss, self.seconds or 0.0, 0.0 if self.accuracy is None else 1 - self.accuracy


@dataclass(frozen=True)
class Goal:
    """What a file is to have: at most so many bytes, such a loss, such seconds a run; at least such an accuracy."""

    bytes: int | None = None
    loss: float | None = None
    accuracy: float | None = None
    latency: float | None = None

    def allows(self, point: Tried) -> bool:
        """Return whether `point`, which has a file, reaches all that is asked for."""
        size_bytes, loss, seconds, _ = point.worth
        return (
            (self.bytes is None or size_bytes <= self.bytes)
            and (self.loss is None or loss <= self.loss)
            and (self.latency is None or seconds <= self.latency)
            and (self.accuracy is None or (point.accuracy is not None and point.accuracy >= self.accuracy))
        )

    @property
    def saves_bytes(self) -> bool:
        """Whether the quality is fixed, so that the fewest bytes are best; else it is the least loss."""
        return self.loss is not None or self.accuracy is not None

    def __str__(self) -> str:
        """Return the goal in words."""
        words = [
            None if self.bytes is None else f"{self.bytes:,} bytes at most",
            None if self.loss is None else f"a loss of {self.loss:g} at most",
            None if self.accuracy is None else f"an accuracy of {self.accuracy:g} at least",
            None if self.latency is None else f"{1000 * self.latency:g} ms a run at most",
        ]
        return ", ".join(word for word in words if word)


def list_made(points: Sequence[Tried]) -> list[Tried]:
    """Return the points that became a file."""
    return [point for point in points if point.size_bytes is not None]


def find_frontier(points: Sequence[Tried]) -> list[Tried]:
    """Return the points that no other beats, by bytes.

    One point beats another that is nowhere better and somewhere worse, in bytes, loss, time of a run and accuracy; of
    equal ones the first stays.
    """
    made = list_made(points)
    kept = [
        point
        for place, point in enumerate(made)
        if not any(_beats(other, point) or (other.worth == point.worth and made.index(other) < place) for other in made)
    ]
    return sorted(kept, key=lambda point: point.worth)


def _beats(one: Tried, other: Tried) -> bool:
    return one.worth != other.worth and all(a <= b for a, b in zip(one.worth, other.worth, strict=True))


def choose(points: Sequence[Tried], goal: Goal) -> Tried | None:
    """Return the best of the points that reach `goal`, None where none does."""
    reaching = [point for point in list_made(points) if goal.allows(point)]
    if goal.saves_bytes:
        return min(reaching, key=lambda point: point.worth, default=None)
    return min(reaching, key=lambda point: (point.worth[1], *point.worth), default=None)
