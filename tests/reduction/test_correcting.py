"""Narrow layers beside integers: they make good some of what rounding lost, in networks of any family."""

import pytest
import torch
from torch import nn

import multum
from multum.errors import UsageError
from multum.neural.factors import Corrected, make_whole
from multum.reduction.choices import Pruning, read_rounding
from multum.reduction.correcting import round_and_correct
from multum.reduction.factoring import lowrank
from multum.reduction.pruning import prune
from multum.reduction.rounding import quantize
from multum.reduction.scales import Scales, choose_scales
from multum.reduction.shapes import LowRank
from multum.reduction.walking import Moments
from tests.reduction.networks import KINDS, compute, draw_batches, make_network, measure_error
from tests.reduction.test_rounding import read_grid


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_correction_loses_less_and_the_integers_stay_integers(kind: str) -> None:
    errors, batches = [], draw_batches(kind, 4)
    for words in ("gptq:2", "gptq:2:rank=2"):  # a head of three outputs can have no more
        module = make_network(kind)
        done = quantize(module, read_rounding(words.split(":")), batches)
        errors.append(measure_error(module, kind, batches))
    assert errors[1] < errors[0]
    assert done.corrected
    for layer in done.corrected:
        assert isinstance(module.get_submodule(layer), Corrected)
    for name, grid in done.grids.items():
        assert torch.equal(read_grid(grid, module.get_parameter(name)), module.get_parameter(name)), name
    assert {f"{layer}.2.weight" for layer in done.corrected} <= set(done.grids)


def test_what_layers_read_tells_what_to_make_good_where_that_is_known() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix, sizes = torch.randn(24, 64, generator=generator), torch.ones(64)
    sizes[::16] = 20.0
    moments = Moments(torch.diag(sizes.square()).double(), 1 << 30)
    rounding, errors = read_rounding(["rtn", "2"]), []
    for known in (None, moments):
        scales, codes, (first, second) = round_and_correct(
            matrix, known, 4, lambda rest: _round(choose_scales(rest, torch.ones(64), rounding), rest)
        )
        lost = matrix - codes * scales.spread()[0] - second @ first
        errors.append(float((lost * sizes).square().sum()))
    assert errors[1] < 0.5 * errors[0]


def _round(scales: Scales, matrix: torch.Tensor) -> tuple[Scales, torch.Tensor]:
    return scales, scales.round(matrix)


@pytest.mark.parametrize("kind", ["gpt2", "resnet", "llama"])
def test_a_network_in_one_piece_again_says_the_same(kind: str) -> None:
    module, batches = make_network(kind), draw_batches(kind)
    quantize(module, read_rounding(["rtn", "2", "rank=2"]))
    said = compute(module, batches)
    names = {name for name, _ in make_network(kind).named_parameters()}
    make_whole(module)
    assert {name for name, _ in module.named_parameters()} == names
    assert torch.allclose(compute(module, batches), said, atol=1e-4)


def test_zeros_stay_zeros_of_the_integers() -> None:
    module, batches = make_network("vit"), draw_batches("vit")
    prune(module, Pruning("magnitude", 0.5), batches)
    gone = {name: parameter == 0 for name, parameter in module.named_parameters()}
    done = quantize(module, read_rounding(["gptq", "3", "rank=2"]), batches)
    assert done.corrected
    for layer in done.corrected:
        assert (module.get_parameter(f"{layer}.2.weight")[gone[f"{layer}.weight"]] == 0).all()


def test_what_is_too_small_tied_or_half_already_has_integers_alone() -> None:
    module = nn.Sequential(nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 3))
    done = multum.quantize(module, "rtn:3:rank=4")
    assert done.corrected == ("0",)
    assert set(done.grids) == {"0.2.weight", "2.weight"}
    module = make_network("llama")
    lowrank(module, LowRank(0.6, "svd"))
    with pytest.raises(UsageError, match="two layers of rank 16 would be smaller beside none of the layers; lower it"):
        quantize(module, read_rounding(["rtn", "4", "rank=16"]))
    with pytest.raises(UsageError, match="two layers of rank 40 would be smaller"):
        multum.quantize(nn.Sequential(nn.Linear(32, 24)), "rtn:4:rank=40")


def test_the_same_data_make_the_same_corrections() -> None:
    found = []
    for _ in range(2):
        module, batches = make_network("vit"), draw_batches("vit")
        quantize(module, read_rounding(["gptq", "2", "rank=2"]), batches)
        found.append(compute(module, batches))
    assert torch.equal(found[0], found[1])


def test_words_come_back_and_ranks_that_make_no_sense_are_refused() -> None:
    assert str(read_rounding(["gptq", "3", "64", "rank=8"])) == "gptq:3:64:asymmetric:rank=8"
    assert str(read_rounding(["gptq", "3", "rank=8", "64"])) == "gptq:3:64:asymmetric:rank=8"
    for word in ("0", "few", "-3", ""):
        with pytest.raises(UsageError, match=f"'{word}' is no rank; give a whole number of 1 or more"):
            read_rounding(["gptq", "3", f"rank={word}"])
