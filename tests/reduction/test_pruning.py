"""Pruning: as many zeros as were asked for, where they cost little, in networks of any family."""

import pytest
import torch
from torch import nn

import multum
from multum.errors import UsageError
from multum.quantization.weights import find_weights
from multum.reduction.choices import Pruning, read_pruning
from multum.reduction.pruning import prune
from tests.reduction.networks import KINDS, draw_batches, make_network, measure_error


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("method", ["magnitude", "wanda", "sparsegpt", "surgeon"])
def test_half_of_the_weights_that_data_reach_become_zero(kind: str, method: str) -> None:
    module, batches = make_network(kind), draw_batches(kind)
    done = prune(module, Pruning(method, 0.5), batches)
    missed = sum(one.size for one in done.left if one.reason == "the data do not reach it")
    assert done.zeros / (done.weights - missed) == pytest.approx(0.5, abs=0.02)
    assert measure_error(module, kind, batches) > 0
    touched = {weight.name for weight in find_weights(module)[0]} - {one.name for one in done.left}
    fresh = make_network(kind)
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter, fresh.get_parameter(name)) is (name not in touched), name


@pytest.mark.parametrize("kind", ["llama", "gpt2", "vit", "resnet"])
def test_what_makes_good_loses_less_and_the_surgeon_least(kind: str) -> None:
    batches = draw_batches(kind, 12)
    errors = []
    for method in ("wanda", "sparsegpt", "surgeon"):
        module = make_network(kind)
        prune(module, Pruning(method, 0.3), batches)
        errors.append(measure_error(module, kind, batches))
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("method", ["magnitude", "wanda", "sparsegpt", "surgeon"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "resnet"])
def test_patterns_hold_among_neighbours_of_every_row(kind: str, method: str) -> None:
    module = make_network(kind)
    done = prune(module, read_pruning([method, "2", "4"]), draw_batches(kind))
    left = {one.name: one.reason for one in done.left}
    for weight in find_weights(module)[0]:
        if weight.name not in left:
            groups = weight.read().reshape(-1, 4)
            assert (groups == 0).sum(1).min() >= 2, weight.name
    if kind == "resnet":
        assert "49 inputs are no multiple of 4" in left.values()


def test_a_threshold_by_row_layer_and_for_all() -> None:
    shares = {}
    for scope in ("row", "layer", "global"):
        module = make_network("perceptron")
        with torch.no_grad():
            module[3].weight *= 100  # of all layers these are the last to go
            module[0].weight[5] *= 0.01
        done = prune(module, Pruning("magnitude", 0.5, scope=scope))
        shares[scope] = (
            float((module[3].weight == 0).float().mean()),
            float((module[0].weight[5] == 0).float().mean()),
        )
        assert done.share == pytest.approx(0.5, abs=0.01)
    assert shares["row"] == (0.5, 0.5)
    assert shares["layer"] == (0.5, 1)
    assert shares["global"] == (0, 1)


def test_tied_weights_are_pruned_once_and_stay_tied() -> None:
    module = make_network("perceptron")
    prune(module, Pruning("surgeon", 0.5), draw_batches("perceptron"))
    assert module[2].weight is module[0].weight
    assert (module[0].weight == 0).float().mean() > 0.3


def test_tables_of_words_and_heads_stay_and_are_named() -> None:
    for kind, head in (("llama", "lm_head.weight"), ("gpt2", "transformer.wte.weight")):
        done = prune(make_network(kind), Pruning("magnitude", 0.5))
        reasons = {one.name: one.reason for one in done.left}
        assert reasons[head] in ("the head that predicts words is not pruned", "a table of words is not pruned")


