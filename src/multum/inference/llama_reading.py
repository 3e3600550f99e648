"""Feeding tokens to a network of the Llama family, token by token or many at once; see multum.inference.reading."""

import numpy as np

from multum.bits.kernels import kernel, part, routine
from multum.inference.arrays import (
    CHUNK,
    LAYERS,
    MATRICES_A_LAYER,
    OVERLAP,
    REACH,
    RING,
    START,
    WINDOW,
)
from multum.inference.llama import run_layer, turn_rows
from multum.inference.projecting import embed, normalise_rows, project


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
def run_rows(net, own, rows):
    """Take the first `rows` rows, placed before, through all layers."""
    for r in range(rows):
        embed(net, own, r)
    turn_rows(net, own, rows)
    for layer in range(net.shape[LAYERS]):
        run_layer(net, own, layer, rows)


@routine
def predict_rows(net, own, rows, logits):
    """Write logits[r] for the first `rows` rows, which have been run."""
    layers = net.shape[LAYERS]
    matrix = layers * MATRICES_A_LAYER
    normalise_rows(net, own, 2 * layers, rows, net.matrices[matrix, REACH])
    project(net, own, matrix, rows, logits, False)


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
    # what is read again is written back below where it is read from
    kept = own.history[stream, window - overlap :]
    begin_stream(own, stream)
    rows = np.int64(0)
    if net.shape[START] >= 0:
        place(net, own, rows, stream, net.shape[START])
        rows += 1
    for i in range(overlap):
        if rows == own.shape[CHUNK]:
            run_rows(net, own, rows)
            rows = np.int64(0)
        place(net, own, rows, stream, kept[i])
        rows += 1
    if rows:
        run_rows(net, own, rows)


@part
def has_room(net, own, stream):
    """Return whether `stream` can read one more token as it is."""
    return net.shape[OVERLAP] < 0 or own.lengths[stream] < net.shape[WINDOW]


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
        elif not has_room(net, own, stream):
            begin_anew(net, own, stream)
    begin = np.int64(0)
    while begin < streams:
        end = min(begin + chunk, streams)
        for stream in range(begin, end):
            token = np.int64(tokens[stream])
            place(net, own, stream - begin, stream, token if token >= 0 else max(net.shape[START], 0))
        run_rows(net, own, end - begin)
        predict_rows(net, own, end - begin, logits[begin:end])
        for stream in range(begin, end):
            if tokens[stream] < 0 and net.shape[START] < 0:
                begin_stream(own, stream)
                logits[stream, :] = 0
        begin = end


@part
def read_stream(net, own, tokens, logits):
    """Feed many tokens to the first stream, as many at once as its state has room for, and predict after each.

    tokens: int32[n], -1 where the stream begins. logits: int32[n, vocabulary], as in `advance`.
    """
    count = tokens.shape[0]
    begin = np.int64(0)
    while begin < count:
        token = np.int64(tokens[begin])
        if token < 0:
            begin_stream(own, 0)
            if net.shape[START] < 0:
                logits[begin, :] = 0
                begin += 1
                continue
            token = net.shape[START]
        elif not has_room(net, own, 0):
            begin_anew(net, own, 0)
        place(net, own, 0, 0, token)
        end = begin + 1
        while end < count and end - begin < own.shape[CHUNK] and tokens[end] >= 0 and has_room(net, own, 0):
            place(net, own, end - begin, 0, np.int64(tokens[end]))
            end += 1
        run_rows(net, own, end - begin)
        predict_rows(net, own, end - begin, logits[begin:end])
        begin = end


@kernel
def read_llama(net, own, tokens, logits, together):
    """Do `read_stream` if together, else `advance`."""
    if together:
        read_stream(net, own, tokens, logits)
    else:
        advance(net, own, tokens, logits)
    return 0
