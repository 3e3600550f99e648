"""A recurrent program for training: the weights and the function of transformers' Mamba2ForCausalLM.

Why this one of the recurrent families that transformers has: its state is constant, a small matrix a head; a byte
costs one pass over it; the decays are one number a head and byte, so that an exact integer version needs two small
tables; training goes through a window in products of matrices and one scan; and in transformers 5 it generates from its
state, where RecurrentGemma without attention fails and RWKV and Mamba step through a window in Python.
Source: Dao and Gu 2024, "Transformers are SSMs".
"""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding, linear, softplus

from multum.neural.lean_functions import add_and_norm, measure_nats
from multum.neural.lean_llama import compute_type
from multum.neural.recurrent_functions import convolve, gate_and_norm, scan

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

# A head forgets with a time constant of 1 / (decay * step): decays of 1 to 16 and steps of 0.001 to 0.1 make 1 to 1000
# bytes, as Mamba-2 starts.
_LEAST_STEP, _MOST_STEP = 0.001, 0.1


def is_lean_recurrent(config: "PreTrainedConfig") -> bool:
    """Return whether this module computes what transformers would for `config`."""
    return bool(
        config.model_type == "mamba2"
        and config.n_groups == 1
        and config.hidden_act == "silu"
        and config.use_conv_bias
        and not config.use_bias
        and not config.tie_word_embeddings
        and tuple(config.time_step_limit) == (0.0, math.inf)
    )


class LeanRecurrent(nn.Module):
    """The language model; its state_dict is that of Mamba2ForCausalLM."""

    def __init__(self, config: "PreTrainedConfig", dropout: float = 0.0) -> None:
        """dropout: of what each layer adds to the stream, and of the embedding."""
        super().__init__()
        self.config = config
        self.backbone = _Stack(config, dropout)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return float32 logits [batch, time, vocabulary], or with `targets` the nats of each: [batch, time]."""
        dtype = compute_type(tokens.device)
        with torch.autocast(tokens.device.type, enabled=False):
            stream = self.backbone(tokens, dtype)  # [batch, time, width]
            logits = linear(stream, self.lm_head.weight.to(dtype))
        return logits.float() if targets is None else measure_nats(logits, targets)


class _Norm(nn.Module):
    """A weight under the name that transformers gives it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class _Stack(nn.Module):
    """Embedding, layers and the last norm."""

    def __init__(self, config: "PreTrainedConfig", dropout: float) -> None:
        super().__init__()
        self.dropout, self.eps = dropout, config.layer_norm_epsilon
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(_Layer(config, dropout) for _ in range(config.num_hidden_layers))
        self.norm_f = _Norm(config.hidden_size)

    def forward(self, tokens: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the normed stream: dtype[batch, time, width]."""
        stream = dropout(embedding(tokens, self.embeddings.weight.to(dtype)), self.dropout, self.training)
        added = torch.zeros_like(stream)
        for layer in self.layers:
            stream, added = layer(stream, added)
        _, normed = add_and_norm(stream, added, self.norm_f.weight, self.eps)
        return normed


class _Layer(nn.Module):
    """A mixer, normed before and added to the stream."""

    def __init__(self, config: "PreTrainedConfig", dropout: float) -> None:
        super().__init__()
        self.dropout, self.eps = dropout, config.layer_norm_epsilon
        self.norm = _Norm(config.hidden_size)
        self.mixer = _Mixer(config)

    def forward(self, stream: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
        """Return the stream and what is yet to be added to it, given those of the layer before."""
        stream, normed = add_and_norm(stream, added, self.norm.weight, self.eps)
        return stream, dropout(self.mixer(normed), self.dropout, self.training)


class _Mixer(nn.Module):
    """Projections around a short convolution, the scan and a gate."""

    def __init__(self, config: "PreTrainedConfig") -> None:
        super().__init__()
        self.inner, self.size, self.heads = config.num_heads * config.head_dim, config.state_size, config.num_heads
        self.eps = config.layer_norm_epsilon
        mixed = self.inner + 2 * self.size
        self.in_proj = nn.Linear(config.hidden_size, self.inner + mixed + self.heads, bias=False)
        self.conv1d = nn.Conv1d(mixed, mixed, config.conv_kernel, groups=mixed, padding=config.conv_kernel - 1)
        self.norm = _Norm(self.inner)
        self.out_proj = nn.Linear(self.inner, config.hidden_size, bias=False)
        self.dt_bias = nn.Parameter(torch.zeros(self.heads))
        self.A_log = nn.Parameter(torch.zeros(self.heads))
        self.D = nn.Parameter(torch.ones(self.heads))

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, time, width]."""
        parts = (self.inner, self.inner + 2 * self.size, self.heads)
        gates, mixed, steps = (linear(x, weight) for weight in self.in_proj.weight.to(x.dtype).split(parts))
        assert self.conv1d.bias is not None, "made with one"
        mixed = convolve(mixed, self.conv1d.weight, self.conv1d.bias)
        step = softplus(steps.float() + self.dt_bias)  # [batch, time, heads]
        read = scan(mixed, step, -step * self.A_log.exp(), self.D, self.size)
        return linear(gate_and_norm(read, gates, self.norm.weight, self.eps), self.out_proj.weight.to(x.dtype))


def draw_recurrent_weights(module: LeanRecurrent, seed: int) -> None:
    """Set the weights a training starts from: as `draw_weights`, and time constants of one byte to a thousand."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        module.backbone.embeddings.weight.normal_(0.0, 1.0, generator=generator)
        module.lm_head.weight.zero_()
        for layer in module.backbone.layers:
            mixer = layer.mixer
            assert isinstance(mixer, _Mixer), "what a layer is made of"
            mixer.in_proj.weight.normal_(0.0, mixer.in_proj.in_features**-0.5, generator=generator)
            mixer.out_proj.weight.zero_()
            mixer.conv1d.weight.uniform_(-0.5, 0.5, generator=generator)
            assert mixer.conv1d.bias is not None, "made with one"
            mixer.conv1d.bias.zero_()
            span = math.log(_MOST_STEP / _LEAST_STEP)
            steps = _LEAST_STEP * torch.exp(torch.rand(mixer.heads, generator=generator) * span)
            mixer.dt_bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # softplus makes the steps of it again
            mixer.A_log.copy_(torch.linspace(1, 16, mixer.heads).log())
