"""Elements of a file's bytes, and bits that are written as they are: parts of kernels.

Bits lie in little-endian words of 32 bits, the first bit lowest. A reader or writer of them has two words more
than the bits need.
"""

import numpy as np

from multum.bits.kernels import part

WORD_BITS = 32
SPARE_WORDS = 2
_WORD = 0xFFFFFFFF


@part
def load_element(raw, place, width):
    """Return the little-endian element number `place` of raw, of `width` bytes, as 64 bits."""
    word = np.int64(0)
    for k in range(width):
        word |= np.int64(raw[place * width + k]) << (8 * k)
    return word


@part
def store_element(word, raw, place, width):
    """Write the element number `place` of raw."""
    for k in range(width):
        raw[place * width + k] = (word >> (8 * k)) & 0xFF


@part
def _put_some(value, size, words, at):
    """Write up to 32 bits at bit `at`, where zeros are."""
    value = value << (at & 31)
    words[at >> 5] |= np.uint32(value & _WORD)
    words[(at >> 5) + 1] |= np.uint32((value >> WORD_BITS) & _WORD)
    return at + size


@part
def put_bits(value, size, words, at):
    """Write the `size` bits of value, at most 63, where zeros are; return the bit after them."""
    if size > WORD_BITS:
        at = _put_some(value & _WORD, WORD_BITS, words, at)
        value >>= WORD_BITS
        size -= WORD_BITS
    return _put_some(value, size, words, at)


@part
def _take_some(size, words, at):
    """Return up to 32 bits from bit `at` on."""
    pair = np.int64(words[at >> 5]) | np.int64(words[(at >> 5) + 1]) << WORD_BITS
    return (pair >> (at & 31)) & ((np.int64(1) << size) - 1)


@part
def take_bits(size, words, at):
    """Return (value, the bit after it) of `size` bits, at most 63."""
    if size > WORD_BITS:
        value = _take_some(WORD_BITS, words, at)
        value |= _take_some(size - WORD_BITS, words, at + WORD_BITS) << WORD_BITS
    else:
        value = _take_some(size, words, at)
    return value, at + size
