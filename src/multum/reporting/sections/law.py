"""The law: its formula and parameters, what is to be minded of it, and what it expects within its runs and beyond."""

from collections.abc import Mapping
from typing import Any

from multum.reporting.charts import Rows, Spec, draw, hover, layer, quantity, sizes
from multum.reporting.content import Cell, Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number
from multum.reporting.scaling import Scaling, predict_along, read_scalings, take_whole

KINDS = (
    Kind("law", frozenset({"multum_law"}), told="LAW.json"),
    Kind("printed law", frozenset({"form", "formula", "parameters", "runners_up", "holdout_error"}), printed_by="law"),
)

_COMPUTE = "training FLOPs"
_HEAD = ("parameter", "value", "standard error", "80 % interval", "in predictions")


def show(material: Material) -> Section | None:
    """Return the laws, with the runs that were given beside them."""
    scalings = read_scalings(material)
    told = [document.read(_tabulate_told) for document in material.take("printed law")]
    if not scalings and not told:
        return None
    figures = [figure for number, one in enumerate(scalings, 1) for figure in _draw_law(one, number)]
    tables = map(_tabulate, scalings)
    warnings = [one.head(warning) for one in scalings for warning in _list_warnings(one)]
    notes = [one.head(note) for one in scalings for note in (*one.law.notes, *one.notes)]
    lead = (
        " ".join(_tell(one) for one in scalings)
        or "A law as `multum law --json` told it; its LAW.json has curves, too."
    )
    return Section("law", "The law", lead, tuple(figures), (*tables, *told), (), tuple(warnings), tuple(notes))


def _tell(scaling: Scaling) -> str:
    """Return in a sentence what was fitted to how many runs."""
    law = scaling.law
    unit = "" if law.unit == "none" else f", in {law.unit}"
    return f"{law.target} = {law.formula}{unit}: {law.points} runs within {law.error:.2%} on average."


def _list_warnings(scaling: Scaling) -> list[str]:
    refusals = [f"not to be extrapolated: {reason}" for reason in scaling.law.refusals]
    return [*refusals, *scaling.law.warnings]


def _draw_law(scaling: Scaling, number: int) -> list[Figure]:
    """Return what compute buys by the law; or its curves along each column, where it does not tell that."""
    return [_draw_budgets(scaling, number)] if scaling.budgets else _draw_columns(scaling, number)


def _draw_budgets(scaling: Scaling, number: int) -> Figure:
    """Return the best loss a budget buys, with its interval, and the runs."""
    plans = scaling.budgets
    rows = [
        {"x": one.compute, "loss": one.loss, "low": one.low, "high": one.high, "beyond": one.extrapolated}
        for one in plans
    ]
    runs: Rows = []
    points = None if scaling.points is None else take_whole(scaling.points)
    if points is not None and points.target is not None:
        columns = (points.compute, points.target, points.columns["N"])
        runs = [
            {"x": x, "loss": loss, "n": n} for x, loss, n in zip(*(column.tolist() for column in columns), strict=True)
        ]
    told = (
        f"The least {scaling.law.target} that training compute buys by the law, from {plans[0].loss:.4g} to"
        f" {plans[-1].loss:.4g}, with 80 % intervals{_tell_beyond(scaling)}."
    )
    table = Table(
        ("FLOPs", "parameters", scaling.law.amounts, scaling.law.target, "80 % from", "to", "beyond the runs"),
        tuple(
            (_short(p.compute), _short(p.N), _short(p.D), *_round(p.loss, p.low, p.high), _mark(p.extrapolated))
            for p in plans
        ),
    )
    title = scaling.head("What compute buys")
    return Figure(f"law-{number}", title, told, _chart(scaling, rows, _COMPUTE, runs), table)


