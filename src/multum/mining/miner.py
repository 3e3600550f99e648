"""`patterns`: what comes again in data, and what each pattern saves, in bits that a decoder would read."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from multum.archive.targets import check_free, whole_file
from multum.errors import LimitExceeded, UsageError
from multum.evaluation.contents import Data, name_data
from multum.mining import merging, searching
from multum.mining.headers import code_column, count_plain, find_header
from multum.mining.lengths import count_integer
from multum.mining.reading import AUTO, LOG, SEQUENCE, choose_kind, read_lines, split_rows, split_words
from multum.mining.templates import Book

# Called with (bits saved so far, seconds left).
Progress = Callable[[float, float], None]

BUDGET_S = 60.0
# Pairs of items that are counted, some 100 bytes each.
_MOST_PAIRS = 20_000_000


@dataclass(frozen=True)
class Pattern:
    """text: as it is shown. items: it is made of. usage: how often it stands in the code of a row.

    saved_bits: by how much more all would take without it; of a template, than its lines do word by word.
    """

    text: str
    items: tuple[str, ...]
    usage: int
    saved_bits: float

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, bits to a tenth."""
        return vars(self) | {"items": list(self.items), "saved_bits": round(self.saved_bits, 1)}


@dataclass(frozen=True, kw_only=True)
class Mined:
    """What was found in rows; the pattern that saves most comes first.

    plain_bits: of the data without patterns, by the same kind of code. table_bits: of all that patterns say once.
    data_bits: of the rows, given these. header_words, header_bits: of what every line of a log begins with.
    members: the place among the patterns of each line of a log; empty for rows of items. complete: whether the
    search came to its end in time.
    """

    rows: int
    plain_bits: float
    table_bits: float
    data_bits: float
    patterns: list[Pattern]
    complete: bool
    header_words: int = 0
    header_bits: float = 0.0
    members: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class PatternsReport(Mined):
    """What `patterns` found. kind: what the data were taken for."""

    data: str | None
    kind: str
    raw_bytes: int
    time_s: float

    @property
    def total_bits(self) -> float:
        """Everything, with the patterns."""
        return self.table_bits + self.data_bits + self.header_bits

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the members as plain values, bits to a tenth."""
        facts = {key: value for key, value in vars(self).items() if key != "members"} | {"total_bits": self.total_bits}
        rounded = {key: round(value, 1) for key, value in facts.items() if key.endswith("_bits")}
        return facts | rounded | {"patterns": [one.as_dict() for one in self.patterns]}


def patterns(
    data: Data,
    output: "str | os.PathLike[str] | None" = None,
    *,
    kind: str = AUTO,
    separator: str | None = None,
    time_s: float = BUDGET_S,
    force: bool = False,
    progress: Progress | None = None,
) -> PatternsReport:
    """Return the patterns of `data` whose own bits are less than what they save.

    data: bytes, a path, several, or a binary stream, see `code_bits`: rows of items, or lines of a log. output: a file
    to write, a JSON object a pattern. kind: "items", sets; "sequence", rows in order; "log", templates of lines;
    "auto", a log where the name ends in .log. separator: between items, guessed without one. time_s: the most to
    spend; what was found by then is returned. progress: called with (bits saved so far, seconds left).
    Raises UsageError, FormatError, LimitExceeded, OSError.
    """
    started_s = time.monotonic()
    if not time_s > 0:
        raise UsageError(f"{time_s} s is no time to search in; give more than 0")
    if output is not None:
        check_free(os.fspath(output), force)
    chosen = choose_kind(kind, data)
    lines = read_lines(data)

    def left_s() -> float:
        return started_s + time_s - time.monotonic()

    def tell(saved_bits: float) -> None:
        if progress is not None:
            progress(saved_bits, max(left_s(), 0.0))

    if chosen == LOG:
        mined = _find_templates(lines, lambda: left_s() < 0, tell)
    else:
        mined = _find_codes(lines, separator, chosen == SEQUENCE, lambda: left_s() < 0, tell)
    raw_bytes = sum(len(line.encode("utf-8", "surrogateescape")) + 1 for line in lines)
    spent_s = time.monotonic() - started_s
    report = PatternsReport(data=name_data(data), kind=chosen, raw_bytes=raw_bytes, time_s=spent_s, **vars(mined))
    if output is not None:
        with whole_file(os.fspath(output), force, None) as file:
            file.writelines(json.dumps(one.as_dict()).encode() + b"\n" for one in report.patterns)
    return report


def _find_codes(
    lines: list[str],
    separator: str | None,
    ordered: bool,
    expired: Callable[[], bool],
    tell: Callable[[float], None],
) -> Mined:
    """Return the codes of rows of items. Raises UsageError, LimitExceeded."""
    rows, names = split_rows(lines, separator, ordered)
    pairs = 0 if ordered else sum(len(row) * (len(row) - 1) // 2 for row in rows)
    if pairs > _MOST_PAIRS:
        raise LimitExceeded(
            f"the rows have {pairs:,} pairs of items; {_MOST_PAIRS:,} are counted at most: give fewer rows, or shorter"
        )
    table = merging.CodeTable(rows, names, ordered)
    plain = sum(table.count_bits())
    complete = merging.shorten(table, expired, tell)
    found = []
    for code, items in table.codes.items():
        if len(items) > 1 and table.usage[code]:
            named = tuple(names[item] for item in items)
            saved = -table.weigh_split(code, items)
            found.append(Pattern((" " if ordered else ", ").join(named), named, table.usage[code], saved))
    table_bits, data_bits = table.count_bits()
    return Mined(
        rows=len(rows),
        plain_bits=plain,
        table_bits=table_bits,
        data_bits=data_bits,
        patterns=sorted(found, key=lambda one: -one.saved_bits),
        complete=complete,
    )


def _find_templates(lines: list[str], expired: Callable[[], bool], tell: Callable[[float], None]) -> Mined:
    """Return the templates of a log."""
    words = [split_words(line) for line in lines]
    header = find_header(words)
    columns = [code_column([line[place] for line in words]) for place in range(header)]
    book = Book([line[header:] for line in words])
    complete = searching.shorten(book, expired, tell)
    plain, bits = count_plain(words), book.share_bits()
    found, rows = [], []
    for number, one in book.templates.items():
        saved = sum(sum(plain[row][header:]) for row in one.rows) - bits[number]
        found.append(Pattern(str(one), tuple(split_words(str(one))), len(one.rows), saved))
        rows.append(one.rows)
    order = sorted(range(len(found)), key=lambda number: -found[number].saved_bits)
    members = [0] * len(lines)
    for place, number in enumerate(order):
        for row in rows[number]:
            members[row] = place
    table_bits, data_bits = book.count_bits()
    ends = count_integer(len(lines) + 1)
    return Mined(
        rows=len(lines),
        plain_bits=sum(map(sum, plain)) + ends,
        table_bits=table_bits,
        data_bits=data_bits + ends,
        patterns=[found[number] for number in order],
        complete=complete,
        header_words=header,
        header_bits=sum(columns) + count_integer(header + 1),
        members=members,
    )
