"""The match model: follow the last place where the present context occurred.

Invariant: a pointer is followed only while it predicts right, and points to bytes
already coded.
"""

import numpy as np

from multum.bits.kernels import part

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
def find_match(buf, pos, heads, m, h, shortest, pointer, length):
    """Return (pointer, length) of the match to follow at pos; length 0 when there is none.

    heads: int32[matches, 2**bits], the last position of each hash; h: hash of the last
    `shortest` bytes. pointer, length: what was followed at pos - 1.
    """
    slot = h & (heads.shape[1] - 1)
    if length > 0 and buf[pointer] == buf[pos - 1]:
        length = min(length + 1, LONGEST)
        pointer += 1
    else:
        length = np.int64(0)
    if length == 0:
        pointer = np.int64(heads[m, slot])
        if pointer > 0:
            while length < COMPARED and length < pointer and buf[pointer - 1 - length] == buf[pos - 1 - length]:
                length += 1
            if length < shortest:
                length = np.int64(0)
    heads[m, slot] = pos
    return pointer, length
