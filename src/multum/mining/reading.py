"""Rows of transactions and sequences, and lines of logs, as text."""

import csv
import re
from collections.abc import Sequence

from multum.errors import UsageError
from multum.evaluation.contents import Data, name_data, read_data

ITEMS, SEQUENCE, LOG, AUTO = "items", "sequence", "log", "auto"
KINDS = (AUTO, ITEMS, SEQUENCE, LOG)
# What may stand between items, the likeliest first; blanks where none of them is found.
_SEPARATORS = (",", ";", "\t")
_LOOKED_AT = 100
_BLANK = re.compile(r"(?<! ) ")


def choose_kind(kind: str, data: Data) -> str:
    """Return what the data are taken for: logs where the name says so, sets of items else. Raises UsageError."""
    if kind not in KINDS:
        raise UsageError(f"kind '{kind}' is unknown; kinds are {', '.join(KINDS)}")
    if kind != AUTO:
        return kind
    return LOG if (name_data(data) or "").removesuffix(".gz").endswith(".log") else ITEMS


def read_lines(data: Data) -> list[str]:
    """Return the lines without their ends; bytes that are no UTF-8 stay as surrogates. Raises UsageError for none."""
    lines = [line.removesuffix("\r") for line in read_data(data).decode("utf-8", "surrogateescape").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise UsageError(f"'{name_data(data) or 'the data'}' is empty; a row or line of text each was expected")
    return lines


def split_words(line: str) -> list[str]:
    """Return the words of a line; joined by blanks they are the line. Further blanks begin the word after them."""
    return _BLANK.split(line)


def split_rows(lines: Sequence[str], separator: str | None, ordered: bool) -> tuple[list[list[int]], list[str]]:
    """Return (rows of item numbers, names of the items). separator: of items, guessed without one.

    Each item is once in a row where these are sets. Rows without items stay, as empty ones. Raises UsageError.
    """
    if separator is not None and len(separator) != 1:
        raise UsageError(f"separator {separator!r} is not possible; give one character, or none to have it guessed")
    head = "\n".join(lines[:_LOOKED_AT])
    separator = separator or next((one for one in _SEPARATORS if one in head), None)
    if separator is None:
        cells: list[list[str]] = [line.split() for line in lines]
    else:
        try:
            cells = [next(csv.reader([line], delimiter=separator), []) for line in lines]
        except csv.Error as error:
            raise UsageError(f"the rows cannot be read: {error}; give --separator") from error
    numbers: dict[str, int] = {}
    rows = []
    for row in cells:
        items = [numbers.setdefault(cell.strip(), len(numbers)) for cell in row if cell.strip()]
        rows.append(items if ordered else sorted(set(items)))
    if not numbers:
        raise UsageError("no row has an item; give --separator, or other data")
    return rows, list(numbers)
