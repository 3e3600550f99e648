"""What fits of classifiers report. Light: nothing here loads torch."""

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from multum.evaluation.classification import Scores

if TYPE_CHECKING:
    from multum.training.trainer import RunReport


@dataclass(frozen=True)
class LabelsReport:
    """What one fit made. scores: of the kept weights on the held-out examples. columns: where text and label were."""

    target: str
    columns: str
    training_examples: int
    parameters: int
    scores: Scores
    run: "RunReport"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        facts = {name: value for name, value in vars(self).items() if name not in ("scores", "run")}
        return facts | {"scores": self.scores.as_dict(), "run": asdict(self.run)}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "LabelsReport":
        """Return the report that `as_dict` wrote. Raises KeyError, TypeError for anything else."""
        from multum.training.trainer import RunReport

        named = {field.name: facts[field.name] for field in fields(cls)}
        return cls(**named | {"scores": Scores.from_dict(facts["scores"]), "run": RunReport(**facts["run"])})


@dataclass(frozen=True)
class FoldsReport:
    """What cross-validation found. mean, spread: over the folds, by name; spread is the sample standard deviation."""

    target: str
    folds: tuple[LabelsReport, ...]
    mean: dict[str, float]
    spread: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return vars(self) | {"folds": [one.as_dict() for one in self.folds]}
