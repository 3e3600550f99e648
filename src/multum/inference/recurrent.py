"""Layers of the Mamba-2 family in integers: a short convolution, states that decay, gates.

A head remembers `size` numbers of each of its channels. With every token they decay, what a step writes is added, and
what they say is read. All of a stream's past is in there, so that it costs the same to read on however much there was.
Source: Dao and Gu 2024, "Transformers are SSMs".
"""

import numpy as np

from multum.bits.kernels import part, routine
from multum.inference.arrays import HEAD, HEADS, INPUT_COLUMNS, LAYERS, REACH
from multum.inference.exponentials import exp2_fixed, sigmoid_fixed
from multum.inference.llama import normalise_rows, project
from multum.inference.recurrent_arrays import (
    CHANNEL_LIMIT,
    DECAY_BITS,
    GATED_BITS,
    GATED_EPSILON,
    INTO,
    MATRICES_A_LAYER,
    MEMORY_BITS,
    OUT,
    POINT_BITS,
    SIZE,
    STEP_BITS,
    STEP_LIMIT,
    TAPS,
    WRITER_BITS,
    WRITTEN_BITS,
)
from multum.inference.rows import LIMIT, normalise_row

_LOG2_E_16 = 94548  # log2(e), 16 fraction bits
_LN_2_16 = 45426


@part
def clip(x, limit):
    """Return x, or the nearest of +-limit."""
    return min(max(x, -limit), limit)