def _draw_columns(scaling: Scaling, number: int) -> list[Figure]:
    """Return the curve along each column of a law that does not weigh N against D."""
    figures: list[Figure] = []
    law = scaling.law
    for column in law.columns:
        along = predict_along(scaling, column)
        rows = [
            {"x": x, "loss": row.predicted, "low": row.low, "high": row.high, "beyond": row.extrapolated}
            for x, row in along
        ]
        runs: Rows = []
        if scaling.points is not None and scaling.points.target is not None and len(law.columns) == 1:
            pairs = zip(scaling.points.columns[column].tolist(), scaling.points.target.tolist(), strict=True)
            runs = [{"x": x, "loss": loss} for x, loss in pairs]
        title = {"N": "parameters", "D": law.amounts, "C": _COMPUTE}.get(column, column)
        told = f"{law.target} by {title}, with 80 % intervals{_tell_beyond(scaling)}."
        cells = tuple((_short(x), *_round(r.predicted, r.low, r.high), _mark(r.extrapolated)) for x, r in along)
        table = Table((title, law.target, "80 % from", "to", "beyond the runs"), cells)
        chart = _chart(scaling, rows, title, runs)
        figures.append(Figure(f"law-{number}-{len(figures) + 1}", scaling.head(f"Along {title}"), told, chart, table))
    return figures


def _tell_beyond(scaling: Scaling) -> str:
    return "" if scaling.law.refusals else "; dashed beyond the law's runs"


def _chart(scaling: Scaling, rows: Rows, title: str, runs: Rows) -> Spec:
    """Return a curve in its band, dashed where it is extrapolated, and runs as points, lighter the larger they are."""
    x, name = quantity("x", title, log=True, form="~e" if title == _COMPUTE else "~s"), scaling.law.target
    y = quantity("loss", name, form=".3~g")
    tips = hover(("x", title, ".3~g"), ("loss", name, ".4f"), ("low", "80 % from", ".4f"), ("high", "to", ".4f"))
    band = draw(
        {"type": "area", "opacity": 0.16}, rows, x=x, y=quantity("low", name, form=".3~g"), y2={"field": "high"}
    )
    layers = [band]
    for beyond, piece in _cut_pieces(rows):
        layers.append(draw({"type": "line", "strokeDash": [6, 4] if beyond else [1, 0]}, piece, x=x, y=y))
    layers.append(draw({"type": "point", "opacity": 0, "size": 160}, rows, x=x, y=y, tooltip=tips))
    if runs:
        sized = "n" in runs[0]
        colour = sizes("n", "parameters", runs) if sized else None
        run_tips = hover(("x", title, ".3~g"), ("loss", name, ".4f"), *([("n", "parameters", ",.0f")] if sized else []))
        layers.append(
            draw(
                {"type": "point", "size": 40, "opacity": 0.9},
                runs,
                x=x,
                y=y,
                color=colour,
                tooltip=run_tips,
            )
        )
    return layer(*layers, height=360)


def _cut_pieces(rows: Rows) -> list[tuple[bool, list[Mapping[str, Any]]]]:
    """Return the parts of a curve inside and beyond the law's points; each begins where the one before ends."""
    pieces: list[tuple[bool, list[Mapping[str, Any]]]] = []
    for row in rows:
        if not pieces or pieces[-1][0] != row["beyond"]:
            pieces.append((row["beyond"], pieces[-1][1][-1:] if pieces else []))
        pieces[-1][1].append(row)
    return pieces


def _tabulate(scaling: Scaling) -> Table:
    """Return the parameters of a law; ends of intervals may be open."""
    law = scaling.law
    rows = tuple(
        (name, *_round(value, law.standard_errors[name]), _span(law.intervals[name]), *_round(law.expected[name]))
        for name, value in law.parameters.items()
    )
    return Table(_HEAD, rows, scaling.head(f"Parameters, {law.form}"))


def _tabulate_told(document: Document) -> Table:
    """Return the parameters of a law that was printed; ends of intervals may be open."""
    fields = document.fields
    rows: list[tuple[Cell, ...]] = []
    for name, value in fields["parameters"].items():
        error, (low, high) = fields["standard_errors"][name], fields["intervals"][name]
        expected = read_number(fields["expected"][name])
        rows.append((str(name), *_round(read_number(value), error), _span((low, high)), *_round(expected)))
    caption = f"{document.name}: {fields['form']}, {fields['formula']}"
    return Table(_HEAD, tuple(rows), caption)


def _span(ends: tuple[float | None, float | None]) -> str:
    low, high = ("open" if end is None or abs(end) == float("inf") else f"{end:.4g}" for end in ends)
    return f"{low} to {high}"


def _round(*values: float | None) -> tuple[float | None, ...]:
    return tuple(None if value is None else float(f"{value:.5g}") for value in values)


def _short(value: float) -> str:
    return f"{value:.3g}"


def _mark(beyond: bool) -> str:
    return "yes" if beyond else ""
