"""The arrays that kernels step a network with: its weights, which threads share, and the state of its streams.

Fixed-point numbers in `qkv` and in the gated network have 16 fraction bits; those of the stream between layers
have as many as the network's file says.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

POINT_BITS = 16  # fraction bits of queries, keys, values, gates and logits

# Cells of Weights.shape.
WIDTH, LAYERS, HEADS, GROUPS, HEAD, INNER, VOCABULARY = range(7)
WINDOW = 7  # tokens that a prediction may depend on
OVERLAP = 8  # tokens that are read again when the window is full; -1: it slides instead
START = 9  # the token before all others, or -1
EPSILON = 10  # of the norms, in squared units of the stream, 16 fraction bits
EMBEDDING_DOWN = 11  # bits by which an embedding times its scale is above the stream's unit; may be negative
SCORE_FACTOR = 12  # log2(e) / sqrt(head), 30 fraction bits
SHAPE_CELLS = 13

# Columns of Weights.matrices: first weight, pairs of inputs, outputs rounded up to 16, outputs, first scale, bits by
# which scales and fixed point are apart, first bias or -1, most that an input may be.
AT, PAIRS, COLUMNS, OUTPUTS, SCALES_AT, DOWN, BIAS_AT, REACH = range(8)
MATRIX_CELLS = 8
# Rows of Weights.matrices in each layer; the head comes after all layers.
QKV, OUT, GATES, NARROW = range(4)
MATRICES_A_LAYER = 4

# Cells of State.shape.
STREAMS, CHUNK, RING, RING_COLUMNS, HEAD_COLUMNS, INPUT_COLUMNS, SUM_COLUMNS = range(7)


class Weights(NamedTuple):
    """A network's own arrays, flat but for matrices. Nothing writes to them."""

    shape: NDArray[np.int64]
    matrices: NDArray[np.int64]
    weights: NDArray[np.int8]  # [pair of inputs, output, 2] of one matrix after another
    scales: NDArray[np.int32]
    biases: NDArray[np.int32]
    gains: NDArray[np.int32]  # [2 * layers + 1, width]
    gain_downs: NDArray[np.int64]
    embedding: NDArray[np.int8]  # [vocabulary, width]
    embedding_scales: NDArray[np.int32]
    turns: NDArray[np.int64]  # [head / 2] turn a token, 48 fraction bits


class State(NamedTuple):
    """What streams remember, and room to work in for one thread. What products read and write is flat.

    keys: int16[stream, layer, group, pair of features, ring, 2]. values: int16[stream, layer, group, pair of
    places, features, 2]. A place holds one token; their scales are powers of two.
    """

    shape: NDArray[np.int64]
    lengths: NDArray[np.int64]  # [stream] tokens read since the stream began anew
    history: NDArray[np.int32]  # [stream, window] the tokens in the cache
    held: NDArray[np.int64]  # [stream, ring] which token a place holds, -1 for none
    keys: NDArray[np.int16]
    values: NDArray[np.int16]
    key_downs: NDArray[np.int64]  # [stream, layer, group, ring]
    value_downs: NDArray[np.int64]
    tokens: NDArray[np.int32]  # [chunk] of the rows at work
    owners: NDArray[np.int64]  # [chunk] the stream of each
    spots: NDArray[np.int64]  # [chunk] the place in its stream
    rows: NDArray[np.int32]  # [chunk, width]
    inputs: NDArray[np.int16]  # [chunk * widest input]
    scales: NDArray[np.int64]  # [chunk, 2] mantissa and exponent of inputs
    sums: NDArray[np.int32]  # [chunk * widest output]
    outputs: NDArray[np.int32]  # [chunk, widest output]
    longs: NDArray[np.int64]  # [widest input]
    heads: NDArray[np.int64]  # [chunk, heads, head] what attention took in
    waves: NDArray[np.int64]  # [chunk, head / 2, 2] cosine and sine
    queries: NDArray[np.int16]  # [chunk * heads * head]
    query_downs: NDArray[np.int64]  # [chunk, heads]
    scores: NDArray[np.int32]  # [chunk * ring]
    shares: NDArray[np.int16]  # [chunk * ring]
    mixed: NDArray[np.int32]  # [chunk * head]
