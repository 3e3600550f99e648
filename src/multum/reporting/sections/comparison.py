"""Multum beside other compressors: what `demo` measured, file by file."""

from dataclasses import dataclass
from typing import Any

from multum.reporting.charts import Spec, bars, draw, hover, layer, names
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

KINDS = (Kind("comparison", frozenset({"rows", "totals", "skipped"}), printed_by="demo"),)
_ROW_HEIGHT = 26


@dataclass(frozen=True)
class Row:
    """One compressor on one file; bytes, and CPU seconds."""

    file: str
    codec: str
    raw_bytes: float
    packed_bytes: float
    bpb: float
    pack_s: float
    unpack_s: float
    verified: bool


def show(material: Material) -> Section | None:
    """Return the comparison over all files, and the table of every one."""
    told = [document.read(_read_demo) for document in material.take("comparison")]
    compared = [(rows, totals) for rows, totals in told if totals]
    if not compared:
        return None
    figures = tuple(_draw_total(totals, number) for number, (_, totals) in enumerate(compared, 1))
    tables = tuple(_tabulate(rows) for rows, _ in compared)
    least = min(compared[0][1], key=lambda row: row.packed_bytes)
    lead = (
        f"{least.codec} needs {least.packed_bytes:,.0f} bytes for {least.raw_bytes:,.0f}, the least of"
        f" {len(compared[0][1])} compressors. Every file was unpacked again and compared."
    )
    return Section("comparison", "Beside other compressors", lead, figures, tables)


def _read_demo(document: Document) -> tuple[list[Row], list[Row]]:
    """Return the rows of all files, and their sums."""
    return [_read_row(one) for one in document.fields["rows"]], [_read_row(one) for one in document.fields["totals"]]


def _read_row(fields: dict[str, Any]) -> Row:
    return Row(
        file=str(fields["file"]),
        codec=str(fields["codec"]),
        raw_bytes=read_number(fields["raw_bytes"]),
        packed_bytes=read_number(fields["packed_bytes"]),
        bpb=read_number(fields["bpb"]),
        pack_s=read_number(fields["pack_cpu_s"]),
        unpack_s=read_number(fields["unpack_cpu_s"]),
        verified=fields["verified"] is True,
    )


def _draw_total(totals: list[Row], number: int) -> Figure:
    """Return the bits per byte of each compressor over all files."""
    told = "Bits per byte over all files: " + ", ".join(f"{row.codec} {row.bpb:.3f}" for row in totals) + "."
    return Figure(f"comparison-{number}", "All files together", told, _chart(totals), _tabulate(totals))


def _chart(totals: list[Row]) -> Spec:
    rows = [
        {
            "codec": row.codec,
            "bpb": row.bpb,
            "bytes": row.packed_bytes,
            "ours": row.codec.startswith("multum"),
            "cpu": row.pack_s,
        }
        for row in totals
    ]
    y = names("codec", [row.codec for row in sorted(totals, key=lambda row: row.bpb)])
    tips = hover(
        ("codec", "compressor", None),
        ("bpb", "bits per byte", ".4f"),
        ("bytes", "bytes", ",.0f"),
        ("cpu", "CPU s to pack", ".2f"),
    )
    ours = {"condition": {"test": "datum.ours", "value": 1}, "value": 0.45}
    x = bars("bpb", rows, "bits per byte", form=".1f")
    columns = draw({"type": "bar", "height": {"band": 0.72}}, rows, x=x, y=y, opacity=ours, tooltip=tips)
    text = {"field": "bpb", "type": "quantitative", "format": ".3f"}
    ends = draw({"type": "text", "align": "left", "dx": 5}, rows, x=x, y=y, text=text)
    return layer(columns, ends, height=_ROW_HEIGHT * len(rows) + 8)


def _tabulate(rows: list[Row]) -> Table:
    head = (
        "file",
        "compressor",
        "bytes",
        "packed, bytes",
        "bits per byte",
        "pack, CPU s",
        "unpack, CPU s",
        "came back equal",
    )
    cells = tuple(
        (
            row.file,
            row.codec,
            row.raw_bytes,
            row.packed_bytes,
            round(row.bpb, 4),
            row.pack_s,
            row.unpack_s,
            "yes" if row.verified else "NO",
        )
        for row in rows
    )
    return Table(head, cells, "CPU seconds of one core, in one run")
