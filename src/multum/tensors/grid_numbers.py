"""The codes of a grid as the search for their levels sees them, and what it adds up over them.

Codes are numbers around their middles; large ones are halved until lists of costs are long enough for most.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel, part
from multum.tensors.bells import LEVELS, PHASES
from multum.tensors.prediction import clip_to_int16

# Costs are listed for numbers in -REACH to REACH; larger ones are told roughly.
REACH = 255
# Codes are halved until the mean of their sizes is below this.
_LARGE = 48
# A middle takes about this many bits.
_MIDDLE_BITS = 6


@dataclass(frozen=True)
class Numbers:
    """Codes as the search sees them: (codes - whole) >> shift, each with its phase.

    codes: int16[rows, columns]. whole: int16[rows or 1, columns]. phases: uint8[rows or 1, columns].
    """

    codes: NDArray[np.int16]
    whole: NDArray[np.int16]
    phases: NDArray[np.uint8]
    shift: int
    centred: bool

    @property
    def known_phases(self) -> range:
        """The phases that numbers may have."""
        return range(PHASES if self.centred and self.shift == 0 else 1)


def find_middles(codes: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """Return int16[columns], the mean of each column in parts of a code, or None where telling them does not pay."""
    rows, columns = codes.shape
    sums, squares = np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    _add_up(codes, sums, squares)
    # rows / 2 * log2(1 + mean**2 / variance) is at least 0.72 * rows * mean**2 / mean square
    saved = 0.72 * (sums / np.maximum(squares, 1)) * sums
    if int(np.rint(saved).astype(np.int64).sum()) <= _MIDDLE_BITS * columns:
        return None
    return clip_to_int16(PHASES * sums / rows)


def view_numbers(codes: NDArray[np.int16], middles: NDArray[np.int16] | None) -> Numbers:
    """Return codes as the search sees them."""
    told = np.zeros((1, codes.shape[1]), np.int16) if middles is None else middles
    numbers = Numbers(codes, told // PHASES, (told % PHASES).astype(np.uint8), 0, middles is not None)
    sizes, shift = int(measure_sizes(numbers)[0].sum()), 0
    while sizes >> shift > _LARGE * codes.size:
        shift += 1
    phases = numbers.phases if shift == 0 else np.zeros_like(numbers.phases)  # small beside such numbers
    return replace(numbers, phases=phases, shift=shift)


def measure_sizes(numbers: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (int64[rows], int64[columns]): the sums of sizes."""
    rows, columns = (np.zeros(n, np.int64) for n in numbers.codes.shape)
    _add_sizes(numbers.codes, numbers.whole, numbers.shift, rows, columns)
    return rows, columns


def sum_costs(
    numbers: Numbers,
    levels: tuple[NDArray[np.int64], NDArray[np.int64]],
    step: int,
    axis: int,
    low: int,
    costs: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Return int64[n, 3]: what each row (axis 0) or column (axis 1) costs as it is, a step down and a step up.

    levels: of rows, of columns. costs: int32[phases, levels from low on, 2 * REACH + 1].
    """
    sums = np.zeros((numbers.codes.shape[axis], 3), np.int64)
    rows, columns = (part.copy() for part in levels)
    view = (numbers.codes, numbers.whole, numbers.shift, numbers.phases)
    _add_costs(*view, rows, columns, low, step, axis, costs, sums)
    return sums


def count_numbers(numbers: Numbers, levels: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return int64[phases, LEVELS, 2 * REACH + 1]: how many numbers there are, at each level."""
    counts = np.zeros((len(numbers.known_phases), LEVELS, 2 * REACH + 1), np.int64)
    rows, columns = (part.copy() for part in levels)
    _add_counts(numbers.codes, numbers.whole, numbers.shift, numbers.phases, rows, columns, counts)
    return counts


@part
def _see(code, whole, shift):
    """Return where a code's number stands in a list of costs."""
    number = (np.int64(code) - np.int64(whole)) >> shift
    return np.uint64(min(max(number, -REACH), REACH) + REACH)


@kernel
def _add_up(codes, sums, squares):
    for r in range(codes.shape[0]):
        for c in range(codes.shape[1]):
            code = np.int64(codes[r, c])
            sums[c] += code
            squares[c] += code * code
    return 0


@kernel
def _add_sizes(codes, whole, shift, rows, columns):
    several = whole.shape[0] > 1
    for r in range(codes.shape[0]):
        total, w = np.int64(0), r if several else 0
        for c in range(codes.shape[1]):
            size = abs((np.int64(codes[r, c]) - np.int64(whole[w, c])) >> shift)
            total += size
            columns[c] += size
        rows[r] += total
    return 0


@kernel
def _add_costs(codes, whole, shift, phases, rows, columns, low, step, axis, costs, sums):
    """Add to each row's or column's sums what its numbers cost as they are, a step down and a step up."""
    several, last = whole.shape[0] > 1, np.int64(costs.shape[1]) - 1
    for r in range(codes.shape[0]):
        w = r if several else 0
        for c in range(codes.shape[1]):
            own = c if axis else r
            number, phase = _see(codes[r, c], whole[w, c], shift), phases[w, c]
            level = rows[r] + columns[c] - low
            sums[own, 0] += costs[phase, np.uint64(min(max(level, 0), last)), number]
            sums[own, 1] += costs[phase, np.uint64(min(max(level - step, 0), last)), number]
            sums[own, 2] += costs[phase, np.uint64(min(max(level + step, 0), last)), number]
    return 0


@kernel
def _add_counts(codes, whole, shift, phases, rows, columns, counts):
    several = whole.shape[0] > 1
    for r in range(codes.shape[0]):
        w = r if several else 0
        for c in range(codes.shape[1]):
            level = min(max(rows[r] + columns[c], 0), LEVELS - 1)
            counts[phases[w, c], np.uint64(level), _see(codes[r, c], whole[w, c], shift)] += 1
    return 0
