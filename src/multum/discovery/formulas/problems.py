"""What a search is about: columns, a target, how precisely they are stated, and which rows are kept from it.

Invariant: the held-out rows are never looked at while formulas are made; half of them are the outermost rows, so that
what merely interpolates is found out.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from multum.discovery.formulas.lengths import count_raw_bits, find_quanta
from multum.discovery.formulas.operators import Array

# Rows on which banks of expressions are evaluated: enough to tell any two apart, few enough for a cache.
PROBE_ROWS = 64
# Rows on which constants are fitted.
FIT_ROWS = 1000
_HELD_OUT = 0.2
_FEWEST_HELD_OUT = 2
# Of a column's size: the exact heads compare ten digits.
_ROUNDED = 1e-10


@dataclass(frozen=True)
class Problem:
    """Find target from columns.

    names: of the columns. columns: float64[variables, rows]. target: float64[rows]. column_units, target_units: the
    unit of the last written digit, float64 of the same shapes, 0 where numbers were computed. fitted: the rows to learn
    from; held_out: the others. noise: relative deviation that is expected, 0 for none, None where it is not known.
    """

    names: tuple[str, ...]
    columns: Array
    target: Array
    column_units: Array
    target_units: Array
    fitted: NDArray[np.intp]
    held_out: NDArray[np.intp]
    noise: float | None = None

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.target)

    @cached_property
    def probes(self) -> NDArray[np.intp]:
        """The rows on which many expressions are compared."""
        return self.fitted[:PROBE_ROWS]

    @cached_property
    def is_rounded(self) -> bool:
        """Whether numbers are written so short that formulas can only be compared roughly, and then checked."""
        with np.errstate(divide="ignore", invalid="ignore"):
            written = [(self.target_units, self.target), *zip(self.column_units, self.columns, strict=True)]
            shares = [float(np.max(units)) / float(np.median(np.abs(values))) for units, values in written]
        return max(shares) > _ROUNDED

    @cached_property
    def quanta(self) -> Array:
        """The step to which each number of the target is stated."""
        return find_quanta(self.target, self.target_units)

    @cached_property
    def raw_bits(self) -> float:
        """The bits of the target by itself."""
        return count_raw_bits(self.target, self.quanta)


def split_rows(columns: Array, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (rows to learn from in random order, rows held out: the outermost, and as many by chance)."""
    rows = columns.shape[1]
    count = max(_FEWEST_HELD_OUT, int(rows * _HELD_OUT))
    spread = columns.std(1, keepdims=True)
    places = (columns - columns.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    outermost = np.argsort(-(places * places).sum(0), kind="stable")[: count // 2]
    left = np.setdiff1d(np.arange(rows), outermost)
    shuffled = np.random.default_rng(seed).permutation(left)
    chance = count - len(outermost)
    return shuffled[chance:], np.concatenate([outermost, shuffled[:chance]])
