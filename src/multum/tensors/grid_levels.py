"""Under which bells the codes of a grid are written: the scale of each row and column, found by what it saves.

A code's bell is told by the sum of its row's and its column's level, and by where the middle of its column is.
Levels decide how many bits a grid takes and never what it is. Only sums of whole numbers are compared, so that
every machine finds the same.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from multum.bits.frequencies import ESCAPE, TOTAL_BITS
from multum.bits.kernels import kernel, part
from multum.tensors.bells import COST_UNIT, LEVEL_UNIT, LEVELS, PHASES, POWERS, ZONES, Bell, list_costs, make_table
from multum.tensors.lists import choose_manner
from multum.tensors.prediction import clip_to_int16

# Costs are listed for numbers in -_REACH to _REACH; larger ones are told roughly here.
_REACH = 255
# Codes are halved until the mean of their sizes is below this.
_LARGE = 48
_GAUSS = POWERS.index(16)
# By how many levels bells of each power differ from Gauss's when numbers have the same mean size.
_WIDTHS = np.array([-27, -13, -7, -4, -2, -1, 0, 1])
# A middle takes about this many bits.
_MIDDLE_BITS = 6
# A level takes about 4 bits: beside fewer codes, that there are none is tried as well.
_FEW = 256
# How far levels are moved in each round over rows and columns; in the last ones, what levels themselves cost counts.
_FIRST_STEPS = (4, 2)
_LAST_STEPS = (1, 1)


@dataclass(frozen=True)
class Levels:
    """What tells the bells of a grid, but for their middles.

    rows, columns: int16: their sum, kept in 0 to LEVELS - 1, is a code's level. Where there are middles, the last bit
    of the sum counts as 0. power, zone: of all its bells.
    """

    rows: NDArray[np.int16]
    columns: NDArray[np.int16]
    power: int
    zone: int


@dataclass(frozen=True)
class _Numbers:
    """Codes as the search sees them: (codes - whole) >> shift, each with its phase.

    codes: int16[rows, columns]. whole: int16[rows or 1, columns]. phases: uint8[rows or 1, columns].
    """

    codes: NDArray[np.int16]
    whole: NDArray[np.int16]
    phases: NDArray[np.uint8]
    shift: int
    centred: bool


@dataclass(frozen=True)
class _Fit:
    """Levels, and the shape of the bells."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    power: int
    zone: int


def choose_levels(codes: NDArray[np.int16], middles: NDArray[np.int16] | None) -> Levels:
    """Return levels under which `codes` take few bits, what is told of levels included.

    codes: int16[rows, columns], at least one. middles: int16[rows or 1, columns], in parts of a code, PHASES to one.
    Cost: about 40 ns a code, and up to four times that where rows or columns are short; memory: two bytes a code
    where each has its own middle.
    """
    numbers = _view_numbers(codes, middles)
    fit = min((_search(numbers, axes) for axes in _list_axes(codes.shape)), key=lambda fit: _weigh(numbers, fit))
    rows = fit.rows + LEVEL_UNIT * numbers.shift
    return Levels(rows.astype(np.int16), fit.columns.astype(np.int16), fit.power, fit.zone)


