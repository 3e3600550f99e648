"""How large the elements of each row and column of a matrix are, in parts of an octave.

Levels decide how many bits a matrix takes and never whether it comes back; they are made of whole numbers alone,
so that every machine finds the same.
Source: the additive fit of a two-way table, Tukey, "Exploratory Data Analysis" (1977), with means.
"""

import numpy as np
from numpy.typing import NDArray

# Logarithms have this many bits of fraction: those of a mantissa, which is nearly its own logarithm.
LOG_BITS = 5
# A level costs a few bits and is itself uncertain: fewer elements than this share one.
FEWEST = 32


def measure_logarithms(raw: NDArray[np.uint8], width: int, mantissa: int) -> NDArray[np.int32]:
    """Return int32[n]: exponent and first bits of the mantissa of each element of `raw`; -1 for zeros.

    raw: elements of `width` bytes, little-endian, `mantissa` bits of mantissa each.
    """
    words = raw.view(f"<u{width}")
    magnitudes = words & np.array((1 << (8 * width - 1)) - 1, words.dtype)
    shift = mantissa - LOG_BITS
    scaled = magnitudes >> np.array(shift, words.dtype) if shift >= 0 else magnitudes.astype(np.int32) << -shift
    return np.where(magnitudes == 0, np.int32(-1), scaled.astype(np.int32))


def fit_levels(logarithms: NDArray[np.int32], fraction: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (int64[rows], int64[columns]): levels in 2**-fraction octaves whose sums say how large elements are.

    logarithms: int32[rows, columns], of measure_logarithms. All rows have one level where a row is shorter than
    FEWEST, and so have columns.
    """
    known = logarithms >= 0
    unit = LOG_BITS - fraction
    values = np.where(known, logarithms, 0)
    middle = int(values.sum(dtype=np.int64)) // max(int(known.sum()), 1)
    rows = np.full(values.shape[0], middle >> unit, np.int64)
    columns = np.zeros(values.shape[1], np.int64)
    if values.shape[1] >= FEWEST:
        rows = _mean(values.sum(axis=1, dtype=np.int64), known.sum(axis=1), middle, unit)
    if values.shape[0] >= FEWEST:
        over = values.sum(axis=0, dtype=np.int64) - (rows << unit) @ known
        columns = _mean(over, known.sum(axis=0), 0, unit)
        if values.shape[1] >= FEWEST:
            over = values.sum(axis=1, dtype=np.int64) - known @ (columns << unit)
            rows = _mean(over, known.sum(axis=1), middle, unit)
    return rows, columns


def _mean(sums: NDArray[np.int64], counts: NDArray[np.int64], usual: int, unit: int) -> NDArray[np.int64]:
    """Return sums / counts in units of 2**unit, to the nearest; `usual` where nothing was counted."""
    half = counts << unit >> 1
    means: NDArray[np.int64] = (sums + half) // np.maximum(counts << unit, 1)
    return np.where(counts > 0, means, usual >> unit)


def count_dropped(raw: NDArray[np.uint8], width: int, mantissa: int, rows: int) -> NDArray[np.uint8]:
    """Return uint8[rows]: how many low bits of the mantissa are zero in all elements of a row.

    A row of float32 that is really float16 or bfloat16 shows itself so.
    """
    together = np.bitwise_or.reduce(raw.view(f"<u{width}").reshape(rows, -1), axis=1).tolist()
    lowest = [(word & -word).bit_length() - 1 for word in together]  # -1 for a row of zeros
    return np.array([min(max(bit, 0), mantissa) for bit in lowest], np.uint8)
