"""Feeding tokens to a network and taking its predictions, token by token or many at once.

Invariant: what is predicted after a token is a function of the tokens that its stream has read since it began,
however they were grouped into calls, and whatever other streams do.
"""

import numpy as np

from multum.bits.kernels import kernel, part, routine
from multum.inference.arrays import (
    CHUNK,
    EMBEDDING_DOWN,
    LAYERS,
    MATRICES_A_LAYER,
    OVERLAP,
    REACH,
    RING,
    START,
    WIDTH,
    WINDOW,
)
from multum.inference.llama import normalise_rows, project, run_layer, turn_rows
from multum.inference.rows import LIMIT


@part
def embed(net, own, r):
    """Write the stream's row r: the embedding of its token."""
    width = net.shape[WIDTH]
    token = np.int64(own.tokens[r])
    down = net.shape[EMBEDDING_DOWN]
    right, left = max(down, 0), max(-down, 0)
    scale = np.int64(net.embedding_scales[token])
    row = own.rows[r]
    for i in range(width):
        value = ((np.int64(net.embedding[token * width + i]) * scale) >> right) << left
        row[i] = np.int32(min(max(value, -LIMIT), LIMIT))


@part
def place(net, own, r, stream, token):
    """Make row r the next token of `stream`."""
    spot = own.lengths[stream]
    own.tokens[r] = np.int32(token)
    own.owners[r] = stream
    own.spots[r] = spot
    own.history[stream, spot % net.shape[WINDOW]] = np.int32(token)
    own.held[stream, spot % own.shape[RING]] = spot
    own.lengths[stream] = spot + 1


@routine
def run_rows(net, own, first, last):
    """Take rows first to last - 1, placed before, through all layers."""
    for r in range(first, last):
        embed(net, own, r)
    turn_rows(net, own, first, last)
    for layer in range(net.shape[LAYERS]):
        run_layer(net, own, layer, first, last)


@routine
def predict_rows(net, own, first, last, logits):
    """Write logits[r] for rows first to last - 1, which have been run."""
    layers = net.shape[LAYERS]
    matrix = layers * MATRICES_A_LAYER
    normalise_rows(net, own, 2 * layers, first, last, net.matrices[matrix, REACH])
    project(net, own, matrix, first, last, logits, False)


@part
def begin_stream(own, stream):
    """Forget everything that `stream` has read."""
    own.lengths[stream] = 0
    own.held[stream, :] = -1


@routine
def begin_anew(net, own, stream):
    """Begin `stream` again with the later part of its full window, so that there is room for more.

    The program's start token, if it has one, comes first again.
    """
    window, overlap = net.shape[WINDOW], net.shape[OVERLAP]
    kept = own.history[stream, window - overlap :].copy()
    begin_stream(own, stream)
    rows = np.int64(0)
    if net.shape[START] >= 0:
        place(net, own, rows, stream, net.shape[START])
        rows += 1
    for i in range(overlap):
        if rows == own.shape[CHUNK]:
            run_rows(net, own, 0, rows)
            rows = np.int64(0)
        place(net, own, rows, stream, kept[i])
        rows += 1
    if rows:
        run_rows(net, own, 0, rows)


@part
def make_room(net, own, stream):
    """See to it that `stream` can read one more token."""
    if net.shape[OVERLAP] >= 0 and own.lengths[stream] == net.shape[WINDOW]:
        begin_anew(net, own, stream)


@part
def advance(net, own, tokens, logits):
    """Feed one token to each stream and predict the next.

    tokens: int32[streams]; -1 where a stream begins. logits: int32[at least streams, vocabulary], log2-probabilities
    but for a constant, in units of 2**-16 bit. At the beginning of a program without a start token nothing is known,
    and all logits are 0.
    """
    streams = tokens.shape[0]
    chunk = own.shape[CHUNK]
    for stream in range(streams):
        if tokens[stream] < 0:
            begin_stream(own, stream)
        else:
            make_room(net, own, stream)
    begin = np.int64(0)
    while begin < streams:
        end = min(begin + chunk, streams)
        for stream in range(begin, end):
            token = np.int64(tokens[stream])
            place(net, own, stream - begin, stream, token if token >= 0 else max(net.shape[START], 0))
        run_rows(net, own, 0, end - begin)
        predict_rows(net, own, 0, end - begin, logits[begin:end])
        for stream in range(begin, end):
            if tokens[stream] < 0 and net.shape[START] < 0:
                begin_stream(own, stream)
                logits[stream, :] = 0
        begin = end


@kernel
def advance_streams(net, own, tokens, logits):
    """Do `advance` alone, as a kernel."""
    advance(net, own, tokens, logits)
    return 0


@kernel
def read_stream(net, own, tokens, logits):
    """Feed many tokens to the first stream, as many at once as its state has room for.

    tokens: int32[n], of which the first may be -1: the stream begins. logits: int32[n, vocabulary], as in `advance`.
    """
    count = tokens.shape[0]
    begin = np.int64(0)
    while begin < count:
        end = begin
        while end < count and end - begin < own.shape[CHUNK]:
            token = np.int64(tokens[end])
            full = net.shape[OVERLAP] >= 0 and own.lengths[0] == net.shape[WINDOW]
            if (full or token < 0) and end > begin:
                break
            if token < 0:
                begin_stream(own, 0)
                if net.shape[START] < 0:
                    logits[end, :] = 0
                    begin = end = end + 1
                    continue
                token = net.shape[START]
            make_room(net, own, 0)
            place(net, own, end - begin, 0, token)
            end += 1
        if end > begin:
            run_rows(net, own, 0, end - begin)
            predict_rows(net, own, 0, end - begin, logits[begin:end])
        begin = end
    return 0
