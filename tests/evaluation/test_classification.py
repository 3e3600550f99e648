"""Scores of classifiers agree with scikit-learn's, and with arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.errors import UsageError
from multum.evaluation.classification import Scores, score_predictions

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 40))
def test_scores_equal_those_of_scikit_learn(seed: int, classes: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(count, classes)) * 3
    told = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    labels = generator.integers(0, classes, count)
    scores = score_predictions(told, labels, tuple("abcde"[:classes]))
    predicted, names = told.argmax(axis=1), list(range(classes))
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert scores.macro_f1 == pytest.approx(metrics.f1_score(labels, predicted, average="macro", zero_division=0))
    np.testing.assert_array_equal(scores.confusion, metrics.confusion_matrix(labels, predicted, labels=names))
    kinds = metrics.precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0)
    for ours, theirs in zip((scores.precision, scores.recall, scores.f1), kinds, strict=False):
        np.testing.assert_allclose(ours, theirs)
    nats = metrics.log_loss(labels, np.exp(told), labels=names)
    assert scores.bits_per_label == pytest.approx(nats / math.log(2), rel=1e-6)


def test_an_even_guess_costs_the_logarithm_of_the_classes() -> None:
    scores = score_predictions(np.full((6, 4), -math.log(4)), np.array([0, 1, 2, 3, 0, 1]), tuple("abcd"))
    assert scores.bits_per_label == pytest.approx(2)


def test_scores_survive_json_and_print_a_table() -> None:
    told = np.log([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    scores = score_predictions(told, np.array([0, 1, 1]), ("no", "yes"))
    assert Scores.from_dict(scores.as_dict()).as_dict() == scores.as_dict()
    lines = str(scores).splitlines()
    assert [line.split() for line in lines[1:]] == [["no", "1", "0", "0.667"], ["yes", "1", "1", "0.667"]]
    assert len({len(line) for line in lines}) == 1


def test_predictions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"shape \(2, 3\) do not fit 2 labels of 2 classes"):
        score_predictions(np.zeros((2, 3)), np.array([0, 1]), ("a", "b"))
    with pytest.raises(UsageError, match="at least one"):
        score_predictions(np.zeros((0, 2)), np.array([], np.int64), ("a", "b"))
