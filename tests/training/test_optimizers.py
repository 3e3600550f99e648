"""Muon moves every direction of a matrix alike; AdamW takes the rest; the schedule rises and falls."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from multum.training.optimizers import Muon, make_optimizers, orthogonalise
from multum.training.schedule import scale_rate
from tests.training.tiny import settings


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 40), (2, 40, 16)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    before = matrices.clone()
    values = torch.linalg.svdvals(orthogonalise(matrices))
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.4
    assert torch.equal(matrices, before)


def test_orthogonalising_keeps_the_singular_vectors() -> None:
    matrix = torch.randn(1, 12, 20, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix[0], full_matrices=False)
    turned = left.T @ orthogonalise(matrix)[0] @ right.T
    assert float((turned - torch.diag(torch.diag(turned))).abs().max()) < 0.05


def test_orthogonalising_nothing_gives_nothing() -> None:
    assert torch.equal(orthogonalise(torch.zeros(1, 4, 6)), torch.zeros(1, 4, 6))


def test_muon_moves_every_matrix_by_its_rate() -> None:
    wide, tall = nn.Parameter(torch.zeros(16, 64)), nn.Parameter(torch.zeros(64, 16))
    muon = Muon([wide, tall], 0.1, 0.0)
    for matrix in (wide, tall):
        matrix.grad = torch.randn(matrix.shape, generator=torch.Generator().manual_seed(2))
    muon.step()
    for matrix in (wide, tall):
        # An orthogonal matrix scaled by sqrt(rows / columns) makes unit inputs into outputs of unit scale.
        inputs = torch.randn(500, matrix.shape[1], generator=torch.Generator().manual_seed(3))
        moved = (inputs @ matrix.detach().T).square().mean().sqrt()
        assert 0.02 < float(moved) < 0.15


def test_hidden_matrices_go_to_muon_and_the_rest_to_adamw() -> None:
    module = nn.ModuleDict(
        {
            "embedding": nn.Embedding(8, 4),
            "layers": nn.ModuleList([nn.Linear(4, 4), nn.LayerNorm(4)]),
            "head": nn.Linear(4, 8),
        }
    )
    adamw, muon = make_optimizers(module, settings(muon_rate=0.02))
    assert [tuple(p.shape) for group in muon.param_groups for p in group["params"]] == [(4, 4)]
    assert sum(p.numel() for group in adamw.param_groups for p in group["params"]) == 8 * 4 + 4 + 4 + 4 + 8 * 4 + 8
    decays = {group["weight_decay"]: {p.ndim for p in group["params"]} for group in adamw.param_groups}
    assert decays == {0.1: {2}, 0.0: {1}}
    (alone,) = make_optimizers(module, settings())
    assert isinstance(alone, torch.optim.AdamW)


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_the_rate_is_a_share_that_ends_at_nothing(fraction: float, warmup: float, decay: float) -> None:
    assert 0 <= scale_rate(fraction, warmup, decay) <= 1
    assert decay == 0 or scale_rate(1.0, warmup, decay) == 0
    assert scale_rate(0.5, warmup, decay) == pytest.approx(1)
