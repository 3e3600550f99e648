"""Texts told by code length: how often each class is told rightly, and what it is taken for."""

from functools import partial
from typing import Any

from multum.reporting.charts import hover
from multum.reporting.content import Cell, Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number
from multum.reporting.rankings import rank

KINDS = (
    Kind(
        "classification",
        frozenset({"train", "test", "weight", "calibrated_on", "accuracy", "confusion", "classes", "f1"}),
        printed_by="classify",
    ),
)


def show(material: Material) -> Section | None:
    """Return the scores of each classification."""
    documents = material.take("classification")
    if not documents:
        return None
    figures = tuple(document.read(partial(_draw, number)) for number, document in enumerate(documents, 1))
    guessed = tuple(
        f"{one.fields['train']}: too few texts to hold some out, probabilities are a guess"
        for one in documents
        if not one.fields["calibrated_on"]
    )
    lead = " ".join(document.read(_tell) for document in documents)
    tables = tuple(document.read(_list_confusion) for document in documents)
    return Section("classes", "Classes by code length", lead, figures, tables, warnings=guessed)


def _tell(document: Document) -> str:
    fields = document.fields
    return (
        f"Programs that have read {fields['train']} tell {read_number(fields['texts']):,.0f} texts of {fields['test']}:"
        f" accuracy {read_number(fields['accuracy']):.4f}, {read_number(fields['bits_per_label']):.4f} bits per label;"
        f" a bit counts {read_number(fields['weight']):.3f} nats."
    )


def _draw(number: int, document: Document) -> Figure:
    """Return F1 of each class as bars, precision and recall where the pointer is."""
    fields = document.fields
    columns = [[read_number(value) for value in fields[name]] for name in ("precision", "recall", "f1")]
    rows: list[dict[str, Any]] = [
        {"class": str(name), "precision": precision, "recall": recall, "f1": f1}
        for name, precision, recall, f1 in zip(fields["classes"], *columns, strict=True)
    ]
    tips = hover(("class", "class", None), *((name, name, ".3f") for name in ("precision", "recall", "f1")))
    chart = rank(rows, "class", "f1", "F1", tips, form=".2f")
    worst = min(rows, key=lambda row: row["f1"])
    told = f"F1 of {len(rows)} classes; least: {worst['class']}, {worst['f1']:.3f}."
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (row["class"], *(round(row[name], 4) for name in ("precision", "recall", "f1"))) for row in rows
    )
    table = Table(("class", "precision", "recall", "F1"), cells)
    return Figure(f"classes-{number}", f"Classes of {fields['test']}", told, chart, table)


def _list_confusion(document: Document) -> Table:
    """Return how often each right class was taken for each."""
    classes = [str(name) for name in document.fields["classes"]]
    counts = [[read_number(count) for count in row] for row in document.fields["confusion"]]
    rows: tuple[tuple[Cell, ...], ...] = tuple((name, *row) for name, row in zip(classes, counts, strict=True))
    return Table(("right \\ told", *classes), rows, f"What {document.fields['test']} was taken for")
