"""The interleaved coder is its textbook twin bit for bit, refuses what is no code, and wastes next to nothing."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.bits.frequencies import ESCAPE, SHIFT_LIMIT, SYMBOLS, FrequencyTables, share_out
from multum.bits.interleaved import LANES, NUMBERS_PER_LANE, count_lanes, decode_numbers, encode_numbers
from multum.errors import FormatError, UsageError
from tests.bits import interleaved_reference as reference


def make_tables(rows: list[tuple[int, int, dict[int, int]]]) -> FrequencyTables:
    """Return tables of (low, shift, what was counted of each symbol)."""
    counts = np.zeros((len(rows), SYMBOLS), np.int64)
    for row, (_, _, counted) in zip(counts, rows, strict=True):
        row[list(counted)] = list(counted.values())
    lows, shifts = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    return FrequencyTables(lows, shifts, np.array([share_out(row) for row in counts]))


def list_rows(tables: FrequencyTables, contexts: list[int]) -> list[reference.Table]:
    """Return the twin's table of each number."""
    return [(int(tables.lows[c]), int(tables.shifts[c]), tables.frequencies[c].tolist()) for c in contexts]


narrow = st.dictionaries(st.integers(0, 5), st.integers(1, 10_000), min_size=1)
row = st.tuples(st.integers(-8, 8), st.integers(0, SHIFT_LIMIT), narrow).map(lambda r: (*r[:2], {**r[2], ESCAPE: 1}))
table_sets = st.lists(row, min_size=1, max_size=3).map(make_tables)
near = st.integers(-40, 40)
number = near | st.integers(-(2**15), 2**15 - 1)


@given(table_sets, st.lists(st.tuples(number, st.integers(0, 2)), max_size=60))
@example(make_tables([(0, 0, {0: 1, ESCAPE: 1})]), [])
@example(make_tables([(-2, 4, {0: 4000, ESCAPE: 1})]), [(-(2**15), 0), (2**15 - 1, 0), (-32, 0)])
def test_codes_equal_those_of_the_twin(tables: FrequencyTables, pairs: list[tuple[int, int]]) -> None:
    numbers = [n for n, _ in pairs]
    contexts = [c % len(tables.lows) for _, c in pairs]
    rows = list_rows(tables, contexts)
    code = encode_numbers(np.array(numbers, np.int16), np.array(contexts, np.uint8), tables)
    assert code == reference.encode(numbers, rows)
    assert decode_numbers(code, np.array(contexts, np.uint8), tables).tolist() == numbers
    assert reference.decode(code, rows) == numbers


@given(table_sets, st.binary(max_size=60), st.lists(st.integers(0, 2), max_size=30))
@settings(max_examples=200)
def test_any_bytes_are_refused_or_decode_as_the_twin_decodes_them(
    tables: FrequencyTables, code: bytes, chosen: list[int]
) -> None:
    contexts = [c % len(tables.lows) for c in chosen]
    expected = reference.decode(code, list_rows(tables, contexts))
    try:
        found = decode_numbers(code, np.array(contexts, np.uint8), tables).tolist()
    except FormatError:
        found = None
    assert found == expected


@pytest.mark.parametrize("count", [NUMBERS_PER_LANE - 1, NUMBERS_PER_LANE, 2 * NUMBERS_PER_LANE + 1])
def test_several_lanes_code_as_the_twin_does(count: int) -> None:
    rng = np.random.default_rng(count)
    tables = make_tables([(-2, 0, {0: 1, 1: 5, 2: 9, 3: 5, 4: 1, ESCAPE: 1}), (-3, 2, {0: 1, 3: 4, 5: 1, ESCAPE: 1})])
    numbers = rng.integers(-4, 5, count).astype(np.int16)
    contexts = rng.integers(0, 2, count).astype(np.uint8)
    code = encode_numbers(numbers, contexts, tables)
    assert code == reference.encode(numbers.tolist(), list_rows(tables, contexts.tolist()))
    assert (decode_numbers(code, contexts, tables) == numbers).all()


def test_long_codes_use_all_lanes_and_short_ones_few() -> None:
    assert [count_lanes(n) for n in (0, 100, NUMBERS_PER_LANE, 10**9)] == [1, 1, 2, LANES]


def test_every_cut_and_flip_is_refused_or_changes_the_numbers() -> None:
    """A code says nothing twice: what is not refused here, the archive's checksum refuses."""
    tables = make_tables([(-3, 0, {k: 1 + k for k in range(7)} | {ESCAPE: 1})])
    numbers = np.random.default_rng(1).integers(-3, 4, 200).astype(np.int16)
    contexts = np.zeros(200, np.uint8)
    code = encode_numbers(numbers, contexts, tables)
    for size in range(len(code)):
        with pytest.raises(FormatError, match=r"a code of 1 lanes is 4 bytes and whole words|do not end where"):
            decode_numbers(code[:size], contexts, tables)
    for k in range(len(code)):
        flipped = code[:k] + bytes([code[k] ^ 16]) + code[k + 1 :]
        try:
            assert decode_numbers(flipped, contexts, tables).tolist() != numbers.tolist()
        except FormatError:
            continue


def test_overhead_is_less_than_a_thousandth() -> None:
    rng = np.random.default_rng(6)
    numbers = np.rint(3 * rng.standard_normal(50_000)).astype(np.int16)
    counts = np.bincount(numbers + 20, minlength=SYMBOLS)
    counts[ESCAPE] = 1
    tables = FrequencyTables(np.array([-20]), np.array([0]), share_out(counts)[None])
    ideal = -float((counts * np.log2(np.maximum(counts, 1) / counts.sum())).sum())
    assert 8 * len(encode_numbers(numbers, np.zeros(50_000, np.uint8), tables)) <= ideal * 1.001 + 32 * LANES


def test_a_lane_that_begins_too_low_is_refused() -> None:
    with pytest.raises(FormatError, match="a lane begins with 65535; the least is 65536"):
        decode_numbers(b"\xff\xff\0\0", np.zeros(1, np.uint8), make_tables([(0, 0, {0: 1})]))


def test_a_number_without_table_or_escape_is_refused() -> None:
    with pytest.raises(UsageError, match="number 1, 7, is not in its table, which cannot escape"):
        encode_numbers(np.array([0, 7], np.int16), np.zeros(2, np.uint8), make_tables([(0, 0, {0: 1})]))


def test_contexts_without_a_table_are_refused() -> None:
    with pytest.raises(UsageError, match="context 3 has no table: there are 1"):
        decode_numbers(b"", np.array([3], np.uint8), make_tables([(0, 0, {0: 1})]))


def test_contexts_are_as_many_as_numbers() -> None:
    with pytest.raises(UsageError, match=r"as many contexts as numbers \(1\) are needed, not 2"):
        encode_numbers(np.zeros(1, np.int16), np.zeros(2, np.uint8), make_tables([(0, 0, {0: 1})]))
