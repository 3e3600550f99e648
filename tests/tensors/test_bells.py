"""Bells are the distributions they are named after, and the same on every machine."""

import hashlib
import math
from collections.abc import Iterable

import numpy as np
import pytest

from multum.bits.frequencies import ESCAPE, SHIFT_LIMIT, TOTAL
from multum.tensors.bells import (
    COST_UNIT,
    LEVELS,
    PHASES,
    POWERS,
    ZEROS,
    ZONES,
    Bell,
    gather_tables,
    list_costs,
    list_costs_aside,
    make_table,
)
from tests.tensors import grid_reference

GAUSS, LAPLACE = POWERS.index(16), POWERS.index(8)


def integrate_gauss(bell: Bell, low: float, high: float) -> float:
    """Return the share of Gauss's bell from low to high."""
    a = 2 ** ((bell.level - 48) / 8)
    return (math.erf((high - bell.phase / PHASES) / a) - math.erf((low - bell.phase / PHASES) / a)) / 2


@pytest.mark.parametrize("level", [40, 56, 72, 80])
@pytest.mark.parametrize("phase", [0, 1, 3])
@pytest.mark.parametrize("zone", [0, 5])
def test_frequencies_are_those_of_the_normal_distribution(level: int, phase: int, zone: int) -> None:
    bell = Bell(GAUSS, zone, phase, level)
    table = make_table(bell)
    assert table.shift == 0
    wider = zone / 16
    for symbol in np.flatnonzero(table.frequencies[:ESCAPE]):
        number = table.low + int(symbol)
        low = number - 0.5 + wider * ((number == 1) - (number == 0))
        high = number + 0.5 + wider * ((number == 0) - (number == -1))
        share = integrate_gauss(bell, low, high)
        assert abs(int(table.frequencies[symbol]) - TOTAL * share) <= 2 + 0.02 * TOTAL * share


@pytest.mark.parametrize("level", [30, 60, 100])
def test_the_bell_of_power_one_falls_by_the_same_factor(level: int) -> None:
    costs = list_costs(Bell(LAPLACE, 0, 0, level), 60)
    factor = 2 ** -((level - 48) / 8) / math.log(2)
    reached = [k for k in range(61, 121) if costs[k] < 7 * COST_UNIT]
    for k in reached[:-1]:
        assert abs((costs[k + 1] - costs[k]) / COST_UNIT - factor) < 0.3 * max(1, factor / 4)


def test_wide_bells_keep_low_bits_as_they_are() -> None:
    shifts = [make_table(Bell(GAUSS, 0, 0, level)).shift for level in range(LEVELS)]
    assert shifts == sorted(shifts)
    assert shifts[0] == 0
    assert shifts[-1] == SHIFT_LIMIT


@pytest.mark.parametrize("power", range(len(POWERS)))
def test_every_bell_is_a_table_that_can_escape(power: int) -> None:
    bells = [
        Bell(power, zone, phase, level)
        for level in range(0, LEVELS, 9)
        for zone, phase in [(0, 0), (ZONES - 1, 0), (0, PHASES - 1)]
    ]
    assert (gather_tables(bells).frequencies[:, ESCAPE] > 0).all()


@pytest.mark.parametrize(
    "bell",
    [
        Bell(6, 0, 0, 60),
        Bell(0, 0, 1, 44),
        Bell(2, 7, 0, 30),
        Bell(4, 3, 2, 101),
        Bell(7, 5, 3, 127),
        Bell(1, 2, 0, 0),
        Bell(3, 6, 0, 70, 9),
    ],
)
def test_tables_equal_those_of_the_twin(bell: Bell) -> None:
    low, shift, frequencies = grid_reference.make_table(*bell)
    table = make_table(bell)
    assert (table.low, table.shift, table.frequencies.tolist()) == (low, shift, frequencies)


def digest(bells: Iterable[Bell]) -> str:
    found = hashlib.sha256()
    for bell in bells:
        found.update(make_table(bell).frequencies.astype("<u2").tobytes())
    return found.hexdigest()


def test_tables_are_frozen() -> None:
    """The digests of docs/TENSORS.md."""
    plain = (Bell(power, 0, 0, level) for power in range(len(POWERS)) for level in range(LEVELS))
    assert digest(plain) == "bc9bbb4ef8e63b0e4181cbbc14e0976255e7476c8b4de0dad3e376f94895f639"
    kinds = [(zone, 0) for zone in range(1, ZONES)] + [(0, phase) for phase in range(1, PHASES)]
    others = (Bell(6, *kind, level) for kind in kinds for level in range(LEVELS))
    assert digest(others) == "d0f3aaf640c0df804948fed336d831df6fc2f4bdbc9134dddaa91bb293143a64"
    aside = (Bell(6, 0, 0, level, zeros) for zeros in range(1, ZEROS) for level in range(LEVELS))
    assert digest(aside) == "40efbd2b5a56b6ac7ab55770f976c56ecf20bfcab459914c0acff15f88715735"


def test_zeros_aside_cost_what_a_search_for_them_says() -> None:
    bell = Bell(GAUSS, 3, 0, 70)
    at, others = list_costs_aside(bell)
    plain = list_costs(bell, 20)
    for zeros in (1, 8, 14):
        costs = list_costs(bell._replace(zeros=zeros), 20)
        assert abs(int(costs[20]) - int(at[zeros])) < 0.02 * COST_UNIT
        assert abs(int(costs[25]) - int(plain[25] + others[zeros])) < 0.1 * COST_UNIT


def test_costs_are_those_of_the_table() -> None:
    bell = Bell(GAUSS, 0, 0, 60)
    table = make_table(bell)
    costs = list_costs(bell, 200)
    middle = int(table.frequencies[-table.low])
    assert costs[200] == round(-math.log2(middle / TOTAL) * COST_UNIT)
    assert costs[0] == costs[400] == round((16 - math.log2(int(table.frequencies[ESCAPE]) / TOTAL)) * COST_UNIT)
