"""What a section of the page consists of: words, tables, figures. Plain data; the page turns it into HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multum.reporting.documents import Document

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows under a head. Numbers stand to the right; None is an empty cell."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.head) for row in self.rows), "every row has a cell for each column"


@dataclass(frozen=True)
class Figure:
    """A chart and, for who cannot see it, what it shows in a sentence and the numbers behind it.

    name: unique on the page, also that of its files. spec: Vega-Lite, without size and colours, which the page has.
    """

    name: str
    title: str
    told: str
    spec: Mapping[str, Any]
    table: Table

    @property
    def described(self) -> dict[str, Any]:
        """The chart with what it shows in words, which screen readers say."""
        described: dict[str, Any] = _clean({**self.spec, "description": self.told})
        return described


def _clean(value: Any) -> Any:
    """Return a JSON value whose texts UTF-8 can hold: bytes of names that are no text become escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {key: _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Panel:
    """One of several texts of which one is shown at a time. data: what the page's script needs for it, as JSON."""

    label: str
    text: str
    note: str = ""
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page. name: its anchor. lead: what is seen, in a sentence or two. warnings: what is to be minded.

    notes: what is good to know.
    """

    name: str
    heading: str
    lead: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    panels: tuple[Panel, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a program makes of a text, byte by byte. byte_bits: what each byte took. program_bytes: 0 for none."""

    program: str
    text: str
    data: bytes
    byte_bits: Sequence[float]
    program_bytes: int


@dataclass(frozen=True)
class Drawn:
    """Bytes that a program wrote by itself."""

    program: str
    data: bytes
    seed: int


@dataclass(frozen=True, eq=False)
class Material:
    """All that sections are made of, the same only as itself. command: what makes the page again."""

    documents: tuple[Document, ...]
    readings: tuple[Reading, ...] = ()
    samples: tuple[Drawn, ...] = ()
    command: str = ""
    notes: tuple[str, ...] = ()

    def take(self, *kinds: str) -> list[Document]:
        """Return the documents of some kinds, in their order."""
        return [one for one in self.documents if one.kind in kinds]
