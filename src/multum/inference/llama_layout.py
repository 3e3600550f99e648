"""From the parts of a network of the Llama family to the arrays that kernels step it with."""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from multum.bits.lines import filled
from multum.inference import arrays
from multum.inference.arrays import POINT_BITS, State, Weights
from multum.inference.packing import LANES, MatrixPacker, pack_vectors, round_up
from multum.inference.parts import Parts, Sizes

# Rows that are worked on at once where many tokens of one stream are read.
_AHEAD = 32
_LOG2_E_60 = 1663314137230540311  # floor(2**60 * log2(e))


@dataclass(frozen=True)
class LlamaLayout:
    """How a network of the Llama family lies in memory."""

    parts: Parts

    @property
    def window(self) -> int:
        """How many tokens a prediction depends on at most."""
        return self.parts.sizes.window

    def pack(self) -> Weights:
        """Return the arrays that nothing writes to."""
        parts, s = self.parts, self.parts.sizes
        packer = MatrixPacker()
        for layer in parts.layers:
            packer.add(layer.qkv, POINT_BITS)
            packer.add(layer.out, s.point)
            packer.add(layer.gates, POINT_BITS)
            packer.add(layer.narrow, s.point)
        packer.add(parts.top or parts.embedding, POINT_BITS)
        return Weights(
            self._shape(),
            *packer.list_arrays(),
            **pack_vectors(parts.list_norms(), parts.embedding),
            turns=np.array(parts.turns, np.int64),
        )

    def allocate(self, streams: int, ahead: int) -> State:
        """Return the state of streams that have read nothing."""
        s = self.parts.sizes
        chunk = max(streams, ahead, _AHEAD if s.overlap >= 0 else 1)
        ring = s.window if s.overlap >= 0 else s.window + ahead - 1
        return _allocate(s, streams, chunk, ring)

    def memory_bytes(self, streams: int) -> int:
        """Return the bytes that all arrays of the network and of `streams` streams take, the file's not."""
        s = self.parts.sizes
        matrices = sum(matrix.values.size for matrix in self.parts.list_matrices())
        cells = streams * s.layers * s.groups * (s.window + LANES)
        cache = cells * (4 * (s.head + LANES) + 16) + streams * s.window * 16
        rows = max(streams, _AHEAD) * (16 * (s.width + s.inner) + 12 * (s.heads + 2 * s.groups) * s.head + 8 * s.window)
        return matrices + 8 * s.vocabulary * (1 + streams) + cache + rows + (1 << 18)

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


def _allocate(s: Sizes, streams: int, chunk: int, ring: int) -> State:
    """Return the arrays of State for `streams` streams, `chunk` rows at once and caches of `ring` places."""
    ring_columns, head_columns = round_up(ring), round_up(s.head)
    cells = streams * s.layers * s.groups
    widest_input = round_up(max(s.width, s.heads * s.head, s.inner), 2)
    qkv = (s.heads + 2 * s.groups) * s.head
    widest_output = max(qkv, 2 * s.inner, s.width)
    sums = round_up(max(widest_output, s.vocabulary))
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