def _list_axes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return which levels are tried together: those of rows (0), of columns (1); few codes may not repay theirs."""
    rows, columns = shape
    found: list[tuple[int, ...]] = [(0, 1)]
    if columns < _FEW:
        found.append((1,))
    if rows < _FEW:
        found.append((0,))
    return [*found, ()] if len(found) == 3 else found


def _search(numbers: _Numbers, axes: tuple[int, ...]) -> _Fit:
    """Return levels where those of other axes are all the same."""
    fit = _start(numbers, axes)
    for step in _FIRST_STEPS:
        fit = _improve(numbers, fit, step, axes, priced=False)
    fit = _choose_shape(numbers, fit)
    for step in _LAST_STEPS:
        fit = _improve(numbers, fit, step, axes, priced=True)
    return fit


def _weigh(numbers: _Numbers, fit: _Fit) -> int:
    """Return what codes and levels take, in COST_UNIT."""
    told = sum(int(choose_manner(part.astype(np.int16)).price(part).sum()) for part in (fit.rows, fit.columns))
    return told + int((_count(numbers, fit) * _list_prices(numbers, fit, 0, LEVELS)).sum())


def count_bits(codes: NDArray[np.int16], middles: NDArray[np.int16] | None, levels: Levels) -> int:
    """Return about how many bits `codes` take under `levels`, without what is told of levels."""
    numbers = _view_numbers(codes, middles)
    rows = levels.rows.astype(np.int64) - LEVEL_UNIT * numbers.shift
    fit = _Fit(rows, levels.columns.astype(np.int64), levels.power, levels.zone)
    taken = int((_count(numbers, fit) * _list_prices(numbers, fit, 0, LEVELS)).sum())
    return taken // COST_UNIT + numbers.shift * codes.size


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


def _view_numbers(codes: NDArray[np.int16], middles: NDArray[np.int16] | None) -> _Numbers:
    """Return codes as the search sees them."""
    told = np.zeros((1, codes.shape[1]), np.int16) if middles is None else middles
    numbers = _Numbers(codes, told // PHASES, (told % PHASES).astype(np.uint8), 0, middles is not None)
    sizes, shift = int(_measure(numbers)[0].sum()), 0
    while sizes >> shift > _LARGE * codes.size:
        shift += 1
    phases = numbers.phases if shift == 0 else np.zeros_like(numbers.phases)  # small beside such numbers
    return replace(numbers, phases=phases, shift=shift)


def _measure(numbers: _Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (int64[rows], int64[columns]): the sums of sizes."""
    rows, columns = (np.zeros(n, np.int64) for n in numbers.codes.shape)
    _add_sizes(numbers.codes, numbers.whole, numbers.shift, rows, columns)
    return rows, columns


def _start(numbers: _Numbers, axes: tuple[int, ...]) -> _Fit:
    """Return levels by the mean sizes of rows and columns, as those of Gauss's bell."""
    sums = _measure(numbers)
    usual = int(_find_levels(sums[0].sum(keepdims=True), numbers.codes.size)[0])
    rows, columns = (
        _find_levels(sums[axis], numbers.codes.shape[1 - axis]) if axis in axes else np.full(len(sums[axis]), usual)
        for axis in (0, 1)
    )
    return _Fit(rows, columns - usual, _GAUSS, 0)


