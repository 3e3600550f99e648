"""A trained network as integers: its parts, its file, and the arrays that kernels step it with."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from multum.bits.lines import filled
from multum.errors import UsageError
from multum.inference import arrays
from multum.inference.arrays import MATRIX_CELLS, POINT_BITS, State, Weights
from multum.inference.exponentials import make_sigmoids
from multum.inference.parts import Matrix, Parts, Sizes
from multum.inference.rows import SCALE_BITS
from multum.inference.serial import read_parts, write_parts

# Rows that are worked on at once where many tokens of one stream are read.
_AHEAD = 32
_LANES = 16
_LOG2_E_60 = 1663314137230540311  # floor(2**60 * log2(e))


@dataclass(frozen=True)
class IntegerNetwork:
    """A causal network whose every step is integer arithmetic, so that it predicts the same on every machine."""

    parts: Parts

    @property
    def vocabulary(self) -> int:
        """How many tokens there are; 256 are the bytes."""
        return self.parts.sizes.vocabulary

    @property
    def window(self) -> int:
        """How many tokens a prediction depends on at most."""
        return self.parts.sizes.window

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of to_bytes(): two networks with one digest predict the same."""
        return hashlib.sha256(self.to_bytes()).digest()

    @cached_property
    def weights(self) -> Weights:
        """The arrays for kernels; made once, shared by all threads."""
        return _Packer(self.parts).pack()

    def allocate(self, streams: int, ahead: int = 1) -> State:
        """Return the state of `streams` streams that have read nothing, for one thread.

        ahead: tokens of one stream that `read_stream` may take at once.
        """
        s = self.parts.sizes
        chunk = max(streams, ahead, _AHEAD if s.overlap >= 0 else 1)
        ring = s.window if s.overlap >= 0 else s.window + ahead - 1
        return _allocate(s, streams, chunk, ring)

    def memory_bytes(self, streams: int) -> int:
        """Return the bytes that the network and `streams` streams take, its file included."""
        s = self.parts.sizes
        matrices = sum(matrix.values.size for matrix in self.parts.list_matrices())
        cells = streams * s.layers * s.groups * (s.window + _LANES)
        cache = cells * (4 * (s.head + _LANES) + 16) + streams * s.window * 16
        rows = max(streams, _AHEAD) * (16 * (s.width + s.inner) + 12 * (s.heads + 2 * s.groups) * s.head + 8 * s.window)
        return 2 * matrices + 8 * s.vocabulary * (1 + streams) + cache + rows + (1 << 18)

    def to_bytes(self) -> bytes:
        """Return the network as a file: numbers, vectors and matrices, nothing compressed."""
        return write_parts(self.parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> "IntegerNetwork":
        """Return the network that `data` is. Raises FormatError saying what is wrong with it."""
        return cls(read_parts(data))


def pick_reach(values: NDArray[np.int8]) -> int:
    """Return how large inputs may be so that no sum of products with a row of `values` leaves 32 bits."""
    heaviest = int(np.abs(values.astype(np.int32)).sum(1).max(initial=1))
    return max(1, min(32767, ((1 << 31) - (1 << 16)) // max(heaviest, 1)))


class _Packer:
    """Lays a network's arrays out for kernels."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.plans: list[list[int]] = []
        self.weights: list[NDArray[np.int8]] = []
        self.scales: list[NDArray[np.int32]] = []
        self.biases: list[NDArray[np.int32]] = [np.zeros(1, np.int32)]
        self.at = self.scales_at = 0
        self.bias_at = 1

    def pack(self) -> Weights:
        parts, s = self.parts, self.parts.sizes
        for layer in parts.layers:
            self._add(layer.qkv, POINT_BITS)
            self._add(layer.out, s.point)
            self._add(layer.gates, POINT_BITS)
            self._add(layer.narrow, s.point)
        self._add(parts.top or parts.embedding, POINT_BITS)
        norms = list(parts.list_norms())
        return Weights(
            shape=self._shape(),
            matrices=np.array(self.plans, np.int64),
            weights=np.concatenate(self.weights),
            scales=np.concatenate(self.scales),
            biases=np.concatenate(self.biases),
            gains=np.concatenate([norm.values for norm in norms]).astype(np.int32),
            gain_downs=np.array([norm.down for norm in norms], np.int64),
            embedding=np.array(parts.embedding.values).reshape(-1),
            embedding_scales=parts.embedding.scales.astype(np.int32),
            turns=np.array(parts.turns, np.int64),
            sigmoids=make_sigmoids().copy(),
        )

    def _shape(self) -> NDArray[np.int64]:
        s = self.parts.sizes
        shape = np.zeros(arrays.SHAPE_CELLS, np.int64)
        shape[arrays.WIDTH : arrays.VOCABULARY + 1] = (
            s.width,
            s.layers,
            s.heads,
            s.groups,
            s.head,
            s.inner,
            s.vocabulary,
        )
        shape[arrays.WINDOW], shape[arrays.OVERLAP], shape[arrays.START] = s.window, s.overlap, s.start
        shape[arrays.EPSILON] = self.parts.epsilon
        shape[arrays.EMBEDDING_DOWN] = self.parts.embedding.down - s.point
        # log2(e) / sqrt(head) with 30 fraction bits
        shape[arrays.SCORE_FACTOR] = _LOG2_E_60 // isqrt(s.head << 60)
        return shape

    def _add(self, matrix: Matrix, point: int) -> None:
        """Lay a matrix out as pairs of inputs by outputs, both rounded up; `point`: fraction bits of what it makes."""
        outputs, inputs = matrix.values.shape
        columns, pairs = -(-outputs // _LANES) * _LANES, -(-inputs // 2)
        padded = np.zeros((columns, 2 * pairs), np.int8)
        padded[:outputs, :inputs] = matrix.values
        self.weights.append(padded.reshape(columns, pairs, 2).transpose(1, 0, 2).reshape(-1))
        self.scales.append(matrix.scales.astype(np.int32))
        plan = [0] * MATRIX_CELLS
        plan[arrays.AT], plan[arrays.PAIRS], plan[arrays.COLUMNS] = self.at, pairs, columns
        plan[arrays.OUTPUTS], plan[arrays.SCALES_AT] = outputs, self.scales_at
        plan[arrays.DOWN] = matrix.down - SCALE_BITS - point
        plan[arrays.BIAS_AT] = -1
        plan[arrays.REACH] = pick_reach(matrix.values)
        if matrix.bias is not None:
            plan[arrays.BIAS_AT] = self.bias_at
            self.biases.append(matrix.bias)
            self.bias_at += outputs
        self.plans.append(plan)
        self.at += padded.size
        self.scales_at += outputs


def _allocate(s: Sizes, streams: int, chunk: int, ring: int) -> State:
    """Return the arrays of State for `streams` streams, `chunk` rows at once and caches of `ring` places."""
    if streams < 1:
        raise UsageError(f"{streams} streams are not allowed; give 1 or more")
    ring_columns, head_columns = (-(-n // _LANES) * _LANES for n in (ring, s.head))
    cells = streams * s.layers * s.groups
    widest_input = -(-max(s.width, s.heads * s.head, s.inner) // 2) * 2
    qkv = (s.heads + 2 * s.groups) * s.head
    widest_output = max(qkv, 2 * s.inner, s.width)
    sums = -(-max(widest_output, s.vocabulary) // _LANES) * _LANES
    return State(
        shape=np.array([streams, chunk, ring, ring_columns, head_columns, widest_input, sums], np.int64),
        lengths=filled(streams, 0, np.int64),
        history=np.zeros((streams, s.window), np.int32),
        held=np.full((streams, ring_columns), -1, np.int64),
        keys=filled(cells * ring_columns * s.head, 0, np.int16),
        values=filled(cells * ring_columns * head_columns, 0, np.int16),
        key_downs=filled(cells * ring_columns, 0, np.int64),
        value_downs=filled(cells * ring_columns, 0, np.int64),
        tokens=filled(chunk, 0, np.int32),
        owners=filled(chunk, 0, np.int64),
        spots=filled(chunk, 0, np.int64),
        rows=np.zeros((chunk, s.width), np.int32),
        inputs=filled(chunk * widest_input, 0, np.int16),
        scales=np.zeros((chunk, 2), np.int64),
        sums=filled(chunk * sums, 0, np.int32),
        outputs=np.zeros((chunk, widest_output), np.int32),
        longs=filled(widest_input, 0, np.int64),
        heads=np.zeros((chunk, s.heads * s.head), np.int64),
        waves=np.zeros((chunk, s.head // 2, 2), np.int64),
        queries=filled(chunk * s.heads * s.head, 0, np.int16),
        query_downs=np.zeros((chunk, s.heads), np.int64),
        scores=filled(chunk * ring_columns, 0, np.int32),
        shares=filled(chunk * ring_columns, 0, np.int16),
        mixed=filled(chunk * head_columns, 0, np.int32),
    )
