"""Slopes are those that finite differences find."""

import numpy as np
import pytest

from multum.laws.forms import list_forms
from multum.laws.formulas import Formula, parse
from multum.laws.jets import Array, add_logs, constant
from multum.laws.objective import Objective, to_parameters, to_theta

ALL_COLUMNS = ("N", "D", "U", "C", "H", "P", "Q")


def make_columns(count: int = 7) -> dict[str, Array]:
    generator = np.random.default_rng(0)
    columns = {name: generator.uniform(0.5, 3.0, count) for name in ALL_COLUMNS}
    return columns | {"H": generator.uniform(0.1, 0.6, count), "P": generator.uniform(2, 8, count)}


def find_slopes(objective: Objective, theta: Array, step: float = 1e-6) -> Array:
    """Return the gradient of the loss by central differences."""
    found = np.empty_like(theta)
    for place in range(len(theta)):
        moved = np.repeat(theta[None], 2, 0)
        moved[0, place] -= step
        moved[1, place] += step
        (low, high), _ = objective.measure(moved, np.arange(2))
        found[place] = (high - low) / (2 * step)
    return found


FORMULAS = [form.formula for form in list_forms(ALL_COLUMNS)] + [
    parse("a * sqrt(N) + exp(-b * D) + max(N, c) / min(D, C)", ALL_COLUMNS),
    parse("x = log(N + a); 2 * a + x * x - 0.1 / (1 + D * b)", ALL_COLUMNS),
]


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.text[:60])
@pytest.mark.parametrize("delta", [1e-3, 10.0])
def test_gradient_of_every_form_is_that_of_finite_differences(formula: Formula, delta: float) -> None:
    columns = make_columns()
    generator = np.random.default_rng(1)
    objective = Objective(formula, columns, np.zeros(7), delta)
    for _ in range(3):
        theta = generator.uniform(0.2, 0.9, len(formula.parameters))
        loss, gradient = objective.measure(theta[None], np.arange(1))
        assert np.isfinite(loss).all()
        assert gradient[0] == pytest.approx(find_slopes(objective, theta), rel=2e-5, abs=1e-7)


def test_rows_are_measured_as_if_alone() -> None:
    formula = parse("E + A / N**alpha", ALL_COLUMNS)
    objective = Objective(formula, make_columns(), np.zeros(7), 1e-3, weights=np.random.default_rng(2).random((5, 7)))
    theta = np.random.default_rng(3).uniform(0, 1, (5, 3))
    together, slopes = objective.measure(theta, np.arange(5))
    for row in range(5):
        alone, slope = objective.measure(theta[[row]], np.array([row]))
        assert alone[0] == together[row]
        assert (slope[0] == slopes[row]).all()


def test_curvature_of_squares_is_that_of_their_gradient() -> None:
    """With residuals of zero, Gauss and Newton's approximation is exact."""
    formula = parse("E + A / N**alpha", ALL_COLUMNS)
    theta = np.array([[0.3, 0.7, 0.5]])
    columns = make_columns()
    target = Objective(formula, columns, np.zeros(7), 1.0).predict_log(theta)[0]
    objective = Objective(formula, columns, target, 1.0)
    for place in range(3):
        moved = np.repeat(theta, 2, 0)
        moved[:, place] += (-1e-6, 1e-6)
        _, gradients = objective.measure(moved, np.arange(2))
        numeric = (gradients[1] - gradients[0]) / 2e-6
        assert objective.curve(theta, np.arange(1))[0, place] == pytest.approx(numeric, rel=1e-4, abs=1e-8)


def test_sum_of_logarithms_survives_what_overflows() -> None:
    huge = add_logs(constant(np.array([2000.0, -2000.0])), constant(np.array([2000.0, -2001.0])))
    assert huge.value == pytest.approx([2000 + np.log(2), -2000 + np.log1p(np.exp(-1.0))])


def test_parameters_and_what_is_fitted_are_each_others_inverse() -> None:
    formula = parse("E + A / N**alpha", ALL_COLUMNS)
    values = np.array([1.5, 400.0, -0.3])
    assert to_parameters(formula, to_theta(formula, values)) == pytest.approx(values)
