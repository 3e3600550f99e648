"""Levels follow the scales of rows and columns, shapes the rounding, and costs are what bells say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multum.tensors.bells import COST_UNIT, LEVELS, PHASES, POWERS, Bell, list_costs
from multum.tensors.grid_levels import Levels, choose_levels, count_bits
from multum.tensors.grid_numbers import find_middles
from tests.tensors.matrices import draw_codes

GAUSS = POWERS.index(16)


def sum_costs(codes: np.ndarray, middles: np.ndarray | None, levels: Levels) -> float:
    """Return the bits of codes, one by one."""
    bits = 0
    for (r, c), code in np.ndenumerate(codes):
        level = min(max(int(levels.rows[r]) + int(levels.columns[c]), 0), LEVELS - 1)
        bell = Bell(levels.power, levels.zone, 0, level)
        number = int(code)
        if middles is not None:
            whole, phase = divmod(int(middles[r if len(middles) > 1 else 0, c]), PHASES)
            number, bell = number - whole, Bell(levels.power, 0, phase, level & ~1)
        bits += int(list_costs(bell, 255)[min(max(number, -255), 255) + 255])
    return bits / COST_UNIT


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([None, "columns", "codes"]),
    st.sampled_from([0.3, 3.0, 9.0]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40)
def test_bits_are_those_of_every_code(rows: int, columns: int, kind: str | None, spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = draw_codes(rows, columns, spread, seed)
    shape = {None: None, "columns": (1, columns), "codes": (rows, columns)}[kind]
    middles = None if shape is None else rng.integers(-20, 20, shape).astype(np.int16)
    levels = Levels(
        rng.integers(40, 70, rows).astype(np.int16),
        rng.integers(-9, 9, columns).astype(np.int16),
        GAUSS,
        0 if kind else 3,
    )
    assert count_bits(codes, middles, levels) == int(sum_costs(codes, middles, levels))


def test_no_row_or_column_is_better_off_elsewhere() -> None:
    rng = np.random.default_rng(0)
    scales = np.exp(rng.standard_normal((40, 1)) + rng.standard_normal((1, 30)))
    codes = np.rint(4 * scales * rng.standard_normal((40, 30))).astype(np.int16)
    levels = choose_levels(codes, None)
    best = count_bits(codes, None, levels)
    for step in (-6, 6):
        assert (
            count_bits(codes, None, Levels(levels.rows + np.int16(step), levels.columns, *levels_shape(levels))) > best
        )
        for k in range(30):
            columns = levels.columns.copy()
            columns[k] += step
            assert count_bits(codes, None, Levels(levels.rows, columns, *levels_shape(levels))) > best


def levels_shape(levels: Levels) -> tuple[int, int]:
    return levels.power, levels.zone


@pytest.mark.parametrize("gone", [0.3, 0.5, 0.8])
def test_zeros_that_no_bell_explains_are_set_aside(gone: float) -> None:
    rng = np.random.default_rng(0)
    codes = np.rint(6 * rng.standard_normal((200, 60))).astype(np.int16)
    cleared = np.where(rng.random(codes.shape) < gone, 0, codes).astype(np.int16)
    levels = choose_levels(cleared, None)
    assert levels.zeros / 16 == pytest.approx(gone, abs=0.06)
    assert choose_levels(codes, None).zeros == 0
    mask = -gone * np.log2(gone) - (1 - gone) * np.log2(1 - gone)
    ideal = codes.size * mask + (1 - gone) * count_bits(codes, None, choose_levels(codes, None))
    assert count_bits(cleared, None, levels) < 1.01 * ideal


@pytest.mark.parametrize("shape", [(3000, 3), (3, 3000), (9, 9)])
def test_few_codes_do_not_have_levels_that_cost_more_than_they_save(shape: tuple[int, int]) -> None:
    levels = choose_levels(draw_codes(*shape), None)
    assert len(set(levels.rows.tolist())) == 1 or shape[1] > 3
    assert len(set(levels.columns.tolist())) == 1 or shape[0] > 3


@pytest.mark.parametrize(("power", "expected"), [(1.0, {1, 2, 3}), (2.0, {5, 6, 7})])
def test_the_power_is_that_of_the_codes(power: float, expected: set[int]) -> None:
    rng = np.random.default_rng(1)
    sizes = rng.gamma(1 / power, size=(300, 300)) ** (1 / power)
    codes = np.rint(6 * sizes * rng.choice([-1, 1], (300, 300))).astype(np.int16)
    assert choose_levels(codes, None).power in expected


def test_rounding_that_favours_zero_widens_its_zone() -> None:
    weights = 1.5 * np.random.default_rng(6).standard_normal((300, 400))
    codes = np.where(np.abs(weights) < 0.75, 0, np.rint(weights)).astype(np.int16)
    assert choose_levels(codes, None).zone in {3, 4, 5}
    assert choose_levels(np.rint(weights).astype(np.int16), None).zone == 0


def test_middles_are_told_where_they_pay() -> None:
    codes = draw_codes(500, 20)
    assert find_middles(codes) is None
    middles = find_middles((codes + np.arange(20)).astype(np.int16))
    assert middles is not None
    assert np.abs(middles - 4 * np.arange(20)).max() <= 1


def test_middles_of_large_codes_are_clipped() -> None:
    middles = find_middles(np.full((50, 3), -(2**15), np.int16))
    assert middles is not None
    assert middles.tolist() == [-(2**15)] * 3
