"""The match model: follow the last place where the present context occurred.

Invariant: a pointer is followed only while it predicts right, and points to bytes
already coded.
"""

import numpy as np

from multum.bits.kernels import part, prefetch
from multum.mixing.features import mix

CLASSES = 32
LONGEST = 65535
# A candidate is compared this far back; longer matches grow as they predict.
COMPARED = 600


@part
def length_class(n):
    """Return 0..31 for a match length: exact to 15, then in steps that double."""
    if n < 16:
        return n
    if n < 32:
        return 16 + ((n - 16) >> 2)
    if n < 64:
        return 20 + ((n - 32) >> 3)
    if n < 512:
        return 24 + ((n - 64) >> 6)
    return 31


@part
def head_line(heads, m, h, upper, waiting):
    """Return where the sixteen candidates lie whose last byte has these upper four bits, one a lower half.

    heads: int32[matches, 2**bits], the last position of each context; h: hash of the bytes before
    the last. waiting: whether to ask for them, which is why the line is known half a byte early.
    """
    line = ((mix(h, upper) >> 8) & (heads.shape[1] - 1)) & -16
    if waiting:
        prefetch(heads, m * heads.shape[1] + line)
    return line


@part
def follow_match(buf, pos, pointer, length):
    """Return (pointer, length) one byte on when the match was right about the last byte, else length 0."""
    if length > 0 and buf[pointer] == buf[pos - 1]:
        return pointer + 1, min(length + 1, LONGEST)
    return pointer, np.int64(0)


@part
def seek_match(buf, pos, heads, m, line, pointer, length):
    """Return the pointer to follow: as it is, or a candidate's when length is 0; note pos for later."""
    at = line | (np.int64(buf[pos - 1]) & 15)
    if length == 0:
        pointer = np.int64(heads[m, at])
        prefetch(buf, pointer)
    heads[m, at] = pos
    return pointer


@part
def measure_match(buf, pos, shortest, pointer):
    """Return how many bytes before pos and the candidate agree, 0 when fewer than `shortest` do."""
    length = np.int64(0)
    while length < COMPARED and length < pointer and buf[pointer - 1 - length] == buf[pos - 1 - length]:
        length += 1
    return length if length >= shortest else np.int64(0)
