"""A Llama for training: the weights and the function of transformers' LlamaForCausalLM, with less around them.

At a million parameters the time goes into everything but the products of matrices: casts, copies, tiny kernels. This
module has the names of transformers' weights and computes the same (tests compare the two), but shares one product
among queries, keys and values, and one among gate and up; keeps activations in the precision of autocast throughout;
and on a CPU does everything else in kernels of one pass.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding, linear

from multum.neural.lean_functions import Turns, add_and_norm, attend, gate, measure_nats

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def is_lean(config: "PreTrainedConfig") -> bool:
    """Return whether this module computes what transformers would for `config`: none of Llama's later options."""
    rope = getattr(config, "rope_parameters", None) or {}
    return bool(
        config.model_type == "llama"
        and config.num_key_value_heads == config.num_attention_heads
        and config.hidden_act == "silu"
        and not config.attention_bias
        and not config.mlp_bias
        and rope.get("rope_type", "default") == "default"
        and _head_width(config) * config.num_attention_heads == config.hidden_size
    )


def _head_width(config: "PreTrainedConfig") -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def compute_type(device: torch.device) -> torch.dtype:
    """Return the type that activations have: autocast's where it is on, else float32."""
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32


class LeanLlama(nn.Module):
    """The language model; its state_dict is that of LlamaForCausalLM."""

    def __init__(self, config: "PreTrainedConfig", dropout: float = 0.0) -> None:
        """dropout: of what each half layer adds to the stream, and of the embedding."""
        super().__init__()
        self.config, self.dropout = config, dropout
        self.model = _Stack(config, dropout)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    def forward(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return float32 logits [batch, time, vocabulary], or with `targets` the nats of each: [batch, time].

        tokens, targets: int64[batch, time].
        """
        dtype = compute_type(tokens.device)
        with torch.autocast(tokens.device.type, enabled=False):
            stream = self.model(tokens, dtype)  # [batch, time, width]
            logits = linear(stream, self.lm_head.weight.to(dtype))
        return logits.float() if targets is None else measure_nats(logits, targets)


class _Norm(nn.Module):
    """Root-mean-square norm of a sum: the stream and what is added to it."""

    def __init__(self, config: "PreTrainedConfig") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.hidden_size))
        self.eps = float(config.rms_norm_eps)

    def forward(self, stream: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
        """Return (the sum, its norm)."""
        return add_and_norm(stream, added, self.weight, self.eps)


class _Stack(nn.Module):
    """Embedding, layers and the last norm."""

    def __init__(self, config: "PreTrainedConfig", dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(_Layer(config, dropout) for _ in range(config.num_hidden_layers))
        self.norm = _Norm(config)
        head = _head_width(config)
        base = float((getattr(config, "rope_parameters", None) or {}).get("rope_theta", 10000.0))
        self.frequencies = nn.Buffer(base ** (-torch.arange(0, head, 2) / head), persistent=False)

    def forward(self, tokens: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the normed stream: dtype[batch, time, width]."""
        stream = embedding(tokens, self.embed_tokens.weight.to(dtype))
        stream = dropout(stream, self.dropout, self.training)
        turns = self._turn(tokens.shape[1])
        added = torch.zeros_like(stream)
        for layer in self.layers:
            stream, added = layer(stream, added, turns)
        _, normed = self.norm(stream, added)
        assert isinstance(normed, Tensor), "what a norm returns"
        return normed

    def _turn(self, length: int) -> Turns:
        """Return cosines and sines of the rotary angles."""
        angles = torch.outer(torch.arange(length, device=self.frequencies.device), self.frequencies)
        return angles.cos(), angles.sin()


class _Layer(nn.Module):
    """Attention and a gated network, each normed before and added to the stream."""

    def __init__(self, config: "PreTrainedConfig", dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.self_attn = _Attention(config)
        self.mlp = _Gated(config)
        self.input_layernorm = _Norm(config)
        self.post_attention_layernorm = _Norm(config)

    def forward(self, stream: Tensor, added: Tensor, turns: Turns) -> tuple[Tensor, Tensor]:
        """Return the stream and what is yet to be added to it, given those of the layer before."""
        stream, normed = self.input_layernorm(stream, added)
        added = dropout(self.self_attn(normed, turns), self.dropout, self.training)
        stream, normed = self.post_attention_layernorm(stream, added)
        return stream, dropout(self.mlp(normed), self.dropout, self.training)


class _Gated(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, config: "PreTrainedConfig") -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, time, width]."""
        both = torch.cat((self.gate_proj.weight, self.up_proj.weight)).to(x.dtype)
        return linear(gate(linear(x, both)), self.down_proj.weight.to(x.dtype))


class _Attention(nn.Module):
    """Causal attention with rotary positions."""

    def __init__(self, config: "PreTrainedConfig") -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, turns: Turns) -> Tensor:
        """x: [batch, time, width]."""
        three = torch.cat((self.q_proj.weight, self.k_proj.weight, self.v_proj.weight)).to(x.dtype)
        return linear(attend(linear(x, three), turns, self.heads), self.o_proj.weight.to(x.dtype))


def draw_weights(module: LeanLlama, seed: int) -> None:
    """Set the weights a training starts from.

    Hidden matrices have variance 1 / inputs; those that end a half layer are zero, so that the layers start as nothing
    and depth does not matter; the head is zero, so that every byte starts at eight bits; embeddings have variance 1.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weights in module.named_parameters():
            if weights.ndim < 2:
                weights.fill_(1.0)
            elif name.endswith(("o_proj.weight", "down_proj.weight", "lm_head.weight")):
                weights.zero_()
            else:
                scale = 1.0 if "embed_tokens" in name else weights.shape[1] ** -0.5
                weights.normal_(0.0, scale, generator=generator)
