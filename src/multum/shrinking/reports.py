"""What `shrink` reports: the bytes of a file that loads back, beside what it costs. Light: nothing here loads torch."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Loss:
    """What a network costs on data that no pass saw.

    unit: "bits per byte" or "bits per label". value: those bits. count: how many bytes or labels were predicted.
    accuracy, macro_f1: of classifiers, else None.
    """

    unit: str
    value: float
    count: int
    accuracy: float | None = None
    macro_f1: float | None = None


@dataclass(frozen=True)
class Left:
    """A tensor that was not coded as integers, how many weights it has, and why."""

    name: str
    weights: int
    reason: str


@dataclass(frozen=True)
class PassLine:
    """What one pass did: a line of the ledger.

    bytes_before, bytes_after: of the model as it would be written, the last one of the file itself. loss_before,
    loss_after: None where there is nothing to measure on. peak_bytes: the most memory that the process had until
    its end. left: what the pass did not touch, and why. told: what it did, in words.
    """

    name: str
    bytes_before: int
    bytes_after: int
    loss_before: Loss | None
    loss_after: Loss | None
    seconds: float
    peak_bytes: int
    left: tuple[Left, ...] = ()
    told: str = ""


@dataclass(frozen=True)
class Running:
    """What running a network takes here: seconds of one run (the median of several) on `input`, bytes of weights."""

    seconds: float
    weight_bytes: int
    input: str


@dataclass(frozen=True)
class ShrinkReport:
    """What `shrink` made.

    source: as it was named. target: the file. weights: how many the model has, tied ones once. bytes_before: of the
    source's weight files. bytes_after: of the file, everything in it. loss_*: None without data. running_*: None
    where nobody knows what the network reads; running_int8, loss_int8: as those after, linear layers in 8-bit integers.
    passes: the ledger, a line each.
    """

    source: str
    target: str
    weights: int
    bytes_before: int
    bytes_after: int
    loss_before: Loss | None
    loss_after: Loss | None
    running_before: Running | None
    running_after: Running | None
    seconds: float
    peak_bytes: int
    calibration: str
    passes: tuple[PassLine, ...]
    running_int8: Running | None = None
    loss_int8: Loss | None = None

    @property
    def share(self) -> float:
        """The file's part of the source's bytes."""
        return self.bytes_after / self.bytes_before

    @property
    def bits_per_weight(self) -> float:
        """Bits of the file a weight, everything in it included."""
        return 8 * self.bytes_after / self.weights

    @property
    def loss_increase(self) -> float | None:
        """How many bits a byte or label more the small model takes; None without data."""
        if self.loss_before is None or self.loss_after is None:
            return None
        return self.loss_after.value - self.loss_before.value

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        derived = {
            "share": self.share,
            "bits_per_weight": self.bits_per_weight,
            "loss_increase": self.loss_increase,
        }
        return asdict(self) | derived

    def __str__(self) -> str:
        """Return the table: before and after, side by side."""
        rows = [("", "before", "after"), *self._list_rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        )

    def _list_rows(self) -> list[tuple[str, str, str]]:
        rows = [
            ("bytes on disk", f"{self.bytes_before:,}", f"{self.bytes_after:,}"),
            ("bits per weight", f"{8 * self.bytes_before / self.weights:.3f}", f"{self.bits_per_weight:.3f}"),
        ]
        if self.loss_before is not None and self.loss_after is not None:
            rows += _compare_losses(self.loss_before, self.loss_after)
        if self.loss_before is not None and self.loss_int8 is not None:
            rows += _compare_losses(self.loss_before, self.loss_int8, ", int8")
        if self.running_before is not None and self.running_after is not None:
            rows += _compare_runs(self.running_before, self.running_after, "")
        if self.running_before is not None and self.running_int8 is not None:
            rows += _compare_runs(self.running_before, self.running_int8, ", int8")
        return rows


def _compare_losses(before: Loss, after: Loss, how: str = "") -> list[tuple[str, str, str]]:
    rows = [(before.unit + how, f"{before.value:.4f}", f"{after.value:.4f}")]
    for name, attribute in (("accuracy", "accuracy"), ("macro F1", "macro_f1")):
        one, other = getattr(before, attribute), getattr(after, attribute)
        if one is not None and other is not None:
            rows.append((name + how, f"{one:.4f}", f"{other:.4f}"))
    return rows


def _compare_runs(before: Running, after: Running, how: str) -> list[tuple[str, str, str]]:
    return [
        (f"ms for {before.input}{how}", f"{1000 * before.seconds:.1f}", f"{1000 * after.seconds:.1f}"),
        (f"bytes of weights in memory{how}", f"{before.weight_bytes:,}", f"{after.weight_bytes:,}"),
    ]
