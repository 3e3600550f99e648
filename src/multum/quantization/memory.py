"""Memory that is given back: what thousands of tensors leave behind is most of what a large network takes."""

import ctypes
import sys


def give_back_memory() -> None:
    """Let the C library return freed memory to the system, where it has a way to; glibc keeps it otherwise."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
