"""Powers of two, sigmoids, waves and the odds of bits, in integers.

Logarithms are base two and carried in units of 2**-16 bit; powers, sigmoids and waves have 30 fraction bits.
Invariant: everything here is integer arithmetic, so that every machine has the same values.
"""

import numpy as np

from multum.bits.kernels import part

ONE = 1 << 30


@part
def exp2_fixed(x):
    """Return 2**(x / 2**16) with 30 fraction bits, for x <= 0; within 2e-7 of its value.

    The coefficients are those of 2**t for t in [0, 1) at six Chebyshev nodes.
    """
    t = np.int64(x) & 65535
    p = 9609550 + ((2033403 * t) >> 16)
    p = 59979580 + ((p * t) >> 16)
    p = 257850314 + ((p * t) >> 16)
    p = 744268966 + ((p * t) >> 16)
    p = 1073741715 + ((p * t) >> 16)
    return p >> min(-(np.int64(x) >> 16), 62)


@part
def open_gate(x):
    """Return 1 / (1 + exp(-x / 2**16)) with 30 fraction bits, within 3e-6 of its value.

    1 / (1 + power), for a power of at most one, is a line within 0.043 of it and three steps of Newton's.
    """
    power = exp2_fixed(-((abs(np.int64(x)) * 1549082005) >> 30))  # log2(e) with 30 fraction bits
    share = 1564410010 - ((ONE + power) >> 1)
    for _ in range(3):
        share = (share * ((ONE << 1) - (((ONE + power) * share) >> 30))) >> 30
    return share if x >= 0 else ONE - share


@part
def rise(t):
    """Return sin(pi / 2 * t / 2**30) with 30 fraction bits, for t in [0, 2**30]; within 1e-8.

    The coefficients are those of sin(pi / 2 * t) / t in t squared at five Chebyshev nodes.
    """
    square = (t * t) >> 30
    p = -5018824 + ((162856 * square) >> 30)
    p = 85566398 + ((p * square) >> 30)
    p = -693598305 + ((p * square) >> 30)
    p = 1686629706 + ((p * square) >> 30)
    return (p * t) >> 30


@part
def wave(turn):
    """Return (cosine, sine) of an angle, 30 fraction bits each. turn: the angle in units of 2**-32 turn."""
    quarter = (turn >> 30) & 3
    rest = turn & (ONE - 1)
    up = rise(rest)
    down = rise(ONE - rest)
    if quarter == 0:
        return down, up
    if quarter == 1:
        return -up, down
    if quarter == 2:
        return -down, -up
    return up, -down


@part
def split_bits(logits, row, nodes):
    """Turn one row of byte logits into the probabilities of bits that they imply; the row is used up.

    logits: int32[rows, 256], base two, units of 2**-16 bit. nodes: int32[256]; nodes[n] becomes the chance in
    1..65535 of 65536 that the bit after the bits of the partial byte n (1, then 2 or 3, …) is a one.
    """
    masses = logits[row]
    top = np.int64(masses[0])
    for b in range(256):
        top = max(top, np.int64(masses[b]))
    for b in range(256):
        # 22 bits, so that the sum fits; no byte is impossible
        masses[b] = np.int32((exp2_fixed(np.int64(masses[b]) - top) >> 8) + 1)
    count = 128
    while count:
        for n in range(count):
            left, right = np.int64(masses[2 * n]), np.int64(masses[2 * n + 1])
            nodes[count + n] = np.int32(min(max((right << 16) // (left + right), 1), 65535))
            masses[n] = np.int32(left + right)
        count >>= 1
