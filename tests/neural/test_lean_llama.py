"""The lean Llama is transformers' Llama: the same names, the same numbers; and its kernels are PyTorch's operations."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from multum.neural import lean_functions
from multum.neural.lean_functions import add_and_norm, attend, gate, measure_nats
from multum.neural.lean_llama import LeanLlama, is_lean

CONFIG: dict[str, Any] = {
    "vocab_size": 256,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "max_position_embeddings": 64,
    "bos_token_id": None,
    "eos_token_id": None,
}


@pytest.fixture(scope="module")
def plain() -> LlamaForCausalLM:
    torch.manual_seed(0)
    model: LlamaForCausalLM = LlamaForCausalLM(LlamaConfig(**CONFIG)).eval()
    return model


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    return torch.randint(0, 256, (3, 50), generator=torch.Generator().manual_seed(0))


def lean_of(plain: LlamaForCausalLM) -> LeanLlama:
    module = LeanLlama(plain.config)
    module.load_state_dict(plain.state_dict())
    return module


def test_logits_are_those_of_transformers(plain: LlamaForCausalLM, tokens: Tensor) -> None:
    assert torch.allclose(lean_of(plain)(tokens), plain(tokens).logits, atol=1e-5)


def test_nats_and_gradients_are_those_of_transformers(plain: LlamaForCausalLM, tokens: Tensor) -> None:
    lean = lean_of(plain)
    lean(tokens[:, :-1], tokens[:, 1:]).mean().backward()
    plain.zero_grad()
    plain(tokens, labels=tokens).loss.backward()
    for name, parameter in plain.named_parameters():
        ours = lean.get_parameter(name).grad
        assert ours is not None
        assert parameter.grad is not None
        assert torch.allclose(ours, parameter.grad, atol=1e-6), name


def test_in_bfloat16_it_stays_close(plain: LlamaForCausalLM, tokens: Tensor) -> None:
    lean = lean_of(plain)
    with torch.autocast("cpu", torch.bfloat16):
        nats = lean(tokens[:, :-1], tokens[:, 1:])
    nats.mean().backward()
    assert nats.dtype == torch.float32
    assert abs(float(nats.detach().mean()) - float(plain(tokens, labels=tokens).loss.detach())) < 2e-3
    exact = lean_of(plain)
    exact(tokens[:, :-1], tokens[:, 1:]).mean().backward()
    for name, parameter in exact.named_parameters():
        ours = lean.get_parameter(name).grad
        assert ours is not None
        assert parameter.grad is not None
        assert float((ours - parameter.grad).norm() / parameter.grad.norm()) < 0.03, name


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("num_key_value_heads", 1),
        ("hidden_act", "gelu"),
        ("attention_bias", True),
        ("mlp_bias", True),
        ("head_dim", 32),
    ],
)
def test_later_options_of_llama_are_left_to_transformers(option: str, value: Any) -> None:
    assert is_lean(LlamaConfig(**CONFIG))
    assert not is_lean(LlamaConfig(**CONFIG | {option: value}))


def test_dropout_acts_in_training_only(plain: LlamaForCausalLM, tokens: Tensor) -> None:
    module = LeanLlama(plain.config, dropout=0.5)
    module.load_state_dict(plain.state_dict())
    assert not torch.equal(module.train()(tokens), module(tokens))
    assert torch.equal(module.eval()(tokens), module(tokens))


# The functions between products: name, what is called, the shapes of what it takes.
TURNS = (torch.rand(7, 4, generator=torch.Generator().manual_seed(1)) * 6).cos(), torch.zeros(7, 4)
TARGETS = torch.arange(10).view(2, 5)
FUNCTIONS: list[tuple[str, Callable[..., Any], list[tuple[int, ...]]]] = [
    ("norm", lambda a, b: torch.cat(add_and_norm(a, b, torch.linspace(0.5, 2, 24), 1e-5)), [(6, 24), (6, 24)]),
    ("gate", gate, [(3, 5, 26)]),
    ("attend", lambda x: attend(x, TURNS, 2), [(2, 7, 48)]),
    ("nats", lambda x: measure_nats(x, TARGETS), [(2, 5, 32)]),
]


@pytest.mark.parametrize(("function", "shapes"), [one[1:] for one in FUNCTIONS], ids=[one[0] for one in FUNCTIONS])
def test_kernels_and_operations_agree_forward_and_backward(
    function: Callable[..., Tensor], shapes: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(2)
    inputs = [torch.randn(shape, generator=generator).bfloat16() * 2 for shape in shapes]
    fused = _run(function, inputs)
    monkeypatch.setattr(lean_functions, "is_fused", lambda _: False)
    exact = _run(function, [one.float() for one in inputs])
    for ours, theirs in zip(fused, exact, strict=True):
        scale = float(theirs.abs().max())
        assert torch.allclose(ours.float(), theirs, atol=0.02 * scale)


def _run(function: Callable[..., Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """Return the result and the gradient of each input, for a gradient of the result that differs everywhere."""
    inputs = [one.clone().requires_grad_() for one in inputs]
    out = function(*inputs)
    weights = torch.linspace(-1, 1, out.numel()).view(out.shape).to(out.dtype)
    out.backward(weights)
    return [out.detach(), *(one.grad for one in inputs if one.grad is not None)]


def test_the_weight_of_a_norm_gets_its_gradient() -> None:
    total = torch.randn(8, 16, generator=torch.Generator().manual_seed(3)).bfloat16()
    gradients = []
    for stream in (total, total.float()):
        weight = nn.Parameter(torch.ones(16))
        _, normed = add_and_norm(stream, torch.zeros_like(stream), weight, 1e-5)
        normed.sum().backward()
        assert weight.grad is not None
        gradients.append(weight.grad)
    ours, theirs = gradients
    assert torch.allclose(ours, theirs, atol=0.02)


def test_a_gate_of_large_numbers_is_finite() -> None:
    both = torch.tensor([[-1000.0, -200.0, 200.0, 3e38, 1.0, 1.0, 1.0, 0.5]]).bfloat16()
    assert gate(both).tolist() == [pytest.approx([0.0, 0.0, 200.0, 1.5e38], rel=0.01)]


def test_certain_predictions_cost_nothing_and_are_finite() -> None:
    logits = torch.full((1, 4), -3e38).bfloat16()
    logits[0, 2] = 80.0
    assert float(measure_nats(logits, torch.tensor([2]))) == pytest.approx(0, abs=1e-6)
