"""Patterns: what comes again in data, what each saves, and what all takes with them and without."""

from typing import Any

from multum.reporting.charts import hover
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number
from multum.reporting.rankings import cut, rank

KINDS = (
    Kind(
        "patterns",
        frozenset({"patterns", "plain_bits", "table_bits", "data_bits", "header_bits"}),
        printed_by="patterns",
    ),
)

_WHAT = {"items": "sets of items", "sequence": "sequences", "log": "templates"}
# Bars of a figure, rows of a table, and characters of a pattern that are shown.
_MOST_BARS, _MOST_ROWS, _SHOWN = 15, 200, 90


def show(material: Material) -> Section | None:
    """Return what the patterns of each data save."""
    documents = material.take("patterns")
    if not documents:
        return None
    figures = [figure for number, one in enumerate(documents, 1) for figure in _draw(one, number)]
    lead = " ".join(one.read(_tell) for one in documents)
    stopped = tuple(
        f"{one.name}: the search was stopped by its budget" for one in documents if not one.fields.get("complete", True)
    )
    return Section("patterns", "Patterns", lead, tuple(figures), (_account(documents),), warnings=stopped)


def _name(document: Document) -> str:
    return str(document.fields.get("data") or document.name)


def _total(document: Document) -> float:
    return sum(read_number(document.fields[name]) for name in ("table_bits", "data_bits", "header_bits"))


def _tell(document: Document) -> str:
    fields = document.fields
    return (
        f"{_name(document)}: {len(fields['patterns']):,} {_WHAT[fields['kind']]}; with them"
        f" {read_number(fields['rows']):,.0f} rows take {_total(document) / 8:,.0f} bytes, without"
        f" {read_number(fields['plain_bits']) / 8:,.0f}."
    )


def _account(documents: list[Document]) -> Table:
    """Return the bits of each data by part."""
    head = ("data", "rows", "patterns", "bits of patterns", "of rows", "of headers", "in all", "without patterns")
    return Table(head, tuple(one.read(_list_parts) for one in documents))


def _list_parts(document: Document) -> tuple[str | float, ...]:
    fields = document.fields
    parts = [round(read_number(fields[name])) for name in ("table_bits", "data_bits", "header_bits")]
    plain = round(read_number(fields["plain_bits"]))
    return _name(document), fields["rows"], len(fields["patterns"]), *parts, sum(parts), plain


def _draw(document: Document, number: int) -> list[Figure]:
    """Return what patterns save, those that save most; nothing where there are none."""
    rows = document.read(_read_patterns)
    shown = [row for row in rows[:_MOST_BARS] if row["saved"] > 0]
    if not shown:
        return []
    tips = hover(("text", "pattern", None), ("usage", "times", ",.0f"), ("saved", "bits saved", ",.0f"))
    chart = rank(shown, "place", "saved", "bits saved", tips)
    told = f"Bits that {len(shown)} of {len(rows)} patterns save; most: {shown[0]['text']}, {shown[0]['saved']:,.0f}."
    cells = tuple((row["text"], row["usage"], round(row["saved"], 1)) for row in rows[:_MOST_ROWS])
    table = Table(("pattern", "times", "bits saved"), cells)
    return [Figure(f"patterns-{number}", f"Patterns of {_name(document)}", told, chart, table)]


def _read_patterns(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "place": f"{place}. {cut(one['text'], _SHOWN)}",
            "text": cut(one["text"], _SHOWN),
            "usage": read_number(one["usage"]),
            "saved": read_number(one["saved_bits"]),
        }
        for place, one in enumerate(document.fields["patterns"], 1)
    ]
