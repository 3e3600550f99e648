"""Linear layers in 8-bit integers: near the dense ones, whatever a few inputs do."""

import pytest
import torch
from torch import Tensor, nn

from multum.errors import UsageError
from multum.neural.clips import Reach, attach_clips
from multum.shrinking.int8 import STEPS, Int8Linear, make_int8


def measure_error(dense: nn.Module, inputs: Tensor, made: nn.Module) -> float:
    with torch.no_grad():
        wanted = dense(inputs)
        return float((made(inputs) - wanted).norm() / wanted.norm())


@pytest.fixture
def dense() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(64, 48)


def test_products_are_near_those_in_floating_point(dense: nn.Linear) -> None:
    assert measure_error(dense, torch.randn(40, 64), Int8Linear(dense)) < 0.01


def test_a_few_large_inputs_do_not_make_the_others_coarse(dense: nn.Linear) -> None:
    inputs = torch.randn(40, 64)
    inputs[:, 7] *= 100
    with torch.no_grad():
        dense.weight[:, 7] *= 0.01
    assert measure_error(dense, inputs, Int8Linear(dense)) < 0.01


def test_scales_of_the_layer_before_make_little_difference(dense: nn.Linear) -> None:
    inputs, folded = torch.randn(40, 64), torch.exp(0.5 * torch.randn(64))
    plain = measure_error(dense, inputs, Int8Linear(dense))
    with torch.no_grad():
        dense.weight *= folded
    assert measure_error(dense, inputs / folded, Int8Linear(dense)) < 3 * plain


def test_inputs_without_weights_and_narrow_layers_are_right(dense: nn.Linear) -> None:
    with torch.no_grad():
        dense.weight[:, 5] = 0
    assert measure_error(dense, torch.randn(40, 64), Int8Linear(dense)) < 0.01
    narrow = nn.Linear(8, 8)
    assert measure_error(narrow, torch.randn(20, 8), Int8Linear(narrow)) < 0.02
    assert Int8Linear(dense)(torch.randn(2, 20, 64)).shape == (2, 20, 48)


def test_the_weights_that_networks_look_at_are_the_dense_ones(dense: nn.Linear) -> None:
    assert torch.allclose(Int8Linear(dense).weight, dense.weight, atol=2e-3)


@pytest.mark.parametrize("steps", STEPS)
def test_steps_by_token_by_tensor_and_for_ever_are_near(steps: str, dense: nn.Linear) -> None:
    inputs, module = torch.randn(40, 64), nn.Sequential(dense)
    inputs[:, 7] *= 50
    made = make_int8(module, steps, [{"input": inputs}] if steps == "static" else None)
    assert measure_error(dense, inputs, made) < 0.015


def test_static_steps_cut_off_what_the_data_did_not_have(dense: nn.Linear) -> None:
    module, inputs = nn.Sequential(dense), torch.randn(40, 64)
    made = make_int8(module, "static", [{"input": inputs}, {"input": 2 * inputs}])
    assert measure_error(dense, 2 * inputs, made) < 0.015
    assert measure_error(dense, 20 * inputs, made) > 0.5


def test_static_steps_want_data_and_others_none(dense: nn.Linear) -> None:
    for steps, data in (("static", None), ("token", [{"input": torch.ones(2, 64)}])):
        with pytest.raises(UsageError, match="static steps are calibrated on data, others without any"):
            make_int8(nn.Sequential(dense), steps, data)
    with pytest.raises(UsageError, match="'row' is nothing that has a step of 8-bit inputs; allowed is token, tensor"):
        make_int8(nn.Sequential(dense), "row")


def test_what_a_layer_learned_to_clip_is_clipped_before_it_is_rounded(dense: nn.Linear) -> None:
    module, inputs = nn.Sequential(dense), torch.randn(40, 64)
    plain = make_int8(module)
    attach_clips(module, {"0": Reach(0.5, True)}, 4)
    assert measure_error(module, inputs, make_int8(module)) < 0.015
    assert measure_error(module, inputs, plain) > 0.3
