"""Layers of the Llama family in integers: norms, attention over a cache, gated networks.

Rows are tokens, of one stream or of many; a row's numbers do not depend on which rows are beside it.
Source: Touvron et al. 2023 (Llama); Su et al. 2021 (rotary positions); Ainslie et al. 2023 (grouped queries).
"""

import numpy as np

from multum.bits.kernels import part, routine
from multum.inference.arrays import (
    GATES,
    GROUPS,
    HEAD,
    HEAD_COLUMNS,
    HEADS,
    INNER,
    INPUT_COLUMNS,
    LAYERS,
    MATRICES_A_LAYER,
    NARROW,
    OUT,
    POINT_BITS,
    QKV,
    REACH,
    RING,
    RING_COLUMNS,
    SCORE_FACTOR,
    WINDOW,
)
from multum.inference.exponentials import exp2_fixed, open_gate, wave
from multum.inference.projecting import normalise_rows, project
from multum.inference.rows import LIMIT, bit_length, multiply, quantize

# Shares of attention add up to this at most, so that a sum of 16-bit values stays in 32 bits.
_WHOLE = 32767
_HIDDEN = -(1 << 30)
_NARROW_BITS = 15


@part
def turn_rows(net, own, rows):
    """Write the cosines and sines of the places of the first `rows` rows."""
    half = net.turns.shape[0]
    for r in range(rows):
        for i in range(half):
            turn = ((own.spots[r] * net.turns[i]) >> 16) & 0xFFFFFFFF
            own.waves[r, i, 0], own.waves[r, i, 1] = wave(turn)


@routine
def rotate(row, waves):
    """Turn each pair (i, i + half) of a head by its angle, in place."""
    half = waves.shape[0]
    for i in range(half):
        x, y = np.int64(row[i]), np.int64(row[half + i])
        cosine, sine = waves[i, 0], waves[i, 1]
        turned = (x * cosine - y * sine + (1 << 29)) >> 30
        other = (y * cosine + x * sine + (1 << 29)) >> 30
        row[i] = np.int32(min(max(turned, -LIMIT), LIMIT))
        row[half + i] = np.int32(min(max(other, -LIMIT), LIMIT))


@part
def narrow(x, down):
    """Return x / 2**down rounded, as 16 bits."""
    return np.int16(min((np.int64(x) + ((np.int64(1) << down) >> 1)) >> down, 32767))


@part
def largest(row):
    """Return the largest magnitude of a row of int32."""
    most = np.int64(0)
    for i in range(row.shape[0]):
        most = max(most, abs(np.int64(row[i])))
    return most


@part
def ask(net, own, r):
    """Take the queries of row r out of its outputs."""
    head, heads = net.shape[HEAD], net.shape[HEADS]
    for h in range(heads):
        row = own.outputs[r, h * head : (h + 1) * head]
        rotate(row, own.waves[r])
        total = np.int64(0)
        for i in range(head):
            total += abs(np.int64(row[i]))
        down = max(bit_length(total) - _NARROW_BITS, 0)  # sums with keys of 16 bits stay in 32
        queries = own.queries[(r * heads + h) * head : (r * heads + h + 1) * head]
        for i in range(head):
            queries[i] = narrow(row[i], down)
        own.query_downs[r, h] = down


@part
def remember(net, own, layer, r):
    """Put the key and the value of row r in its place of the cache."""
    head, heads, groups = net.shape[HEAD], net.shape[HEADS], net.shape[GROUPS]
    ring, ring_columns, head_columns = own.shape[RING], own.shape[RING_COLUMNS], own.shape[HEAD_COLUMNS]
    place = own.spots[r] % ring
    for g in range(groups):
        cell = (own.owners[r] * net.shape[LAYERS] + layer) * groups + g
        key = own.outputs[r, (heads + g) * head : (heads + g + 1) * head]
        rotate(key, own.waves[r])
        down = max(bit_length(largest(key)) - _NARROW_BITS, 0)
        own.key_downs[cell * ring_columns + place] = down
        at = cell * ring_columns * head + 2 * place
        for i in range(head):
            own.keys[at + (i >> 1) * 2 * ring_columns + (i & 1)] = narrow(key[i], down)
        value = own.outputs[r, (heads + groups + g) * head : (heads + groups + g + 1) * head]
        down = max(bit_length(largest(value)) - _NARROW_BITS, 0)
        own.value_downs[cell * ring_columns + place] = down
        at = (cell * ring_columns + (place & -2)) * head_columns + (place & 1)
        for i in range(head):
            own.values[at + 2 * i] = narrow(value[i], down)


