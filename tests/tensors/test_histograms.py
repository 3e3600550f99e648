"""Tables made of counts come back, and what is too rare for a place escapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.bits.frequencies import ESCAPE, TOTAL
from multum.bits.interleaved import decode_numbers, encode_numbers
from multum.errors import FormatError
from multum.tensors.histograms import decode_histograms, encode_histograms, fit_histograms

numbers_and_contexts = st.lists(st.tuples(st.integers(-(1 << 15), (1 << 15) - 1), st.integers(0, 2)), max_size=60)


@given(numbers_and_contexts)
def test_any_numbers_come_back_under_their_own_tables(pairs: list[tuple[int, int]]) -> None:
    numbers = np.array([number for number, _ in pairs], np.int16)
    contexts = np.array([context for _, context in pairs], np.uint8)
    fitted = fit_histograms(numbers, contexts, 3)
    tables, size = decode_histograms(told := encode_histograms(fitted), 3)
    assert size == len(told)
    assert (tables.lows == fitted.lows).all()
    assert (tables.frequencies == fitted.frequencies).all()
    assert (decode_numbers(encode_numbers(numbers, contexts, fitted), contexts, tables) == numbers).all()


def test_rare_numbers_escape_and_frequent_ones_do_not() -> None:
    numbers = np.repeat(np.array([5, 6, 900], np.int16), [60_000, 30_000, 1])
    tables = fit_histograms(numbers, np.zeros(len(numbers), np.uint8), 1)
    assert tables.lows[0] == 5
    assert tables.frequencies[0, [0, 1, ESCAPE]].tolist() == [2730, 1365, 1]


def test_the_densest_window_is_kept() -> None:
    numbers = np.concatenate([np.arange(0, 255), np.full(5000, 400), np.arange(300, 500)]).astype(np.int16)
    tables = fit_histograms(numbers, np.zeros(len(numbers), np.uint8), 1)
    assert tables.lows[0] <= 400 < tables.lows[0] + ESCAPE
    assert tables.frequencies[0, 400 - tables.lows[0]] > TOTAL // 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0", "a table is cut short"),
        (b"\0\0\2\1", "a table is cut short"),
        (b"\0\0\1\x80", "a table is cut short"),
        (b"\0\0\3\1\0\2", "a table has more zeros than the 3 frequencies it tells"),
        (b"\0\0\2\x80\x20\x01", "add up to 4097, at most 4096 are allowed"),
    ],
)
def test_tables_that_lie_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        decode_histograms(data, 1)
