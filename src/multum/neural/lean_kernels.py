"""What a lean program does between its products of matrices, each in one pass over bfloat16 activations on a CPU.

PyTorch takes three to twenty passes for each of these, and at a million parameters the passes cost more than the
products. Arrays of uint16 hold the upper halves of float32 numbers, which is what bfloat16 is; sums are in float32.
Kernels run in the calling thread and release the GIL. `lean_functions` has the derivatives' place in autograd, and
the tests compare everything with PyTorch's own operations.
"""

import numpy as np
from numba import njit

# Sums may be reordered, which vectors need, but infinities are meant.
_LOOSE = {"nsz", "contract", "reassoc", "arcp", "afn"}
kernel = njit(nogil=True, cache=True, error_model="numpy", fastmath=_LOOSE)
_part = njit(nogil=True, cache=True, error_model="numpy", fastmath=_LOOSE, inline="always")

f4, _i4, _u2, _u4 = np.float32, np.int32, np.uint16, np.uint32
ONE = np.float32(1)
_HALF = np.float32(0.5)
# exp(x) = 2**(x / ln 2): the whole part of the exponent goes into the bits of a float32, the rest through a polynomial
# (Taylor's, of 2**r for |r| <= 1/2, under 3e-6 off: far finer than bfloat16).
_PER_OCTAVE = np.float32(1.4426950408889634)
_LEAST, _MOST = np.float32(-87), np.float32(87)
_P5, _P4 = np.float32(0.0013333558), np.float32(0.009618129)
_P3, _P2, _P1 = np.float32(0.05550411), np.float32(0.24022651), np.float32(0.6931472)


@_part
def read(half):
    """Return the float32 of a bfloat16."""
    return _u4(_u4(half) << _u4(16)).view(f4)


@_part
def round_half(x):
    """Return the nearest bfloat16 of a finite float32, ties to even."""
    bits = f4(x).view(_u4)
    return _u2(_u4(bits + _u4(0x7FFF) + _u4(_u4(bits >> _u4(16)) & _u4(1))) >> _u4(16))


@_part
def exp(x):
    """Return e to the power of x for x in [-87, 87], and beyond as at the ends, where float32 ends too."""
    exponent = min(max(x, _LEAST), _MOST) * _PER_OCTAVE
    whole = np.floor(exponent + _HALF)
    r = exponent - whole
    power = ((((_P5 * r + _P4) * r + _P3) * r + _P2) * r + _P1) * r + ONE
    return power * _i4(_i4(_i4(whole) + _i4(127)) << _i4(23)).view(f4)


@kernel
def add_and_norm(stream, added, weight, eps, total, normed, inverse):
    """Set total = stream + added, normed = total / rms(total) * weight, and inverse = 1 / rms.

    stream, added, total, normed: bfloat16[n, width]. weight: float32[width]. inverse: float32[n].
    """
    rows, width = stream.shape
    for i in range(rows):
        squares = f4(0)
        for j in range(width):
            half = round_half(read(stream[i, j]) + read(added[i, j]))
            total[i, j] = half
            squares += read(half) * read(half)
        scale = ONE / np.sqrt(squares / f4(width) + eps)
        inverse[i] = scale
        for j in range(width):
            normed[i, j] = round_half(read(total[i, j]) * scale * weight[j])


@kernel
def add_and_norm_backward(d_total, d_normed, total, weight, inverse, d_stream, d_weight):
    """Set the gradient of stream, which is that of added too, and add to that of the weight.

    d_total, d_normed: gradients of the two results. With x = total * inverse:
    d_stream = d_total + inverse * (g - x * mean(g * x)), g = d_normed * weight.
    """
    rows, width = total.shape
    for i in range(rows):
        scale, along = inverse[i], f4(0)
        for j in range(width):
            x = read(total[i, j]) * scale
            g = read(d_normed[i, j])
            d_weight[j] += g * x
            along += g * weight[j] * x
        along /= f4(width)
        for j in range(width):
            x = read(total[i, j]) * scale
            g = read(d_normed[i, j]) * weight[j]
            d_stream[i, j] = round_half(read(d_total[i, j]) + scale * (g - x * along))


@kernel
def gate(both, out):
    """Set out = silu(gate) * up; both: bfloat16[n, 2 * inner], gate before up; out: bfloat16[n, inner]."""
    rows, inner = out.shape
    for i in range(rows):
        for j in range(inner):
            g = read(both[i, j])
            out[i, j] = round_half(g * read(both[i, inner + j]) / (ONE + exp(-g)))


