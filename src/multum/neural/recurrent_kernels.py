"""The steps of a recurrent layer, each in one pass over bfloat16 activations on a CPU; the state is float32.

A window is gone through byte by byte, as inference will: the state of a head is a small matrix that stays in a core's
nearest cache. Backwards the states are needed again; they are kept at every STRIDE-th byte and made anew in between.
`recurrent_functions` has their place in autograd, and their definition in PyTorch's operations.
"""

import numpy as np

from multum.neural.lean_kernels import ONE, exp, f4, kernel, read, round_half

STRIDE = 16


@kernel
def convolve(x, weight, bias, out):
    """Set out = silu(sum over k of weight[k] * x[t - taps + 1 + k] + bias); x and out: bfloat16[batch, time, channels].

    weight: float32[taps, channels]. bias: float32[channels].
    """
    batch, time, channels = x.shape
    taps = weight.shape[0]
    row = np.empty(channels, np.float32)
    for b in range(batch):
        for t in range(time):
            for c in range(channels):
                row[c] = bias[c]
            for k in range(max(0, taps - 1 - t), taps):
                for c in range(channels):
                    row[c] += weight[k, c] * read(x[b, t - taps + 1 + k, c])
            for c in range(channels):
                out[b, t, c] = round_half(row[c] / (ONE + exp(-row[c])))


@kernel
def convolve_backward(d_out, x, weight, bias, d_x, d_weight, d_bias):
    """Add to the gradients d_x (float32, zero at first), d_weight and d_bias."""
    batch, time, channels = x.shape
    taps = weight.shape[0]
    row = np.empty(channels, np.float32)
    for b in range(batch):
        for t in range(time):
            first = max(0, taps - 1 - t)
            for c in range(channels):
                row[c] = bias[c]
            for k in range(first, taps):
                for c in range(channels):
                    row[c] += weight[k, c] * read(x[b, t - taps + 1 + k, c])
            for c in range(channels):
                s = ONE / (ONE + exp(-row[c]))
                row[c] = read(d_out[b, t, c]) * s * (ONE + row[c] * (ONE - s))
                d_bias[c] += row[c]
            for k in range(first, taps):
                for c in range(channels):
                    d_weight[k, c] += row[c] * read(x[b, t - taps + 1 + k, c])
                    d_x[b, t - taps + 1 + k, c] += row[c] * weight[k, c]


