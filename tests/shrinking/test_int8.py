"""Linear layers in 8-bit integers: near the dense ones, whatever a few inputs do."""

import pytest
import torch
from torch import Tensor, nn

from multum.shrinking.int8 import Int8Linear


def measure_error(dense: nn.Linear, inputs: Tensor) -> float:
    with torch.no_grad():
        wanted = dense(inputs)
        return float((Int8Linear(dense)(inputs) - wanted).norm() / wanted.norm())


@pytest.fixture
def dense() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(64, 48)


def test_products_are_near_those_in_floating_point(dense: nn.Linear) -> None:
    assert measure_error(dense, torch.randn(40, 64)) < 0.01


def test_a_few_large_inputs_do_not_make_the_others_coarse(dense: nn.Linear) -> None:
    inputs = torch.randn(40, 64)
    inputs[:, 7] *= 100
    with torch.no_grad():
        dense.weight[:, 7] *= 0.01
    assert measure_error(dense, inputs) < 0.01


def test_scales_of_the_layer_before_make_little_difference(dense: nn.Linear) -> None:
    inputs, folded = torch.randn(40, 64), torch.exp(0.5 * torch.randn(64))
    plain = measure_error(dense, inputs)
    with torch.no_grad():
        dense.weight *= folded
    assert measure_error(dense, inputs / folded) < 3 * plain


def test_inputs_without_weights_and_narrow_layers_are_right(dense: nn.Linear) -> None:
    with torch.no_grad():
        dense.weight[:, 5] = 0
    assert measure_error(dense, torch.randn(40, 64)) < 0.01
    assert measure_error(nn.Linear(8, 8), torch.randn(20, 8)) < 0.02
    assert Int8Linear(dense)(torch.randn(2, 20, 64)).shape == (2, 20, 48)


def test_the_weights_that_networks_look_at_are_the_dense_ones(dense: nn.Linear) -> None:
    assert torch.allclose(Int8Linear(dense).weight, dense.weight, atol=2e-3)
