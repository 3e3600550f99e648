"""What holds exactly: laws of sequences and of tables, with what each saves and what it was checked on."""

from typing import Any

from multum.reporting.charts import hover
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number
from multum.reporting.rankings import cut, rank

KINDS = (
    Kind(
        "sequence",
        frozenset({"law", "kind", "terms", "checked_terms", "law_bits", "raw_bits", "following"}),
        printed_by="discover sequence",
    ),
    Kind("laws", frozenset({"theorems", "raw_bits", "bits", "rows", "columns"}), printed_by="discover laws"),
)

# Bars of one figure, and terms or characters that a cell shows.
_MOST_BARS, _SHOWN_TERMS, _SHOWN = 20, 6, 120


def show(material: Material) -> Section | None:
    """Return the laws of sequences in one table, and those of each table in a figure."""
    sequences, laws = material.take("sequence"), material.take("laws")
    if not sequences and not laws:
        return None
    told = [one.read(_tell_sequence) for one in sequences] + [one.read(_tell_laws) for one in laws]
    tables = [_list_sequences(sequences)] if sequences else []
    figures = [figure for number, one in enumerate(laws, 1) for figure in _draw_laws(one, number)]
    notes = tuple(str(note) for one in laws for note in one.fields.get("notes", ()))
    return Section("theorems", "What holds exactly", " ".join(told), tuple(figures), tuple(tables), notes=notes)


def _tell_sequence(document: Document) -> str:
    fields = document.fields
    if fields["law"] is None:
        return f"{document.name}: no law of {read_number(fields['terms']):,.0f} terms is believed."
    return (
        f"{document.name}: {cut(fields['law'], _SHOWN)}; {read_number(fields['checked_terms']):,.0f} terms confirm it,"
        f" {read_number(fields['law_bits']):,.0f} bits instead of {read_number(fields['raw_bits']):,.0f}."
    )


def _list_sequences(documents: list[Document]) -> Table:
    """Return a row a sequence."""
    head = (
        "sequence",
        "law",
        "kind",
        "terms given",
        "terms that confirm it",
        "bits of terms",
        "bits by the law",
        "next",
    )
    return Table(head, tuple(document.read(_read_sequence) for document in documents))


def _read_sequence(document: Document) -> tuple[str | float | None, ...]:
    fields = document.fields
    found = fields["law"] is not None
    following = ", ".join(str(term) for term in fields["following"][:_SHOWN_TERMS])
    return (
        document.name,
        cut(fields["law"], _SHOWN) if found else "none",
        str(fields["kind"]),
        read_number(fields["terms"]),
        read_number(fields["checked_terms"]),
        round(read_number(fields["raw_bits"]), 1),
        round(read_number(fields["law_bits"]), 1) if found else None,
        cut(following, _SHOWN),
    )


def _tell_laws(document: Document) -> str:
    fields = document.fields
    return (
        f"{document.name}: {len(fields['theorems'])} laws hold in all of {read_number(fields['rows']):,.0f} rows;"
        f" {read_number(fields['bits']):,.0f} bits with them, {read_number(fields['raw_bits']):,.0f} without."
    )


def _draw_laws(document: Document, number: int) -> list[Figure]:
    """Return what each law of a table saves; nothing for a table without laws."""
    rows = document.read(_read_laws)
    if not rows:
        return []
    shown = rows[:_MOST_BARS]
    tips = hover(
        ("law", "law", None),
        ("kind", "kind", None),
        ("saved", "bits saved", ",.0f"),
        ("confirmed", "rows that confirm it", ",.0f"),
    )
    chart = rank(shown, "law", "saved", "bits saved", tips)
    told = f"Bits that each of {len(shown)} laws saves; most: {shown[0]['law']}, {shown[0]['saved']:,.0f}."
    cells = tuple((row["law"], row["kind"], row["rows"], row["confirmed"], round(row["saved"], 1)) for row in rows)
    table = Table(("law", "kind", "rows", "rows that confirm it", "bits saved"), cells)
    return [Figure(f"theorems-{number}", f"Laws of {document.name}", told, chart, table)]


def _read_laws(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "law": cut(one["text"], _SHOWN),
            "kind": str(one["kind"]),
            "rows": read_number(one["rows"]),
            "confirmed": read_number(one["confirmed"]),
            "saved": read_number(one["saved_bits"]),
        }
        for one in document.fields["theorems"]
    ]
