"""Weights that stay integers in memory: near the dense ones, and exactly those that were rounded before."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import multum
from multum.errors import UsageError
from multum.neural.clips import Reach, attach_clips
from multum.reduction.weight_only import EightBitLinear, EightBitTable, FourBitLinear, make_weight_only
from multum.shrinking.measuring import count_weight_bytes
from tests.neural.samples import build_llama, save_byte_llama
from tests.reduction.networks import draw_batches, make_network, measure_error

# What rounding to bfloat16 leaves of a product, and what rounding of weights to 8 and to 4 bits does.
ROUNDED, EIGHT, FOUR = 0.004, 0.01, 0.12


def measure_layer(dense: nn.Linear, bits: int, tokens: int) -> float:
    """Return how far what a layer says is from what the dense one does, as a share."""
    made = make_weight_only(nn.Sequential(copy.deepcopy(dense)), bits)
    inputs = torch.randn(tokens, dense.in_features)
    with torch.no_grad():
        wanted, found = dense(inputs), made(inputs)
    assert found.dtype == wanted.dtype
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize(("inputs", "outputs"), [(64, 48), (96, 10), (576, 32), (33, 7)])
@pytest.mark.parametrize("tokens", [1, 40])
def test_layers_of_any_shape_are_near_the_dense_ones(inputs: int, outputs: int, tokens: int) -> None:
    torch.manual_seed(0)
    dense = nn.Linear(inputs, outputs)
    assert measure_layer(dense, 8, tokens) < EIGHT
    assert measure_layer(dense, 4, tokens) < (FOUR if inputs % 32 == 0 else EIGHT)


@pytest.mark.parametrize("spec", ["gptq:4:64", "rtn:4:32", "rtn:4", "gptq:3:64", "rtn:2:64", "rtn:4:64:symmetric"])
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_integers_of_four_bits_stay_what_they_are(spec: str, stored: torch.dtype) -> None:
    torch.manual_seed(0)
    net: Any = nn.Sequential(nn.Linear(192, 32))
    multum.quantize(net, spec, [{"input": torch.randn(100, 192)}])
    made: Any = make_weight_only(copy.deepcopy(net).to(stored).float(), 4)
    assert made[0].exact
    assert (made[0].weight - net[0].weight).norm() < ROUNDED * net[0].weight.norm()


def test_zeros_stay_zeros_where_integers_are_few() -> None:
    torch.manual_seed(0)
    net: Any = nn.Sequential(nn.Linear(64, 16))
    multum.prune(net, "magnitude:0.7")
    multum.quantize(net, "rtn:3:64")
    zeros = net[0].weight == 0
    made: Any = make_weight_only(net, 4)
    assert zeros.sum() >= 0.7 * 64 * 16
    assert bool((made[0].weight[zeros] == 0).all())


def test_rows_of_equal_weights_and_of_zeros_are_right() -> None:
    net: Any = nn.Sequential(nn.Linear(64, 16))
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].weight[3] = 0.5
    made: Any = make_weight_only(copy.deepcopy(net), 4)
    assert torch.equal(made[0].weight, net[0].weight)


def test_weights_off_any_grid_are_rounded_and_say_so() -> None:
    torch.manual_seed(0)
    made: Any = make_weight_only(nn.Sequential(nn.Linear(64, 16)), 4)
    assert not made[0].exact


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "vit", "resnet", "mamba2"])
def test_networks_of_any_family_say_nearly_the_same(kind: str) -> None:
    batches = draw_batches(kind)
    assert measure_error(make_weight_only(make_network(kind), 8), kind, batches) < 0.15


def test_a_head_shares_the_integers_of_its_table() -> None:
    network = build_llama(hidden_size=32, tie_word_embeddings=True)
    dense_bytes = count_weight_bytes(network)
    made: Any = make_weight_only(network, 4)
    table, head = made.model.embed_tokens, made.lm_head
    assert (type(table), type(head)) == (EightBitTable, EightBitLinear)
    assert table.codes.data_ptr() == head.codes.data_ptr()
    assert type(made.model.layers[0].self_attn.q_proj) is FourBitLinear
    assert count_weight_bytes(made) < dense_bytes / 3


def test_a_head_of_its_own_has_eight_bits_too() -> None:
    made: Any = make_weight_only(build_llama(hidden_size=32, tie_word_embeddings=False), 4)
    assert type(made.lm_head) is EightBitLinear
    assert type(made.model.layers[0].mlp.up_proj) is FourBitLinear


def test_layers_that_are_shared_stay_so() -> None:
    layer = nn.Linear(64, 64)
    made: Any = make_weight_only(nn.Sequential(layer, nn.ReLU(), layer), 4)
    assert type(made[0]) is FourBitLinear
    assert made[0] is made[2]


@pytest.mark.parametrize("bits", [4, 8])
def test_what_a_layer_learned_to_clip_is_clipped(bits: int) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 16))
    attach_clips(module, {"0": Reach(0.5, True)}, 4)
    inputs = torch.randn(40, 64)
    with torch.no_grad():
        wanted = module(inputs)
        found = make_weight_only(module, bits)(inputs)
    assert (found - wanted).norm() < FOUR * wanted.norm()


def test_it_follows_its_network_into_bfloat16() -> None:
    network, batches = make_network("llama"), draw_batches("llama")
    found = make_weight_only(network, 8).bfloat16()
    assert measure_error(found, "llama", batches) < 0.15


def test_programs_are_loaded_rated_and_sampled_so(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net", hidden_size=32, intermediate_size=64)
    module: Any = multum.load_program(tmp_path / "net", weight_bits=4)
    assert type(module.model.layers[0].mlp.up_proj) is FourBitLinear
    data = bytes(range(200))
    dense, eight = (multum.code_bits(tmp_path / "net", data, weight_bits=bits).code_bits for bits in (None, 8))
    assert dense != eight == pytest.approx(dense, rel=0.03)
    drawn = [multum.sample(tmp_path / "net", 20, b"a", seed=1, weight_bits=4) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 20


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    save_byte_llama(tmp_path / "net")
    with pytest.raises(UsageError, match="weights of 5 bits are not multiplied; allowed is 4, 8"):
        multum.load_program(tmp_path / "net", weight_bits=5)
    with pytest.raises(UsageError, match="exclude each other; give one"):
        multum.load_program(tmp_path / "net", int8=True, weight_bits=8)
    with pytest.raises(UsageError, match="'level:1' is no network in floating point; leave the weight bits out"):
        multum.sample("level:1", 5, weight_bits=4)
    with pytest.raises(UsageError, match="given bits are decoded by the program in integers of its own"):
        multum.sample(tmp_path / "net", from_bits=b"x", weight_bits=4)
    with pytest.raises(UsageError, match="multiplied on the CPU"):
        make_weight_only(nn.Linear(4, 4, device="meta"), 8)
