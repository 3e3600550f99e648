"""Tables are read with the precision that they are written in, and bad ones are refused with the place."""

from pathlib import Path

import pytest

from multum.discovery.tables import find_unit, read_numbers, read_table
from multum.errors import FormatError, UsageError


@pytest.mark.parametrize(
    ("cell", "unit"),
    [
        ("12", 0),
        ("12.50", 0.01),
        ("-0.003", 0.001),
        ("1.5e3", 100.0),
        ("2E-3", 0.001),
        ("0.1234567890123456", 0),
        ("x", 0),
    ],
)
def test_the_unit_of_the_last_digit_is_found(cell: str, unit: float) -> None:
    assert find_unit(cell) == pytest.approx(unit)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "a,b\n1.5,2\n2.5,3\n"),
        ("t.tsv", "a\tb\n1.5\t2\n2.5\t3\n"),
        ("t.jsonl", '{"a": 1.5, "b": 2}\n{"a": 2.5, "b": 3}\n'),
    ],
)
def test_tables_of_each_kind_are_read_alike(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    table = read_table(tmp_path / name)
    a, b = read_numbers(table, ["a", "b"])
    assert (a.values.tolist(), a.units.tolist()) == ([1.5, 2.5], pytest.approx([0.1, 0.1]))
    assert (b.values.tolist(), b.units.tolist()) == ([2, 3], [0, 0])


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("t.csv", "a,b\n1\n", FormatError, "has 2 columns, and 1 cells in line 2"),
        ("t.csv", "a,a\n1,2\n", FormatError, "a name twice"),
        ("t.csv", "1,2\n3,4\n", FormatError, "its first line must name the columns"),
        ("t.csv", "a,b\n", FormatError, "has no rows"),
        ("t.csv", 'a,b\n"1,2\n', FormatError, "is not csv at line"),
        ("t.jsonl", "{\n", FormatError, "jsonl:1' is not JSON"),
        ("t.jsonl", "3\n", FormatError, "jsonl:1' is a str; an object"),
        ("t.txt", "a b\n", UsageError, "is no table; tables end in .csv"),
        ("t.parquet", "nothing", FormatError, "is no parquet file"),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, name: str, content: str, error: type[Exception], message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(error, match=message):
        read_table(tmp_path / name)
    with pytest.raises(UsageError, match="there is no"):
        read_table(tmp_path / "none.txt")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(FormatError, match="is not UTF-8"):
        read_table(tmp_path / "t.csv")


def test_numbers_in_memory_have_all_their_digits() -> None:
    table = read_table({"a": [0.5, 1.0], "b": ["0.5", "1.0"]})
    a, b = read_numbers(table, ["a", "b"])
    assert a.units.tolist() == [0, 0]
    assert b.units.tolist() == pytest.approx([0.1, 0.1])


def test_huge_tables_are_sampled_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multum.discovery.tables.MOST_ROWS", 10)
    table = read_table({"a": range(100)})
    assert table.rows == 10
    assert (table.cells[0][0], table.cells[0][-1]) == ("0", "99")
    assert table.notes == ("100 rows; 10 of them, evenly taken, were looked at",)
