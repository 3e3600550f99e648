"""Predictions have intervals that hold, and are refused where a law is not to be trusted."""

from dataclasses import replace

import numpy as np
import pytest

from multum.errors import UsageError
from multum.laws.fitting import law
from multum.laws.law import Law
from multum.laws.predicting import measure_beyond, predict
from tests.laws.samples import make_runs, say_chinchilla


@pytest.fixture(scope="module")
def fitted() -> Law:
    """Return a law of planted runs."""
    return law(make_runs(), form="chinchilla", resamples=100)


def test_predictions_are_the_laws_with_low_and_high_around_them(fitted: Law) -> None:
    report = predict(fitted, {"N": [1e8, 1e9], "D": [1e10, 2e10]})
    assert [row.predicted for row in report.rows] == pytest.approx(
        say_chinchilla(np.array([1e8, 1e9]), np.array([1e10, 2e10])).tolist(), rel=0.01
    )
    assert all(row.low < row.predicted < row.high for row in report.rows)
    assert (report.error, report.coverage) == (None, None)


def test_rows_stay_in_order_and_repetitions_stay_rows(fitted: Law) -> None:
    report = predict(fitted, {"N": [1e9, 1e8, 1e9], "D": [1e10, 1e10, 1e10]})
    assert len(report.rows) == 3
    assert report.rows[0] == report.rows[2] != report.rows[1]


def test_targets_are_compared(fitted: Law) -> None:
    fresh = make_runs(seed=1)
    report = predict(fitted, fresh)
    assert report.error is not None
    assert report.error < 0.006
    assert report.coverage is not None
    assert 0.6 <= report.coverage <= 1.0
    assert [row.actual for row in report.rows] == fresh["loss"].tolist()
    other = predict(fitted, fresh, unit="bits")
    assert other.error is None
    assert "the points are in bits and the law in nats" in other.notes[-1]


@pytest.mark.parametrize("lacking", [None, float("nan"), 0, ""])
def test_targets_that_some_rows_lack_are_not_compared(fitted: Law, lacking: object) -> None:
    report = predict(fitted, {"N": [1e8, 1e9], "D": [1e10, 1e10], "loss": [2.5, lacking]})
    assert len(report.rows) == 2
    assert report.error is None


def test_fields_that_the_law_does_not_need_may_be_anything(fitted: Law) -> None:
    assert len(predict(fitted, {"N": [1e8], "D": [1e10], "precision": ["fp16"], "ratio": [-1]}).rows) == 1


def test_rows_that_cannot_be_predicted_are_refused_and_not_left_out(fitted: Law) -> None:
    with pytest.raises(UsageError, match=r"every row must have all its numbers here; dropped 1 row .* row 2"):
        predict(fitted, {"N": [1e8, -1], "D": [1e10, 1e10]})


def test_intervals_widen_beyond_the_points(fitted: Law) -> None:
    drifting = replace(fitted, drift=0.01)
    near, far = predict(drifting, {"N": [1e9, 1e12], "D": [1e10, 1e13]}).rows
    assert (near.extrapolated, far.extrapolated) == (False, True)
    assert far.high / far.low > 1.1 * near.high / near.low


def test_how_far_beyond_is_told_by_the_worst_column(fitted: Law) -> None:
    low, high = fitted.ranges["N"]
    columns = {"N": np.array([low, high * 10, low / 100]), "D": np.array([1e10, 1e10, 1e10])}
    assert measure_beyond(fitted, columns) == pytest.approx([1, 10 / 1.05, 100 / 1.05])


def test_doubtful_law_predicts_inside_and_refuses_beyond(fitted: Law) -> None:
    doubtful = replace(fitted, refusals=("E is at its bound",))
    assert len(predict(doubtful, {"N": [1e9], "D": [1e10]}).rows) == 1
    with pytest.raises(UsageError, match=r"1 of 2 points are outside .*E is at its bound\. .*--anyway"):
        predict(doubtful, {"N": [1e9, 1e13], "D": [1e10, 1e10]})
    assert len(predict(doubtful, {"N": [1e9, 1e13], "D": [1e10, 1e10]}, anyway=True).rows) == 2


def test_missing_column_is_named(fitted: Law) -> None:
    with pytest.raises(UsageError, match=r"depends on N, D; the points have no D, only N; .*--column D=FIELD"):
        predict(fitted, {"N": [1e9]})


def test_law_over_other_columns_finds_them_by_name() -> None:
    generator = np.random.default_rng(0)
    table = {"width": generator.uniform(64, 1024, 30), "err": np.empty(30)}
    table["err"] = 3 * table["width"] ** -0.4
    found = law(table, form="product", over=["width"], target="err", unit="none", resamples=20)
    (row,) = predict(found, {"width": [100.0]}).rows
    assert row.predicted == pytest.approx(3 * 100**-0.4, rel=1e-4)
