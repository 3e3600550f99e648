"""What a classifier told of labelled examples, example by example, and the figures that follow from it.

bits, accuracy, F1 and confusion are those of `evaluation.classification`; here are how far probabilities can be taken
at their word, and intervals of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.evaluation.classification import Scores, score_predictions
from multum.judging.resampling import Floats, Interval, Places, find_interval, find_share_interval, resample

BINS = 10
# The figures whose intervals are by resamples, in the order of `Predictions.measure`; accuracy has one by its count.
FIGURES = ("bits_per_label", "macro_f1", "brier")


class Bin(NamedTuple):
    """Examples whose likeliest class has a probability from low to high: how sure, and how often right."""

    low: float
    high: float
    examples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Predictions:
    """log_probabilities: float64[n, classes], natural. labels: int64[n], positions in `classes`."""

    log_probabilities: Floats
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    @cached_property
    def bits(self) -> Floats:
        """float64[n]: what each label takes."""
        found: Floats = -self.log_probabilities[np.arange(len(self.labels)), self.labels] / log(2)
        return found

    @cached_property
    def told(self) -> NDArray[np.int64]:
        """int64[n]: the likeliest class of each."""
        found: NDArray[np.int64] = self.log_probabilities.argmax(axis=1).astype(np.int64)
        return found

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """bool[n]: whether that is the right one."""
        found: NDArray[np.bool_] = self.told == self.labels
        return found

    @cached_property
    def briers(self) -> Floats:
        """float64[n]: squared distance of each distribution from the one that is sure and right."""
        sure = np.eye(len(self.classes))[self.labels]
        found: Floats = ((np.exp(self.log_probabilities) - sure) ** 2).sum(axis=1)
        return found

    def measure(self, places: Places) -> tuple[float, float, float]:
        """Return the FIGURES of the examples at `places`."""
        classes = len(self.classes)
        pairs = (self.labels * classes + self.told)[places]
        confusion = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
        either = confusion.sum(axis=0) + confusion.sum(axis=1)
        f1 = 2 * np.diag(confusion)[either > 0] / either[either > 0]
        return (
            float(self.bits[places].mean()),
            float(f1.mean()),
            float(self.briers[places].mean()),
        )


@dataclass(frozen=True)
class Performance:
    """What predictions are worth.

    brier: mean squared distance from certainty of the right class, 0 to 2. calibration_error: by how much confidence
    is off the share of right answers, a mean over `bins` weighted by their examples (ECE). intervals: of FIGURES and
    accuracy.
    """

    scores: Scores
    brier: float
    calibration_error: float
    bins: tuple[Bin, ...]
    intervals: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return self.scores.as_dict() | {
            "brier": self.brier,
            "calibration_error": self.calibration_error,
            "bins": [one._asdict() for one in self.bins],
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
        }


def appraise(predictions: Predictions, seed: int) -> Performance:
    """Return what `predictions` are worth, with intervals over examples."""
    count = len(predictions.labels)
    found = resample(predictions.measure, count, count, seed)
    bins = sort_bins(np.exp(predictions.log_probabilities.max(axis=1)), predictions.right)
    return Performance(
        scores=score_predictions(predictions.log_probabilities, predictions.labels, predictions.classes),
        brier=float(predictions.briers.mean()),
        calibration_error=sum(one.examples * abs(one.confidence - one.accuracy) for one in bins) / count,
        bins=tuple(bins),
        intervals={name: find_interval(found[:, place]) for place, name in enumerate(FIGURES)}
        | {"accuracy": find_share_interval(int(predictions.right.sum()), count)},
    )


def sort_bins(confidence: Floats, right: NDArray[np.bool_]) -> list[Bin]:
    """Return equally wide bins of confidence, float64[n] from 0 to 1, those without examples left out."""
    places = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for place in np.unique(places).tolist():
        here = places == place
        means = float(confidence[here].mean()), float(right[here].mean())
        found.append(Bin(place / BINS, (place + 1) / BINS, int(here.sum()), *means))
    return found


def join(several: Sequence[Predictions]) -> Predictions:
    """Return predictions of the same classes as one."""
    return Predictions(
        np.concatenate([one.log_probabilities for one in several]),
        np.concatenate([one.labels for one in several]),
        several[0].classes,
    )
