"""An integer network as a file, and back.

The file is little-endian: 14 numbers of eight bytes (the kind, the sizes, epsilon, what is there), the turns, the
norms, the scales and biases, then the matrices, row by row, a byte a weight.
"""

from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.parts import Gains, Layer, Matrix, Parts, Sizes, check_sizes

_LLAMA = 1
_NUMBERS = 15
_OWN_TOP, _QKV_BIAS, _OUT_BIAS, _GATES_BIAS, _NARROW_BIAS = 1, 2, 4, 8, 16
_BIASES = (_QKV_BIAS, _OUT_BIAS, _GATES_BIAS, _NARROW_BIAS)
_FARTHEST_DOWN = 60


def write_parts(network: Parts) -> bytes:
    """Return the file of `network`."""
    first = network.layers[0]
    flags = _OWN_TOP * (network.top is not None)
    for flag, matrix in zip(_BIASES, (first.qkv, first.out, first.gates, first.narrow), strict=True):
        flags |= flag * (matrix.bias is not None)
    numbers = [_LLAMA, flags, network.epsilon, *astuple(network.sizes), 0]
    matrices = list(network.list_matrices())
    parts: list[NDArray[np.generic]] = [np.array(numbers, "<i8"), network.turns.astype("<i8")]
    for norm in network.list_norms():
        parts += [np.array([norm.down], "<i2"), norm.values.astype("<i2")]
    for matrix in matrices:
        parts += [np.array([matrix.down], "<i2"), matrix.scales.astype("<u2")]
        parts += [] if matrix.bias is None else [matrix.bias.astype("<i4")]
    parts += [matrix.values for matrix in matrices]
    return b"".join(part.tobytes() for part in parts)


class _Reader:
    """Takes a file apart, refusing to run past its end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int, kind: str) -> NDArray[np.generic]:
        size = count * np.dtype(kind).itemsize
        if self.at + size > len(self.data):
            raise FormatError(f"a network ends after {len(self.data)} bytes; it needs {self.at + size} at least")
        self.at += size
        return np.frombuffer(self.data, kind, count, self.at - size)

    def down(self) -> int:
        found = int(self.take(1, "<i2")[0])
        if not -_FARTHEST_DOWN <= found <= _FARTHEST_DOWN:
            raise FormatError(f"a network has a scale of 2**{-found}; allowed is 2**-60 to 2**60")
        return found

    def gains(self, width: int) -> Gains:
        down = self.down()
        return Gains(self.take(width, "<i2").astype(np.int16), down)


def read_parts(data: bytes) -> Parts:
    """Return the network of a file. Raises FormatError."""
    reader = _Reader(data)
    kind, flags, epsilon, *sizes, spare = (int(n) for n in reader.take(_NUMBERS, "<i8"))
    if kind != _LLAMA or spare:
        raise FormatError(f"a network of kind {kind}; this version knows {_LLAMA}; upgrade multum")
    if not 0 <= flags < 32 or not 0 <= epsilon < 1 << 62:
        raise FormatError("a network has flags or an epsilon that this version does not know")
    s = Sizes(*sizes)
    check_sizes(s)
    turns = reader.take(s.head // 2, "<i8").astype(np.int64)
    norms = [reader.gains(s.width) for _ in range(2 * s.layers + 1)]
    matrices = _read_matrices(reader, s, flags)
    if reader.at != len(data):
        raise FormatError(f"a network has {len(data) - reader.at} bytes after its end")
    layers = tuple(
        Layer(norms[2 * n], *matrices[1 + 4 * n : 3 + 4 * n], norms[2 * n + 1], *matrices[3 + 4 * n : 5 + 4 * n])
        for n in range(s.layers)
    )
    top = matrices[-1] if flags & _OWN_TOP else None
    return Parts(s, epsilon, turns, matrices[0], layers, norms[-1], top)


def _read_matrices(reader: _Reader, s: Sizes, flags: int) -> list[Matrix]:
    """Return the matrices in the order of Parts.list_matrices."""
    qkv = (s.heads + 2 * s.groups) * s.head
    of_layer = [(qkv, s.width), (s.width, s.heads * s.head), (2 * s.inner, s.width), (s.width, s.inner)]
    shapes = [(s.vocabulary, s.width), *of_layer * s.layers]
    biased = [False, *[bool(flags & flag) for flag in _BIASES] * s.layers]
    if flags & _OWN_TOP:
        shapes, biased = [*shapes, shapes[0]], [*biased, False]
    heads = []
    for (outputs, _), has_bias in zip(shapes, biased, strict=True):
        down = reader.down()
        scales = reader.take(outputs, "<u2").astype(np.uint16)
        bias = reader.take(outputs, "<i4").astype(np.int32) if has_bias else None
        heads.append((scales, down, bias))
    matrices = []
    for (outputs, inputs), (scales, down, bias) in zip(shapes, heads, strict=True):
        values = reader.take(outputs * inputs, "<i1").astype(np.int8).reshape(outputs, inputs)
        matrices.append(Matrix(values, scales, down, bias))
    return matrices
