"""A generator is a decompressor: any bytes are the code of some data, and that data has these bytes as its code.

Invariant: condense(expand(code)) == code, but for zeros at its end, which every code goes on with anyway.
That is why no byte is asked for in one bit here: a byte could come both ways, and one code would be of nothing.
"""

from dataclasses import replace

import numpy as np

from multum.errors import UsageError
from multum.mixing.engine import MARGIN
from multum.mixing.network import prime, run_recipe
from multum.mixing.recipe import Recipe

# What a decoder reads before the first bit.
_START_BYTES = 4
_BEYOND = b"\xff" * _START_BYTES


def condense(data: bytes, recipe: Recipe, prompt: bytes = b"") -> bytes:
    """Return the shortest code of `data` under the network of `recipe` once it has learnt `prompt`."""
    recipe = replace(recipe, sure_length=0)
    code = np.zeros(2 * len(data) + MARGIN, np.uint8)
    end = run_recipe(False, prime(recipe, prompt + data), len(data), code, recipe, None)
    return code[:end].tobytes()


def expand(code: bytes, recipe: Recipe, prompt: bytes = b"", *, size_bytes: int | None, most_bytes: int) -> bytes:
    """Return what `code` decodes to under the network of `recipe` once it has learnt `prompt`.

    size_bytes: of the data; None for as few bytes as tell the code from all others of its length.
    most_bytes: bound of these. Raises UsageError for code that no data has, or when that bound is too low.
    """
    if code.startswith(_BEYOND):
        raise UsageError("bits that begin with 32 ones are the code of nothing; give others")
    recipe = replace(recipe, sure_length=0)
    size = 4 * len(code) if size_bytes is None else size_bytes
    while True:
        data, used_up = _expand_some(code, min(size, most_bytes), recipe, prompt)
        if size_bytes is not None:
            return data
        if used_up is not None:
            return data[:used_up]
        if size >= most_bytes:
            raise UsageError(f"{len(code)} bytes of bits make more than {most_bytes:,} bytes of data; say how many")
        size *= 4


def _expand_some(code: bytes, size: int, recipe: Recipe, prompt: bytes) -> tuple[bytes, int | None]:
    """Return (`size` bytes that `code` decodes to, how many of them use it up or None)."""
    trace = np.zeros(size + 1, np.int64)
    buf = prime(recipe, prompt + bytes(size))
    run_recipe(True, buf, size, np.frombuffer(code, np.uint8).copy(), recipe, None, trace=trace)
    read_bytes = trace >> 32  # before each byte, and after all
    used_up = int(np.searchsorted(read_bytes, len(code) + _START_BYTES))
    return buf[len(buf) - size :].tobytes(), used_up if used_up <= size else None
