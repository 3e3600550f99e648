"""Frequencies add up, follow the counts, and are refused when they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.bits.frequencies import SHIFT_LIMIT, SYMBOLS, TOTAL, FrequencyTables, share_out
from multum.errors import UsageError


def count_bits(counts: np.ndarray, shares: np.ndarray) -> float:
    used = counts > 0
    return -float((counts[used] * np.log2(shares[used] / TOTAL)).sum())


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=SYMBOLS).filter(any))
def test_shares_add_up_and_leave_nobody_out(counts: list[int]) -> None:
    shares = share_out(np.array(counts))
    assert shares.sum() == TOTAL
    assert ((shares > 0) == (np.array(counts) > 0)).all()


@given(st.lists(st.integers(1, 10**4), min_size=2, max_size=5))
def test_no_step_from_one_to_another_saves_bits(counts: list[int]) -> None:
    found = np.array(counts)
    shares = share_out(found)
    least = count_bits(found, shares)
    for giver in range(len(counts)):
        for taker in range(len(counts)):
            moved = shares.copy()
            moved[giver] -= 1
            moved[taker] += 1
            if moved[giver] > 0:
                assert count_bits(found, moved) >= least * (1 - 1e-4)


@pytest.mark.parametrize("counts", [[0, 0], [-1, 5], [1] * (TOTAL + 1)])
def test_counts_that_are_none_are_refused(counts: list[int]) -> None:
    with pytest.raises(UsageError, match="from 1 to 4096 of them are more than 0"):
        share_out(np.array(counts))


def make(frequencies: np.ndarray, low: int = 0, shift: int = 0) -> FrequencyTables:
    return FrequencyTables(np.array([low]), np.array([shift]), frequencies)


def test_tables_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UsageError, match="256 frequencies, none of them negative, that add up to 4096"):
        make(np.ones((1, SYMBOLS), np.int64))


def test_shifts_and_lows_that_do_not_fit_are_refused() -> None:
    frequencies = np.full((1, SYMBOLS), TOTAL // SYMBOLS)
    with pytest.raises(UsageError, match=r"shifts are one a table \(1\), from 0 to 4"):
        make(frequencies, shift=SHIFT_LIMIT + 1)
    with pytest.raises(UsageError, match=r"lows are one a table \(1\), whole numbers of 16 bits"):
        make(frequencies, low=1 << 15)


def test_slots_and_intervals_say_the_same() -> None:
    frequencies = np.zeros((1, SYMBOLS), np.int64)
    frequencies[0, [3, 9]] = 1000, TOTAL - 1000
    tables = make(frequencies)
    assert tables.slots.tolist() == [[3] * 1000 + [9] * (TOTAL - 1000)]
    assert tables.intervals[0, 3] == 1000 << 16
    assert tables.intervals[0, 9] == (TOTAL - 1000) << 16 | 1000
