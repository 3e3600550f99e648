"""Reversible changes of a block that make it easier to predict.

A transform is named by one byte in the archive. Invariant: invert(t, apply(t, data))
is data for every t and all data; the packer checks it all the same.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel
from multum.errors import FormatError

X86 = 1


@kernel
def shift_addresses(buf: NDArray[np.uint8], sign: int) -> int:
    """Add (sign 1) or take away (-1) its position from the 24-bit distance of every near call and jump.

    A call is E8 or E9 whose fourth byte after is 00 or FF. Each step leaves alone the two bytes that decide it, and
    the two signs take the steps in opposite orders, so one undoes the other exactly. Returns how many calls there were.
    """
    calls = 0
    last = buf.shape[0] - 5
    for k in range(last + 1):
        i = last - k if sign > 0 else k
        if buf[i] & 0xFE == 0xE8 and (buf[i + 4] == 0 or buf[i + 4] == 255):
            distance = np.int64(buf[i + 1]) | np.int64(buf[i + 2]) << 8 | np.int64(buf[i + 3]) << 16
            distance = (distance + sign * i) & 0xFFFFFF
            buf[i + 1] = distance & 255
            buf[i + 2] = (distance >> 8) & 255
            buf[i + 3] = distance >> 16
            calls += 1
    return calls


def _x86(data: bytes, sign: int) -> bytes:
    buf = np.frombuffer(data, np.uint8).copy()
    shift_addresses(buf, sign)
    return buf.tobytes()


# Of each number, the pair (apply, invert).
_TRANSFORMS: dict[int, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    X86: (lambda data: _x86(data, 1), lambda data: _x86(data, -1)),
}


def apply_transforms(names: bytes, data: bytes) -> bytes:
    """Return `data` after the transforms named by `names`, first to last."""
    for name in names:
        data = _TRANSFORMS[name][0](data)
    return data


def invert_transforms(names: bytes, data: bytes) -> bytes:
    """Return what apply_transforms made `data` from. Raises FormatError for a name it does not know."""
    check_transforms(names)
    for name in reversed(names):
        data = _TRANSFORMS[name][1](data)
    return data


def check_transforms(names: bytes) -> None:
    """Raise FormatError unless every name is known."""
    for name in names:
        if name not in _TRANSFORMS:
            raise FormatError(f"block uses transform {name}; this version knows {sorted(_TRANSFORMS)}; upgrade multum")


def undoable(names: bytes, data: bytes) -> bytes:
    """Return `names` where inverting undoes them exactly on `data`, else b""."""
    if names and invert_transforms(names, apply_transforms(names, data)) != data:
        return b""
    return names
