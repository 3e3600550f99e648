"""What weights may be while they train: zeros that stay, integers with steps of a grid."""

import copy
from typing import Any

import pytest

pytest.importorskip("torch", reason="the extra multum[learn] is not installed")

import torch
from torch import nn

from multum.quantization.weights import find_weights
from multum.training.retraining.constraints import (
    choose_weights,
    find_stepped,
    keep_zeros,
    list_kept,
    use_steps,
)
from multum.training.retraining.gradual import Masking, mask_lowest, score_weights
from multum.training.retraining.pupils import Pupil
from tests.shrinking.families import FAMILIES, make_perceptron


def test_zeros_stay_and_get_no_gradient() -> None:
    layer: Any = nn.Sequential(nn.Linear(6, 4))
    with torch.no_grad():
        layer[0].weight[:, :3] = 0
    keep_zeros(choose_weights(layer), all_matrices=False)
    layer(torch.ones(2, 6)).sum().backward()
    assert (layer[0].weight[:, :3] == 0).all()
    (_, behind), parameter = list_kept(layer)[0], layer[0].parametrizations.weight.original
    assert torch.equal(behind, parameter.detach())
    assert not parameter.grad[:, :3].any()
    assert parameter.grad[:, 3:].all()


def test_matrices_without_zeros_are_free_unless_all_are_masked() -> None:
    layers: Any = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 4))
    keep_zeros(choose_weights(layers), all_matrices=False)
    assert not list_kept(layers)
    keep_zeros(choose_weights(layers), all_matrices=True)
    assert len(list_kept(layers)) == 2


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_integers_have_so_many_bits_and_steps_that_learn(bits: int) -> None:
    torch.manual_seed(0)
    layer: Any = nn.Sequential(nn.Linear(32, 8))
    use_steps(choose_weights(layer), bits)
    stepped = find_stepped(layer[0])
    assert stepped is not None
    scales = stepped.read_scales(32)
    codes = layer[0].weight.detach() / scales.steps
    torch.testing.assert_close(codes, codes.round(), atol=1e-3, rtol=0)
    assert codes.round().min() >= -(2 ** (bits - 1))
    assert codes.round().max() < 2 ** (bits - 1)
    layer(torch.randn(5, 32)).square().sum().backward()
    assert stepped.octaves.grad is not None
    assert stepped.octaves.grad.abs().min() > 0


def test_a_weight_beyond_its_integers_learns_no_more() -> None:
    layer: Any = nn.Sequential(nn.Linear(4, 1, bias=False))
    use_steps(choose_weights(layer), 2)
    behind = layer[0].parametrizations.weight.original
    with torch.no_grad():
        behind.copy_(torch.tensor([[0.1, -0.1, 100.0, -100.0]]))
    layer(torch.ones(1, 4)).sum().backward()
    assert behind.grad[0].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_steps_of_layers_that_hold_inputs_first_are_by_output() -> None:
    module: Any = FAMILIES["gpt2"]()
    weights = [weight for weight in choose_weights(module) if weight.transposed]
    use_steps(weights, 4)
    layer = module.transformer.h[0].mlp.c_fc
    stepped = find_stepped(layer)
    assert stepped is not None
    assert layer.weight.shape == (32, 128)
    assert stepped.octaves.shape == (128,)


def test_tied_layers_are_constrained_once_and_stay_tied() -> None:
    module: Any = make_perceptron()
    weights = choose_weights(module)
    keep_zeros(weights, all_matrices=True)
    use_steps(weights, 3)
    assert len(list_kept(module)) == 2
    assert module[0].weight is not module[2].weight
    assert torch.equal(module[0].weight, module[2].weight)
    assert find_stepped(module[0]) is find_stepped(module[2])
    assert torch.equal(copy.deepcopy(module)[0].weight, module[0].weight)


def test_tables_and_heads_of_words_are_left_alone() -> None:
    module: Any = FAMILIES["gpt2"]()
    chosen = {weight.name for weight in choose_weights(module)}
    everything = {weight.name for weight in find_weights(module)[0]}
    assert {"transformer.wte.weight", "transformer.wpe.weight"} == everything - chosen


def test_scores_are_shares_of_what_is_not_smaller() -> None:
    weight = torch.tensor([[3.0, -1.0], [2.0, 0.0]])
    wanted = torch.tensor([[9 / 9, 1 / 14], [4 / 13, 0 / 14]], dtype=torch.float64)
    torch.testing.assert_close(score_weights(weight), wanted)


def test_zeros_grow_along_a_cubic_and_no_layer_is_cleared() -> None:
    torch.manual_seed(0)
    layers: Any = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    with torch.no_grad():
        layers[1].weight.mul_(1e-3)  # by size alone all of it would go
    keep_zeros(choose_weights(layers), all_matrices=True)
    pupil, shares = Pupil(layers), []
    masking = Masking(0.9)
    for fraction in (0.0, 0.15, 0.3, 0.45, 0.6, 0.9, 1.0):
        masking.advance(pupil, fraction)
        masks = [kept.mask for kept, _ in list_kept(pupil)]
        shares.append(1 - sum(int(mask.sum()) for mask in masks) / (2 * 64 * 64))
    wanted = [0.9 * (1 - (1 - min(1.0, fraction / 0.6)) ** 3) for fraction in (0.0, 0.15, 0.3, 0.45, 0.6, 0.9, 1.0)]
    assert shares == pytest.approx(wanted, abs=0.03)
    assert shares[-3:] == [shares[-1]] * 3
    assert all(mask.float().mean() > 0.05 for mask in masks)


def test_zeros_that_were_there_stay_and_count() -> None:
    torch.manual_seed(0)
    layer: Any = nn.Sequential(nn.Linear(64, 64))
    with torch.no_grad():
        layer[0].weight[:32] = 0
    keep_zeros(choose_weights(layer), all_matrices=True)
    mask_lowest(layer, 0.8, 0.0)
    ((kept, _),) = list_kept(layer)
    assert kept.mask.float().mean() == pytest.approx(0.5, abs=0.01)
    mask_lowest(layer, 0.8, 1.0)
    assert not kept.mask[:32].any()
    assert kept.mask.float().mean() == pytest.approx(0.2, abs=0.01)
