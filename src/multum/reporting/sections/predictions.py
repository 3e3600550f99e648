"""Predictions: what a law expects of runs, beside what they came to where that is known, as `predict` told them."""

from dataclasses import dataclass
from typing import Any

from multum.reporting.charts import draw, hover, layer, quantity, series
from multum.reporting.content import Cell, Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number, read_positive

KINDS = (Kind("prediction", frozenset({"law", "unit", "rows", "error", "coverage"}), printed_by="predict"),)

_HEAD = ("run", "expected", "80 % from", "to", "actual", "off by", "beyond the law's runs")
# Runs that nobody has made stand side by side, in the order in which they were given.
_RUNS = {"field": "x", "type": "ordinal", "title": "run", "axis": {"labelAngle": 0, "labelOverlap": "greedy"}}
_INSIDE, _BEYOND = "within the law's runs", "beyond the law's runs"


@dataclass(frozen=True)
class _Expected:
    """What is expected of a run: its loss, the ends of its 80 % interval, and the loss it had, None where unknown."""

    number: int
    loss: float
    low: float
    high: float
    beyond: bool
    actual: float | None

    @property
    def off(self) -> float | None:
        """How far the expectation was off, as a share."""
        return None if self.actual is None else self.loss / self.actual - 1


@dataclass(frozen=True)
class _Told:
    """The predictions of one law. error, coverage: against what runs came to, None where that is unknown."""

    name: str
    form: str
    unit: str
    rows: tuple[_Expected, ...]
    error: float | None
    coverage: float | None


def show(material: Material) -> Section | None:
    """Return what laws expect of runs."""
    found = [document.read(_read_prediction) for document in material.take("prediction")]
    if not found:
        return None
    figures = tuple(_draw(one, number) for number, one in enumerate(found, 1))
    return Section("predictions", "What is expected", " ".join(map(_tell, found)), figures)


def _read_prediction(document: Document) -> _Told:
    fields = document.fields
    rows = tuple(_read_row(number, row) for number, row in enumerate(fields["rows"], 1))
    if not rows:
        raise ValueError("there are no rows")
    error, coverage = (None if fields[name] is None else read_number(fields[name]) for name in ("error", "coverage"))
    unit = "" if fields["unit"] == "none" else f", {fields['unit']}"
    return _Told(document.name, str(fields["law"]), unit, rows, error, coverage)


def _read_row(number: int, row: dict[str, Any]) -> _Expected:
    low, loss, high = (read_positive(row[name]) for name in ("low", "predicted", "high"))
    actual = None if row["actual"] is None else read_positive(row["actual"])
    return _Expected(number, loss, low, high, bool(row["extrapolated"]), actual)


def _tell(told: _Told) -> str:
    """Return how many runs were predicted, and how well where that is known."""
    beyond = sum(row.beyond for row in told.rows)
    runs = f"{len(told.rows)} run{'s' if len(told.rows) > 1 else ''}, {beyond} beyond the law's"
    if told.error is None or told.coverage is None:
        return f"The law ({told.form}) expects losses of {runs}, with 80 % intervals."
    return (
        f"{told.name}: of {runs}, the mean error is {told.error:.2%}, and {told.coverage:.0%} are inside their"
        " intervals."
    )


def _draw(told: _Told, number: int) -> Figure:
    """Return expected losses with their intervals: against the actual ones where all are known, else by run."""
    known = all(row.actual is not None for row in told.rows)
    rows = [
        {
            "series": _BEYOND if row.beyond else _INSIDE,
            "x": row.actual if known else row.number,
            "loss": row.loss,
            "low": row.low,
            "high": row.high,
        }
        for row in told.rows
    ]
    title, name = (f"actual loss{told.unit}" if known else "run"), f"expected loss{told.unit}"
    x = quantity("x", title, form=".3~g") if known else _RUNS
    y, colour = quantity("loss", name, form=".3~g"), series()
    tips = hover(("x", title, ".4~g"), ("loss", name, ".4f"), ("low", "80 % from", ".4f"), ("high", "to", ".4f"))
    spans = draw("rule", rows, x=x, y=quantity("low", name, form=".3~g"), y2={"field": "high"}, color=colour)
    dots = draw({"type": "point", "size": 60, "filled": True}, rows, x=x, y=y, color=colour, tooltip=tips)
    layers = [spans, dots]
    if known:
        # where the expectation is what came
        actual = [row.actual for row in told.rows if row.actual is not None]
        ends = [{"x": end, "loss": end} for end in (min(actual), max(actual))]
        layers.insert(0, draw({"type": "line", "strokeDash": [4, 4], "opacity": 0.5}, ends, x=x, y=y))
    said = (
        f"Expected losses with 80 % intervals{', against actual ones; on the dashed line they agree' if known else ''}."
    )
    table = Table(_HEAD, tuple(map(_list_cells, told.rows)))
    return Figure(f"predictions-{number}", f"Expected by {told.name}", said, layer(*layers), table)


def _list_cells(row: _Expected) -> tuple[Cell, ...]:
    expected = (float(f"{value:.5g}") for value in (row.loss, row.low, row.high))
    off = "" if row.off is None else f"{row.off:+.2%}"
    return (row.number, *expected, row.actual, off, "yes" if row.beyond else "")
