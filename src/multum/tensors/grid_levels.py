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
from multum.tensors.bells import (
    COST_UNIT,
    LEVEL_UNIT,
    LEVELS,
    POWERS,
    ZEROS,
    ZONES,
    Bell,
    list_costs,
    list_costs_aside,
    make_table,
)
from multum.tensors.grid_numbers import REACH, Numbers, count_numbers, measure_sizes, sum_costs, view_numbers
from multum.tensors.lists import choose_manner

_GAUSS = POWERS.index(16)
# By how many levels bells of each power differ from Gauss's when numbers have the same mean size.
_WIDTHS = np.array([-27, -13, -7, -4, -2, -1, 0, 1])
# A level takes about 4 bits: beside fewer codes, that there are none is tried as well.
_FEW = 256
# By how many levels numbers are larger by themselves when so many 16ths of zeros are not counted.
_WIDER = (0, 1, 2, 2, 3, 4, 5, 7, 8, 10, 11, 13, 16, 19, 24, 32)
# How far levels are moved in each round over rows and columns; in the last ones, what levels themselves cost counts.
_FIRST_STEPS = (4, 2)
# How many times as many zeros as neighbours on either side a bell explains, about, when codes are not all small.
_PEAK = 3
_LAST_STEPS = (1, 1)


@dataclass(frozen=True)
class Levels:
    """What tells the bells of a grid, but for their middles.

    rows, columns: int16: their sum, kept in 0 to LEVELS - 1, is a code's level. Where there are middles, the last bit
    of the sum counts as 0. power, zone, zeros: of all its bells.
    """

    rows: NDArray[np.int16]
    columns: NDArray[np.int16]
    power: int
    zone: int
    zeros: int = 0


@dataclass(frozen=True)
class _Fit:
    """Levels, and the shape of the bells."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    power: int
    zone: int
    zeros: int = 0


def choose_levels(codes: NDArray[np.int16], middles: NDArray[np.int16] | None) -> Levels:
    """Return levels under which `codes` take few bits, what is told of levels included.

    codes: int16[rows, columns], at least one. middles: int16[rows or 1, columns], in parts of a code, PHASES to one.
    Cost: about 40 ns a code, and up to four times that where rows or columns are short; memory: two bytes a code
    where each has its own middle.
    """
    numbers = view_numbers(codes, middles)
    fit = min((_search(numbers, axes) for axes in _list_axes(codes.shape)), key=lambda fit: _weigh(numbers, fit))
    rows = fit.rows + LEVEL_UNIT * numbers.shift
    return Levels(rows.astype(np.int16), fit.columns.astype(np.int16), fit.power, fit.zone, fit.zeros)


def _list_axes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return which levels are tried together: those of rows (0), of columns (1); few codes may not repay theirs."""
    rows, columns = shape
    found: list[tuple[int, ...]] = [(0, 1)]
    if columns < _FEW:
        found.append((1,))
    if rows < _FEW:
        found.append((0,))
    return [*found, ()] if len(found) == 3 else found


def _search(numbers: Numbers, axes: tuple[int, ...]) -> _Fit:
    """Return levels where those of other axes are all the same."""
    fit = _start(numbers, axes)
    for step in _FIRST_STEPS:
        fit = _improve(numbers, fit, step, axes, priced=False)
    fit = _choose_shape(numbers, fit)
    if (zeros := _guess_zeros(numbers, fit)) > 0:
        fit = _set_zeros_aside(numbers, fit, zeros, axes)
    for step in _LAST_STEPS:
        fit = _improve(numbers, fit, step, axes, priced=True)
    return fit


def _weigh(numbers: Numbers, fit: _Fit) -> int:
    """Return what codes and levels take, in COST_UNIT."""
    told = sum(int(choose_manner(part.astype(np.int16)).price(part).sum()) for part in (fit.rows, fit.columns))
    return told + _price(numbers, fit)


def _price(numbers: Numbers, fit: _Fit) -> int:
    """Return what codes take, in COST_UNIT."""
    low, high = _bound(fit, 0)
    counts = count_numbers(numbers, (fit.rows, fit.columns))[:, low:high]
    return int((counts * _list_prices(numbers, fit, low, high)).sum())


def count_bits(codes: NDArray[np.int16], middles: NDArray[np.int16] | None, levels: Levels) -> int:
    """Return about how many bits `codes` take under `levels`, without what is told of levels."""
    numbers = view_numbers(codes, middles)
    rows = levels.rows.astype(np.int64) - LEVEL_UNIT * numbers.shift
    fit = _Fit(rows, levels.columns.astype(np.int64), levels.power, levels.zone, levels.zeros)
    return _price(numbers, fit) // COST_UNIT + numbers.shift * codes.size


def _start(numbers: Numbers, axes: tuple[int, ...]) -> _Fit:
    """Return levels by the mean sizes of rows and columns, as those of Gauss's bell."""
    sums = measure_sizes(numbers)
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


