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
    four = np.uint64(4)
    i = np.uint64((h >> 8) & mask)
    first, second, third = i << four, (i ^ np.uint64(1)) << four, (i ^ np.uint64(2)) << four
    # which of them holds it is a coin toss: chosen without a branch, only its absence is one
    found = third
    found = second if slots[second] == check else found
    found = first if slots[first] == check else found
    if slots[found] == check:
        return np.int64(found)
    root = np.uint64(1)
    least = first if slots[first + root] <= slots[second + root] else second
    least = least if slots[least + root] <= slots[third + root] else third
    for k in range(SLOT_BYTES):
        slots[least + np.uint64(k)] = 0
    slots[least] = check
    return np.int64(least)
