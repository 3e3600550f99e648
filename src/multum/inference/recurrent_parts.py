"""The parts of a recurrent network in integers, as its file holds them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.parts import Gains, Matrix, check_range

# What a file may say, so that nothing overflows and no memory is taken for nothing.
_LARGEST = {
    "width": 1 << 14,
    "layers": 512,
    "heads": 512,
    "head": 1024,
    "size": 256,
    "taps": 16,
    "vocabulary": 1 << 18,
    "point": 24,
}
_MOST_CHANNELS = 1 << 17
MOST_RATE = 1 << 26
MOST_SKIP = 1 << 24
MOST_TAPS_DOWN = 30


@dataclass(frozen=True)
class RecurrentLayer:
    """A layer: norm, projection in, short convolution, states of heads, gated norm, projection out.

    into: to gates, channels, what is written to and read from states, and steps. taps: [tap, channel], the last for
    the present. tap_bias: int32[channels] and step_bias: int32[heads], 16 fraction bits. rates: int32[heads], how
    fast a state decays, in bits a unit of step, 16 fraction bits. skips: int32[heads], what a channel passes on of
    itself, 16 fraction bits.
    """

    before: Gains
    into: Matrix
    taps: Gains
    tap_bias: NDArray[np.int32]
    step_bias: NDArray[np.int32]
    rates: NDArray[np.int32]
    skips: NDArray[np.int32]
    gated: Gains
    out: Matrix


@dataclass(frozen=True)
class RecurrentSizes:
    """The numbers of a recurrent network.

    head: channels of a head. size: numbers that a head remembers of each. taps: of the convolution. start: the token
    before all others, or -1. point: fraction bits of the stream.
    """

    width: int
    layers: int
    heads: int
    head: int
    size: int
    taps: int
    vocabulary: int
    start: int
    point: int

    @property
    def inner(self) -> int:
        """Channels of all heads."""
        return self.heads * self.head

    @property
    def channels(self) -> int:
        """Channels of the convolution: those of the heads, and what is written to and read from states."""
        return self.inner + 2 * self.size


@dataclass(frozen=True)
class RecurrentParts:
    """All of a network of the Mamba-2 family.

    epsilon: of the norms, in squared units of the stream, 16 fraction bits. final: gains of the last norm times
    log2(e). top: from the last norm to logits; None where that is the embedding.
    """

    sizes: RecurrentSizes
    epsilon: int
    embedding: Matrix
    layers: tuple[RecurrentLayer, ...]
    final: Gains
    top: Matrix | None

    def list_matrices(self) -> Iterator[Matrix]:
        """Yield every matrix once: embedding, layer by layer, and the top if it is one of its own."""
        yield self.embedding
        for layer in self.layers:
            yield from (layer.into, layer.out)
        if self.top is not None:
            yield self.top

    def list_norms(self) -> Iterator[Gains]:
        """Yield the gains of the norms of the stream, in order."""
        yield from (layer.before for layer in self.layers)
        yield self.final


def check_recurrent_sizes(s: RecurrentSizes) -> None:
    """Raise FormatError unless every number is inside what the arithmetic can take."""
    check_range(s, _LARGEST)
    if s.channels > _MOST_CHANNELS:
        raise FormatError(f"a network has {s.channels} channels; allowed is 1 to {_MOST_CHANNELS}")
    if not -1 <= s.start < s.vocabulary:
        raise FormatError(f"a network starts with token {s.start} of {s.vocabulary}")


def check_vector(name: str, values: NDArray[np.int32], least: int, most: int) -> NDArray[np.int32]:
    """Return `values`. Raises FormatError unless all are in least..most."""
    if not least <= int(values.min()) <= int(values.max()) <= most:
        raise FormatError(f"a network's {name} are {values.min()} to {values.max()}; allowed is {least} to {most}")
    return values
