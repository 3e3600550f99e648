"""What a column takes by itself, and given others, where only equality of cells counts."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def number_cells(cells: Sequence[str]) -> Codes:
    """Return int64[rows]: equal cells have equal numbers, from 0 in the order of their first coming."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(cell, len(places)) for cell in cells], np.int64)


def pair_codes(first: Codes, second: Codes) -> Codes:
    """Return numbers of pairs, from 0."""
    _, codes = np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)
    return np.asarray(codes, np.int64)


def count_entropy_bits(codes: Codes) -> float:
    """Return rows times the entropy of a column's cells."""
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    return float(-(counts * np.log2(counts / len(codes))).sum())


def count_text_bits(cells: Sequence[str]) -> float:
    """Return a column's bits: the entropy of its cells, and each different cell spelled once, eight bits a letter."""
    counts = Counter(cells)
    entropy = -sum(count * math.log2(count / len(cells)) for count in counts.values())
    return entropy + 8.0 * sum(len(cell) + 1 for cell in counts)
