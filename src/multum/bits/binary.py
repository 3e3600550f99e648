"""The binary arithmetic coder: a 32-bit range, 16-bit probabilities, carries resolved in place.

Invariant: encoder and decoder make the same sequence of (range, bound) for the same
sequence of probabilities and bits. `low` keeps 32 bits and a carry out of it is added
to the bytes already written, which are in memory.
Source: Martin, "Range encoding" (1979); the carry rule is that of Schindler (1998).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from multum.bits.kernels import kernel, part
from multum.errors import UsageError

RANGE_FIRST = (1 << 32) - 1
RANGE_BOTTOM = 1 << 24
FLUSH_BYTES = 4


@part
def add_carry(code: NDArray[np.uint8], end: int) -> None:
    """Add one to the big-endian number code[:end]; the coder guarantees that it does not overflow."""
    k = end - 1
    while code[k] == 255:
        code[k] = 0
        k -= 1
    code[k] += 1


@part
def code_bit(decoding, coding, known, bit, p, code, low, width, value, end):
    """Code or decode one bit whose probability of being one is p / 65536, p in [1, 65535].

    coding: whether the bit is in the code at all. known: whether `bit` is given; else
    it is decoded. Returns (bit, low, width, value, end), the coder's next state.
    """
    bound = (width * p) >> 16
    if not known:
        bit = np.int64(value < bound)
    if coding:
        if bit:
            width = bound
        else:
            width -= bound
            low += bound
            value -= bound
            if low >> 32:
                low &= 0xFFFFFFFF
                if not decoding:
                    add_carry(code, end)
        while width < RANGE_BOTTOM:
            width <<= 8
            if decoding:
                value = (value << 8) | (np.int64(code[end]) if end < code.shape[0] else 0)
            else:
                code[end] = low >> 24
            low = (low & 0xFFFFFF) << 8
            end += 1
    return bit, low, width, value, end


@part
def start_decoding(code):
    """Return (value, end) of a decoder that has read the first bytes of code; zeros follow its end."""
    value = np.int64(0)
    for k in range(FLUSH_BYTES):
        value = (value << 8) | (np.int64(code[k]) if k < code.shape[0] else 0)
    return value, np.int64(FLUSH_BYTES)


@part
def flush(code, end, low, width):
    """Write the shortest code that lies in the coder's interval when zeros follow; return its length.

    The interval is [low, low + width) with width at least RANGE_BOTTOM: one byte more is enough.
    """
    if low + width > 1 << 32:
        add_carry(code, end)
    elif low:
        code[end] = (low + RANGE_BOTTOM - 1) >> 24
        end += 1
    while end > 0 and code[end - 1] == 0:
        end -= 1
    return end


@kernel
def _encode_bits(bits, probabilities, code):
    low, width, value, end = np.int64(0), np.int64(RANGE_FIRST), np.int64(0), np.int64(0)
    for i in range(bits.shape[0]):
        _, low, width, value, end = code_bit(
            False, True, True, np.int64(bits[i]), np.int64(probabilities[i]), code, low, width, value, end
        )
    return flush(code, end, low, width)


@kernel
def _decode_bits(code, probabilities, bits):
    low, width = np.int64(0), np.int64(RANGE_FIRST)
    value, end = start_decoding(code)
    for i in range(bits.shape[0]):
        bit, low, width, value, end = code_bit(
            True, True, False, np.int64(0), np.int64(probabilities[i]), code, low, width, value, end
        )
        bits[i] = bit
    return end


def _check_probabilities(probabilities: ArrayLike) -> NDArray[np.int64]:
    found = np.asarray(probabilities)
    if found.ndim != 1 or (found.size and (found.dtype.kind not in "iu" or found.min() < 1 or found.max() > 65535)):
        raise UsageError("probabilities are a list of whole numbers from 1 to 65535, of 65536")
    return found.astype(np.int64)


def encode_bits(bits: ArrayLike, probabilities: ArrayLike) -> bytes:
    """Return `bits` coded, each under its probability of being one.

    bits: [n], 0 or 1. probabilities: [n], of 65536, in [1, 65535].
    Cost: at most their information content, 0.01 % of it, and a byte.
    Raises UsageError.
    """
    p = _check_probabilities(probabilities)
    found = np.asarray(bits)
    if found.shape != p.shape or not np.isin(found, (0, 1)).all():
        raise UsageError(f"bits are 0 or 1, as many as probabilities ({len(p)})")
    code = np.zeros(2 * len(p) + 2 * FLUSH_BYTES, np.uint8)  # 16 bits a bit at most
    return code[: _encode_bits(found.astype(np.uint8), p, code)].tobytes()


def decode_bits(code: bytes, probabilities: ArrayLike) -> NDArray[np.uint8]:
    """Return the uint8[n] bits that encode_bits coded under the same probabilities. Raises UsageError."""
    p = _check_probabilities(probabilities)
    bits = np.zeros(len(p), np.uint8)
    _decode_bits(np.frombuffer(code, np.uint8).copy(), p, bits)
    return bits
