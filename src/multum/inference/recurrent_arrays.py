"""The arrays that kernels step a recurrent network with: its weights, and what its streams remember.

They have the fields that norms and products of multum.inference.llama read, under the same names. Invariant: every
number below is clipped to its bits, so that no product of two leaves 62.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.inference import arrays

# Fraction bits of gates, channels, and what is read from states; those are clipped to +-2**24.
POINT_BITS = arrays.POINT_BITS
CHANNEL_LIMIT = (1 << 24) - 1
# Fraction bits of steps, which are clipped to 2**36; of what a step writes, of the vector it writes it by, of a decay,
# and of states: the first two together have as many as the last two.
STEP_BITS, WRITTEN_BITS, WRITER_BITS, DECAY_BITS, MEMORY_BITS = 30, 22, 24, 26, 20
STEP_LIMIT = 1 << 36
# Fraction bits of what the gated norm takes.
GATED_BITS = 20

# Cells of RecurrentWeights.shape after those of arrays.
SIZE, TAPS, GATED_EPSILON = range(arrays.SHAPE_CELLS, arrays.SHAPE_CELLS + 3)
SHAPE_CELLS = arrays.SHAPE_CELLS + 3
# Rows of RecurrentWeights.matrices in each layer; the head comes after all layers.
INTO, OUT = range(2)
MATRICES_A_LAYER = 2


class RecurrentWeights(NamedTuple):
    """A network's own arrays, flat but for matrices. Nothing writes to them."""

    shape: NDArray[np.int64]
    matrices: NDArray[np.int64]
    weights: NDArray[np.int8]
    scales: NDArray[np.int32]
    biases: NDArray[np.int32]
    gains: NDArray[np.int32]  # [layers + 1, width]
    gain_downs: NDArray[np.int64]
    embedding: NDArray[np.int8]  # [vocabulary, width]
    embedding_scales: NDArray[np.int32]
    taps: NDArray[np.int32]  # [layer, tap, channel]
    tap_downs: NDArray[np.int64]
    tap_biases: NDArray[np.int32]  # [layer, channel]
    step_biases: NDArray[np.int32]  # [layer, head]
    rates: NDArray[np.int32]  # [layer, head]
    skips: NDArray[np.int32]  # [layer, head]
    gated_gains: NDArray[np.int32]  # [layer, inner]
    gated_downs: NDArray[np.int64]


class RecurrentState(NamedTuple):
    """What streams remember, and room to work in for one thread."""

    shape: NDArray[np.int64]  # cells of arrays.State.shape; what is about caches is 0
    past: NDArray[np.int32]  # [stream, layer, taps - 1, channel] the last inputs of convolutions, oldest first
    memory: NDArray[np.int32]  # [stream, layer, head, size, channel of the head]
    tokens: NDArray[np.int32]  # [chunk] of the rows at work
    owners: NDArray[np.int64]  # [chunk] the stream of each
    rows: NDArray[np.int32]  # [chunk, width]
    inputs: NDArray[np.int16]  # [chunk * widest input]
    scales: NDArray[np.int64]  # [chunk, 2] mantissa and exponent of inputs
    sums: NDArray[np.int32]  # [chunk * widest output]
    outputs: NDArray[np.int32]  # [chunk, widest output]
    longs: NDArray[np.int64]  # [widest input]
    mixed: NDArray[np.int32]  # [channels] of the convolution, of one row
    written: NDArray[np.int32]  # [head]
    read: NDArray[np.int64]  # [inner]
    gated: NDArray[np.int32]  # [inner]
