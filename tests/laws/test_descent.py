"""Descents of many starts end where those of scipy do, and each as if it were alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize

from multum.laws.descent import minimise
from multum.laws.jets import Array, Rows
from multum.laws.noise import _log_normaliser, measure_bits
from multum.laws.starts import solve_nonnegative, spread_evenly


class Valley:
    """Rosenbrock's function of each row."""

    def measure(self, theta: Array, rows: Rows) -> tuple[Array, Array]:  # noqa: ARG002
        loss = np.array([optimize.rosen(one) for one in theta])
        return loss, np.array([optimize.rosen_der(one) for one in theta])

    def curve(self, theta: Array, rows: Rows) -> Array:  # noqa: ARG002
        return np.array([np.abs(np.diag(np.diag(optimize.rosen_hess(one)))) for one in theta])


def test_every_start_finds_the_bottom_of_a_curved_valley() -> None:
    found = minimise(Valley(), np.random.default_rng(0).uniform(-2, 2, (20, 4)), steps=500)
    assert found.loss.min() == pytest.approx(0, abs=1e-12)
    assert np.median(found.loss) == pytest.approx(0, abs=1e-10)
    assert found.theta[found.best] == pytest.approx(np.ones(4), abs=1e-5)


def test_number_of_starts_changes_none_of_them() -> None:
    starts = np.random.default_rng(1).uniform(-2, 2, (7, 3))
    together = minimise(Valley(), starts, steps=50)
    for place, start in enumerate(starts):
        assert minimise(Valley(), start[None], steps=50).theta[0] == pytest.approx(together.theta[place], rel=1e-9)


def test_what_may_not_move_stays() -> None:
    starts = np.random.default_rng(2).uniform(-2, 2, (5, 3))
    free = np.tile([True, False, True], (5, 1))
    found = minimise(Valley(), starts, free=free)
    assert (found.theta[:, 1] == starts[:, 1]).all()
    inner = optimize.minimize(lambda x: optimize.rosen([x[0], starts[0, 1], x[1]]), starts[0, [0, 2]])
    assert found.loss[0] == pytest.approx(inner.fun, rel=1e-6)


def test_start_without_a_loss_stays_where_it_is() -> None:
    class Nowhere(Valley):
        def measure(self, theta: Array, rows: Rows) -> tuple[Array, Array]:  # noqa: ARG002
            return np.full(len(theta), np.inf), np.zeros_like(theta)

    found = minimise(Nowhere(), np.ones((2, 3)))
    assert (found.theta == 1).all()


@given(st.integers(0, 1000), st.integers(1, 4))
def test_nonnegative_least_squares_are_those_of_scipy(seed: int, terms: int) -> None:
    generator = np.random.default_rng(seed)
    basis, target = generator.uniform(0, 1, (3, 12, terms)), generator.normal(0.5, 1.0, (3, 12))
    found = solve_nonnegative(basis, target)
    for row in range(3):
        _, norm = optimize.nnls(basis[row], target[row])
        assert np.linalg.norm(basis[row] @ found[row] - target[row]) == pytest.approx(norm, rel=1e-6)
        assert (found >= 0).all()


def test_draws_are_even_and_the_same_on_every_call() -> None:
    draws = spread_evenly(500, 3)
    assert (draws == spread_evenly(500, 3)).all()
    for column in range(3):
        counts, _ = np.histogram(draws[:, column], bins=10, range=(0, 1))
        assert counts.min() >= 40


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1e-3])
def test_noise_is_a_density(scale: float) -> None:
    delta = 1e-3

    def density(r: float) -> float:
        loss = r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)
        return float(np.exp(-loss / scale))

    width = 60 * max(np.sqrt(scale), scale / delta)
    total, _ = integrate.quad(density, 0, width, points=[min(delta, width / 2)], limit=500)
    assert np.log(2 * total) == pytest.approx(_log_normaliser(scale, delta), abs=1e-6)


def test_bits_are_those_of_gauss_and_of_laplace_where_residuals_are_small_and_large() -> None:
    residuals = np.random.default_rng(0).normal(0, 1e-3, 4000)
    gauss = measure_bits(float(np.sum(residuals**2) / 2), 4000, delta=1.0)
    assert gauss == pytest.approx(4000 * 0.5 * np.log2(2 * np.pi * np.e * np.var(residuals)), rel=1e-3)
    sizes = np.random.default_rng(0).laplace(0, 1e-3, 4000)
    laplace = measure_bits(float(np.sum(np.abs(sizes)) * 1e-9), 4000, delta=1e-9)
    assert laplace == pytest.approx(4000 * np.log2(2 * np.e * np.mean(np.abs(sizes))), rel=1e-3)
