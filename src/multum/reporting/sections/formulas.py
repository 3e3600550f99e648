"""Formulas: the shortest descriptions of a column, from the shortest that says anything to the one that says all."""

from dataclasses import dataclass

from multum.reporting.charts import draw, hover, layer, quantity
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

_KEYS = frozenset({"target", "formula", "exact", "program_bits", "residual_bits", "raw_bits", "frontier"})
KINDS = (Kind("formula", _KEYS, printed_by="discover formula"),)


@dataclass(frozen=True)
class Entry:
    """A formula, its bits, the bits of what it leaves, and its error."""

    formula: str
    program_bits: float
    residual_bits: float
    error: float


@dataclass(frozen=True)
class Discovery:
    """What was found of a column. raw_bits: of the column alone. rows: that the formula was computed on."""

    target: str
    best: Entry
    exact: bool
    raw_bits: float
    rows: float
    frontier: tuple[Entry, ...]


def show(material: Material) -> Section | None:
    """Return the frontier of each column."""
    found = [document.read(_read_discovery) for document in material.take("formula")]
    if not found:
        return None
    figures = tuple(_draw_frontier(one, number) for number, one in enumerate(found, 1))
    return Section("formulas", "Formulas", " ".join(map(_tell, found)), figures)


def _read_discovery(document: Document) -> Discovery:
    """Return the report that `discover formula` printed."""
    fields = document.fields
    return Discovery(
        target=str(fields["target"]),
        best=_read_entry(fields),
        exact=fields["exact"] is True,
        raw_bits=read_number(fields["raw_bits"]),
        rows=read_number(fields["checked_rows"]),
        frontier=tuple(map(_read_entry, fields["frontier"])),
    )


def _read_entry(fields: object) -> Entry:
    if not isinstance(fields, dict):
        raise TypeError(f"{fields!r} is where a formula was expected")
    numbers = {name: read_number(fields[name]) for name in ("program_bits", "residual_bits", "error")}
    return Entry(str(fields["formula"]), **numbers)


def _tell(one: Discovery) -> str:
    """Return the formula and how well it is known."""
    known = f"exact on all {one.rows:,.0f} rows" if one.exact else f"not exact, off by {one.best.error:.3g} on the mean"
    total = one.best.program_bits + one.best.residual_bits
    return f"{one.target} = {one.best.formula}, {known}: {total:,.0f} bits instead of {one.raw_bits:,.0f}."


def _draw_frontier(found: Discovery, number: int) -> Figure:
    """Return what formulas leave, by their own bits; dashed: the column without any."""
    rows = [vars(one) for one in found.frontier]
    tips = hover(
        ("formula", "formula", None),
        ("program_bits", "its bits", ",.1f"),
        ("residual_bits", "bits of the rest", ",.1f"),
        ("error", "error", ".3g"),
    )
    x, y = (
        quantity("program_bits", "bits of the formula"),
        quantity("residual_bits", "bits of what it leaves", zero=True),
    )
    none = draw({"type": "rule", "strokeDash": [5, 4]}, [{"residual_bits": found.raw_bits}], y=y)
    line = draw({"type": "line", "interpolate": "step-after", "opacity": 0.5}, rows, x=x, y=y)
    points = draw({"type": "point", "size": 90, "opacity": 1}, rows, x=x, y=y, tooltip=tips)
    cells = tuple(
        (one.formula, round(one.program_bits, 1), round(one.residual_bits, 1), f"{one.error:.3g}")
        for one in found.frontier
    )
    table = Table(("formula", "its bits", "bits of what it leaves", "error"), cells)
    told = (
        f"What {len(rows)} formulas leave of {found.target}, in bits, by the bits that they take; dashed: the column"
        " alone."
    )
    return Figure(f"formulas-{number}", f"Formulas of {found.target}", told, layer(none, line, points), table)
