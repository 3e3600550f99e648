"""From the parts of a recurrent network to the arrays that kernels step it with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.bits.lines import filled
from multum.inference import arrays
from multum.inference import recurrent_arrays as recurrent
from multum.inference.packing import MatrixPacker, pack_vectors, round_up
from multum.inference.parts import MOST_EPSILON
from multum.inference.recurrent_arrays import GATED_BITS, POINT_BITS, RecurrentState, RecurrentWeights
from multum.inference.recurrent_parts import RecurrentParts


@dataclass(frozen=True)
class RecurrentLayout:
    """How a recurrent network lies in memory."""

    parts: RecurrentParts

    @property
    def window(self) -> None:
        """A prediction depends on all tokens before."""
        return None

    def pack(self) -> RecurrentWeights:
        """Return the arrays that nothing writes to."""
        parts, layers, s = self.parts, self.parts.layers, self.parts.sizes
        packer = MatrixPacker()
        for layer in layers:
            packer.add(layer.into, POINT_BITS)
            packer.add(layer.out, s.point)
        packer.add(parts.top or parts.embedding, POINT_BITS)
        return RecurrentWeights(
            self._shape(),
            *packer.list_arrays(),
            **pack_vectors(parts.list_norms(), parts.embedding),
            taps=np.concatenate([layer.taps.values for layer in layers]).astype(np.int32),
            tap_downs=np.array([layer.taps.down for layer in layers], np.int64),
            tap_biases=np.concatenate([layer.tap_bias for layer in layers]),
            step_biases=np.concatenate([layer.step_bias for layer in layers]),
            rates=np.concatenate([layer.rates for layer in layers]),
            skips=np.concatenate([layer.skips for layer in layers]),
            gated_gains=np.concatenate([layer.gated.values for layer in layers]).astype(np.int32),
            gated_downs=np.array([layer.gated.down for layer in layers], np.int64),
        )

    def allocate(self, streams: int, ahead: int) -> RecurrentState:
        """Return the state of streams that have read nothing."""
        s = self.parts.sizes
        chunk, layers = max(streams, ahead), streams * s.layers
        widest_input = round_up(max(s.width, s.inner), 2)
        widest_output = max(s.inner + s.channels + s.heads, s.width)
        sums = round_up(max(widest_output, s.vocabulary))
        return RecurrentState(
            shape=np.array([streams, chunk, 0, 0, 0, widest_input, sums], np.int64),
            past=filled(layers * (s.taps - 1) * s.channels, 0, np.int32),
            memory=filled(layers * s.inner * s.size, 0, np.int32),
            tokens=filled(chunk, 0, np.int32),
            owners=filled(chunk, 0, np.int64),
            rows=np.zeros((chunk, s.width), np.int32),
            inputs=filled(chunk * widest_input, 0, np.int16),
            scales=np.zeros((chunk, 2), np.int64),
            sums=filled(chunk * sums, 0, np.int32),
            outputs=np.zeros((chunk, widest_output), np.int32),
            longs=filled(max(widest_input, s.channels), 0, np.int64),
            mixed=filled(s.channels, 0, np.int32),
            written=filled(s.head, 0, np.int32),
            read=filled(s.inner, 0, np.int64),
            gated=filled(s.inner, 0, np.int32),
        )

    def memory_bytes(self, streams: int) -> int:
        """Return the bytes that all arrays of the network and of `streams` streams take, the file's not."""
        s = self.parts.sizes
        matrices = sum(matrix.values.size for matrix in self.parts.list_matrices())
        memory = 4 * s.layers * ((s.taps - 1) * s.channels + s.inner * s.size)
        row = 12 * s.width + 24 * (s.inner + s.channels + s.heads)
        vectors = s.layers * (8 * s.taps * s.channels + 4 * s.width + 16 * s.inner)
        return matrices + vectors + 8 * s.vocabulary * (1 + streams) + streams * (memory + row) + (1 << 18)

    def _shape(self) -> NDArray[np.int64]:
        s = self.parts.sizes
        shape = np.zeros(recurrent.SHAPE_CELLS, np.int64)
        shape[arrays.WIDTH], shape[arrays.LAYERS], shape[arrays.HEADS] = s.width, s.layers, s.heads
        shape[arrays.HEAD], shape[arrays.INNER], shape[arrays.VOCABULARY] = s.head, s.inner, s.vocabulary
        shape[arrays.START], shape[arrays.EPSILON] = s.start, self.parts.epsilon
        shape[arrays.EMBEDDING_DOWN] = self.parts.embedding.down - s.point
        shape[recurrent.SIZE], shape[recurrent.TAPS] = s.size, s.taps
        # the same epsilon in squared units of what is gated; no larger than a file may say
        up = 2 * (GATED_BITS - s.point)
        epsilon = self.parts.epsilon << up if up >= 0 else self.parts.epsilon >> -up
        shape[recurrent.GATED_EPSILON] = min(epsilon, MOST_EPSILON)
        return shape