@routine
def share_out(scores, held, key_downs, value_downs, last, window, query_down, factor, shares):
    """Turn one row of scores into shares that add up to 32767 at most; return the shift of what they sum up.

    A place is seen if it holds one of the `window` tokens up to `last`. The share of a place is its softmax, times
    its value's scale.
    """
    n = scores.shape[0]
    most = np.int64(_HIDDEN)
    top_down = np.int64(0)
    for j in range(n):
        score = (np.int64(scores[j]) * factor) >> (46 - query_down - key_downs[j])
        score = min(max(score, -(1 << 29)), 1 << 29)
        seen = (held[j] <= last) & (held[j] > last - window) & (held[j] >= 0)
        score = score if seen else np.int64(_HIDDEN)
        top_down = max(top_down, value_downs[j] if seen else np.int64(0))
        scores[j] = np.int32(score)
        most = max(most, score)
    total = np.int64(0)
    for j in range(n):
        power = exp2_fixed(np.int64(scores[j]) - most)
        scores[j] = np.int32(power)
        total += power
    inverse = (np.int64(_WHOLE) << 45) // total
    for j in range(n):
        down = 45 + max(top_down - value_downs[j], 0)
        shares[j] = np.int16((np.int64(scores[j]) * inverse + (np.int64(1) << (down - 1))) >> down)
    return top_down


@part
def attend(net, own, layer, first, last):
    """Take in the cache for rows first to last - 1, which are of one stream, and quantize the result as inputs."""
    head, heads, groups = net.shape[HEAD], net.shape[HEADS], net.shape[GROUPS]
    ring, ring_columns, head_columns = own.shape[RING], own.shape[RING_COLUMNS], own.shape[HEAD_COLUMNS]
    stream = own.owners[first]
    places = (min(own.spots[last - 1] + 1, ring) + 15) & -16
    held = own.held[stream, :places]
    for h in range(heads):
        cell = (stream * net.shape[LAYERS] + layer) * groups + h * groups // heads
        multiply(
            own.queries,
            (first * heads + h) * head,
            heads * head,
            last - first,
            own.keys,
            cell * ring_columns * head,
            ring_columns,
            head >> 1,
            places,
            own.scores,
            first * ring_columns,
            ring_columns,
        )
        downs = cell * ring_columns
        for r in range(first, last):
            own.query_downs[r, h] = share_out(
                own.scores[r * ring_columns : r * ring_columns + places],
                held,
                own.key_downs[downs : downs + places],
                own.value_downs[downs : downs + places],
                own.spots[r],
                net.shape[WINDOW],
                own.query_downs[r, h],
                net.shape[SCORE_FACTOR],
                own.shares[r * ring_columns : r * ring_columns + places],
            )
        multiply(
            own.shares,
            first * ring_columns,
            ring_columns,
            last - first,
            own.values,
            cell * ring_columns * head_columns,
            head_columns,
            places >> 1,
            head_columns,
            own.mixed,
            first * head_columns,
            head_columns,
        )
        for r in range(first, last):
            for i in range(head):
                own.heads[r, h * head + i] = np.int64(own.mixed[r * head_columns + i]) << own.query_downs[r, h]
    reach = net.matrices[layer * MATRICES_A_LAYER + OUT, REACH]
    step = own.shape[INPUT_COLUMNS]
    for r in range(first, last):
        m, e = quantize(own.heads[r], reach, own.inputs[r * step : (r + 1) * step])
        own.scales[r, 0] = m
        own.scales[r, 1] = e - POINT_BITS - _NARROW_BITS


@part
def gate_rows(net, own, layer, rows):
    """Quantize silu(gate) * up of each row's outputs as inputs. Source: Shazeer 2020 (SwiGLU)."""
    inner, step = net.shape[INNER], own.shape[INPUT_COLUMNS]
    reach = net.matrices[layer * MATRICES_A_LAYER + NARROW, REACH]
    for r in range(rows):
        gates = own.outputs[r, :inner]
        ups = own.outputs[r, inner : 2 * inner]
        for i in range(inner):
            gate = np.int64(gates[i])
            own.longs[i] = ((gate * open_gate(gate)) >> 30) * np.int64(ups[i])
        m, e = quantize(own.longs[:inner], reach, own.inputs[r * step : (r + 1) * step])
        own.scales[r, 0] = m
        own.scales[r, 1] = e - 2 * POINT_BITS


@routine
def run_layer(net, own, layer, rows):
    """Take the first `rows` rows of the stream through one layer."""
    matrix = layer * MATRICES_A_LAYER
    normalise_rows(net, own, 2 * layer, rows, net.matrices[matrix + QKV, REACH])
    project(net, own, matrix + QKV, rows, own.outputs, False)
    for r in range(rows):
        ask(net, own, r)
        remember(net, own, layer, r)
    begin = np.int64(0)
    while begin < rows:
        end = begin + 1
        while end < rows and own.owners[end] == own.owners[begin]:
            end += 1
        attend(net, own, layer, begin, end)
        begin = end
    project(net, own, matrix + OUT, rows, own.rows, True)
    normalise_rows(net, own, 2 * layer + 1, rows, net.matrices[matrix + GATES, REACH])
    project(net, own, matrix + GATES, rows, own.outputs, False)
    gate_rows(net, own, layer, rows)
    project(net, own, matrix + NARROW, rows, own.rows, True)
