"""Rows of numbers as 16-bit integers with a scale each, and products of such rows with matrices.

A quantized row stands for q * m * 2**e: q int16 of at most the matrix's `reach`, so that no sum of products
leaves 32 bits; the scale has a mantissa m in [2**30, 2**31) and an exponent e. A row of fixed-point numbers is
int32, clipped to +-2**30. Invariant: every rounding is that of an integer shift or division, so that a row's
values depend on its own inputs only, not on the rows beside it nor on the order of sums.
"""

import numpy as np

from multum.bits.kernels import part, routine
from multum.bits.vectors import multiply_1_by_1, multiply_1_by_4, multiply_1_by_8, multiply_4_by_1, multiply_4_by_4

# Bounds of a fixed-point number; and of the numbers whose squares a norm sums.
LIMIT = (1 << 30) - 1
_SQUARE_BITS = 23
# A matrix's scales have 16 bits, and so many are dropped after they are applied.
SCALE_BITS = 16


@part
def bit_length(x):
    """Return the bits of x >= 0."""
    n = np.int64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if x >> step:
            x >>= step
            n += step
    return n + (x > 0)


@routine
def root(x):
    """Return floor(sqrt(x)) for 0 <= x < 2**62, by Newton's method from above."""
    r = np.int64(1) << ((bit_length(x) + 1) >> 1)
    while True:
        better = (r + x // r) >> 1 if r else np.int64(0)
        if better >= r:
            return r
        r = better


@part
def normalise(m, e):
    """Return the scale (m, e), m > 0, with m in [2**30, 2**31)."""
    over = bit_length(m) - 31
    return (m >> over if over > 0 else m << -over), e + over


@routine
def quantize(values, reach, q):
    """Write the row `values` (int64) to q (int16) as integers up to +-reach; return its scale (m, e).

    A row of zeros has the smallest scale there is.
    """
    n = values.shape[0]
    most = np.int64(0)
    for i in range(n):
        most = max(most, abs(values[i]))
    if most == 0:
        q[:n] = 0
        return np.int64(1) << 30, np.int64(-62)
    over = bit_length(most) - 30
    right, left = max(over, 0), max(-over, 0)
    inverse = (reach << 45) // (((most >> right) << left) + 1)  # below 2**31
    for i in range(n):
        scaled = np.int64(np.int32((values[i] >> right) << left))
        q[i] = np.int16((scaled * np.int64(np.int32(inverse)) + (1 << 44)) >> 45)
    return normalise((np.int64(1) << 61) // inverse, over - 16)


@routine
def normalise_row(row, gains, down, epsilon, reach, values, q):
    """Quantize row * gains / sqrt(mean(row**2) + epsilon); return the scale (m, e).

    row: int32 fixed point. gains: int32 below 2**15 in units of 2**-down. epsilon: in squared units of
    the row, 16 fraction bits. values: int64 scratch as long as the row.
    Source: Zhang & Sennrich 2019 (RMSNorm).
    """
    n = row.shape[0]
    most = np.int64(0)
    for i in range(n):
        most = max(most, abs(np.int64(row[i])))
    over = max(bit_length(most) - _SQUARE_BITS, -8)
    right, left = max(over, 0), max(-over, 0)
    total = np.int64(0)
    for i in range(n):
        x = np.int64(np.int32((np.int64(row[i]) >> right) << left))
        total += x * x
        values[i] = x * np.int64(gains[i])
    mean = total // n + (epsilon >> (16 + 2 * over)) + 1
    up = (61 - bit_length(mean)) >> 1
    m, e = quantize(values[:n], reach, q)
    return normalise((m << 30) // root(mean << (2 * up)), e - down + up - 30)


@routine
def multiply(a, a_at, a_step, rows, w, w_at, w_step, pairs, columns, c, c_at, c_step):
    """Write c[r, n] = sum of a[r, k] * w[k, n] for `rows` rows and `columns` columns, a multiple of 16; see vectors."""
    r = np.int64(0)
    while r + 4 <= rows:
        n = np.int64(0)
        while n + 64 <= columns:
            multiply_4_by_4(
                a, a_at + r * a_step, a_step, w, w_at + 2 * n, w_step, pairs, c, c_at + r * c_step + n, c_step
            )
            n += 64
        while n < columns:
            multiply_4_by_1(
                a, a_at + r * a_step, a_step, w, w_at + 2 * n, w_step, pairs, c, c_at + r * c_step + n, c_step
            )
            n += 16
        r += 4
    while r < rows:
        n = np.int64(0)
        while n + 128 <= columns:
            multiply_1_by_8(
                a, a_at + r * a_step, a_step, w, w_at + 2 * n, w_step, pairs, c, c_at + r * c_step + n, c_step
            )
            n += 128
        while n + 64 <= columns:
            multiply_1_by_4(
                a, a_at + r * a_step, a_step, w, w_at + 2 * n, w_step, pairs, c, c_at + r * c_step + n, c_step
            )
            n += 64
        while n < columns:
            multiply_1_by_1(
                a, a_at + r * a_step, a_step, w, w_at + 2 * n, w_step, pairs, c, c_at + r * c_step + n, c_step
            )
            n += 16
        r += 1


@routine
def rescale(sums, scales, m, e, down, out, adding):
    """Write (or add) the fixed-point numbers that integer sums stand for.

    sums: int32[n] of a row with scale (m, e). scales: int32[n] below 2**16, of the columns. down: bits by which
    the matrix's scales and the fixed point are apart. out: int32[n].
    """
    shift = min(max(down - e, 1), 62)
    half = np.int64(1) << (shift - 1)
    factor = np.int64(np.int32(m))
    for i in range(out.shape[0]):
        scaled = (np.int64(sums[i]) * np.int64(scales[i])) >> SCALE_BITS
        value = (np.int64(np.int32(scaled)) * factor + half) >> shift
        if adding:
            value += np.int64(out[i])
        out[i] = np.int32(min(max(value, -LIMIT), LIMIT))
