"""The matrices of a network are found, once each, and what is left out is named."""

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from multum.errors import FormatError
from multum.quantization.weights import CONVOLUTION, EMBEDDING, LINEAR, find_weights


def test_every_parameter_is_a_matrix_or_left_out_with_a_reason() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5, bias=False))
    weights, skipped = find_weights(module)
    assert [(weight.name, weight.shape, weight.uses[0].kind) for weight in weights] == [
        ("0.weight", (4, 27), CONVOLUTION),
        ("3.weight", (5, 16), LINEAR),
    ]
    assert [left.name for left in skipped] == ["0.bias", "1.weight", "1.bias"]
    assert all(left.reason == "a vector" for left in skipped)


def test_tied_matrices_are_there_once_with_both_uses() -> None:
    config = LlamaConfig(
        vocab_size=32, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    weights, _ = find_weights(LlamaForCausalLM(config))
    assert weights[0].names == ("model.embed_tokens.weight", "lm_head.weight")
    assert [use.kind for use in weights[0].uses] == [EMBEDDING, LINEAR]
    assert len({id(weight.parameter) for weight in weights}) == len(weights)


def test_matrices_of_gpt2_are_read_and_written_as_outputs_by_inputs() -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=32, n_embd=8, n_layer=1, n_head=2, n_positions=16))
    weight = next(weight for weight in find_weights(model)[0] if "c_attn" in weight.name)
    assert weight.transposed
    assert weight.shape == (8, 24)
    doubled = 2 * weight.read()
    assert doubled.shape == (24, 8)
    weight.write(doubled)
    assert torch.equal(weight.read(), doubled)


def test_bare_matrices_are_left_out_by_name() -> None:
    module = nn.Module()
    module.register_parameter("table", nn.Parameter(torch.ones(3, 3)))
    weights, skipped = find_weights(module)
    assert not weights
    assert "not the weight of" in skipped[0].reason


def test_weights_that_are_not_finite_are_refused() -> None:
    module = nn.Linear(2, 2)
    with torch.no_grad():
        module.weight[0, 0] = float("nan")
    with pytest.raises(FormatError, match="'weight' has values that are not finite"):
        find_weights(module)
