"""Arrays that begin on a cache line of their own.

A lookup of a few neighbours then touches one line, and no two threads write to one line, which would make each wait
for the other at every bit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Processors fetch lines of 64 bytes, some of them in pairs.
LINE_BYTES = 128


def filled(size: int, value: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Return [size] equal values; nothing else lies on their first and last cache lines."""
    size_bytes = size * np.dtype(dtype).itemsize
    raw = np.zeros(size_bytes + 2 * LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % LINE_BYTES
    table = raw[start : start + size_bytes].view(dtype)
    if value:
        table[:] = value
    return table


def placed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of the flat `array`; nothing else lies on its first and last cache lines."""
    table = filled(array.size, 0, array.dtype.type)
    table[:] = array
    return table
