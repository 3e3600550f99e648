"""Matrices of low rank: as few weights as were asked for, where they cost least, in networks of any family."""

from typing import Any

import pytest
import torch
from torch import nn

import multum
from multum.errors import UsageError
from multum.neural.factors import Factored, list_factored
from multum.quantization.weights import find_weights
from multum.reduction.factoring import lowrank
from multum.reduction.ranks import Curve, choose_ranks
from multum.reduction.shapes import LowRank, read_lowrank
from tests.reduction.networks import KINDS, compute, draw_batches, make_network, measure_error


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("method", ["svd", "whitened"])
def test_weights_are_as_few_as_asked_for_and_the_network_has_them(kind: str, method: str) -> None:
    module, batches = make_network(kind), draw_batches(kind)
    before = sum(parameter.numel() for parameter in module.parameters())
    done = lowrank(module, LowRank(0.7, method), batches)
    unreached = sum(one.size for one in done.left if one.name not in done.ranks)
    assert done.after <= 0.7 * done.weights + unreached
    assert sum(parameter.numel() for parameter in module.parameters()) == before - done.weights + done.after
    assert sorted(f"{name}.weight" for name in list_factored(module)) == sorted(done.ranks)
    assert measure_error(module, kind, batches) > 0


@pytest.mark.parametrize("kind", ["llama", "gpt2", "vit", "resnet"])
def test_what_layers_read_tells_what_to_keep(kind: str) -> None:
    batches, errors = draw_batches(kind, 12), []
    for method in ("svd", "whitened"):
        module = make_network(kind)
        lowrank(module, LowRank(0.6, method), batches)
        errors.append(measure_error(module, kind, batches))
    assert errors[1] < errors[0]


def test_a_matrix_of_low_rank_is_found_as_it_is() -> None:
    generator = torch.Generator().manual_seed(0)
    module = nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 20))
    with torch.no_grad():
        module.get_parameter("0.weight").copy_(
            torch.randn(30, 3, generator=generator) @ torch.randn(3, 40, generator=generator)
        )
    data = torch.randn(200, 40, generator=generator)
    wanted: torch.Tensor = module(data)
    done = multum.lowrank(module, "0.45", [{"input": data}])
    assert done.ranks == {"0.weight": 3}
    assert torch.allclose(module(data), wanted, atol=1e-4)
    halves: Any = module[0]
    assert isinstance(halves, Factored)
    assert halves.weight.shape == (30, 40)


def test_convolutions_in_halves_keep_strides_paddings_and_biases() -> None:
    module = nn.Sequential(nn.Conv2d(6, 12, (3, 5), stride=2, padding=(1, 2)), nn.Flatten(), nn.Linear(12 * 16, 4))
    with torch.no_grad():
        module.get_parameter("0.weight").copy_((torch.randn(12, 2) @ torch.randn(2, 90)).view(12, 6, 3, 5))
    data = torch.randn(3, 6, 8, 8)
    wanted = module[:1](data)
    done = multum.lowrank(module, "0.9:svd")
    assert done.ranks["0.weight"] >= 2
    assert torch.allclose(module[:1](data), wanted, atol=1e-4)


def test_ranks_fall_where_they_cost_least() -> None:
    steep, flat = torch.tensor([9.0, 1e-3, 1e-3, 1e-3]), torch.ones(4)
    ranks = choose_ranks({"steep": Curve.of(steep, (4, 12)), "flat": Curve.of(flat, (4, 12))}, 0.7)
    assert ranks == {"steep": 1, "flat": 0}


def test_tied_layers_tables_and_heads_stay_and_are_named() -> None:
    left = {one.name: one.reason for one in lowrank(make_network("perceptron"), LowRank(0.9, "svd")).left}
    assert left["0.weight"] == "several layers share it"
    left = {one.name: one.reason for one in lowrank(make_network("llama"), LowRank(0.5, "svd")).left}
    assert left["model.embed_tokens.weight"] == "a table of words keeps its rank"
    assert left["lm_head.weight"] == "the head that predicts words keeps its rank"


def test_halves_are_not_halved_again() -> None:
    module = make_network("llama")
    lowrank(module, LowRank(0.9, "svd"))
    halves = {weight.name for weight in find_weights(module)[0] if weight.name.endswith(("0.weight", "1.weight"))}
    left = {one.name: one.reason for one in lowrank(module, LowRank(0.8, "svd")).left}
    assert halves
    assert {left[name] for name in halves} == {"it is half of a layer already"}


def test_the_same_data_make_the_same_halves() -> None:
    found = []
    for _ in range(2):
        module, batches = make_network("gpt2"), draw_batches("gpt2")
        lowrank(module, LowRank(0.6), batches, seed=2)
        found.append(compute(module, batches))
    assert torch.equal(found[0], found[1])


def test_data_are_asked_for_where_they_are_needed() -> None:
    with pytest.raises(UsageError, match="whitened looks at what layers read: give data, or lower ranks by svd"):
        lowrank(make_network("llama"), LowRank(0.5))
    with pytest.raises(UsageError, match="no linear layer or convolution whose rank could be lowered"):
        lowrank(nn.Sequential(nn.Embedding(4, 4)), LowRank(0.5))


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("", "lowrank takes SHARE"),
        ("few", "'few' is no share of the weights that stay"),
        ("1", "cannot have a share of 1; give more than 0 and less than 1"),
        ("0.9:qr", "'qr' is no way to lower ranks; allowed is whitened, svd"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        read_lowrank(words.split(":"))
