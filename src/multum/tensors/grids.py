"""A matrix whose values lie on a grid: whole numbers, and a step for each row and column.

Invariant: what the values are follows from the whole numbers alone: steps come from a table that integers made,
and the values from elementwise multiplications and roundings, which are the same on every machine.
multum.tensors.grid_coding makes bytes of it.
"""

from dataclasses import dataclass
from functools import cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError

# What a value takes in the file, in bytes.
WIDTHS = {"F32": 4, "BF16": 2, "F16": 2}
FINEST = 8
# Steps lie in 2**-48 to 2**48, so that no value of a grid is infinite in float32 or bfloat16.
STEP_OCTAVES = 48
_MANTISSA_BITS = 24
_CHUNK_VALUES = 1 << 16  # intermediate results stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Grid:
    """value[r, c] = dtype(float32(codes[r, c]) * (step(rows[r]) * step(columns[c]))), each rounded to nearest even.

    codes: int16[rows, columns], a tensor of any shape as [shape[0], rest]. rows: int16[rows]; columns: int16[columns]:
    exponents, the step of exponent e being 2 ** (e / 2**fine) in float32. fine: 0 to FINEST. dtype: one of WIDTHS.
    Raises UsageError.
    """

    codes: NDArray[np.int16]
    rows: NDArray[np.int16]
    columns: NDArray[np.int16]
    fine: int
    dtype: str

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape != (len(self.rows), len(self.columns)):
            raise UsageError(
                f"a grid of {self.codes.shape} codes has {len(self.rows)} rows and {len(self.columns)} columns"
            )
        if any(part.dtype != np.int16 for part in (self.codes, self.rows, self.columns)):
            raise UsageError("the codes and exponents of a grid are int16")
        if self.dtype not in WIDTHS or not 0 <= self.fine <= FINEST:
            raise UsageError(
                f"a grid is {', '.join(WIDTHS)} with 0 to {FINEST} bits of an octave, not {self.dtype}, {self.fine}"
            )
        for exponents in (self.rows, self.columns):
            if exponents.size and int(np.abs(exponents.astype(np.int32)).max()) > STEP_OCTAVES << self.fine:
                raise UsageError(
                    f"steps lie within {STEP_OCTAVES} octaves of 1: exponents within {STEP_OCTAVES << self.fine}"
                )

    def cut(self, start: int, stop: int) -> "Grid":
        """Return the grid of rows start to stop."""
        return Grid(self.codes[start:stop], self.rows[start:stop], self.columns, self.fine, self.dtype)

    def values(self) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Return uint16 or uint32[rows, columns]: the values, as the bits that a file has of them."""
        bits = np.empty(self.codes.shape, f"<u{WIDTHS[self.dtype]}")
        rows, columns = read_steps(self.rows, self.fine), read_steps(self.columns, self.fine)
        some = max(1, _CHUNK_VALUES // max(1, len(columns)))
        for first in range(0, len(rows), some):
            part = slice(first, first + some)
            products = self.codes[part].astype(np.float32)
            products *= rows[part, None] * columns
            bits[part] = _round_values(products, self.dtype)
        return bits


def read_steps(exponents: NDArray[np.int16], fine: int) -> NDArray[np.float32]:
    """Return float32[n]: 2 ** (exponent / 2**fine), correctly rounded."""
    wide = exponents.astype(np.int32) << (FINEST - fine)
    steps: NDArray[np.float32] = np.ldexp(_make_roots()[wide & ((1 << FINEST) - 1)], wide >> FINEST)
    return steps


@cache
def _make_roots() -> NDArray[np.float32]:
    """Return float32[256]: 2 ** (k / 256), correctly rounded."""
    guard = 200
    root = 2 << guard
    for _ in range(FINEST):
        root = isqrt(root << guard)
    power, roots = 1 << guard, []
    for _ in range(1 << FINEST):
        roots.append(((power >> (guard - _MANTISSA_BITS)) + 1) >> 1)
        power = power * root >> guard
    return np.ldexp(np.array(roots, np.float32), 1 - _MANTISSA_BITS)


def _round_values(values: NDArray[np.float32], dtype: str) -> NDArray[np.uint16] | NDArray[np.uint32]:
    if dtype == "F32":
        return values.view(np.uint32)
    if dtype == "F16":
        with np.errstate(over="ignore", under="ignore"):  # beyond its range float16 is infinite
            return values.astype(np.float16).view(np.uint16)
    words = values.view(np.uint32)
    # half of the last place kept, less one where that place is even: ties go to even
    words += ((words >> 16) & 1) + 0x7FFF
    return (words >> 16).astype(np.uint16)
