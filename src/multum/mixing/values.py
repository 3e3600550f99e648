"""Numbers of one or two bytes in binary data, and what a predicted one says about a byte of it."""

import numpy as np

from multum.bits.kernels import part


@part
def value_at(buf, pos, width, big):
    """Return the unsigned field of one or two bytes at pos, 0 before the start."""
    if pos < 0:
        return np.int64(0)
    if width == 1:
        return np.int64(buf[pos])
    if big:
        return (np.int64(buf[pos]) << 8) | np.int64(buf[pos + 1])
    return np.int64(buf[pos]) | (np.int64(buf[pos + 1]) << 8)


@part
def remainder(value, phase, width, big, known):
    """Return what the predicted `value` says about the byte at `phase`, given the field's `known` first byte."""
    if width == 1:
        return min(max(value, 0), 255)
    value = min(max(value, 0), 65535)
    if big:
        if phase == 0:
            return value >> 6
        return 1024 + min(max(value - (known << 8), -64), 319)
    if phase == 0:
        return value & 255
    return 1024 + ((value - known + 128) >> 8)
