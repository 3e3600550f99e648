"""How well a classifier does: bits per label, accuracy, F1 and confusion, in plain numpy.

Bits per label is the code length of the labels given the inputs: what the labels would cost to send to somebody who
has the inputs and the program.
"""

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError


@dataclass(frozen=True)
class Scores:
    """What predictions are worth.

    bits_per_label: mean of -log2 of the probability given to the right label. accuracy: share whose likeliest class
    is right. macro_f1: mean of `f1` over the classes that occur in labels or predictions. precision, recall, f1: by
    class, 0 where undefined. confusion: int64[classes, classes], row the right class, column the predicted one.
    """

    classes: tuple[str, ...]
    examples: int
    bits_per_label: float
    accuracy: float
    macro_f1: float
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    confusion: NDArray[np.int64]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else list(value) if name == "classes" else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "Scores":
        """Return the scores that `as_dict` wrote. Raises KeyError, TypeError for anything else."""
        arrays = {name: np.array(facts[name], np.float64) for name in ("precision", "recall", "f1")}
        confusion = np.array(facts["confusion"], np.int64)
        return cls(**facts | arrays | {"classes": tuple(facts["classes"]), "confusion": confusion})

    def __str__(self) -> str:
        """Return the confusion matrix as a table, right classes down and predicted ones across, with F1 by class."""
        heads = ["right \\ told", *map(_shorten, self.classes), "F1"]
        rows = [
            [_shorten(name), *(f"{count:,}" for count in counts), f"{f1:.3f}"]
            for name, counts, f1 in zip(self.classes, self.confusion.tolist(), self.f1, strict=True)
        ]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *rows]
        )


def _shorten(name: str, width: int = 16) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def score_predictions(
    log_probabilities: NDArray[np.floating[Any]], labels: NDArray[np.int64], classes: tuple[str, ...]
) -> Scores:
    """Return the scores of predicted distributions.

    log_probabilities: float[n, classes], natural. labels: int64[n], positions in `classes`.
    Raises UsageError when shapes do not fit, or there is nothing to score.
    """
    if log_probabilities.shape != (len(labels), len(classes)) or not len(labels):
        raise UsageError(
            f"predictions of shape {log_probabilities.shape} do not fit {len(labels)} labels of {len(classes)} classes;"
            " give a row a label, at least one, and a column a class"
        )
    confusion = count_confusion(labels, log_probabilities.argmax(axis=1), len(classes))
    right, told, hits = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    nats = -log_probabilities[np.arange(len(labels)), labels].astype(np.float64)
    f1 = _divide(2 * hits, right + told)
    return Scores(
        classes=classes,
        examples=len(labels),
        bits_per_label=float(nats.mean()) / log(2),
        accuracy=float(hits.sum() / len(labels)),
        macro_f1=float(f1[right + told > 0].mean()),
        precision=_divide(hits, told),
        recall=_divide(hits, right),
        f1=f1,
        confusion=confusion,
    )


def count_confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return int64[classes, classes]: how often each right class (row) was taken for each (column)."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)


def _divide(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return above / below, and 0 where below is 0."""
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
