"""Zeros that others make good: never worse than leaving it, and as good as the best there is."""

import torch
from torch import Tensor

from multum.reduction.masks import find_lowest, find_lowest_in_rows, find_lowest_of_neighbours
from multum.reduction.solving import Costs, prepare_costs, prune_matrix, refit
from multum.reduction.walking import Moments


def make_case(outputs: int = 24, inputs: int = 40) -> tuple[Tensor, Moments]:
    """Return (a matrix, what it reads): inputs that move together."""
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randn(4000, inputs, generator=generator) @ torch.randn(inputs, inputs, generator=generator)
    matrix = torch.randn(outputs, inputs, generator=generator)
    return matrix, Moments((mixed.T @ mixed).double() / len(mixed), 1 << 30)


def measure_loss(error: Tensor, costs: Costs) -> float:
    back = torch.argsort(costs.order)
    return float(((error @ costs.moments[back][:, back]) * error).sum())


def test_later_columns_make_good_and_all_of_them_more_so() -> None:
    matrix, moments = make_case()
    for natural in (True, False):
        costs = prepare_costs(moments, natural)
        gone = find_lowest(matrix.square() * moments.columns.diagonal().float(), matrix.numel() // 2)
        cleared = prune_matrix(matrix, costs, lambda scores: find_lowest(scores, scores.numel() // 2), block=10)
        left = measure_loss(matrix - matrix.masked_fill(gone, 0.0), costs)
        assert (cleared == 0).sum() == matrix.numel() // 2
        assert measure_loss(matrix - cleared, costs) < 0.7 * left
        assert measure_loss(matrix - refit(matrix, cleared, costs), costs) < 0.95 * measure_loss(
            matrix - cleared, costs
        )


def test_refitting_comes_to_the_least_squares_of_what_stays() -> None:
    matrix, moments = make_case(6, 20)
    costs = prepare_costs(moments, natural=True)
    gone = find_lowest_in_rows(matrix.abs(), 0.4)
    found = refit(matrix, matrix.masked_fill(gone, 0.0), costs, rounds=200)
    cost = costs.moments.double()
    for row, kept, got in zip(matrix.double(), ~gone, found.double(), strict=True):
        best = torch.linalg.solve(cost[kept][:, kept], cost[kept] @ row)
        assert torch.allclose(got[kept], best, rtol=1e-2, atol=1e-2)
        assert not got[~kept].any()


def test_a_matrix_that_loses_nothing_is_left_as_it_is() -> None:
    matrix, moments = make_case()
    costs = prepare_costs(moments, natural=False)
    kept = prune_matrix(matrix, costs, lambda scores: torch.zeros(scores.shape, dtype=torch.bool))
    assert torch.equal(kept, matrix)
    assert torch.allclose(refit(matrix, kept, costs), matrix)


def test_inputs_that_are_always_zero_are_the_first_to_go() -> None:
    matrix, _ = make_case()
    moments = Moments(torch.diag(torch.arange(40) != 7).double(), 1 << 30)
    costs = prepare_costs(moments, natural=True)
    cleared = prune_matrix(matrix, costs, lambda scores: find_lowest(scores, 240))
    assert not cleared[:, 7].any()


def test_the_lowest_of_rows_of_all_and_of_neighbours() -> None:
    scores = torch.tensor([[4.0, 1, 3, 2], [8, 7, 6, 5]])
    assert find_lowest_in_rows(scores, 0.5).int().tolist() == [[0, 1, 0, 1], [0, 0, 1, 1]]
    assert find_lowest(scores, 4).int().tolist() == [[1, 1, 1, 1], [0, 0, 0, 0]]
    assert find_lowest_of_neighbours(scores, (1, 2)).int().tolist() == [[0, 1, 0, 1], [0, 1, 0, 1]]
