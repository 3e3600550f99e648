"""Feeding tokens to a recurrent network, token by token or many at once; see multum.inference.reading."""

import numpy as np

from multum.bits.kernels import kernel, part, routine
from multum.inference.arrays import CHUNK, HEAD, HEADS, LAYERS, REACH, START
from multum.inference.projecting import embed, normalise_rows, project
from multum.inference.recurrent import run_recurrent_layer
from multum.inference.recurrent_arrays import MATRICES_A_LAYER, SIZE, TAPS


@part
def place_row(own, r, stream, token):
    """Make row r the next token of `stream`."""
    own.tokens[r] = np.int32(token)
    own.owners[r] = stream


@routine
def predict_recurrent(net, own, rows, logits):
    """Take the first `rows` rows, placed before, through all layers, and write logits[r] for each."""
    layers = net.shape[LAYERS]
    for r in range(rows):
        embed(net, own, r)
    for layer in range(layers):
        run_recurrent_layer(net, own, layer, rows)
    head = layers * MATRICES_A_LAYER
    normalise_rows(net, own, layers, rows, net.matrices[head, REACH])
    project(net, own, head, rows, logits, False)


@part
def forget(net, own, stream):
    """Forget everything that `stream` has read."""
    layers, size, inner = net.shape[LAYERS], net.shape[SIZE], net.shape[HEADS] * net.shape[HEAD]
    past, memory = layers * (net.shape[TAPS] - 1) * (inner + 2 * size), layers * size * inner
    own.past[stream * past : (stream + 1) * past] = 0
    own.memory[stream * memory : (stream + 1) * memory] = 0


@part
def advance_recurrent(net, own, tokens, logits):
    """Feed one token to each stream and predict the next, as Streams.advance says."""
    streams = tokens.shape[0]
    for stream in range(streams):
        token = np.int64(tokens[stream])
        if token < 0:
            forget(net, own, stream)
        place_row(own, stream, stream, token if token >= 0 else max(net.shape[START], 0))
    predict_recurrent(net, own, streams, logits)
    for stream in range(streams):
        if tokens[stream] < 0 and net.shape[START] < 0:
            forget(net, own, stream)
            logits[stream, :] = 0


@part
def read_recurrent_stream(net, own, tokens, logits):
    """Feed many tokens to the first stream, as many at once as its state has room for, as Streams.read says."""
    count = tokens.shape[0]
    begin = np.int64(0)
    while begin < count:
        token = np.int64(tokens[begin])
        if token < 0:
            forget(net, own, 0)
            if net.shape[START] < 0:
                logits[begin, :] = 0
                begin += 1
                continue
            token = net.shape[START]
        place_row(own, 0, 0, token)
        end = begin + 1
        while end < count and end - begin < own.shape[CHUNK] and tokens[end] >= 0:
            place_row(own, end - begin, 0, np.int64(tokens[end]))
            end += 1
        predict_recurrent(net, own, end - begin, logits[begin:end])
        begin = end


@kernel
def read_recurrent(net, own, tokens, logits, together):
    """Do `read_recurrent_stream` if together, else `advance_recurrent`."""
    if together:
        read_recurrent_stream(net, own, tokens, logits)
    else:
        advance_recurrent(net, own, tokens, logits)
    return 0