def _improve(numbers: Numbers, fit: _Fit, step: int, axes: tuple[int, ...], priced: bool) -> _Fit:
    """Return `fit` with rows, and then columns, a step up or down where that saves bits."""
    for axis in axes:
        low, high = _bound(fit, step)
        costs = _list_prices(numbers, fit, low, high)
        moved = sum_costs(numbers, (fit.rows, fit.columns), step, axis, low, costs)  # int64[n, 3]
        own = (fit.rows, fit.columns)[axis]
        tried = own[:, None] + step * np.array([0, -1, 1])
        if priced:
            moved += choose_manner(own.astype(np.int16)).price(tried)
        best = np.take_along_axis(tried, np.argmin(moved, axis=1)[:, None], axis=1)[:, 0]
        fit = replace(fit, rows=best) if axis == 0 else replace(fit, columns=best)
    return fit


def _bound(fit: _Fit, step: int) -> tuple[int, int]:
    """Return (least, greatest + 1) of the levels that codes have, or have after a step."""
    low = int(fit.rows.min() + fit.columns.min()) - step
    high = int(fit.rows.max() + fit.columns.max()) + step
    low, high = (min(max(level, 0), LEVELS - 1) for level in (low, high))
    return low, high + 1


def _list_prices(numbers: Numbers, fit: _Fit, low: int, high: int) -> NDArray[np.int32]:
    """Return int32[phases, high - low, 2 * REACH + 1]: what numbers cost at each level."""
    mask = -2 if numbers.centred else -1
    return np.array(
        [
            [list_costs(Bell(fit.power, fit.zone, phase, level & mask, fit.zeros), REACH) for level in range(low, high)]
            for phase in numbers.known_phases
        ]
    )


def _choose_shape(numbers: Numbers, fit: _Fit, aside: bool = False) -> _Fit:
    """Return `fit` with the power and zone, and with all levels moved alike, that save most bits, step after step.

    aside: whether zeros may be set aside.
    """
    counts = count_numbers(numbers, (fit.rows, fit.columns))
    used = np.flatnonzero(counts.any(axis=(0, 2)))
    counts = counts[:, used]

    @cache
    def measure(power: int, zone: int, offset: int) -> tuple[int, int]:
        """Return (what numbers cost, how many zeros are best aside)."""
        if not (0 <= power < len(POWERS) and 0 <= zone < zones):
            return int(counts.sum()) << 20, 0  # more than any bell costs
        levels = np.clip(used + int(_WIDTHS[power] - _WIDTHS[fit.power]) + offset, 0, LEVELS - 1)
        plain = replace(fit, power=power, zone=zone, zeros=0)
        prices = _list_prices(numbers, plain, levels[0], levels[-1] + 1)[:, levels - levels[0]]
        cost = int((counts * prices).sum())
        return _set_aside(counts[0], prices[0], plain, levels, cost) if aside else (cost, 0)

    zones = 1 if numbers.centred or numbers.shift else ZONES
    best, after = (fit.power, fit.zone, 0), None
    while after != best:
        best = after or best
        after = min((tuple(np.add(best, move).tolist()) for move in _MOVES), key=lambda shape: measure(*shape)[0])
    power, zone, offset = best
    rows = fit.rows + int(_WIDTHS[power] - _WIDTHS[fit.power]) + offset
    return _Fit(rows, fit.columns, power, zone, measure(*best)[1])


# Of power, zone and all levels; none is first, so that what saves nothing is not done.
_SHAPES = [(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)]
_MOVES = [(0, 0, 0), *((*shape, offset) for shape in _SHAPES for offset in (-1, 0, 1))]


def _set_aside(
    counts: NDArray[np.int64], prices: NDArray[np.int32], fit: _Fit, levels: NDArray[np.int64], cost: int
) -> tuple[int, int]:
    """Return (what numbers cost with zeros aside, how many that are): the best number of them.

    counts, prices: [levels, 2 * REACH + 1]. cost: of all with none aside.
    """
    at, others = counts[:, REACH], int(counts.sum() - counts[:, REACH].sum())
    listed = [list_costs_aside(Bell(fit.power, fit.zone, 0, level)) for level in levels.tolist()]
    zeros = at @ np.array([one for one, _ in listed])  # int64[ZEROS]
    costs = cost - int(at @ prices[:, REACH]) + zeros + others * listed[0][1]
    best = int(np.argmin(costs))
    return int(costs[best]), best


def _guess_zeros(numbers: Numbers, fit: _Fit) -> int:
    """Return how many 16ths of the numbers may be zeros that no bell explains, 0 where there is nothing to gain.

    A bell around 0 has nearly as many numbers next to 0 as at it, unless nearly all are there.
    """
    if numbers.centred or numbers.shift:
        return 0
    near = count_numbers(numbers, (fit.rows, fit.columns)).sum(axis=(0, 1))
    at, beside, total = int(near[REACH]), int(near[REACH - 1] + near[REACH + 1]), numbers.codes.size
    return min(max(ZEROS * (2 * at - _PEAK * beside) // (2 * total), 0), ZEROS - 1)


def _set_zeros_aside(numbers: Numbers, fit: _Fit, zeros: int, axes: tuple[int, ...]) -> _Fit:
    """Return `fit` with zeros set aside, and levels that others have by themselves, if that takes fewer bits."""
    rows = fit.rows + int(_WIDTHS[_GAUSS] - _WIDTHS[fit.power]) + _WIDER[zeros]
    found = _choose_shape(numbers, _Fit(rows, fit.columns, _GAUSS, fit.zone), aside=True)
    for step in _FIRST_STEPS:
        found = _improve(numbers, found, step, axes, priced=False)
    return found if _price(numbers, found) < _price(numbers, fit) else fit
