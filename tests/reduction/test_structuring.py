"""Parts that go: fewer heads, neurons, layers, and a network that its own config describes."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import multum
from multum.errors import UsageError
from multum.quantization.weights import find_weights
from multum.reduction.anatomy import FAMILIES
from multum.reduction.removing import Removal, remove_groups
from multum.reduction.shapes import Structure, read_structure
from multum.reduction.structuring import structure
from multum.reduction.walking import Moments
from tests.neural.samples import build_llama
from tests.reduction.networks import compute, draw_batches, make_network, measure_error

# What can be taken out of each kind.
CASES = [
    *((kind, "neurons:0.25") for kind in ("bert", "gpt2", "llama", "vit")),
    *((kind, "heads:0.5") for kind in ("llama", "vit")),
    *((kind, "layers:1") for kind in ("bert", "gpt2", "llama", "mamba2", "vit")),
]


def make_grouped(heads: int = 6, keys: int = 3, **changes: Any) -> Any:
    """Return a Llama whose heads share keys, with biases."""
    sizes: dict[str, Any] = {"hidden_size": 48, "num_attention_heads": heads, "num_key_value_heads": keys}
    return build_llama(**sizes | changes, head_dim=8, attention_bias=True).eval()


def rebuild(module: Any) -> Any:
    """Return what transformers makes of a network's config and values."""
    config = type(module.config).from_dict(module.config.to_dict())
    fresh = type(module)(config).eval()
    fresh.load_state_dict(module.state_dict())
    return fresh


@pytest.mark.parametrize(("kind", "words"), CASES)
def test_what_is_left_is_a_smaller_network_that_its_config_describes(kind: str, words: str) -> None:
    module, batches = make_network(kind), draw_batches(kind)
    done = multum.structure(module, words, batches)
    assert done.after == sum(parameter.numel() for parameter in module.parameters()) < done.before
    assert done.changes
    assert torch.equal(compute(rebuild(module), batches), compute(module, batches))


def make_relative(kind: str) -> Any:
    """Return a network of a family that has the rules of another."""
    import transformers

    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
    name = {"mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3", "roberta": "Roberta"}[kind]
    keys = {} if kind == "roberta" else {"num_key_value_heads": 2, "head_dim": 8}
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(vocab_size=256, **sizes, **keys)
    return getattr(transformers, f"{name}ForCausalLM" if keys else f"{name}Model")(config).eval()


@pytest.mark.parametrize("kind", ["mistral", "qwen2", "qwen3", "roberta"])
def test_relatives_of_a_family_have_its_rules(kind: str) -> None:
    module, batches = make_relative(kind), draw_batches(kind)
    parts = ["neurons:0.5", "layers:1"] if kind == "roberta" else ["heads:0.5", "neurons:0.5", "layers:1"]
    for words in parts:
        multum.structure(module, words, batches)
    assert (module.config.intermediate_size, module.config.num_hidden_layers) == (24, 2)
    assert torch.equal(compute(rebuild(module), batches), compute(module, batches))


@pytest.mark.parametrize(
    ("kind", "words", "match"),
    [
        ("gpt2", "heads:0.5", "heads of a gpt2 network cannot go: its config makes them as wide"),
        ("bert", "heads:0.5", "heads of a bert network cannot go"),
        ("mamba2", "heads:0.5", "no rules say which heads of a mamba2 network could go; take out layers"),
        ("mamba2", "neurons:0.5", "no rules say which neurons of a mamba2 network could go; take out layers"),
        (
            "resnet",
            "neurons:0.5",
            "no rules say how neurons of a resnet network go; there are rules for bert, .*; channels of it may go",
        ),
        ("perceptron", "layers:1", "no rules say how layers of a Sequential network go"),
        ("llama", "layers:2", "2 of 2 layers cannot go; keep at least one"),
        ("llama", "neurons:0.001", "a share of 0.001 of 64 neurons is 0, which cannot go"),
        ("llama", "heads:0.1", "a share of 0.1 of 2 heads cannot go, .* shares that can: 0.5"),
    ],
)
def test_what_cannot_go_is_refused_by_name(kind: str, words: str, match: str) -> None:
    module = make_network(kind)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(UsageError, match=match):
        structure(module, read_structure(words.split(":")), draw_batches(kind))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_heads_that_share_keys_go_together_or_alike_in_every_group() -> None:
    batches = draw_batches("llama")
    left = {}
    for share in (0.34, 0.5):
        module = make_grouped()
        structure(module, Structure("heads", share), batches)
        config = module.config
        left[share] = (config.num_attention_heads, config.num_key_value_heads, config.head_dim)
        assert torch.equal(compute(rebuild(module), batches), compute(module, batches))
    assert left == {0.34: (4, 2, 8), 0.5: (3, 3, 8)}


