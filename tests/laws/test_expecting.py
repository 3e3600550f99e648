"""Predictions are made with exponents that lean to usual ones, the less the better the points tell them."""

from collections.abc import Callable

import numpy as np
import pytest

from multum.laws.expecting import expect
from multum.laws.forms import make_form
from multum.laws.objective import Leaning
from multum.laws.points import read_points, split_largest
from multum.laws.solving import Fit, fit_form
from tests.laws.samples import CHINCHILLA, make_grid, make_runs, say_chinchilla

FREE = "E + A / N**alpha + B / D**beta"


def fit_runs(noise: float, form: str = "chinchilla") -> Fit:
    points = read_points([make_runs(noise)])
    return fit_form(make_form(form, list(points.columns)), points)


def test_without_noise_what_is_expected_is_what_was_fitted() -> None:
    assert expect(fit_runs(0.0)).parameters == pytest.approx(CHINCHILLA, rel=1e-4)


def test_the_fit_itself_is_left_as_it_is() -> None:
    fit = fit_runs(0.004)
    before = fit.parameters
    assert expect(fit).parameters != before
    assert fit.parameters == before


def test_exponents_lean_the_more_the_noisier_the_points_are() -> None:
    moved = []
    for noise in (0.03, 0.002):
        points = read_points([make_runs(noise, sizes=5, amounts=5, B=3e4, beta=0.6)])
        leaning, free = (expect(fit_form(make_form(form, ["N", "D"]), points)) for form in ("chinchilla", FREE))
        moved.append(free.parameters["beta"] - leaning.parameters["beta"])
    assert moved[0] > 0.1 > moved[1] > 0


def test_a_formula_of_ones_own_leans_to_nothing() -> None:
    fit = expect(fit_runs(0.004, form=FREE))
    assert fit.objective.leaning is None


def test_outliers_hardly_move_what_is_expected() -> None:
    table = make_runs(0.002)
    table["loss"][::9] *= 1.2
    points = read_points([table])
    said = expect(fit_form(make_form("chinchilla", ["N", "D"]), points)).predict_log(points)
    n, d = make_grid()
    assert np.exp(said) == pytest.approx(say_chinchilla(n, d, **CHINCHILLA), rel=0.01)


def test_floor_that_was_lost_is_looked_for_again() -> None:
    fit = fit_runs(0.004)
    lost = np.where([name == "E" for name in fit.parameters], -40.0, fit.theta)
    beaten = Fit(fit.form, fit.points, fit.objective, lost, fit.loss)
    assert expect(beaten).parameters["E"] == pytest.approx(1.7, rel=0.1)


def miss_largest(fit: Callable[[Fit], Fit], seeds: range) -> float:
    """Return the mean error in predicting the larger half of a few noisy planted runs from the smaller."""
    missed = []
    for seed in seeds:
        small, large = split_largest(read_points([make_runs(0.01, seed, 5, 5)]), "largest:50%")
        found = fit(fit_form(make_form("chinchilla", ["N", "D"]), small))
        missed.append(np.mean(np.abs(np.expm1(found.predict_log(large) - large.log_target))))
    return float(np.mean(missed))


def test_larger_runs_are_foretold_better_than_by_the_fit_itself() -> None:
    seeds = range(20)
    assert miss_largest(expect, seeds) < 0.9 * miss_largest(lambda fit: fit, seeds)


def test_a_pull_is_least_at_its_centre_and_leaves_the_free_alone() -> None:
    pull = Leaning(np.array([[0.35, 0.0]]), np.array([0.1, np.inf]), scatter=0.01)
    loss, gradient = pull.measure(np.array([[0.35, 5.0], [0.45, 5.0]]), np.arange(2))
    assert loss == pytest.approx([0.0, 0.5 * 0.01**2])  # one deviation off is half a squared standard error
    assert gradient == pytest.approx(np.array([[0.0, 0.0], [0.001, 0.0]]))
    drawn = pull.draw(np.random.default_rng(0), 500)
    assert np.std(drawn.centre, axis=0) == pytest.approx([0.1, 0.0], rel=0.1)