def _find_levels(sums: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the levels of bells whose numbers have a mean size of sums / count."""
    return np.searchsorted(_list_sizes(), (sums << TOTAL_BITS) // count).astype(np.int64)


@cache
def _list_sizes() -> NDArray[np.int64]:
    """Return int64[LEVELS - 1]: the mean size of numbers under Gauss's bells, in parts of 2**TOTAL_BITS, growing."""
    sizes = []
    for level in range(LEVELS - 1):
        table = make_table(Bell(_GAUSS, 0, 0, level))
        symbols = (table.low + np.arange(ESCAPE)) << table.shift
        sizes.append(int(np.abs(symbols) @ table.frequencies[:ESCAPE]))
    return np.maximum.accumulate(sizes)


def _improve(numbers: _Numbers, fit: _Fit, step: int, axes: tuple[int, ...], priced: bool) -> _Fit:
    """Return `fit` with rows, and then columns, a step up or down where that saves bits."""
    for axis in axes:
        moved = _sum_costs(numbers, fit, step, axis)  # int64[n, 3]
        own = (fit.rows, fit.columns)[axis]
        tried = own[:, None] + step * np.array([0, -1, 1])
        if priced:
            moved += choose_manner(own.astype(np.int16)).price(tried)
        best = np.take_along_axis(tried, np.argmin(moved, axis=1)[:, None], axis=1)[:, 0]
        fit = replace(fit, rows=best) if axis == 0 else replace(fit, columns=best)
    return fit


def _sum_costs(numbers: _Numbers, fit: _Fit, step: int, axis: int) -> NDArray[np.int64]:
    """Return int64[n, 3]: what each row or column costs as it is, a step down and a step up."""
    low, high = _bound(fit, step)
    costs = _list_prices(numbers, fit, low, high)
    sums = np.zeros((numbers.codes.shape[axis], 3), np.int64)
    view = (numbers.codes, numbers.whole, numbers.shift, numbers.phases)
    _add_costs(*view, fit.rows.copy(), fit.columns.copy(), low, high, step, axis, costs, sums)
    return sums


def _bound(fit: _Fit, step: int) -> tuple[int, int]:
    """Return (least, greatest + 1) of the levels that codes have, or have after a step."""
    low = int(fit.rows.min() + fit.columns.min()) - step
    high = int(fit.rows.max() + fit.columns.max()) + step
    low, high = (min(max(level, 0), LEVELS - 1) for level in (low, high))
    return low, high + 1


def _list_prices(numbers: _Numbers, fit: _Fit, low: int, high: int) -> NDArray[np.int32]:
    """Return int32[phases, high - low, 2 * _REACH + 1]: what numbers cost at each level."""
    mask = -2 if numbers.centred else -1
    phases = range(PHASES if numbers.centred and numbers.shift == 0 else 1)
    return np.array(
        [
            [list_costs(Bell(fit.power, fit.zone, phase, level & mask), _REACH) for level in range(low, high)]
            for phase in phases
        ]
    )


def _count(numbers: _Numbers, fit: _Fit) -> NDArray[np.int64]:
    """Return int64[phases, LEVELS, 2 * _REACH + 1]: how many numbers there are, at each level."""
    counts = np.zeros((PHASES if numbers.centred and numbers.shift == 0 else 1, LEVELS, 2 * _REACH + 1), np.int64)
    view = (numbers.codes, numbers.whole, numbers.shift, numbers.phases)
    _add_counts(*view, fit.rows.copy(), fit.columns.copy(), counts)
    return counts


def _choose_shape(numbers: _Numbers, fit: _Fit) -> _Fit:
    """Return `fit` with the power and zone, and with all levels moved alike, that save most bits, step after step."""
    counts = _count(numbers, fit)
    used = np.flatnonzero(counts.any(axis=(0, 2)))
    counts = counts[:, used]

    @cache
    def measure(power: int, zone: int, offset: int) -> int:
        if not (0 <= power < len(POWERS) and 0 <= zone < zones):
            return int(counts.sum()) << 20  # more than any bell costs
        levels = np.clip(used + _WIDTHS[power] + offset, 0, LEVELS - 1)
        prices = _list_prices(numbers, replace(fit, power=power, zone=zone), levels[0], levels[-1] + 1)
        return int((counts * prices[:, levels - levels[0]]).sum())

    zones = 1 if numbers.centred or numbers.shift else ZONES
    best, after = (_GAUSS, 0, 0), None
    while after != best:
        best = after or best
        after = min((tuple(np.add(best, move).tolist()) for move in _MOVES), key=lambda shape: measure(*shape))
    power, zone, offset = best
    return _Fit(fit.rows + int(_WIDTHS[power]) + offset, fit.columns, power, zone)


# Of power, zone and all levels; none is first, so that what saves nothing is not done.
_MOVES = [(0, 0, 0), *((p, z, k) for p in (-1, 0, 1) for z in (-1, 0, 1) for k in (-1, 0, 1) if p or z or k)]


@part
def _see(code, whole, shift):
    """Return where a code's number stands in a list of costs."""
    number = (np.int64(code) - np.int64(whole)) >> shift
    return np.uint64(min(max(number, -_REACH), _REACH) + _REACH)


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
def _add_costs(codes, whole, shift, phases, rows, columns, low, high, step, axis, costs, sums):
    """Add to each row's or column's sums what its numbers cost as they are, a step down and a step up."""
    several = whole.shape[0] > 1
    for r in range(codes.shape[0]):
        w = r if several else 0
        for c in range(codes.shape[1]):
            own = c if axis else r
            number, phase = _see(codes[r, c], whole[w, c], shift), phases[w, c]
            level = rows[r] + columns[c] - low
            last = high - low - 1
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
