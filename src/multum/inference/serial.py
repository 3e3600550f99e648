"""An integer network as a file, and back.

The file is little-endian: 15 numbers of eight bytes (the kind, what is there, epsilon, the sizes, zeros), the vectors
of the kind, the scales and biases of the matrices, then the matrices, row by row, a byte a weight.
"""

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.parts import LEAST_DOWN, MOST_DOWN, MOST_EPSILON, Gains, Layer, Matrix, Parts, Sizes, check_sizes
from multum.inference.recurrent_parts import (
    MOST_RATE,
    MOST_SKIP,
    MOST_TAPS_DOWN,
    RecurrentLayer,
    RecurrentParts,
    RecurrentSizes,
    check_recurrent_sizes,
    check_vector,
)

_LLAMA, _RECURRENT = 1, 2
_NUMBERS = 15
# Flags: an own top; then a bias of each matrix of a layer, in order.
_OWN_TOP, _FIRST_BIAS = 1, 2

Piece = NDArray[np.generic]


def write_parts(network: Parts | RecurrentParts) -> bytes:
    """Return the file of `network`."""
    kind = _LLAMA if isinstance(network, Parts) else _RECURRENT
    pieces = _list_llama_vectors(network) if isinstance(network, Parts) else _list_recurrent_vectors(network)
    matrices = list(network.list_matrices())
    flags = _OWN_TOP * (network.top is not None)
    for place, matrix in enumerate(matrices[1 : 1 + _count_matrices(kind)]):
        flags |= (_FIRST_BIAS << place) * (matrix.bias is not None)
    numbers = [kind, flags, network.epsilon, *astuple(network.sizes)]
    pieces.insert(0, np.array(numbers + [0] * (_NUMBERS - len(numbers)), "<i8"))
    for matrix in matrices:
        pieces += [np.array([matrix.down], "<i2"), matrix.scales.astype("<u2")]
        pieces += [] if matrix.bias is None else [matrix.bias.astype("<i4")]
    pieces += [matrix.values for matrix in matrices]
    return b"".join(piece.tobytes() for piece in pieces)


def _count_matrices(kind: int) -> int:
    """Return the matrices of a layer."""
    return 4 if kind == _LLAMA else 2


def _list_gains(gains: Gains) -> list[Piece]:
    return [np.array([gains.down], "<i2"), gains.values.astype("<i2")]


def _list_llama_vectors(network: Parts) -> list[Piece]:
    norms = [piece for norm in network.list_norms() for piece in _list_gains(norm)]
    return [network.turns.astype("<i8"), *norms]


def _list_recurrent_vectors(network: RecurrentParts) -> list[Piece]:
    pieces: list[Piece] = []
    for layer in network.layers:
        pieces += _list_gains(layer.before) + _list_gains(layer.gated) + _list_gains(layer.taps)
        pieces += [one.astype("<i4") for one in (layer.tap_bias, layer.step_bias, layer.rates, layer.skips)]
    return pieces + _list_gains(network.final)