@kernel
def gate_backward(d_out, both, d_both):
    """Set the gradient of both."""
    rows, inner = d_out.shape
    for i in range(rows):
        for j in range(inner):
            g, up, d = read(both[i, j]), read(both[i, inner + j]), read(d_out[i, j])
            s = ONE / (ONE + exp(-g))
            d_both[i, j] = round_half(d * up * s * (ONE + g * (ONE - s)))
            d_both[i, inner + j] = round_half(d * g * s)


@kernel
def split_heads(mixed, cos, sin, parts):
    """Set queries, keys (both turned by their rotary angles) and values, head by head.

    mixed: bfloat16[batch, time, 3, heads, head]. cos, sin: float32[time, head / 2].
    parts: bfloat16[3, batch, heads, time, head].
    """
    batch, time, _, heads, head = mixed.shape
    half = head // 2
    for b in range(batch):
        for t in range(time):
            for h in range(heads):
                for part in range(2):
                    for j in range(half):
                        x, y = read(mixed[b, t, part, h, j]), read(mixed[b, t, part, h, half + j])
                        parts[part, b, h, t, j] = round_half(x * cos[t, j] - y * sin[t, j])
                        parts[part, b, h, t, half + j] = round_half(y * cos[t, j] + x * sin[t, j])
                for j in range(head):
                    parts[2, b, h, t, j] = mixed[b, t, 2, h, j]


@kernel
def join_heads(parts, cos, sin, mixed):
    """Undo `split_heads`, turning back: its derivative, for a rotation's transpose is its inverse."""
    batch, time, _, heads, head = mixed.shape
    half = head // 2
    for b in range(batch):
        for t in range(time):
            for h in range(heads):
                for part in range(2):
                    for j in range(half):
                        x, y = read(parts[part, b, h, t, j]), read(parts[part, b, h, t, half + j])
                        mixed[b, t, part, h, j] = round_half(x * cos[t, j] + y * sin[t, j])
                        mixed[b, t, part, h, half + j] = round_half(y * cos[t, j] - x * sin[t, j])
                for j in range(head):
                    mixed[b, t, 2, h, j] = parts[2, b, h, t, j]


@kernel
def weigh(scores, scale):
    """Replace scores by the softmax of scale * scores over the keys not after the query; later ones get 0.

    scores: bfloat16[n, queries, keys]; the last query is beside the last key.
    """
    number, queries, keys = scores.shape
    row = np.empty(keys, np.float32)
    for n in range(number):
        for i in range(queries):
            seen = keys - queries + i + 1
            most = f4(-3e38)
            for j in range(seen):
                most = max(most, read(scores[n, i, j]))
            total = f4(0)
            for j in range(seen):
                row[j] = exp((read(scores[n, i, j]) - most) * scale)
                total += row[j]
            share = ONE / total
            for j in range(seen):
                scores[n, i, j] = round_half(row[j] * share)
            for j in range(seen, keys):
                scores[n, i, j] = _u2(0)


@kernel
def weigh_backward(weights, d_weights, scale):
    """Replace d_weights by the gradient of the scores; both bfloat16[n, queries, keys], as in `weigh`."""
    number, queries, keys = weights.shape
    for n in range(number):
        for i in range(queries):
            seen = keys - queries + i + 1
            along = f4(0)
            for j in range(seen):
                along += read(weights[n, i, j]) * read(d_weights[n, i, j])
            for j in range(seen):
                slope = read(d_weights[n, i, j]) - along
                d_weights[n, i, j] = round_half(read(weights[n, i, j]) * slope * scale)
            for j in range(seen, keys):
                d_weights[n, i, j] = _u2(0)


@kernel
def measure_nats(logits, targets, nats, sums):
    """Set the nats of each target, and the logarithm of the sum of exponentials of each row.

    logits: bfloat16[n, symbols]. targets: int64[n]. nats, sums: float32[n].
    """
    rows, symbols = logits.shape
    for i in range(rows):
        most = f4(-3e38)
        for j in range(symbols):
            most = max(most, read(logits[i, j]))
        total = f4(0)
        for j in range(symbols):
            total += exp(read(logits[i, j]) - most)
        sums[i] = most + np.log(total)
        nats[i] = sums[i] - read(logits[i, targets[i]])


@kernel
def measure_nats_backward(d_nats, logits, targets, sums, d_logits):
    """Set the gradient of the logits: d_nats * (softmax - one at the target)."""
    rows, symbols = logits.shape
    for i in range(rows):
        for j in range(symbols):
            d_logits[i, j] = round_half(d_nats[i] * exp(read(logits[i, j]) - sums[i]))
        j = targets[i]
        d_logits[i, j] = round_half(d_nats[i] * (exp(read(logits[i, j]) - sums[i]) - ONE))
