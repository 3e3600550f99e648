"""What a ladder tells: where it is, what its runs came to, and the law and the plan that follow."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from multum.laws.law import Law
from multum.laws.planning import Plan


@dataclass(frozen=True)
class Cost:
    """What a ladder costs, told before it starts.

    runs: to be made; finished: made before. flops: of their training. time_s: until all are done, by workers at once.
    flops_s: of a worker, for the largest program. least_parameters, most_parameters: of all runs. bits: a weight, to
    which each program is rounded as well. estimates: (run, seconds) in the order in which they will start.
    """

    runs: int
    finished: int
    flops: float
    time_s: float
    workers: int
    flops_s: float
    least_parameters: int
    most_parameters: int
    bits: tuple[float, ...]
    estimates: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Moment:
    """Where a ladder is.

    fraction: of its cost. done, runs: finished ones, and all. name, bpb: of the run that told last, and the rate of its
    last evaluation, None before it. note: what has happened, in words, None while runs only go on.
    """

    fraction: float
    done: int
    runs: int
    name: str
    bpb: float | None
    spent_s: float
    left_s: float
    note: str | None = None


@dataclass(frozen=True)
class Point:
    """One line of points.jsonl.

    run: its name, and that of its folder. parameters: weights, embedding and head included. bytes: trained on, repeats
    counted; unique_bytes: different ones among them, None where no run of the ladder repeats any. flops: see
    `count_flops`. bpb: bits a held-out byte. post_training_bits: of a weight, 32 as it was trained, None where no
    program of the ladder was rounded. time_s: of training.
    """

    run: str
    parameters: int
    bytes: int
    unique_bytes: int | None
    flops: float
    bpb: float
    post_training_bits: float | None
    share: float
    seed: int
    time_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, without what the ladder does not vary."""
        return {name: value for name, value in asdict(self).items() if value is not None}


Announce = Callable[[Cost], None]
Progress = Callable[[Moment], None]


@dataclass(frozen=True)
class LadderReport:
    """What a ladder came to. target: its folder.

    points: of all runs. failed: (run, why) of those without points. law: None where the points make none, and plan
    where the law is not to be extrapolated; notes say why. flops: of training, all runs.
    """

    target: str
    points: tuple[Point, ...]
    failed: tuple[tuple[str, str], ...]
    flops: float
    time_s: float
    law: Law | None
    plan: Plan | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "target": self.target,
            "points": [point.as_dict() for point in self.points],
            "failed": [{"run": run, "reason": reason} for run, reason in self.failed],
            "flops": self.flops,
            "time_s": round(self.time_s, 3),
            "law": None if self.law is None else self.law.as_dict(),
            "plan": None if self.plan is None else self.plan.as_dict(),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Return the runs as a table: bits a held-out byte as trained, and at fewer bits a weight."""
        bits = sorted({point.post_training_bits or 32.0 for point in self.points}, reverse=True)
        rows = [("run", "parameters", "bytes", "FLOPs", *(_head(one) for one in bits))]
        for name in dict.fromkeys(point.run for point in self.points):
            ours = [point for point in self.points if point.run == name]
            rates = {point.post_training_bits or 32.0: f"{point.bpb:.4f}" for point in ours}
            first = ours[0]
            told = (f"{first.parameters:,}", f"{first.bytes:,}", f"{first.flops:.3g}")
            rows.append((name, *told, *(rates.get(one, "") for one in bits)))
        return "\n".join(_align(rows))


def _head(bits: float) -> str:
    return "bits per byte" if bits == 32 else f"at {bits:g} bits"


def _align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows of a table, the first column flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