class _Reader:
    """Takes a file apart, refusing to run past its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int, kind: str) -> Piece:
        size = count * np.dtype(kind).itemsize
        if self.at + size > len(self.data):
            raise FormatError(f"a network ends after {len(self.data)} bytes; it needs {self.at + size} at least")
        self.at += size
        return np.frombuffer(self.data, kind, count, self.at - size)

    def down(self, least: int = LEAST_DOWN, most: int = MOST_DOWN) -> int:
        found = int(self.take(1, "<i2")[0])
        if not least <= found <= most:
            raise FormatError(f"a network has a scale of 2**{-found}; allowed is 2**{-most} to 2**{-least}")
        return found

    def gains(self, width: int) -> Gains:
        down = self.down()
        return Gains(self.take(width, "<i2").astype(np.int16), down)

    def vector(self, count: int) -> NDArray[np.int32]:
        return self.take(count, "<i4").astype(np.int32)


def read_parts(data: bytes) -> Parts | RecurrentParts:
    """Return the network of a file. Raises FormatError."""
    reader = _Reader(data)
    kind, flags, epsilon, *sizes = (int(n) for n in reader.take(_NUMBERS, "<i8"))
    if kind not in (_LLAMA, _RECURRENT):
        raise FormatError(f"a network of kind {kind}; this version knows {_LLAMA} and {_RECURRENT}; upgrade multum")
    spare = len(fields(Sizes if kind == _LLAMA else RecurrentSizes))
    if not 0 <= flags < _FIRST_BIAS << _count_matrices(kind) or not 0 <= epsilon <= MOST_EPSILON or any(sizes[spare:]):
        raise FormatError("a network has flags, an epsilon or numbers that this version does not know")
    read = _read_llama if kind == _LLAMA else _read_recurrent
    network = read(reader, sizes[:spare], flags, epsilon)
    if reader.at != len(data):
        raise FormatError(f"a network has {len(data) - reader.at} bytes after its end")
    return network


def _read_llama(reader: _Reader, sizes: Sequence[int], flags: int, epsilon: int) -> Parts:
    s = Sizes(*sizes)
    check_sizes(s)
    turns = reader.take(s.head // 2, "<i8").astype(np.int64)
    norms = [reader.gains(s.width) for _ in range(2 * s.layers + 1)]
    asked = (s.heads + 2 * s.groups) * s.head
    of_layer = [(asked, s.width), (s.width, s.heads * s.head), (2 * s.inner, s.width), (s.width, s.inner)]
    matrices = _read_matrices(reader, (s.vocabulary, s.width), of_layer, s.layers, flags)
    layers = []
    for n in range(s.layers):
        qkv, out, gates, narrow = matrices[1 + 4 * n : 5 + 4 * n]
        layers.append(Layer(norms[2 * n], qkv, out, norms[2 * n + 1], gates, narrow))
    top = matrices[-1] if flags & _OWN_TOP else None
    return Parts(s, epsilon, turns, matrices[0], tuple(layers), norms[-1], top)


def _read_recurrent(reader: _Reader, sizes: Sequence[int], flags: int, epsilon: int) -> RecurrentParts:
    s = RecurrentSizes(*sizes)
    check_recurrent_sizes(s)
    vectors = [_read_recurrent_vectors(reader, s) for _ in range(s.layers)]
    final = reader.gains(s.width)
    of_layer = [(s.inner + s.channels + s.heads, s.width), (s.width, s.inner)]
    matrices = _read_matrices(reader, (s.vocabulary, s.width), of_layer, s.layers, flags)
    layers = tuple(
        RecurrentLayer(into=matrices[1 + 2 * n], out=matrices[2 + 2 * n], **vectors[n]) for n in range(s.layers)
    )
    return RecurrentParts(s, epsilon, matrices[0], layers, final, matrices[-1] if flags & _OWN_TOP else None)


def _read_recurrent_vectors(reader: _Reader, s: RecurrentSizes) -> dict[str, Any]:
    """Return what a layer has beside matrices, by the names of its fields."""
    before, gated = reader.gains(s.width), reader.gains(s.inner)
    down = reader.down(0, MOST_TAPS_DOWN)
    return {
        "before": before,
        "gated": gated,
        "taps": Gains(reader.take(s.taps * s.channels, "<i2").astype(np.int16), down),
        "tap_bias": reader.vector(s.channels),
        "step_bias": reader.vector(s.heads),
        "rates": check_vector("rates", reader.vector(s.heads), 0, MOST_RATE),
        "skips": check_vector("skips", reader.vector(s.heads), -MOST_SKIP, MOST_SKIP),
    }


def _read_matrices(
    reader: _Reader, embedding: tuple[int, int], of_layer: list[tuple[int, int]], layers: int, flags: int
) -> list[Matrix]:
    """Return the matrices, whose shapes are given, in the order of list_matrices."""
    shapes = [embedding, *of_layer * layers]
    biased = [False, *[bool(flags & _FIRST_BIAS << place) for place in range(len(of_layer))] * layers]
    if flags & _OWN_TOP:
        shapes, biased = [*shapes, embedding], [*biased, False]
    heads = []
    for (outputs, _), has_bias in zip(shapes, biased, strict=True):
        down = reader.down()
        scales = reader.take(outputs, "<u2").astype(np.uint16)
        heads.append((scales, down, reader.vector(outputs) if has_bias else None))
    matrices = []
    for (outputs, inputs), (scales, down, bias) in zip(shapes, heads, strict=True):
        values = reader.take(outputs * inputs, "<i1").astype(np.int8).reshape(outputs, inputs)
        matrices.append(Matrix(values, scales, down, bias))
    return matrices
