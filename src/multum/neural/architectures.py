"""One dial for the shape of a program over bytes: how many weights it may have.

Width and depth grow together, and what a hidden layer does is kept at one scale at every width (muP): weights start
with variance 1 / inputs, the head at zero, and the rates of `training` are per unit of scale. So what was tuned at a
million weights holds from ten thousand to a hundred million.
Source: Yang et al. 2022, "Tensor Programs V"; Yang, Simon, Bernstein 2023, "A spectral condition for feature learning".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from multum.errors import UsageError
from multum.neural.byte_tokenizer import VOCABULARY

if TYPE_CHECKING:
    from torch import nn
    from transformers import LlamaConfig

ARCHITECTURES = ("llama", "recurrent")
LEAST_PARAMETERS, MOST_PARAMETERS = 5_000, 10_000_000_000
# Width over depth at a million weights; it grows with the sixth root of the weights, to 60 at a hundred million.
_ASPECT = 28


@dataclass(frozen=True)
class Shape:
    """The shape of a program. width: of the stream. inner: of the gated network."""

    architecture: str
    width: int
    layers: int
    heads: int
    inner: int

    @property
    def parameters(self) -> int:
        """Weights in all, embedding and head included."""
        return 2 * VOCABULARY * self.width + self.width + self.layers * self._layer_parameters()

    @property
    def products(self) -> int:
        """Weights that a byte is multiplied with: all matrices but the embedding, which is only looked up."""
        norms = (2 * self.layers + 1) * self.width
        return self.parameters - VOCABULARY * self.width - norms

    def _layer_parameters(self) -> int:
        return 4 * self.width**2 + 3 * self.width * self.inner + 2 * self.width


def derive_shape(parameters: int, architecture: str = "llama") -> Shape:
    """Return the shape with about so many parameters, the nearest of those whose width suits the machine.

    Raises UsageError for an architecture that is not there, or a number out of range.
    """
    if architecture not in ARCHITECTURES:
        raise UsageError(f"there is no architecture '{architecture}'; choose one of {', '.join(ARCHITECTURES)}")
    if not LEAST_PARAMETERS <= parameters <= MOST_PARAMETERS:
        raise UsageError(
            f"{parameters:,} parameters are out of range; give {LEAST_PARAMETERS:,} to {MOST_PARAMETERS:,}"
        )
    return min(_list_shapes(architecture), key=lambda shape: _misfit(shape, parameters))


def _list_shapes(architecture: str) -> Iterator[Shape]:
    """Yield the shapes that a machine multiplies well: widths of whole registers, heads of 64."""
    for width in (*range(16, 128, 16), *range(128, 1024, 64), *range(1024, 8193, 128)):
        step = 64 if width >= 128 else 16
        inner = step * round(8 / 3 * width / step)
        for layers in range(1, 97):
            yield Shape(architecture, width, layers, max(1, width // 64), inner)


def _misfit(shape: Shape, parameters: int) -> float:
    """Return how far a shape is from the size and from the proportions that are wanted."""
    size = math.log(shape.parameters / parameters)
    aspect = math.log(shape.width / shape.layers / (_ASPECT * (parameters / 1e6) ** (1 / 6)))
    return (8 * size) ** 2 + aspect**2


def make_config(shape: Shape, window: int) -> "LlamaConfig":
    """Return the transformers configuration of `shape`. window: bytes that are read at once."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=window,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        architectures=["LlamaForCausalLM"],
    )


def draw_weights(module: "nn.Module", seed: int) -> None:
    """Set the weights a training starts from.

    Hidden matrices have variance 1 / inputs; those that end a half layer are zero, so that the layers start as nothing
    and depth does not matter; the head is zero, so that every byte starts at eight bits; embeddings have variance 1.
    """
    import torch

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
