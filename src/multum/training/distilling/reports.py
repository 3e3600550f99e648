"""What distilling reports. Light: nothing here loads torch."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from multum.bits.ledger import Ledger

if TYPE_CHECKING:
    from multum.training.trainer import RunReport


@dataclass(frozen=True)
class Side:
    """A teacher, or its student. program_bytes: of its weights as files. scores: on the held-out data, by name."""

    parameters: int
    program_bytes: int
    scores: dict[str, float]


@dataclass(frozen=True)
class DistilReport:
    """What one distilling made.

    unit: "byte" or "label". training, held_out: how many bytes or labels there were to learn from, and both were scored
    on. seen: of them in the whole run, repeats counted. began: how the student began, in words.
    """

    target: str
    source: str
    unit: str
    training: int
    held_out: int
    seen: int
    began: str
    teacher: Side
    student: Side
    run: "RunReport"

    @property
    def bits(self) -> float:
        """The student's bits a unit on the held-out data."""
        return self.student.scores[f"bits_per_{self.unit}"]

    @property
    def ledger(self) -> Ledger:
        """The account on the held-out data: the student's weights as they lie there, and the code, estimated."""
        raw_bits = 8 * self.held_out if self.unit == "byte" else 0
        return Ledger.estimated(
            "held-out",
            program_bits=8 * self.student.program_bytes,
            code_bits=self.bits * self.held_out,
            raw_bits=raw_bits,
        )

    @property
    def law(self) -> dict[str, float]:
        """The point that a scaling law is fitted to."""
        seen, rate = ("bytes", "bpb") if self.unit == "byte" else ("units", "bits_per_label")
        return {
            "parameters": self.student.parameters,
            seen: self.seen,
            "flops": self.run.flops,
            rate: self.bits,
        }

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, with what reports of fits have at hand."""
        told = {"parameters": self.student.parameters, "program_bytes": self.student.program_bytes}
        if self.unit == "byte":
            told |= {"training_bytes": self.training, "held_out_bytes": self.held_out}
        return asdict(self) | told

    def __str__(self) -> str:
        """Return the table: teacher and student, side by side."""
        rows = [("", "teacher", "student")]
        for name in ("parameters", "program_bytes"):
            ours, theirs = (f"{getattr(side, name):,}" for side in (self.student, self.teacher))
            rows.append((name.replace("_", " "), theirs, ours))
        for name, value in self.student.scores.items():
            rows.append((name.replace("_", " "), f"{self.teacher.scores[name]:.4f}", f"{value:.4f}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows)
