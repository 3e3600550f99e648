"""Layers of the Mamba-2 family in integers: a short convolution, states that decay, gates.

A head remembers `size` numbers of each of its channels. With every token they decay, what a step writes is added, and
what they say is read. All of a stream's past is in there, so that it costs the same to read on however much there was.
Source: Dao and Gu 2024, "Transformers are SSMs".
"""

import numpy as np

from multum.bits.kernels import part, routine
from multum.inference.arrays import HEAD, HEADS, INPUT_COLUMNS, LAYERS, REACH
from multum.inference.exponentials import exp2_fixed, open_gate
from multum.inference.projecting import normalise_rows, project
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
    return (max(np.int64(x), 0) << 14) + log1p_fixed(power)


@part
def decay_fixed(spent):
    """Return 2**-(spent / 2**30) with 26 fraction bits, for spent >= 0.

    What is below the unit of exp2_fixed is taken by the slope: a state of a thousand tokens decays by as little.
    """
    power = exp2_fixed(-(spent >> 14))
    power -= (power * (((spent & 16383) * _LN_2_16) >> 16)) >> 30
    return (power + (1 << (29 - DECAY_BITS))) >> (30 - DECAY_BITS)


@routine
def convolve(x, past, taps, down, biases, sums, out):
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
        newer = past[begin + n : begin + 2 * n] if begin + n < older else x
        for i in range(n):
            sums[i] += np.int64(row[i]) * np.int64(tap[i])
            row[i] = newer[i]
    for i in range(n):
        value = clip((sums[i] >> down) + np.int64(biases[i]), LIMIT)
        out[i] = np.int32(clip((value * open_gate(value)) >> 30, CHANNEL_LIMIT))


@part
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
def step_heads(mixed, asked, biases, rates, skips, memory, written, read):
    """Take the memory of all heads one token on, and write to `read` what they say.

    mixed: int32[heads * head + 2 * size], the channels, what they are written by and what they are read by. asked:
    int32[heads], and biases, rates, skips as in a layer. memory: int32[heads * size * head]. written: scratch,
    int32[head]. read: int64[heads * head], with the fraction bits of memory and channels.
    """
    heads, head = asked.shape[0], written.shape[0]
    size = (mixed.shape[0] - heads * head) >> 1
    writers = mixed[heads * head : heads * head + size]
    readers = mixed[heads * head + size :]
    for h in range(heads):
        step = min(softplus_fixed(clip(np.int64(asked[h]) + np.int64(biases[h]), LIMIT)), STEP_LIMIT)
        skip = np.int64(skips[h]) << (MEMORY_BITS - POINT_BITS)
        x = mixed[h * head : (h + 1) * head]
        said = read[h * head : (h + 1) * head]
        for i in range(head):
            wide = (step * np.int64(x[i])) >> (STEP_BITS + POINT_BITS - WRITTEN_BITS)
            written[i] = np.int32(clip(wide, LIMIT))
            said[i] = skip * np.int64(x[i])
        decay = decay_fixed((step * np.int64(rates[h])) >> 16)
        remember(memory[h * size * head : (h + 1) * size * head], decay, written, writers, readers, said)


@routine
def gate_channels(read, gates, gated):
    """Write read * silu(gates), clipped. read: int64 as of step_heads. gates: int32. gated: int32."""
    for i in range(gated.shape[0]):
        gate = np.int64(gates[i])
        value = clip(read[i] >> MEMORY_BITS, LIMIT)
        gated[i] = np.int32(clip((value * ((gate * open_gate(gate)) >> 30)) >> (2 * POINT_BITS - GATED_BITS), LIMIT))


@part
def mix_row(net, own, layer, r):
    """Take row r, projected into own.outputs, through states and gates, and quantize the result as inputs."""
    heads, size, older = net.shape[HEADS], net.shape[SIZE], net.shape[TAPS] - 1
    inner = heads * net.shape[HEAD]
    channels = inner + 2 * size
    state = own.owners[r] * net.shape[LAYERS] + layer
    outputs = own.outputs[r]
    convolve(
        outputs[inner : inner + channels],
        own.past[state * older * channels : (state + 1) * older * channels],
        net.taps[layer * (older + 1) * channels : (layer + 1) * (older + 1) * channels],
        net.tap_downs[layer],
        net.tap_biases[layer * channels : (layer + 1) * channels],
        own.longs,
        own.mixed,
    )
    step_heads(
        own.mixed,
        outputs[inner + channels : inner + channels + heads],
        net.step_biases[layer * heads : (layer + 1) * heads],
        net.rates[layer * heads : (layer + 1) * heads],
        net.skips[layer * heads : (layer + 1) * heads],
        own.memory[state * inner * size : (state + 1) * inner * size],
        own.written,
        own.read,
    )
    gate_channels(own.read, outputs[:inner], own.gated)
    step = own.shape[INPUT_COLUMNS]
    m, e = normalise_row(
        own.gated,
        net.gated_gains[layer * inner : (layer + 1) * inner],
        net.gated_downs[layer],
        net.shape[GATED_EPSILON],
        net.matrices[layer * MATRICES_A_LAYER + OUT, REACH],
        own.longs,
        own.inputs[r * step : (r + 1) * step],
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
