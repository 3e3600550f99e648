"""The range coder is its textbook twin bit for bit, every string is a code, and next to nothing is wasted."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.bits.ranges import TOTAL, decode_symbols, encode_symbols
from multum.errors import UsageError
from tests.bits import reference


def make_table(weights: list[int]) -> list[int]:
    """Return frequencies with the shares of `weights`, 2**24 in all, none of them zero."""
    room = TOTAL - len(weights)
    table = [1 + room * weight // max(sum(weights), 1) for weight in weights]
    table[0] += TOTAL - sum(table)
    return table


# Rows of four: flat, and so uneven that intervals are short and carries are long.
uneven = st.sampled_from([[TOTAL - 3, 1, 1, 1], [1, 1, 1, TOTAL - 3], [1, TOTAL - 3, 1, 1], [0, 0, 0, TOTAL]])
row = st.lists(st.integers(0, 1000), min_size=4, max_size=4).map(make_table) | uneven
rows = st.lists(row, max_size=60)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    tables = draw(rows)
    return [draw(st.sampled_from([k for k in range(4) if table[k]])) for table in tables], tables


@given(sequences())
@example(([], []))
@example(([3] * 40, [[TOTAL - 3, 1, 1, 1]] * 40))
@example(([0] * 40, [[1, 1, 1, TOTAL - 3]] * 40))
def test_codes_equal_those_of_the_twin(sequence: tuple[list[int], list[list[int]]]) -> None:
    symbols, tables = sequence
    frequencies = np.array(tables, np.int64).reshape(-1, 4)
    code = encode_symbols(symbols, frequencies)
    assert code == reference.encode_symbols(symbols, tables)
    assert decode_symbols(code, frequencies).tolist() == symbols == reference.decode_symbols(code, tables)


@given(st.binary(max_size=40), rows)
@settings(max_examples=60)
def test_any_code_decodes_as_the_twin_decodes_it(code: bytes, tables: list[list[int]]) -> None:
    frequencies = np.array(tables, np.int64).reshape(-1, 4)
    assert decode_symbols(code, frequencies).tolist() == reference.decode_symbols(code, tables)


@given(st.binary(max_size=12))
@example(b"\xff" * 12)
@example(b"\0\0\1")
def test_what_any_bytes_decode_to_has_these_bytes_as_its_code(code: bytes) -> None:
    """Once there are symbols enough to tell the bytes from all others; zeros at the end go without saying."""
    frequencies = np.tile([TOTAL // 2 + 1, TOTAL // 4, TOTAL // 8, TOTAL // 8 - 1], (200, 1))
    assert encode_symbols(decode_symbols(code, frequencies), frequencies) == code.rstrip(b"\0")


def test_a_carry_runs_through_many_bytes() -> None:
    """A number just under a power of 256, then one step over it."""
    rng = np.random.default_rng(5)
    for length in (3, 9, 30):
        tables = [[TOTAL // 2, TOTAL // 2, 0, 0]] * (8 * length) + [[TOTAL - 3, 1, 1, 1]] * 4
        for _ in range(20):
            symbols = [1] * (8 * length) + rng.integers(0, 4, 4).tolist()
            code = encode_symbols(symbols, np.array(tables))
            assert code == reference.encode_symbols(symbols, tables)
            assert decode_symbols(code, np.array(tables)).tolist() == symbols


def test_overhead_is_less_than_a_hundredth_of_a_per_cent() -> None:
    rng = np.random.default_rng(6)
    n = 20_000
    table = make_table([1, 10, 100, 100_000])
    p = np.array(table) / TOTAL
    symbols = rng.choice(4, n, p=p)
    ideal = float(-np.log2(p[symbols]).sum())
    assert 8 * len(encode_symbols(symbols, np.tile(table, (n, 1)))) <= ideal * 1.0001 + 8


def test_a_sure_symbol_costs_nothing() -> None:
    assert encode_symbols([0] * 1000, np.tile([TOTAL, 0, 0, 0], (1000, 1))) == b""


@pytest.mark.parametrize("frequencies", [[1, 2], [[0.5, 0.5]], [[-1, TOTAL + 1]]])
def test_frequencies_that_are_none_are_refused(frequencies: list[float]) -> None:
    with pytest.raises(UsageError, match="whole numbers, a row for each symbol"):
        encode_symbols([0], frequencies)


def test_rows_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UsageError, match="row 1 add up to 4; allowed is 16777216"):
        decode_symbols(b"", [[TOTAL, 0], [2, 2]])


def test_a_symbol_that_cannot_be_coded_is_refused() -> None:
    with pytest.raises(UsageError, match="symbol 0 has a frequency of zero"):
        encode_symbols([1], [[TOTAL, 0]])


@pytest.mark.parametrize("symbols", [[2], [-1], [0, 0], []])
def test_symbols_that_are_none_are_refused(symbols: list[int]) -> None:
    with pytest.raises(UsageError, match=r"numbers below 2, as many as rows of frequencies \(1\)"):
        encode_symbols(symbols, [[TOTAL, 0]])
