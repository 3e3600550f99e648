"""What `evaluate` found, for people and for machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from multum.evaluation.columns import align_columns
from multum.judging.contests import Contest
from multum.judging.memorising import Memorised
from multum.judging.predictions import Performance
from multum.judging.resampling import CONFIDENCE, RESAMPLES, Interval

ALL = "all together"


@dataclass(frozen=True)
class LabelVerdict:
    """What a classifier is worth on some labelled data. columns: where text and label were found."""

    data: str
    performance: Performance
    columns: str = ""
    head: ClassVar = ("", "labels", "bits per label", "accuracy", "macro F1", "Brier", "calibration error")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {"data": self.data, "columns": self.columns} | self.performance.as_dict()

    @property
    def cells(self) -> tuple[str, ...]:
        """The figures, each with its interval."""
        scores, intervals = self.performance.scores, self.performance.intervals
        return (
            self.data,
            f"{scores.examples:,}",
            f"{scores.bits_per_label:.4f} {intervals['bits_per_label']}",
            f"{scores.accuracy:.4f} {intervals['accuracy']}",
            f"{scores.macro_f1:.4f} {intervals['macro_f1']}",
            f"{self.performance.brier:.4f} {intervals['brier']}",
            f"{self.performance.calibration_error:.4f}",
        )


@dataclass(frozen=True)
class ByteVerdict:
    """What a program takes for some data. Intervals are by blocks of bytes.

    perplexity: of a token. measured: whether a code was made.
    """

    data: str
    raw_bytes: int
    code_bits: float
    bpb: float
    tokens: int
    perplexity: float
    measured: bool
    intervals: dict[str, Interval]
    head: ClassVar = ("", "bytes", "bits per byte", "tokens", "perplexity of a token")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return vars(self) | {"intervals": {name: list(one) for name, one in self.intervals.items()}}

    @property
    def cells(self) -> tuple[str, ...]:
        """The figures, each with its interval."""
        perplexity = self.intervals["perplexity"]
        return (
            self.data,
            f"{self.raw_bytes:,}",
            f"{self.bpb:.4f} {self.intervals['bpb']}",
            f"{self.tokens:,}",
            f"{self.perplexity:.4g} [{perplexity.low:.4g}, {perplexity.high:.4g}]",
        )


Verdict = LabelVerdict | ByteVerdict


@dataclass(frozen=True)
class Damaged:
    """What damage of a kind and strength does. rise: bits per label or byte more than for data as they are."""

    damage: str
    share: float
    told: str
    bits: float
    rise: float
    rise_interval: Interval
    accuracy: float | None = None
    accuracy_interval: Interval | None = None
    head: ClassVar = ("damage", "bits", "more than without", "accuracy")

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        interval = self.accuracy_interval
        return vars(self) | {
            "rise_interval": list(self.rise_interval),
            "accuracy_interval": None if interval is None else list(interval),
        }

    @property
    def cells(self) -> tuple[str, ...]:
        """The figures, each with its interval."""
        name = f"{self.damage}, {100 * self.share:g} % {self.told}"
        cells = (name, f"{self.bits:.4f}", f"{self.rise:+.4f} {self.rise_interval}")
        return cells if self.accuracy is None else (*cells, f"{self.accuracy:.4f} {self.accuracy_interval}")


@dataclass(frozen=True)
class Judged:
    """What there is to say of a program of any task. size_bits: of it, or of the texts that it has read."""

    size_bits: int
    verdicts: tuple[Verdict, ...]
    pooled: Verdict | None
    against: Contest | None
    robust: tuple[Damaged, ...] = ()


@dataclass(frozen=True)
class EvaluateReport:
    """What `evaluate` found. verdicts: one for each of the data. pooled: of all, where they are several.

    folds: K where the program was fitted K times, each without the part that it was judged on; else None.
    """

    program: str
    task: str
    program_bits: int
    verdicts: tuple[Verdict, ...]
    pooled: Verdict | None
    against: Contest | None
    robust: tuple[Damaged, ...]
    memorised: Memorised | None
    folds: int | None
    seed: int
    seconds: float

    @property
    def whole(self) -> Verdict:
        """The verdict on all the data."""
        return self.pooled or self.verdicts[0]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return vars(self) | {
            "verdicts": [one.as_dict() for one in self.verdicts],
            "pooled": None if self.pooled is None else self.pooled.as_dict(),
            "against": None if self.against is None else self.against.as_dict(),
            "robust": [one.as_dict() for one in self.robust],
            "memorised": None if self.memorised is None else self.memorised.as_dict(),
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
        }

    def __str__(self) -> str:
        shown: Sequence[Verdict] = (*self.verdicts, *([self.pooled] if self.pooled else []))
        parts = ["\n".join(align_columns([shown[0].head, *(one.cells for one in shown)]))]
        if isinstance(self.whole, LabelVerdict):
            parts.append(str(self.whole.performance.scores))
        parts += [str(one) for one in (self.against, self.memorised) if one is not None]
        if self.robust:
            rows = [one.cells for one in self.robust]
            parts.append("\n".join(align_columns([Damaged.head[: len(rows[0])], *rows])))
        return "\n\n".join(parts)
