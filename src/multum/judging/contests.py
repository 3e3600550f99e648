"""Two programs on the same data: how far apart they are, and whether that could be chance.

Bits are compared pair by pair, with the same draws for both; right and wrong answers by McNemar's test, which asks
only about examples that one of the two has right and the other wrong.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import MissingExtra
from multum.judging.predictions import Predictions
from multum.judging.resampling import Interval, find_chance, find_interval, resample, resample_means


@dataclass(frozen=True)
class Difference:
    """One program less another: below 0 where this one takes less. chance: that there is none, two-sided."""

    value: float
    interval: Interval
    chance: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"value": self.value, "interval": list(self.interval), "chance": self.chance}


@dataclass(frozen=True)
class Contest:
    """A program against another. unit: of the difference in bits, "label" or "byte".

    Of labels: only_this, only_other: examples that one alone has right. answers: difference of accuracy, with the
    exact chance of McNemar's test (1947); None for bytes.
    """

    other: str
    unit: str
    bits: Difference
    other_bits: float
    answers: Difference | None = None
    only_this: int | None = None
    only_other: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        facts = vars(self) | {"bits": self.bits.as_dict()}
        return facts | {"answers": None if self.answers is None else self.answers.as_dict()}

    def __str__(self) -> str:
        line = f"against {self.other}: {self.bits.value:+.4f} bits per {self.unit} {self.bits.interval},"
        line = f"{line} p = {self.bits.chance:.3g}"
        if self.answers is None:
            return line
        return (
            f"{line}; accuracy {self.answers.value:+.4f} {self.answers.interval}, alone right on {self.only_this:,},"
            f" the other on {self.only_other:,}: McNemar's p = {self.answers.chance:.3g}"
        )


def contest_labels(name: str, ours: Predictions, theirs: Predictions, seed: int) -> Contest:
    """Return the contest with the classifier `name` on the same examples. Raises MissingExtra."""
    bits = ours.bits - theirs.bits
    right = ours.right.astype(np.float64) - theirs.right
    count = len(bits)
    found = resample(lambda places: [bits[places].mean(), right[places].mean()], count, count, seed)
    only_this, only_other = int((right > 0).sum()), int((right < 0).sum())
    return Contest(
        other=name,
        unit="label",
        bits=_compare(bits, found[:, 0]),
        other_bits=float(theirs.bits.mean()),
        answers=Difference(float(right.mean()), find_interval(found[:, 1]), weigh_discordance(only_this, only_other)),
        only_this=only_this,
        only_other=only_other,
    )


def contest_bytes(name: str, ours: NDArray[Any], theirs: NDArray[Any], seed: int) -> Contest:
    """Return the contest with the program `name` by what each byte took, float[n] both."""
    bits = ours.astype(np.float64) - theirs
    return Contest(name, "byte", _compare(bits, resample_means(bits, seed)), float(theirs.mean(dtype=np.float64)))


def _compare(bits: NDArray[np.float64], found: NDArray[np.float64]) -> Difference:
    return Difference(float(bits.mean()), find_interval(found), find_chance(found))


def weigh_discordance(only_this: int, only_other: int) -> float:
    """Return the exact two-sided chance that two are equally often right alone. Raises MissingExtra."""
    if not only_this + only_other:
        return 1.0
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise MissingExtra("comparing classifiers needs SciPy; pip install 'multum[discover]'") from error
    return float(binomtest(only_this, only_this + only_other).pvalue)
