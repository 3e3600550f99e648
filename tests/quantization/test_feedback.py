"""Rounding with feedback: what it says it costs is what it costs, and less than rounding to nearest."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from multum.quantization.feedback import (
    FINE,
    Rounded,
    limit_noise,
    measure_signal,
    prepare,
    round_matrix,
    shrink_towards_diagonal,
)
from multum.quantization.sensitivities import Sensitivity
from multum.tensors.grids import Grid


def _make_case(outputs: int = 24, inputs: int = 80) -> tuple[Tensor, Sensitivity]:
    """Return (a matrix, what its errors cost): inputs that move together, outputs of different weight."""
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randn(400, inputs, generator=generator) @ torch.randn(inputs, inputs, generator=generator)
    rows = torch.rand(outputs, generator=generator, dtype=torch.float64) + 0.01
    return (
        torch.randn(outputs, inputs, generator=generator),
        Sensitivity(rows / rows.sum(), mixed.T @ mixed / len(mixed), 1 << 30),
    )


def _read(rounded: Rounded) -> Tensor:
    grid = Grid(rounded.codes.numpy(), rounded.rows.numpy(), rounded.columns.numpy(), FINE, "F32")
    return torch.from_numpy(grid.values().view("float32"))


def _cost(error: Tensor, sensitivity: Sensitivity, damping: float) -> float:
    columns = sensitivity.columns.double()
    columns = columns + damping * columns.diagonal().mean() * torch.eye(len(columns), dtype=torch.float64)
    return float((sensitivity.rows * torch.einsum("ri,ij,rj->r", error.double(), columns, error.double())).sum() / 2)


@pytest.mark.parametrize("step", [-6.0, -1.0, 2.0])
def test_the_loss_is_what_the_errors_cost(step: float) -> None:
    matrix, sensitivity = _make_case()
    ground = prepare(sensitivity)
    rounded = round_matrix(matrix, ground, step)
    direct = _cost(matrix - _read(rounded), sensitivity, ground.damping)
    assert rounded.loss == pytest.approx(direct, rel=1e-3)


def test_feedback_costs_less_than_rounding_to_nearest() -> None:
    matrix, sensitivity = _make_case()
    ground = prepare(sensitivity)
    fine = round_matrix(matrix, ground, -5.0)
    steps = torch.exp2(fine.rows.double() / 2**FINE)[:, None] * torch.exp2(fine.columns.double() / 2**FINE)
    nearest = (matrix / steps).round() * steps
    assert _cost(matrix - _read(fine), sensitivity, 0) < 0.5 * _cost(matrix - nearest.float(), sensitivity, 0)


def test_an_octave_more_is_about_a_bit_less() -> None:
    matrix, sensitivity = _make_case()
    ground = prepare(sensitivity)
    sizes = [float(round_matrix(matrix, ground, step).codes.double().abs().mean()) for step in (-8.0, -7.0)]
    assert sizes[0] / sizes[1] == pytest.approx(2, rel=0.02)


def test_columns_that_nothing_came_through_cost_no_bits() -> None:
    matrix, sensitivity = _make_case()
    sensitivity.columns[5] = 0
    sensitivity.columns[:, 5] = 0
    codes = round_matrix(matrix, prepare(sensitivity), 0.0).codes.abs().double().mean(0)
    assert codes[5] < 0.2 * codes.mean()


def test_what_cannot_be_factorised_goes_by_its_diagonal() -> None:
    matrix, sensitivity = _make_case()
    broken = sensitivity.columns.clone()
    broken[0, 1] = broken[1, 0] = 1e6 * float(broken.diagonal().max())
    ground = prepare(Sensitivity(sensitivity.rows, broken, 1 << 30))
    assert ground.damping == float("inf")
    assert torch.equal(ground.feedback, torch.eye(len(broken)))
    assert round_matrix(matrix, ground, -3.0).codes.abs().max() > 0


def test_codes_do_not_depend_on_the_number_of_threads() -> None:
    matrix, sensitivity = _make_case(64, 300)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(round_matrix(matrix, prepare(sensitivity), -3.0).codes)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_rows_are_as_coarse_as_their_largest_weight_needs() -> None:
    matrix, sensitivity = _make_case()
    matrix[3, 7] = 40.0
    rounded = round_matrix(matrix, prepare(sensitivity, flat=True, most=127), -8.0)
    assert rounded.codes.abs().max() <= 127
    assert len(rounded.columns.unique()) == 1
    assert float(_read(rounded)[3, 7]) == pytest.approx(40, rel=0.02)


def test_correlations_count_as_much_as_positions_vouch_for_them() -> None:
    _, sensitivity = _make_case()
    cost = sensitivity.columns.double()
    kept = [shrink_towards_diagonal(cost, positions) for positions in (1, 400, 1 << 30)]
    shares = [float(one[0, 1] / cost[0, 1]) for one in kept]
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] == pytest.approx(1)
    assert all(torch.allclose(one.diagonal(), cost.diagonal()) for one in kept)


def test_weights_that_are_zero_stay_zero_and_the_others_still_make_good_for_them() -> None:
    matrix, sensitivity = _make_case()
    gone = torch.rand(matrix.shape, generator=torch.Generator().manual_seed(2)) < 0.5
    matrix[gone] = 0
    ground = prepare(sensitivity)
    rounded = round_matrix(matrix, ground, -3.0)
    assert not rounded.codes[gone].any()
    assert rounded.codes[~gone].bool().double().mean() > 0.8
    assert rounded.loss == pytest.approx(_cost(matrix - _read(rounded), sensitivity, ground.damping), rel=1e-3)


def test_the_signal_is_what_weights_would_cost_as_errors() -> None:
    matrix, sensitivity = _make_case()
    alone = Sensitivity(sensitivity.rows, torch.diag(sensitivity.columns.diagonal()), sensitivity.positions)
    ground = prepare(alone)
    assert measure_signal(matrix, ground) == pytest.approx(
        2 * _cost(matrix, alone, ground.damping) / matrix.numel(), rel=1e-3
    )


def test_a_matrix_that_looks_as_if_it_did_nothing_keeps_most_of_what_it_says() -> None:
    matrix, sensitivity = _make_case()
    quiet = prepare(Sensitivity(1e-4 * sensitivity.rows, sensitivity.columns, sensitivity.positions))
    signal, step = measure_signal(matrix, quiet), 0.0
    assert not round_matrix(matrix, quiet, step).codes.any()
    left = _read(round_matrix(matrix, quiet, limit_noise(step, signal)))
    assert _cost(matrix - left, sensitivity, 0) < 0.3 * _cost(matrix, sensitivity, 0)


def test_steps_are_limited_where_they_are_coarse_and_never_turn_round() -> None:
    assert limit_noise(-8.0, 1.0) == pytest.approx(-8.0, abs=1e-3)
    assert limit_noise(8.0, 0.0) == 8.0
    found = [limit_noise(step / 4, 1.0) for step in range(-40, 400)]
    assert all(coarse > fine for fine, coarse in pairwise(found))
    assert found[-1] < 11
