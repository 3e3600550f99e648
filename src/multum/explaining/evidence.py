"""What speaks for a class: bits by which an input makes it likelier than its nearest rival, piece by piece."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.judging.resampling import Floats

# Inputs -> bits, float64[n], by which the class is likelier than its rival.
Value = Callable[[Any], Floats]


@dataclass(frozen=True)
class Question:
    """Which of two classes, by their places: the bits asked about are log2 of how much likelier the first is."""

    chosen: int
    rival: int

    def weigh(self, log_probabilities: Floats) -> Floats:
        """Return float64[n]: bits for the chosen class rather than its rival."""
        found: Floats = (log_probabilities[:, self.chosen] - log_probabilities[:, self.rival]) / log(2)
        return found


def choose_question(log_probabilities: Floats, label: int, chosen: int | None = None) -> Question:
    """Return the question about one input, float64[classes]: why the class told, or `chosen`, and not another.

    The other is the right one where that was missed, else the likeliest.
    """
    order = np.argsort(-log_probabilities, kind="stable")
    first = int(order[0]) if chosen is None else chosen
    others = [int(place) for place in order if place != first]
    return Question(first, label if label != first else others[0])


@dataclass(frozen=True)
class Attribution:
    """What each piece of an input adds.

    pieces: texts, or () for an image. scores: float64[pieces], bits, or [height, width]. value: bits for the class,
    all pieces shown. base: the same with none. A method is complete where scores add up to value - base.
    """

    pieces: tuple[str, ...]
    scores: NDArray[np.float64]
    value: float
    base: float

    @property
    def gap(self) -> float:
        """What scores leave of value - base."""
        return self.value - self.base - float(self.scores.sum())
