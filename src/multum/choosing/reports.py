"""What a search reports: the frontier of what was tried, and the point that was chosen. Light: nothing loads torch."""

from dataclasses import asdict, dataclass
from typing import Any

from multum.choosing.points import Goal, Tried, find_frontier


@dataclass(frozen=True)
class AutoReport:
    """What `auto_shrink` found.

    source: as it was named. target: the file, that of `chosen`. goal: what was asked for. unit: of losses. weights,
    bytes_before, loss_before, accuracy_before, seconds_before: of the model as it came. points: all that was tried, in
    order. folder: where the search stays, with the files of the frontier. cost_s: of this run.
    """

    source: str
    target: str
    goal: Goal
    unit: str
    weights: int
    bytes_before: int
    loss_before: float
    accuracy_before: float | None
    seconds_before: float | None
    points: tuple[Tried, ...]
    chosen: Tried
    folder: str
    seed: int
    cost_s: float

    @property
    def frontier(self) -> list[Tried]:
        """The points that no other beats, by bytes."""
        return find_frontier(self.points)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self) | {"frontier": [point.as_dict() for point in self.frontier]}

    def __str__(self) -> str:
        """Return the table of the frontier, the model as it came above it, the chosen point marked."""
        heads = ("", "bytes", self.unit, "accuracy", "ms", "recipe")
        before = (self.bytes_before, self.loss_before, self.accuracy_before, self.seconds_before)
        rows = [heads, ("", *_show(*before), "(before)")]
        for point in self.frontier:
            assert point.size_bytes is not None, "it became a file"
            assert point.loss is not None, "which was measured"
            mark = "->" if point == self.chosen else ""
            shown = _show(point.size_bytes, point.loss, point.accuracy, point.seconds)
            rows.append((mark, *shown, point.recipe))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(2), *(c.rjust(w) for c, w in zip(row[1:5], widths[1:5], strict=True)), row[5]])
            for row in rows
        )


def _show(size_bytes: int, loss: float, accuracy: float | None, seconds: float | None) -> tuple[str, str, str, str]:
    return (
        f"{size_bytes:,}",
        f"{loss:.4f}",
        "" if accuracy is None else f"{accuracy:.4f}",
        "" if seconds is None else f"{1000 * seconds:.1f}",
    )
