"""Integers of few bits: exactly what the network holds afterwards, in networks of any family."""

import numpy as np
import pytest
import torch
from torch import Tensor

from multum.errors import UsageError
from multum.reduction.choices import Pruning, read_rounding
from multum.reduction.pruning import prune
from multum.reduction.rounding import quantize
from multum.reduction.scales import choose_scales
from multum.reduction.scaling import fit_robustly, scale_inputs
from multum.reduction.walking import Moments
from multum.tensors.grids import Grid
from tests.reduction.networks import KINDS, draw_batches, make_network, measure_error


def read_grid(grid: Grid, like: Tensor) -> Tensor:
    bits = grid.values().view(np.int32)
    return torch.from_numpy(bits).view(torch.float32).reshape(like.shape)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "words", ["rtn:8", "rtn:4:tensor", "hqq:3", "hqq:4:tensor", "awq:3", "gptq:3", "gptq:4:8:symmetric"]
)
def test_the_network_has_the_values_of_the_integers(kind: str, words: str) -> None:
    module, batches, rounding = make_network(kind), draw_batches(kind), read_rounding(words.split(":"))
    if kind == "gpt2" and isinstance(rounding.group, int):
        with pytest.raises(UsageError, match="no linear layer or convolution that gptq:4:8:symmetric could round"):
            quantize(module, rounding, batches)
        return
    done = quantize(module, rounding, batches)
    fresh = make_network(kind)
    for name, grid in done.grids.items():
        assert torch.equal(read_grid(grid, module.get_parameter(name)), module.get_parameter(name)), name
        outputs = grid.codes.T if kind == "gpt2" else grid.codes
        assert max(int(one.max()) - int(one.min()) for one in outputs) < 2**rounding.bits
    rest = [name for name, _ in fresh.named_parameters() if name not in done.grids]
    assert all(torch.equal(module.get_parameter(name), fresh.get_parameter(name)) for name in rest)


@pytest.mark.parametrize("kind", ["vit", "resnet", "llama"])
def test_more_bits_smaller_groups_and_feedback_lose_less(kind: str) -> None:
    errors = []
    for words in ("rtn:2", "rtn:4", "gptq:4", "gptq:4:8", "rtn:8"):
        module, batches = make_network(kind), draw_batches(kind, 12)
        quantize(module, read_rounding(words.split(":")), batches)
        errors.append(measure_error(module, kind, batches))
    assert errors == sorted(errors, reverse=True)


def test_zeros_stay_zeros_with_and_without_feedback() -> None:
    for words in ("rtn:3:8", "hqq:3:8", "awq:3", "gptq:3:8"):
        module, batches = make_network("vit"), draw_batches("vit")
        prune(module, Pruning("magnitude", 0.5), batches)
        gone = {name: parameter == 0 for name, parameter in module.named_parameters()}
        quantize(module, read_rounding(words.split(":")), batches)
        assert all((module.get_parameter(name)[mask] == 0).all() for name, mask in gone.items())


def test_symmetric_integers_have_zero_in_their_middle_and_others_where_the_weights_need_it() -> None:
    matrix = torch.rand(4, 16, generator=torch.Generator().manual_seed(0)) + 0.5  # all of one sign
    worth = torch.ones(16)
    symmetric = choose_scales(matrix, worth, read_rounding(["rtn", "4", "symmetric"]))
    asymmetric = choose_scales(matrix, worth, read_rounding(["rtn", "4", "asymmetric"]))
    assert (symmetric.zeros == 8).all()
    assert (asymmetric.zeros == 0).all()
    losses = [((matrix - one.round(matrix) * one.steps) ** 2).sum() for one in (symmetric, asymmetric)]
    assert losses[1] < 0.5 * losses[0]


def test_steps_narrow_where_one_weight_would_widen_them_for_all() -> None:
    matrix = torch.randn(1, 512, generator=torch.Generator().manual_seed(0))
    rounding = read_rounding(["rtn", "2", "symmetric"])
    assert float(choose_scales(matrix, torch.ones(512), rounding).steps) < 0.8 * float(matrix.abs().max())


def test_a_few_large_weights_do_not_widen_robust_steps() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(8, 256, generator=generator)
    matrix[:, ::32] *= 12
    rounding = read_rounding(["hqq", "3", "symmetric"])
    plain, robust = choose_scales(matrix, torch.ones(256), rounding), fit_robustly(matrix, rounding)
    small = torch.arange(256) % 32 != 0
    errors = [((matrix - one.round(matrix) * one.spread()[0])[:, small] ** 2).sum() for one in (plain, robust)]
    assert errors[1] < 0.8 * errors[0]


def test_steps_are_finer_for_inputs_that_are_larger_where_that_helps() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix, sizes = torch.randn(24, 64, generator=generator), torch.ones(64)
    sizes[::8] = 30.0
    moments = Moments(torch.diag(sizes.square()).double(), 1 << 30)
    rounding = read_rounding(["awq", "3"])
    plain, scaled = choose_scales(matrix, sizes.square(), rounding), scale_inputs(matrix, moments, rounding)
    errors = [((matrix - one.round(matrix) * one.spread()[0]) * sizes).square().sum() for one in (plain, scaled)]
    assert errors[1] < 0.7 * errors[0]
    assert scaled.columns is not None
    assert int(scaled.columns[0]) < int(scaled.columns[1])
    even = scale_inputs(matrix, Moments(torch.eye(64).double(), 1 << 30), rounding)
    assert even.columns is not None
    assert not even.columns.any()


@pytest.mark.parametrize("method", ["gptq", "awq"])
def test_methods_that_look_at_data_say_so(method: str) -> None:
    with pytest.raises(UsageError, match=f"{method} looks at what layers read: give data, or round by rtn"):
        quantize(make_network("vit"), read_rounding([method, "4"]))


def test_what_stays_is_named_with_its_reason() -> None:
    left = {one.name: one.reason for one in quantize(make_network("resnet"), read_rounding(["rtn", "4", "8"])).left}
    assert "49 inputs are no multiple of 8" in left.values()
    left = {one.name: one.reason for one in quantize(make_network("llama"), read_rounding(["rtn", "4"])).left}
    assert left["lm_head.weight"] == "the head that predicts words is not rounded"
    assert left["model.embed_tokens.weight"] == "a table of words is not rounded"
