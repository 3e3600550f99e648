"""A law that should not be extrapolated says why."""

from typing import Any

import numpy as np

from multum.laws.doubts import find_doubts
from multum.laws.fitting import law
from multum.laws.forms import make_form
from multum.laws.intervals import profile, resample
from multum.laws.points import read_points
from multum.laws.solving import fit_form
from tests.laws.samples import make_grid, make_runs


def refuse(table: Any, form: str = "chinchilla") -> str:
    """Return the reasons against the law of a table."""
    points = read_points([table])
    fit = fit_form(make_form(form, list(points.columns)), points)
    draws = resample(fit, 40)
    return "; ".join(find_doubts(fit, draws, profile(fit, draws)).refusals)


def test_sound_law_has_no_doubts() -> None:
    found = law(make_runs(), form="chinchilla")
    assert (found.refusals, found.warnings) == ((), ())


def test_floor_of_zero_is_refused_but_for_one_time_in_twenty() -> None:
    refused = ["E " in refuse(make_runs(0.004, seed, E=0.0, A=60.0, alpha=0.2, B=200.0, beta=0.2)) for seed in range(6)]
    assert sum(refused) >= 5


def test_floor_at_its_bound_has_an_interval_that_begins_there() -> None:
    n, _ = make_grid()
    found = law({"N": n, "loss": 20 * n**-0.1 * np.exp(0.01 * np.sin(n))}, form="E + A / N**alpha", resamples=50)
    low, high = found.intervals["E"]
    assert low < 1e-3
    assert 0 < high < 3
    assert found.refusals


def test_loss_that_does_not_fall_with_size_has_no_optimum() -> None:
    n, d = make_grid()
    scatter = np.exp(np.random.default_rng(0).normal(0, 0.003, len(n)))
    rising = {"N": n, "D": d, "loss": (1.0 + 0.05 * n**0.1 + 500 / d**0.3) * scatter}
    assert "no optimum inside" in refuse(rising)
    flat = {"N": n, "D": d, "loss": (1.7 + 1500 / d**0.37) * scatter}
    assert refuse(flat)


def test_few_points_and_few_values_are_refused() -> None:
    table = make_runs()
    few = {name: column[[0, 3, 8, 17, 22, 30, 35]] for name, column in table.items()}
    assert "too few points: 7 for 5 parameters, 8 are needed" in refuse(few)
    assert "too few values of N: 2" in refuse(make_runs(sizes=2, amounts=8))
    n = np.array([1e7, 1e8, 1e9, 2e8, 5e8, 3e7])
    isoflop = {"N": n, "D": 1e18 / n, "loss": 2 + (np.log10(n) - 8) ** 2 / 10 + 0.001 * np.arange(6)}
    assert "too few budgets: the points have 1 different" in refuse(isoflop, form="k * N**a * D**b")


def test_form_that_ran_into_a_limit_is_neither_chosen_nor_believed() -> None:
    """For beta beyond all numbers Kaplan's form is an exponential of 1 / D: the points fit, but it is no power law."""
    n, d = make_grid()
    scatter = np.exp(np.random.default_rng(0).normal(0, 0.002, len(n)))
    table = {"N": n, "D": d, "loss": 5 * (n / 1e7) ** -0.08 * np.exp(3e8 / d) * scatter}
    assert "is no exponent: the form kaplan has run into a limit" in refuse(table, "kaplan")
    found = law(table, resamples=20)
    assert "kaplan" not in (found.form, *(one.form for one in found.runners_up))