@part
def log1p_fixed(x):
    """Return ln(1 + x / 2**30) with 30 fraction bits, for x in [0, 2**30]; within 2e-8.

    ln(1 + x) = 2 artanh(x / (2 + x)), whose argument is a third at most.
    """
    z = (np.int64(x) << 30) // ((2 << 30) + np.int64(x))
    square = (z * z) >> 30
    p = np.int64((1 << 30) // 13)
    for odd in (11, 9, 7, 5, 3, 1):
        p = (1 << 30) // odd + ((p * square) >> 30)
    return (p * z) >> 29


@part
def softplus_fixed(x):
    """Return ln(1 + exp(x / 2**16)) with 30 fraction bits, for x of 32 bits; within 8e-6, and a part in 50,000."""
    power = exp2_fixed(-((abs(np.int64(x)) * _LOG2_E_16) >> 16))
    return (max(np.int64(x), 0) << 14) + log1p_fixed(min(power, 1 << 30))


@part
def decay_fixed(spent):
    """Return 2**-(spent / 2**30) with 26 fraction bits, for spent >= 0.

    What is below the unit of exp2_fixed is taken by the slope: a state of a thousand tokens decays by as little.
    """
    power = exp2_fixed(-(spent >> 14))
    power -= (power * (((spent & 16383) * _LN_2_16) >> 16)) >> 30
    return (power + (1 << (29 - DECAY_BITS))) >> (30 - DECAY_BITS)


@routine
def convolve(x, past, taps, down, biases, sigmoids, sums, out):
    """Write silu of each channel's weighted sum of its last values, clipped; keep x among them.

    x, biases, out: int32[channels]. past: int32[(taps - 1) * channels], oldest first. taps: int32[taps * channels]
    below 2**15, the last for the present, in units of 2**-down, 0 <= down <= 30. sums: int64 scratch.
    """
    n = x.shape[0]
    older = past.shape[0]
    half = (np.int64(1) << down) >> 1
    now = taps[older:]
    for i in range(n):
        sums[i] = np.int64(x[i]) * np.int64(now[i]) + half
    for begin in range(0, older, n):
        row = past[begin : begin + n]
        tap = taps[begin : begin + n]
        for i in range(n):
            sums[i] += np.int64(row[i]) * np.int64(tap[i])
            row[i] = past[begin + n + i] if begin + n < older else x[i]
    for i in range(n):
        value = clip((sums[i] >> down) + np.int64(biases[i]), LIMIT)
        out[i] = np.int32(clip((value * sigmoid_fixed(sigmoids, value)) >> 30, CHANNEL_LIMIT))


@routine
def remember(memory, decay, written, writers, readers, read):
    """Let a head's memory decay, add what a token writes, and add to `read` what is read.

    memory: int32[size * head]. written: int32[head]. writers, readers: int32[size]. read: int64[head], with the
    fraction bits of memory and readers.
    """
    head = written.shape[0]
    half = np.int64(1) << (WRITTEN_BITS + WRITER_BITS - MEMORY_BITS - 1)
    stays = np.int64(np.int32(decay))
    for n in range(writers.shape[0]):
        by = np.int64(np.int32(clip(np.int64(writers[n]) << (WRITER_BITS - POINT_BITS), LIMIT)))
        reader = np.int64(readers[n])
        row = memory[n * head : (n + 1) * head]
        for i in range(head):
            value = stays * np.int64(row[i]) + by * np.int64(written[i])
            kept = np.int32(clip((value + half) >> DECAY_BITS, LIMIT))
            row[i] = kept
            read[i] += reader * np.int64(kept)


@routine
def step_head(net, own, layer, r, h):
    """Take head h of row r one token on: from own.mixed to its part of own.gated."""
    heads, head, size = net.shape[HEADS], net.shape[HEAD], net.shape[SIZE]
    inner, cell = heads * head, layer * heads + h
    asked = np.int64(own.outputs[r, 2 * inner + 2 * size + h]) + np.int64(net.step_biases[cell])
    step = min(softplus_fixed(clip(asked, LIMIT)), STEP_LIMIT)
    x = own.mixed[h * head : (h + 1) * head]
    skip = np.int64(net.skips[cell]) << (MEMORY_BITS - POINT_BITS)
    for i in range(head):
        wide = (step * np.int64(x[i])) >> (STEP_BITS + POINT_BITS - WRITTEN_BITS)
        own.written[i] = np.int32(clip(wide, LIMIT))
        own.read[i] = skip * np.int64(x[i])
    at = (own.owners[r] * net.shape[LAYERS] * heads + cell) * size * head
    decay = decay_fixed((step * np.int64(net.rates[cell])) >> 16)
    writers, readers = own.mixed[inner : inner + size], own.mixed[inner + size : inner + 2 * size]
    remember(own.memory[at : at + size * head], decay, own.written, writers, readers, own.read)
    gates = own.outputs[r, h * head : (h + 1) * head]
    gated = own.gated[h * head : (h + 1) * head]
    for i in range(head):
        gate = np.int64(gates[i])
        open_gate = (gate * sigmoid_fixed(net.sigmoids, gate)) >> 30
        value = clip(own.read[i] >> MEMORY_BITS, LIMIT)
        gated[i] = np.int32(clip((value * open_gate) >> (2 * POINT_BITS - GATED_BITS), LIMIT))


@routine
def mix_row(net, own, layer, r):
    """Take row r, projected into own.outputs, through states and gates, and quantize the result as inputs."""
    inner, size, older = net.shape[HEADS] * net.shape[HEAD], net.shape[SIZE], net.shape[TAPS] - 1
    channels = inner + 2 * size
    at = (own.owners[r] * net.shape[LAYERS] + layer) * older * channels
    convolve(
        own.outputs[r, inner : inner + channels],
        own.past[at : at + older * channels],
        net.taps[layer * (older + 1) * channels : (layer + 1) * (older + 1) * channels],
        net.tap_downs[layer],
        net.tap_biases[layer * channels : (layer + 1) * channels],
        net.sigmoids,
        own.longs,
        own.mixed,
    )
    for h in range(net.shape[HEADS]):
        step_head(net, own, layer, r, h)
    step = own.shape[INPUT_COLUMNS]
    reach = net.matrices[layer * MATRICES_A_LAYER + OUT, REACH]
    gains = net.gated_gains[layer * inner : (layer + 1) * inner]
    inputs = own.inputs[r * step : (r + 1) * step]
    m, e = normalise_row(
        own.gated, gains, net.gated_downs[layer], net.shape[GATED_EPSILON], reach, own.longs, inputs[:inner]
    )
    own.scales[r, 0] = m
    own.scales[r, 1] = e


@part
def run_recurrent_layer(net, own, layer, rows):
    """Take the first `rows` rows of the stream through one layer, a stream's rows one after another."""
    matrix = layer * MATRICES_A_LAYER
    normalise_rows(net, own, layer, rows, net.matrices[matrix + INTO, REACH])
    project(net, own, matrix + INTO, rows, own.outputs, False)
    for r in range(rows):
        mix_row(net, own, layer, r)
    project(net, own, matrix + OUT, rows, own.rows, True)