def test_heads_go_only_so_that_a_config_can_tell_of_the_rest() -> None:
    with pytest.raises(
        UsageError, match=r"a share of 0\.125 of 8 heads cannot go, .* that can: 0\.375, 0\.5, 0\.75, 0\.875"
    ):
        structure(make_grouped(8, 8, hidden_size=40), Structure("heads", 0.125), draw_batches("llama"))


def test_neurons_without_any_effect_go_first_and_nothing_changes() -> None:
    module, batches = make_network("llama"), draw_batches("llama")
    with torch.no_grad():
        for layer in module.model.layers:
            layer.mlp.down_proj.weight[:, ::4] = 0
    wanted = compute(module, batches)
    structure(module, Structure("neurons", 0.25), batches)
    assert module.config.intermediate_size == 48
    assert torch.allclose(compute(module, batches), wanted, atol=1e-3)


def test_what_is_left_makes_good_what_went() -> None:
    batches = draw_batches("llama", 8)
    module = make_network("llama")
    structure(module, Structure("neurons", 0.5), batches)
    plain = make_network("llama")
    for layer in plain.model.layers:
        lowest = layer.mlp.down_proj.weight.norm(dim=0).argsort()[:32]
        with torch.no_grad():
            layer.mlp.down_proj.weight[:, lowest] = 0
    assert measure_error(module, "llama", batches) < 0.8 * measure_error(plain, "llama", batches)


def test_the_layer_that_does_nothing_goes_first_and_the_others_keep_their_order() -> None:
    module = build_llama(num_hidden_layers=4).eval()
    batches = draw_batches("llama")
    with torch.no_grad():
        module.model.layers[1].self_attn.o_proj.weight.zero_()
        module.model.layers[1].mlp.down_proj.weight.zero_()
    wanted, kept = compute(module, batches), list(module.model.layers)
    done = structure(module, Structure("layers", 1), batches)
    assert list(module.model.layers) == [kept[0], kept[2], kept[3]]
    assert [layer.self_attn.layer_idx for layer in module.model.layers] == [0, 1, 2]
    assert done.origins["model.layers.1.mlp.up_proj.weight"] == "model.layers.2.mlp.up_proj.weight"
    assert torch.allclose(compute(module, batches), wanted, atol=1e-5)


def make_case(inputs: int = 12) -> tuple[Tensor, Moments]:
    """Return (a matrix, what it reads): inputs that move together."""
    generator = torch.Generator().manual_seed(2)
    mixed = torch.randn(4000, inputs, generator=generator) @ torch.randn(inputs, inputs, generator=generator)
    return torch.randn(7, inputs, generator=generator), Moments((mixed.T @ mixed).double() / len(mixed), 1 << 30)


def test_the_rest_of_a_matrix_is_the_least_squares_fit() -> None:
    matrix, moments = make_case()
    removal = Removal.begin(matrix, moments, torch.ones(7), torch.arange(12).view(4, 3))
    remove_groups([removal], 2)
    kept = removal.groups[removal.left].flatten()
    cost = moments.columns + 0.003 * moments.columns.diagonal().mean() * torch.eye(12)
    best = torch.linalg.solve(cost[kept][:, kept], cost[kept] @ matrix.double().T).T
    assert int(removal.left.sum()) == 2
    assert torch.allclose(removal.matrix[:, kept], best, rtol=1e-2, atol=1e-2)


def test_costs_are_what_removing_costs() -> None:
    matrix, moments = make_case()
    removal = Removal.begin(matrix, moments, torch.ones(7), torch.arange(12).view(4, 3))
    foretold = removal.measure()
    removal.remove(torch.tensor([1]))
    error = matrix.double() - removal.matrix
    damped = moments.columns + 0.003 * moments.columns.diagonal().mean() * torch.eye(12)
    assert float(foretold[1]) == pytest.approx(float(((error @ damped) * error).sum()), rel=1e-3)
    assert torch.isinf(removal.measure()[1])


def test_data_are_asked_for_and_must_reach_every_layer() -> None:
    with pytest.raises(UsageError, match="what neurons are worth is seen on data: give some"):
        structure(make_network("llama"), Structure("neurons", 0.5))


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("neurons", "structure takes PART:SHARE"),
        ("neurons:half", "'half' is no share of the neurons"),
        ("rows:0.5", "'rows' are no parts that go by themselves; allowed is channels, heads, neurons, layers"),
        ("heads:1", "a share of 1 of the heads cannot go"),
        ("layers:0.5", "0.5 layers cannot go; give a whole number"),
    ],
)
def test_words_that_make_no_sense_are_refused(words: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        read_structure(words.split(":"))


def test_rules_name_what_networks_have() -> None:
    for kind in ("bert", "gpt2", "llama", "vit"):
        module, family = make_network(kind), FAMILIES[kind]
        names = {weight.uses[0].name for weight in find_weights(module)[0]}
        for part in (*family.makers, family.reader, *family.attention):
            assert any(name.endswith(f"{family.layers}.1.{part}") for name in names), part
    assert isinstance(make_network("mamba2").backbone.layers, nn.ModuleList)
