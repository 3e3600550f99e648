"""The table of bit histories: 16-byte slots, one for each nibble of each context.

A slot is a check byte and the histories of a nibble's 15 nodes (node 1 is its root,
then 2-3, 4-7, 8-15). Invariant: a lookup touches one 64-byte line.
"""

import numpy as np

from multum.bits.kernels import part

SLOT_BYTES = 16


@part
def slot_index(h, mask):
    """Return the number of the first of the three slots that may hold hash h."""
    return (h >> 8) & mask


@part
def find_slot(slots, h, mask):
    """Return the offset of the slot of h, claiming the least seen of three neighbours when it is absent."""
    check = np.uint8(h & 255)
    i = np.uint64((h >> 8) & mask)
    first = i << np.uint64(4)
    if slots[first] == check:
        return np.int64(first)
    second = (i ^ np.uint64(1)) << np.uint64(4)
    if slots[second] == check:
        return np.int64(second)
    third = (i ^ np.uint64(2)) << np.uint64(4)
    if slots[third] == check:
        return np.int64(third)
    root = np.uint64(1)
    if slots[first + root] > slots[second + root]:
        first = second
    if slots[first + root] > slots[third + root]:
        first = third
    for k in range(SLOT_BYTES):
        slots[first + np.uint64(k)] = 0
    slots[first] = check
    return np.int64(first)
