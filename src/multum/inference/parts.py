"""The parts of a trained network in integers, as its file holds them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError

# Of the norms: the mean of squares of 46 bits and this have 61 bits at most.
MOST_EPSILON = (1 << 60) - 1
# Scales are 2**-down of these; no shift by the difference of two leaves 62.
LEAST_DOWN, MOST_DOWN = -32, 60
# What a file may say, so that nothing overflows and no memory is taken for nothing.
_LARGEST = {
    "width": 1 << 14,
    "layers": 512,
    "heads": 512,
    "groups": 512,
    "head": 1024,
    "inner": 1 << 17,
    "vocabulary": 1 << 18,
    "window": 1 << 15,
    "point": 24,
}


@dataclass(frozen=True)
class Matrix:
    """A matrix in integers: values * scales[:, None] / 2**down.

    values: int8[outputs, inputs]. scales: uint16[outputs]. bias: int32[outputs] with 16 fraction bits, or None.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.uint16]
    down: int
    bias: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Gains:
    """The gains of a norm, or other factors: values / 2**down. values: int16[width]."""

    values: NDArray[np.int16]
    down: int


@dataclass(frozen=True)
class Layer:
    """A layer: norm, queries keys and values, output of attention; norm, gates and ups, output of the gated network."""

    before: Gains
    qkv: Matrix
    out: Matrix
    between: Gains
    gates: Matrix
    narrow: Matrix


@dataclass(frozen=True)
class Sizes:
    """The numbers of a network.

    window: tokens that a prediction depends on at most. overlap: how many are read again when the window is
    full; -1: the window slides. start: the token before all others, or -1. point: fraction bits of the stream.
    """

    width: int
    layers: int
    heads: int
    groups: int
    head: int
    inner: int
    vocabulary: int
    window: int
    overlap: int
    start: int
    point: int


@dataclass(frozen=True)
class Parts:
    """All of a network of the Llama family.

    epsilon: of the norms, in squared units of the stream, 16 fraction bits. turns: int64[head / 2], what each
    pair of features turns by a token, 48 fraction bits. final: gains of the last norm times log2(e). top: from
    the last norm to logits; None where that is the embedding.
    """

    sizes: Sizes
    epsilon: int
    turns: NDArray[np.int64]
    embedding: Matrix
    layers: tuple[Layer, ...]
    final: Gains
    top: Matrix | None

    def list_matrices(self) -> Iterator[Matrix]:
        """Yield every matrix once: embedding, layer by layer, and the top if it is one of its own."""
        yield self.embedding
        for layer in self.layers:
            yield from (layer.qkv, layer.out, layer.gates, layer.narrow)
        if self.top is not None:
            yield self.top

    def list_norms(self) -> Iterator[Gains]:
        """Yield the gains of every norm, in order."""
        for layer in self.layers:
            yield from (layer.before, layer.between)
        yield self.final


def check_range(sizes: object, largest: dict[str, int]) -> None:
    """Raise FormatError unless each number that `largest` names is 1 to that."""
    for name, most in largest.items():
        if not 1 <= getattr(sizes, name) <= most:
            raise FormatError(f"a network's {name} is {getattr(sizes, name)}; allowed is 1 to {most}")


def check_sizes(s: Sizes) -> None:
    """Raise FormatError unless every number is inside what the arithmetic can take."""
    check_range(s, _LARGEST)
    if s.head % 2 or s.heads % s.groups:
        raise FormatError(f"a network has {s.heads} heads of {s.head} features in {s.groups} groups")
    if not -1 <= s.start < s.vocabulary:
        raise FormatError(f"a network starts with token {s.start} of {s.vocabulary}")
    if not -1 <= s.overlap <= s.window - 2:
        raise FormatError(
            f"a network reads {s.overlap} tokens of its {s.window} again; allowed is up to {s.window - 2}"
        )
