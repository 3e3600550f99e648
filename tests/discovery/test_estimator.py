"""The estimator does what scikit-learn's do."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")
pytest.importorskip("sklearn", reason="the extra multum[discover] is not installed")

import multum


def test_fit_finds_the_formula_and_predict_uses_it() -> None:
    inputs = np.random.default_rng(0).uniform(1, 5, (60, 3))
    y = inputs[:, 0] * inputs[:, 2] / 2
    model = multum.FormulaRegressor(time_s=10)
    assert model.fit(inputs, y) is model
    assert model.formula_ == "x0*x2/2"
    assert model.report_.exact
    assert model.score(inputs, y) == 1
    np.testing.assert_allclose(model.predict([[2.0, 9.0, 3.0]]), [3.0])


def test_it_is_cloned_pickled_and_validated() -> None:
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError

    model = multum.FormulaRegressor(time_s=3, noise=0, seed=4)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError, match="not fitted"):
        model.predict([[1.0]])
    inputs = np.arange(1.0, 21.0)[:, None]
    model.fit(inputs, inputs[:, 0] ** 2)
    back = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own
    np.testing.assert_array_equal(back.predict(inputs), model.predict(inputs))
    with pytest.raises(ValueError, match="features"):
        model.predict([[1.0, 2.0]])


@pytest.mark.slow
def test_it_passes_the_checks_of_scikit_learn() -> None:
    from sklearn.utils.estimator_checks import check_estimator

    done = check_estimator(multum.FormulaRegressor(time_s=1), on_fail=None, on_skip=None)
    assert [(one["check_name"], one["exception"]) for one in done if one["status"] == "failed"] == []
