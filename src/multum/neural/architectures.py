"""One dial for the shape of a program over bytes: how many weights it may have.

Width and depth grow together, and what a hidden layer does is kept at one scale at every width (muP): weights start
with variance 1 / inputs, the head at zero, and the rates of `training` are per unit of scale. So what was tuned at a
million weights holds from ten thousand to a hundred million.
Source: Yang et al. 2022, "Tensor Programs V"; Yang, Simon, Bernstein 2023, "A spectral condition for feature learning".
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.neural.byte_tokenizer import VOCABULARY

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

ARCHITECTURES = ("llama", "recurrent")
LEAST_PARAMETERS, MOST_PARAMETERS = 5_000, 10_000_000_000
# Width over depth at a million weights, and the power of the weights by which it grows: to 60 at a hundred million.
# A recurrent layer is half as large as one of Llama's, so there are twice as many.
_ASPECTS = {"llama": 28.0, "recurrent": 14.0}
_ASPECT_POWER = 1 / 6
# Channels of a head of attention, and how many heads there are at least.
_HEAD, _LEAST_HEADS = 64, 2
# Of a recurrent layer: numbers a head and channel remembers, channels of a head, bytes of the short convolution.
STATE, RECURRENT_HEAD, TAPS = 16, 32, 4


@dataclass(frozen=True)
class Shape:
    """The shape of a program. width: of the stream. inner: of the gated network, or channels of the state."""

    architecture: str
    width: int
    layers: int
    heads: int
    inner: int

    @property
    def parameters(self) -> int:
        """Weights in all, embedding and head included."""
        return 2 * VOCABULARY * self.width + self.width + self.layers * (self._matrices + self._vectors)

    @property
    def products(self) -> int:
        """Weights that a byte is multiplied with in products of matrices; the embedding is only looked up."""
        return VOCABULARY * self.width + self.layers * self._matrices

    @property
    def mixing(self) -> float:
        """Operations, forward, by which a byte takes in one other byte of its window; 0 where there is a state."""
        return 4.0 * self.width * self.layers if self.architecture == "llama" else 0.0

    @property
    def _matrices(self) -> int:
        """Weights of a layer's matrices."""
        if self.architecture == "llama":
            return 4 * self.width**2 + 3 * self.width * self.inner
        return self.width * (3 * self.inner + 2 * STATE + self.heads)

    @property
    def _vectors(self) -> int:
        """Weights of a layer that are no matrices."""
        if self.architecture == "llama":
            return 2 * self.width
        return self.width + self.inner + 3 * self.heads + (TAPS + 1) * (self.inner + 2 * STATE)


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
    shapes, sizes, aspects = _tabulate(architecture)
    # how far a shape is from the size and from the proportions that are wanted
    misfits = (8 * (sizes - math.log(parameters))) ** 2 + (aspects - _want_aspect(architecture, parameters)) ** 2
    return shapes[int(np.argmin(misfits))]


@cache
def list_proportioned(architecture: str) -> tuple[Shape, ...]:
    """Return the best proportioned shape of each width, rising: sizes between which nothing but size changes.

    Shapes of other sizes are wider or deeper than they should be, and at the smallest, where a layer more or less is a
    large step, that moves their rate by some percent.
    """
    best: dict[int, tuple[float, Shape]] = {}
    for shape in _tabulate(architecture)[0]:
        misfit = abs(math.log(shape.width / shape.layers) - _want_aspect(architecture, shape.parameters))
        if shape.width not in best or misfit < best[shape.width][0]:
            best[shape.width] = (misfit, shape)
    return tuple(shape for _, shape in best.values())


def _want_aspect(architecture: str, parameters: int) -> float:
    """Return the logarithm of the width over the depth that a program of so many weights should have."""
    return math.log(_ASPECTS[architecture]) + _ASPECT_POWER * math.log(parameters / 1e6)


@cache
def _tabulate(architecture: str) -> tuple[tuple[Shape, ...], NDArray[np.float64], NDArray[np.float64]]:
    """Return all shapes, and the logarithms of their weights and of their widths over depths."""
    shapes = tuple(_list_shapes(architecture))
    sizes = np.log([shape.parameters for shape in shapes])
    return shapes, sizes, np.log([shape.width / shape.layers for shape in shapes])


def _list_shapes(architecture: str) -> Iterator[Shape]:
    """Yield the shapes that a machine multiplies well: widths of whole registers, heads of 64.

    Narrow programs have two heads all the same: with one, rates were 0.5 to 2.2 % higher at the same FLOPs, and a law
    over sizes would have a step where the second comes.
    """
    for width in (*range(16, 128, 16), *range(128, 1024, 64), *range(1024, 8193, 128)):
        step = 64 if width >= 128 else 16
        heads, inner = max(_LEAST_HEADS, width // _HEAD), step * round(8 / 3 * width / step)
        if architecture == "recurrent":
            heads, inner = 2 * width // RECURRENT_HEAD, 2 * width
        for layers in range(1, 97):
            yield Shape(architecture, width, layers, heads, inner)


def make_config(shape: Shape, window: int) -> "PreTrainedConfig":
    """Return the transformers configuration of `shape`. window: bytes that are read at once."""
    from transformers import LlamaConfig, Mamba2Config

    # Nothing marks a beginning or an end: every id is data.
    shared: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    if shape.architecture == "llama":
        return LlamaConfig(
            intermediate_size=shape.inner,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            max_position_embeddings=window,
            architectures=["LlamaForCausalLM"],
            **shared,
        )
    return Mamba2Config(
        expand=2,
        num_heads=shape.heads,
        head_dim=RECURRENT_HEAD,
        state_size=STATE,
        n_groups=1,
        conv_kernel=TAPS,
        chunk_size=64,
        architectures=["Mamba2ForCausalLM"],
        **shared,
    )
