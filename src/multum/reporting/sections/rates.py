"""Rates: the bits that data takes under programs, as `bits` told them."""

from dataclasses import dataclass

from multum.reporting.charts import draw, hover, layer, names, quantity, series
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number, read_positive

KINDS = (Kind("rate", frozenset({"program", "data", "raw_bytes", "code_bits", "bpb"}), printed_by="bits"),)


@dataclass(frozen=True)
class Rate:
    """What some data takes under a program. measured: whether a code was made."""

    program: str
    data: str
    raw_bytes: float
    code_bits: float
    measured: bool

    @property
    def bpb(self) -> float:
        """Bits per byte."""
        return self.code_bits / self.raw_bytes


def show(material: Material) -> Section | None:
    """Return the rates, by program and data."""
    rates = [rate for document in material.take("rate") if (rate := document.read(_read_rate)) is not None]
    if not rates:
        return None
    best = min(rates, key=lambda rate: rate.bpb)
    lead = f"The least is {best.bpb:.4f} bits per byte, of {best.program} on {best.data}; programs are not counted."
    return Section("rates", "Rates", lead, (_draw_rates(rates),))


def _read_rate(document: Document) -> Rate | None:
    """Return a rate over bytes; None for one over labels, or of no data."""
    fields = document.fields
    if fields["bpb"] is None:
        return None
    raw, code = read_positive(fields["raw_bytes"]), read_number(fields["code_bits"])
    return Rate(str(fields["program"]), str(fields["data"] or "a stream"), raw, code, isinstance(code, int))


def _draw_rates(rates: list[Rate]) -> Figure:
    rows = [{"series": rate.data, "program": rate.program, "bpb": rate.bpb, "bytes": rate.raw_bytes} for rate in rates]
    tips = hover(
        ("program", "program", None),
        ("series", "data", None),
        ("bpb", "bits per byte", ".4f"),
        ("bytes", "bytes", ",.0f"),
    )
    x = quantity("bpb", "bits per byte", zero=True, form=".1f")
    chart = draw({"type": "point", "size": 110}, rows, x=x, y=names("program", "x"), color=series("data"), tooltip=tips)
    cells = tuple(
        (
            one.program,
            one.data,
            one.raw_bytes,
            round(one.code_bits),
            round(one.bpb, 4),
            "measured" if one.measured else "estimated",
        )
        for one in rates
    )
    table = Table(("program", "data", "bytes", "code, bits", "bits per byte", "how it is known"), cells)
    told = f"Bits per byte of {len(rates)} pairs of program and data."
    height = 30 * len({rate.program for rate in rates}) + 8
    return Figure("rates-told", "Bits per byte", told, layer(chart, height=height), table)
