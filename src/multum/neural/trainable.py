"""Programs over bytes as the trainer has them: made from a dial or from a directory, and written as one.

Invariant: whatever is trained here is saved under transformers' own configuration and names, so that it loads without
Multum; and what is trained computes what transformers computes from the saved weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedConfig

from multum.errors import UsageError
from multum.neural.architectures import Shape, make_config
from multum.neural.byte_tokenizer import VOCABULARY, make_byte_tokenizer
from multum.neural.factors import make_whole
from multum.neural.lean_functions import measure_nats
from multum.neural.lean_llama import LeanLlama, draw_weights, is_lean
from multum.neural.lean_recurrent import LeanRecurrent, draw_recurrent_weights, is_lean_recurrent
from multum.neural.loading import load, quiet
from multum.neural.sources import find_source


@dataclass(frozen=True)
class Trainable:
    """A program that can be trained.

    build: returns a new module, called as module(bytes, targets) for nats. parameters: all weights. products: those
    that a byte is multiplied with. mixing: floating-point operations by which a byte takes in one other of its window,
    forward and in all layers; 0 where state is constant. shape: what the dial derived, None for a program from a
    directory.
    """

    config: PreTrainedConfig
    build: Callable[[], nn.Module]
    parameters: int
    products: int
    mixing: float
    shape: Shape | None = None

    def flops_per_byte(self, window: int) -> float:
        """Return training FLOPs a byte: 6 a weight, and of attention thrice its forward, over half a window."""
        return 6.0 * self.products + 3.0 * self.mixing * window / 2

    def save(self, module: nn.Module, folder: Path, window: int) -> None:
        """Write a Hugging Face directory: weights in float32, configurations and tokenizer. Raises OSError."""
        with quiet():
            plain: Any = AutoModelForCausalLM.from_config(self.config)
            plain.load_state_dict(_plain_names(module))
            # Nothing ends a stream of bytes, and whoever samples says how long.
            plain.generation_config = GenerationConfig(do_sample=True, bos_token_id=None, eos_token_id=None)
            plain.save_pretrained(folder)
            make_byte_tokenizer(window).save_pretrained(folder)


def make_trainable(shape: Shape, window: int, dropout: float, seed: int) -> Trainable:
    """Return a new program of `shape`, its weights drawn by `seed`."""
    config = make_config(shape, window)

    def build() -> nn.Module:
        if shape.architecture == "recurrent":
            recurrent = LeanRecurrent(config, dropout)
            draw_recurrent_weights(recurrent, seed)
            return recurrent
        module = LeanLlama(config, dropout)
        draw_weights(module, seed)
        return module

    return Trainable(config, build, shape.parameters, shape.products, shape.mixing, shape)


def open_trainable(spec: str, dropout: float) -> Trainable:
    """Return the program in a directory or on the hub, to train further.

    Raises UsageError when its vocabulary is not the 256 bytes, FormatError when it is no program.
    """
    loaded = load(find_source(spec), "cpu")
    model, config = loaded.model, loaded.model.config
    make_whole(model)
    if config.vocab_size != VOCABULARY:
        raise UsageError(
            f"'{spec}' predicts {config.vocab_size:,} tokens, not the 256 bytes; start from a program that"
            " `multum fit` made, or train from nothing"
        )
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def build() -> nn.Module:
        return make_module(config, weights, dropout)

    embedded = model.get_input_embeddings().weight.numel()
    products = sum(p.numel() for p in model.parameters() if p.ndim >= 2)
    tied = bool(config.tie_word_embeddings)
    mixing = 0.0 if is_lean_recurrent(config) else 4.0 * config.hidden_size * config.num_hidden_layers
    return Trainable(config, build, model.num_parameters(), products - (0 if tied else embedded), mixing)


def make_module(config: PreTrainedConfig, weights: dict[str, Tensor], dropout: float = 0.0) -> nn.Module:
    """Return a module with these weights, by transformers' names, called as module(bytes, targets) for nats."""
    if not (is_lean(config) or is_lean_recurrent(config)):
        return _Plain(AutoModelForCausalLM.from_config(config), weights)
    module = LeanLlama(config, dropout) if is_lean(config) else LeanRecurrent(config, dropout)
    module.load_state_dict(weights)
    return module


class _Plain(nn.Module):
    """Any causal model of transformers, called as the lean ones are."""

    def __init__(self, model: Any, weights: dict[str, Tensor]) -> None:
        super().__init__()
        model.load_state_dict(weights)
        self.plain = model

    def forward(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Return float32 logits [batch, time, 256], or with `targets` the nats of each."""
        logits: Tensor = self.plain(tokens, use_cache=False).logits.float()
        return logits if targets is None else measure_nats(logits, targets)


def _plain_names(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a trained module by transformers' names."""
    return {name.removeprefix("plain."): tensor for name, tensor in module.state_dict().items()}