@kernel
def scan(mixed, steps, decays, skip, out, kept):
    """Go through every window: state = decay * state + step * input x, and out = state read by output + skip * x.

    mixed: bfloat16[batch, time, heads * head + 2 * size]: x of all heads, then the vectors by which all heads write
    ("input") and read ("output"). steps, decays: float32[batch, time, heads]. skip: float32[heads].
    out: bfloat16[batch, time, heads * head]. kept: float32[batch, heads, ceil(time / STRIDE), size, head], the state
    before every STRIDE-th byte.
    """
    batch, time, heads = steps.shape
    size, head = kept.shape[3], kept.shape[4]
    inner = heads * head
    x, y = np.empty(head, np.float32), np.empty(head, np.float32)
    for b in range(batch):
        for h in range(heads):
            state = np.zeros((size, head), np.float32)
            for t in range(time):
                if t % STRIDE == 0:
                    kept[b, h, t // STRIDE] = state
                decay, step = decays[b, t, h], steps[b, t, h]
                for p in range(head):
                    x[p] = read(mixed[b, t, h * head + p])
                    y[p] = skip[h] * x[p]
                    x[p] *= step
                for n in range(size):
                    write, look = read(mixed[b, t, inner + n]), read(mixed[b, t, inner + size + n])
                    for p in range(head):
                        state[n, p] = decay * state[n, p] + write * x[p]
                        y[p] += look * state[n, p]
                for p in range(head):
                    out[b, t, h * head + p] = round_half(y[p])


@kernel
def scan_backward(d_out, mixed, steps, decays, skip, kept, d_mixed, d_steps, d_decays, d_skip):
    """Set the gradients of `scan`; d_mixed: float32, zero at first; d_skip is added to.

    With g the gradient of the state after a byte: g += read * d_out, then write, x and decay get theirs, then
    g *= decay.
    """
    batch, time, heads = steps.shape
    size, head = kept.shape[3], kept.shape[4]
    inner = heads * head
    states = np.empty((STRIDE + 1, size, head), np.float32)
    x, dx, dy = np.empty(head, np.float32), np.empty(head, np.float32), np.empty(head, np.float32)
    for b in range(batch):
        for h in range(heads):
            g = np.zeros((size, head), np.float32)
            for block in range(kept.shape[2] - 1, -1, -1):
                start = block * STRIDE
                stop = min(start + STRIDE, time)
                states[0] = kept[b, h, block]
                for t in range(start, stop):
                    decay, step = decays[b, t, h], steps[b, t, h]
                    for p in range(head):
                        x[p] = step * read(mixed[b, t, h * head + p])
                    for n in range(size):
                        write = read(mixed[b, t, inner + n])
                        for p in range(head):
                            states[t - start + 1, n, p] = decay * states[t - start, n, p] + write * x[p]
                for t in range(stop - 1, start - 1, -1):
                    decay, step = decays[b, t, h], steps[b, t, h]
                    before, after = states[t - start], states[t - start + 1]
                    for p in range(head):
                        x[p] = read(mixed[b, t, h * head + p])
                        dy[p] = read(d_out[b, t, h * head + p])
                        dx[p] = f4(0)
                    d_decay = f4(0)
                    for n in range(size):
                        write, look = read(mixed[b, t, inner + n]), read(mixed[b, t, inner + size + n])
                        d_write, d_look = f4(0), f4(0)
                        for p in range(head):
                            d_look += after[n, p] * dy[p]
                            slope = g[n, p] + look * dy[p]
                            d_write += slope * x[p]
                            dx[p] += slope * write
                            d_decay += slope * before[n, p]
                            g[n, p] = decay * slope
                        d_mixed[b, t, inner + n] += d_write * step
                        d_mixed[b, t, inner + size + n] += d_look
                    d_step, d_pass = f4(0), f4(0)
                    for p in range(head):
                        d_step += dx[p] * x[p]
                        d_pass += dy[p] * x[p]
                        d_mixed[b, t, h * head + p] = dx[p] * step + dy[p] * skip[h]
                    d_steps[b, t, h], d_decays[b, t, h] = d_step, d_decay
                    d_skip[h] += d_pass


@kernel
def gate_and_norm(x, gates, weight, eps, out, inverse):
    """Set out = v / rms(v) * weight with v = x * silu(gates), and inverse = 1 / rms; bfloat16[n, width]."""
    rows, width = x.shape
    row = np.empty(width, np.float32)
    for i in range(rows):
        squares = f4(0)
        for j in range(width):
            g = read(gates[i, j])
            row[j] = read(x[i, j]) * g / (ONE + exp(-g))
            squares += row[j] * row[j]
        scale = ONE / np.sqrt(squares / f4(width) + eps)
        inverse[i] = scale
        for j in range(width):
            out[i, j] = round_half(row[j] * scale * weight[j])


@kernel
def gate_and_norm_backward(d_out, x, gates, weight, inverse, d_x, d_gates, d_weight):
    """Set the gradients of x and gates, and add to that of the weight."""
    rows, width = x.shape
    row, d_row = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(rows):
        scale, along = inverse[i], f4(0)
        for j in range(width):
            g, d = read(gates[i, j]), read(d_out[i, j])
            row[j] = read(x[i, j]) * g / (ONE + exp(-g)) * scale
            d_weight[j] += d * row[j]
            d_row[j] = d * weight[j]
            along += d_row[j] * row[j]
        along /= f4(width)
        for j in range(width):
            d = scale * (d_row[j] - row[j] * along)
            g = read(gates[i, j])
            s = ONE / (ONE + exp(-g))
            d_x[i, j] = round_half(d * g * s)
            d_gates[i, j] = round_half(d * read(x[i, j]) * s * (ONE + g * (ONE - s)))
