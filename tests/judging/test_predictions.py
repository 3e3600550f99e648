"""Figures of predictions agree with scikit-learn's, and calibration with arithmetic."""

import numpy as np
import pytest

from multum.judging.contests import contest_labels, weigh_discordance
from multum.judging.predictions import Predictions, appraise, join

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


def draw(count: int, classes: int, seed: int = 0) -> Predictions:
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(count, classes)) * 2
    told = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return Predictions(told, generator.integers(0, classes, count), tuple("abcde"[:classes]))


@pytest.mark.parametrize("classes", [2, 5])
def test_brier_and_f1_are_those_of_scikit_learn(classes: int) -> None:
    told = draw(200, classes)
    chances = np.exp(told.log_probabilities)
    found = appraise(told, 0)
    brier = metrics.brier_score_loss(
        told.labels, chances if classes > 2 else chances[:, 1], labels=range(classes), scale_by_half=False
    )
    assert found.brier == pytest.approx(brier)
    f1 = metrics.f1_score(told.labels, told.told, average="macro")
    assert told.measure(np.arange(200))[1] == pytest.approx(f1) == pytest.approx(found.scores.macro_f1)


def test_every_figure_lies_in_its_interval() -> None:
    found = appraise(draw(300, 3), 0)
    figures = found.as_dict()
    for name, (low, high) in found.intervals.items():
        assert low < figures[name] < high


def test_bins_tell_how_sure_and_how_often_right() -> None:
    """Sure of 0.8 and right in half of the cases: off by 0.3."""
    told = Predictions(np.log(np.tile([0.8, 0.2], (10, 1))), np.array([0, 1] * 5), ("a", "b"))
    found = appraise(told, 0)
    (only,) = found.bins
    assert (only.low, only.high, only.examples, only.accuracy) == (0.8, 0.9, 10, 0.5)
    assert found.calibration_error == pytest.approx(0.3)


def test_a_contest_of_a_program_with_itself_is_a_draw() -> None:
    told = draw(50, 3)
    found = contest_labels("same", told, told, 0)
    assert (found.bits.value, found.bits.interval, found.only_this, found.only_other) == (0, (0, 0), 0, 0)
    assert found.answers is not None
    assert found.answers.chance == found.bits.chance == 1


def test_a_better_program_wins_on_the_same_examples() -> None:
    poor = draw(200, 2)
    good = Predictions(
        np.log(0.5 * np.exp(poor.log_probabilities) + 0.5 * np.eye(2)[poor.labels]), poor.labels, ("a", "b")
    )
    found = contest_labels("poor", good, poor, 0)
    assert found.bits.value < found.bits.interval.high < 0
    assert found.bits.chance < 0.01
    assert (found.only_other, found.only_this) == (0, int((good.right & ~poor.right).sum()))


def test_mcnemars_chance_is_exact() -> None:
    """Nine heads of ten: (1 + 10) / 1024 on each side."""
    assert weigh_discordance(9, 1) == pytest.approx(22 / 1024)


def test_joined_predictions_are_all_of_them() -> None:
    one, other = draw(5, 3), draw(7, 3, seed=1)
    assert join([one, other]).bits.tolist() == [*one.bits, *other.bits]
