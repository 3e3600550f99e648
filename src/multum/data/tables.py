"""Texts with labels from csv, tsv and jsonl.

Columns are asked for by name or number, or guessed from names and contents; what was taken is told.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multum.data.contents import digest_contents, read_content
from multum.data.labelled import SHOWN, Labelled, name_few, number_labels
from multum.errors import FormatError, UsageError

# What columns of the public data sets are called, likeliest first.
LABEL_NAMES = ("label", "labels", "class", "category", "target", "sentiment", "intent", "topic", "rating", "stars")
TEXT_NAMES = (
    "text",
    "sentence",
    "review",
    "content",
    "comment",
    "message",
    "body",
    "document",
    "question",
    "tweet",
)

_HEADING = re.compile(r"[^\W\d][\w .-]{0,63}")


@dataclass(frozen=True)
class Table:
    """Rows of cells. names: of the columns, or None without a header. lines: number of each row's line, from 1."""

    source: str
    names: tuple[str, ...] | None
    rows: list[list[str]]
    lines: list[int]

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.rows[0])

    def tell_columns(self) -> str:
        """Return which columns there are, for messages."""
        return name_few(self.names) if self.names else f"1 to {self.width}, without names"

    def name_column(self, column: int) -> str:
        """Return a column's name in quotes, or its number."""
        return f"'{self.names[column]}'" if self.names else f"{column + 1}"

    def find_column(self, asked: str) -> int:
        """Return the place of the column called `asked`, or numbered so from 1. Raises UsageError."""
        if self.names and asked in self.names:
            return self.names.index(asked)
        if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= self.width:
            return int(asked) - 1
        raise UsageError(f"'{self.source}' has no column '{asked}'; its columns are {self.tell_columns()}")

    def cells(self, column: int) -> list[str]:
        """Return the cells of one column."""
        return [row[column] for row in self.rows]


def read_table(path: Path, text_columns: Sequence[str] = (), label_column: str | None = None) -> Labelled:
    """Return the labelled texts of a csv, tsv or jsonl file; see `read_labelled`."""
    content = read_content(path)
    if not content.strip():
        raise FormatError(f"'{path}' is empty; rows of text and label were expected")
    table = _parse(path, _decode(path, content))
    label = _choose_label(table, label_column, text_columns)
    texts = _choose_texts(table, text_columns, label)
    labels, classes = number_labels(_check_labels(table, label))
    inputs = [" ".join(row[column] for column in texts) for row in table.rows]
    told = f"text {' + '.join(map(table.name_column, texts))}, label {table.name_column(label)}"
    return Labelled(inputs, labels, classes, digest_contents(content), str(path), told)


def _decode(path: Path, content: bytes) -> str:
    """Return UTF-8 text, without a mark of byte order. Raises FormatError with the place."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"'{path}' is not UTF-8; convert it with iconv -t UTF-8", error.start) from error


def _parse(path: Path, text: str) -> Table:
    """Return the table in `text`, by the suffix of its name. Raises FormatError."""
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix in (".jsonl", ".ndjson"):
        return _parse_jsonl(str(path), text)
    if suffix == ".csv":
        rows, lines = _parse_csv(str(path), text)
    else:
        # Tab-separated files quote nothing: a stray quotation mark is a character of the text.
        numbered = [(line.split("\t"), n) for n, line in _list_lines(text)]
        rows, lines = [row for row, _ in numbered], [n for _, n in numbered]
    _check_widths(str(path), rows, lines)
    if not _has_header(rows):
        return Table(str(path), None, rows, lines)
    if len(rows) == 1:
        raise FormatError(f"'{path}' is empty but for its header; rows of text and label were expected")
    return Table(str(path), tuple(cell.strip() for cell in rows[0]), rows[1:], lines[1:])


def _list_lines(text: str) -> list[tuple[int, str]]:
    """Return (number from 1, line) of each line with something in it; only \\n ends a line, as in the standards."""
    return [(n, line.removesuffix("\r")) for n, line in enumerate(text.split("\n"), 1) if line.strip()]


def _parse_csv(source: str, text: str) -> tuple[list[list[str]], list[int]]:
    """Return rows and the number of each one's last line. Raises FormatError."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise FormatError(f"'{source}' is not csv at line {reader.line_num}: {error}") from error
    return rows, lines