def test_the_same_data_and_seed_make_the_same_zeros() -> None:
    found = []
    for _ in range(2):
        module = make_network("gpt2")
        prune(module, Pruning("surgeon", 0.5), draw_batches("gpt2"), seed=3)
        found.append(module.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_progress_is_told_to_its_end() -> None:
    told: list[tuple[str, float]] = []
    prune(make_network("vit"), Pruning("surgeon", 0.5), draw_batches("vit"), progress=lambda *one: told.append(one))
    assert [one for one in told if one[0] == "measuring"][-1] == ("measuring", 1)
    assert told[-1] == ("pruning", 1)


@pytest.mark.parametrize("method", ["wanda", "sparsegpt", "surgeon"])
def test_methods_that_look_at_data_say_so(method: str) -> None:
    with pytest.raises(UsageError, match=f"{method} looks at what layers read: give data, or prune by magnitude"):
        prune(make_network("perceptron"), Pruning(method, 0.5))


def test_networks_without_layers_are_refused() -> None:
    with pytest.raises(UsageError, match="no linear layer or convolution that can be pruned so"):
        prune(nn.Sequential(nn.Embedding(4, 4), nn.LayerNorm(4)), Pruning("magnitude", 0.5))


@pytest.mark.parametrize("method", ["wanda", "surgeon"])
def test_data_that_the_network_does_not_take_are_refused(method: str) -> None:
    with pytest.raises(UsageError, match="the model does not take the calibration data"):
        prune(make_network("perceptron"), Pruning(method, 0.5), [{"input": torch.zeros(4, 3)}])


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("wnda:0.5", "'wnda' is no way to prune; allowed is magnitude, wanda, sparsegpt, surgeon"),
        ("wanda", "prune takes METHOD:SHARE"),
        ("wanda:half", "'half' is no share of the weights"),
        ("wanda:1.5", "a share of 1.5 cannot be pruned"),
        ("wanda:nan", "a share of nan cannot be pruned"),
        ("wanda:4:2", "a pattern keeps n of m weights with 0 < n < m, not 4:2"),
        ("wanda:0.5:global", "wanda has no threshold by 'global'; allowed is row or layer"),
        ("sparsegpt:2:4:row", "prune takes METHOD:SHARE"),
        ("surgeon:loss=0", "a loss of 0 cannot be kept; give more than 0"),
        ("surgeon:loss=low", "'low' is no share of the weights"),
        ("surgeon:bytes=0", "a file of 0 bytes is not possible; give 1 or more"),
        ("surgeon:bytes=60M", "'60M' is no length of a file; give a whole number of bytes"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        read_pruning(words.split(":"))


@pytest.mark.parametrize(
    "words", ["wanda:0.5", "surgeon:2:4", "magnitude:0.25:global", "surgeon:loss=0.02:layer", "wanda:bytes=600000:row"]
)
def test_words_come_back(words: str) -> None:
    assert str(read_pruning(words.split(":"))) == words


def test_the_public_functions_take_the_words_of_recipes() -> None:
    module = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    batches = [{"input": torch.randn(64, 16, generator=torch.Generator().manual_seed(0))}]
    assert multum.prune(module, "surgeon:0.5", batches).zeros == 160
    assert multum.quantize(module, "gptq:4:8", batches).weights == 320
    with pytest.raises(UsageError, match="'wnda' is no way to prune"):
        multum.prune(module, "wnda:0.5")


def test_a_loss_is_kept_by_the_largest_share_that_does() -> None:
    module, batches = make_network("vit"), draw_batches("vit")

    def measure() -> float:
        return measure_error(module, "vit", batches)

    done = multum.prune(module, "magnitude:loss=0.1", measure=measure)
    assert measure() <= 0.1
    assert 64 * done.share == pytest.approx(round(64 * done.share), abs=0.1)
    more = make_network("vit")
    prune(more, Pruning("magnitude", done.share + 1 / 64), batches)
    assert measure_error(more, "vit", batches) > 0.1


def test_a_loss_that_no_share_keeps_is_refused_and_nothing_changes() -> None:
    module = make_network("vit")
    losses = iter([0.0, *[1.0] * 6])
    with pytest.raises(UsageError, match=r"no share of the weights can go for a loss of 0\.1"):
        multum.prune(module, "magnitude:loss=0.1", measure=lambda: next(losses))
    fresh = make_network("vit").state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in module.state_dict().items())
    with pytest.raises(UsageError, match="there is nothing to measure the loss on"):
        multum.prune(module, "magnitude:loss=0.1")


def test_a_size_is_kept_by_the_least_share_that_does() -> None:
    module = make_network("vit")

    def measure() -> float:
        return sum(4.0 * int((parameter != 0).sum()) for parameter in module.parameters())

    dense = measure()
    done = multum.prune(module, f"magnitude:bytes={round(0.7 * dense)}", measure=measure)
    assert measure() <= 0.7 * dense
    assert 64 * done.share == pytest.approx(round(64 * done.share), abs=0.1)
    module = make_network("vit")
    prune(module, Pruning("magnitude", done.share - 1 / 64))
    assert measure() > 0.7 * dense


def test_sizes_that_no_share_makes_or_that_want_no_zeros_are_refused_and_nothing_changes() -> None:
    module, sizes = make_network("vit"), iter([1000, 990, 980, 970, 960, 955, 950])
    with pytest.raises(UsageError, match="makes a file of 900 bytes; the shortest that was tried has 950"):
        multum.prune(module, "magnitude:bytes=900", measure=lambda: next(sizes))
    with pytest.raises(UsageError, match="800 bytes are taken without any zeros, allowed is 900: no weight has to go"):
        multum.prune(module, "magnitude:bytes=900", measure=lambda: 800)
    with pytest.raises(UsageError, match="there is nothing to measure the size by: give measure="):
        multum.prune(module, "magnitude:bytes=900")
    fresh = make_network("vit").state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in module.state_dict().items())
