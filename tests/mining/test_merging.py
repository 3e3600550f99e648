"""Code tables: what they find, and that their bits are those of a code that is read back."""

import random
from collections.abc import Sequence

import pytest

from multum.mining.merging import CodeTable, shorten
from tests.mining.reference import Coder, Learnt, code_integer, code_word

PLANTED = ((1, 2, 3), (4, 5, 6, 7), (10, 11))


def draw_rows(count: int, seed: int = 1) -> list[list[int]]:
    """Return rows of planted patterns and of single items that come by chance."""
    generator = random.Random(seed)
    rows = []
    for _ in range(count):
        row = [item for pattern in generator.sample(PLANTED, generator.randint(0, 2)) for item in pattern]
        rows.append(row + generator.sample(range(12, 24), generator.randint(0, 3)))
    return rows


def make_table(rows: Sequence[Sequence[int]], ordered: bool) -> CodeTable:
    """Return a table of rows whose items are called i0, i1 and so on."""
    return CodeTable(rows, [f"i{item}" for item in range(24)], ordered)


def code_table(coder: Coder, table: CodeTable | None) -> tuple[list[str], list[tuple[int, ...]]]:
    """Return (names, codes): how the codes that are used are written, and read again."""
    used = [] if table is None else [table.codes[code] for code, times in sorted(table.usage.items()) if times]
    learnt, numbers = Learnt(), dict[str, int]()
    names: list[str] = []
    codes: list[tuple[int, ...]] = []
    while True:
        items = () if table is None or len(codes) == len(used) else used[len(codes)]
        size = code_integer(coder, None if table is None else len(items) + 1) - 1
        if not size:
            return names, codes
        code = []
        for place in range(size):
            name = None if table is None else table.names[items[place]]
            found = learnt.code(coder, name)
            if found is None:
                found = code_word(coder, name)
                learnt.add(found)
                numbers[found] = len(names)
                names.append(found)
            code.append(numbers[found])
        codes.append(tuple(code))


def code_rows(coder: Coder, codes: Sequence[tuple[str, ...]], table: CodeTable | None) -> list[list[str]]:
    """Return the rows, of names: sets say of each code whether it is there, sequences go on to their end."""
    count = code_integer(coder, None if table is None else len(table.rows) + 1) - 1
    named = table and {code: tuple(table.names[item] for item in items) for code, items in table.codes.items()}
    given = [[named[code] for code in row] for row in table.rows] if table and named else [[]] * count
    found: list[list[str]] = [[] for _ in range(count)]
    if table is None or not table.ordered:
        for code in codes:
            seen = 0
            for number in range(count):
                there = None if table is None else int(code in given[number])
                if coder.choose({0: number - seen + 1, 1: seen + 1}, there):
                    seen += 1
                    found[number] += code
    return found


@pytest.mark.parametrize("ordered", [False, True], ids=["sets", "sequences"])
def test_planted_patterns_are_found_and_nothing_else(ordered: bool) -> None:
    table = make_table(draw_rows(400), ordered)
    assert shorten(table, lambda: False)
    found = {table.codes[code] for code, times in table.usage.items() if times and len(table.codes[code]) > 1}
    assert found == set(PLANTED)


@pytest.mark.parametrize("ordered", [False, True], ids=["sets", "sequences"])
def test_what_comes_together_by_chance_is_no_pattern(ordered: bool) -> None:
    generator = random.Random(5)
    rows = [[item for item in range(24) if generator.random() < 0.2] for _ in range(300)]
    for row in rows:
        generator.shuffle(row)
    table = make_table(rows, ordered)
    shorten(table, lambda: False)
    assert all(len(table.codes[code]) == 1 for code, times in table.usage.items() if times)


@pytest.mark.parametrize("ordered", [False, True], ids=["sets", "sequences"])
def test_each_step_saves_what_was_weighed(ordered: bool) -> None:
    rows = [[0, 0, 0, 1, 2], [0, 0, 1, 2, 2, 2], *draw_rows(40)] if ordered else draw_rows(60)
    table = make_table(rows, ordered)
    for _ in range(8):
        before, pair = sum(table.count_bits()), max(table.pairs, key=lambda one: (table.weigh(one), one))
        saved = table.weigh(pair)
        table.join(pair)
        assert before - sum(table.count_bits()) == pytest.approx(saved, abs=1e-6)
    for code in [code for code in table.parts if table.usage[code]]:
        before, saved = sum(table.count_bits()), table.weigh_split(code, table.codes[code])
        table.split(code, table.codes[code])
        assert before - sum(table.count_bits()) == pytest.approx(saved, abs=1e-6)


@pytest.mark.parametrize("ordered", [False, True], ids=["sets", "sequences"])
def test_rows_stay_what_they_were(ordered: bool) -> None:
    rows = draw_rows(100)
    table = make_table(rows, ordered)
    shorten(table, lambda: False)
    again = [[item for code in row for item in table.codes[code]] for row in table.rows]
    assert again == rows if ordered else [sorted(row) for row in again] == [sorted(row) for row in rows]


def test_sets_are_read_back_from_as_many_bits_as_are_said() -> None:
    table = make_table(draw_rows(25), ordered=False)
    shorten(table, lambda: False)
    writer = Coder()
    names, codes = code_table(writer, table)
    code_rows(writer, [tuple(names[item] for item in code) for code in codes], table)
    assert writer.bits == pytest.approx(sum(table.count_bits()), abs=1e-6)
    code = writer.finish()
    assert len(code) <= sum(table.count_bits()) + 2
    reader = Coder(code)
    names, codes = code_table(reader, None)
    found = code_rows(reader, [tuple(names[item] for item in one) for one in codes], None)
    expected = [sorted(f"i{item}" for item in row) for row in draw_rows(25)]
    assert [sorted(row) for row in found] == expected


def test_sequences_take_the_bits_of_a_code_that_names_each_code_before_its_rows() -> None:
    table = make_table(draw_rows(25), ordered=True)
    shorten(table, lambda: False)
    coder, learnt = Coder(), Learnt()
    code_table(coder, table)
    code_integer(coder, len(table.rows) + 1)
    for row in table.rows:
        for code in (*row, "end"):
            if learnt.code(coder, code) is None:
                learnt.add(code)  # the table's next one
    assert coder.bits == pytest.approx(sum(table.count_bits()), abs=1e-6)


def test_a_search_without_time_says_so() -> None:
    table = make_table(draw_rows(50), ordered=False)
    assert not shorten(table, lambda: True)