def _check_widths(source: str, rows: list[list[str]], lines: list[int]) -> None:
    """Raise FormatError unless every row has as many columns as the first, two at least."""
    width = len(rows[0])
    if width < 2:
        raise FormatError(
            f"'{source}' has one column; text and label need two, with commas between them in .csv, tabs elsewhere"
        )
    odd = [n for row, n in zip(rows, lines, strict=True) if len(row) != width]
    if odd:
        other = len(rows[lines.index(odd[0])])
        raise FormatError(
            f"'{source}' has {width} columns in line {lines[0]} and {other} in line {odd[0]}"
            f" ({len(odd)} such lines); quote cells that hold a separator"
        )


def _has_header(rows: list[list[str]]) -> bool:
    """Return whether the first row looks like names: short words of which none comes again in its column."""
    first = [cell.strip() for cell in rows[0]]
    if not all(map(_HEADING.fullmatch, first)) or len(set(first)) < len(first):
        return False
    known = {*LABEL_NAMES, *TEXT_NAMES}
    if any(cell.lower() in known for cell in first):
        return True
    return not any(row[column] == cell for row in rows[1:] for column, cell in enumerate(first))


def _parse_jsonl(source: str, text: str) -> Table:
    """Return the table of an object a line. Raises FormatError with the line."""
    objects, lines = [], []
    for number, line in _list_lines(text):
        objects.append(_parse_object(source, line, number))
        lines.append(number)
    names = tuple(dict.fromkeys(name for one in objects for name in one))
    rows = [[_write_cell(one.get(name)) for name in names] for one in objects]
    if len(names) < 2:
        raise FormatError(f"'{source}' has objects with {len(names)} fields; text and label need two")
    return Table(source, names, rows, lines)


def _parse_object(source: str, line: str, number: int) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"'{source}' is not JSON at line {number}: {error}") from error
    if not isinstance(found, dict):
        raise FormatError(f"'{source}' has a {type(found).__name__} at line {number}; an object a line was expected")
    return found


def _write_cell(value: object) -> str:
    """Return a JSON value as the text of a cell; what is missing is empty."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _choose_label(table: Table, asked: str | None, texts: Sequence[str]) -> int:
    """Return the label's column: as asked, by its name, or the one with the fewest different cells."""
    if asked is not None:
        return table.find_column(asked)
    taken = {table.find_column(text) for text in texts}
    free = [column for column in range(table.width) if column not in taken]
    if not free:
        raise UsageError(f"every column of '{table.source}' is text; its columns are {table.tell_columns()}")
    named = _find_named(table, LABEL_NAMES, free)
    return min(free, key=lambda column: _order_as_label(table, column)) if named is None else named


def _order_as_label(table: Table, column: int) -> tuple[bool, int, float]:
    """Return what is least for the column likeliest to be the label."""
    cells = table.cells(column)
    return len(set(cells)) < 2, len(set(cells)), sum(map(len, cells)) / len(cells)


def _choose_texts(table: Table, asked: Sequence[str], label: int) -> list[int]:
    """Return the text's columns: as asked, by name, all that hold several words, or the longest."""
    if asked:
        columns = [table.find_column(one) for one in asked]
        if label in columns:
            raise UsageError(f"column {table.name_column(label)} of '{table.source}' cannot be both text and label")
        return columns
    free = [column for column in range(table.width) if column != label]
    named = _find_named(table, TEXT_NAMES, free)
    if named is not None:
        return [named]
    wordy = [column for column in free if np.mean([" " in cell.strip() for cell in table.cells(column)]) > 0.5]
    return wordy or [max(free, key=lambda column: sum(map(len, table.cells(column))))]


def _find_named(table: Table, known: Sequence[str], free: Sequence[int]) -> int | None:
    """Return the first of the `free` columns with one of the `known` names, or None."""
    names = {table.names[column].lower(): column for column in reversed(free)} if table.names else {}
    return next((names[name] for name in known if name in names), None)


def _check_labels(table: Table, column: int) -> list[str]:
    """Return the labels. Raises FormatError naming the lines of rows without one."""
    labels = [cell.strip() for cell in table.cells(column)]
    missing = [line for line, label in zip(table.lines, labels, strict=True) if not label]
    name = table.name_column(column)
    if missing:
        shown = ", ".join(map(str, missing[:SHOWN])) + (", …" if len(missing) > SHOWN else "")
        raise FormatError(
            f"'{table.source}' has {len(missing)} rows without a label in column {name}, at line {shown};"
            " label or remove them"
        )
    return labels
