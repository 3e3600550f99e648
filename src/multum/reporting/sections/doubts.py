"""Doubts: how its runs lie about a law, how it foretold those that it had not seen, and what else was fitted."""

from typing import Any

from multum.reporting.charts import Rows, Spec, draw, hover, layer, quantity
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.scaling import Scaling, read_scalings

KINDS = ()


def show(material: Material) -> Section | None:
    """Return how far runs are from each law, and the forms that described them worse."""
    scalings = read_scalings(material)
    figures = tuple(
        _draw_misses(scaling, number) for number, scaling in enumerate(scalings, 1) if scaling.points is not None
    )
    tables = tuple(_tabulate_others(scaling) for scaling in scalings if scaling.law.runners_up)
    if not figures and not tables:
        return None
    lead = " ".join(map(_tell_foretold, scalings))
    return Section("doubts", "How far to trust it", lead, figures, tables)


def _tell_foretold(scaling: Scaling) -> str:
    """Return how well the law foretold its largest runs, without having seen them."""
    held_out = scaling.law.holdout
    if held_out is None:
        return scaling.head("No runs were held out, so that nobody knows what it foretells.")
    return scaling.head(
        f"Without {held_out.share} of the runs, the law was off by {held_out.error:.2%} on those {held_out.points}, up"
        f" to {held_out.reach:.3g} times the compute; {held_out.coverage:.0%} lay inside their 80 % intervals."
    )


def _draw_misses(scaling: Scaling, number: int) -> Figure:
    """Return by how much each run is off the law, beside the interval that the law gave it."""
    points = scaling.points
    assert points is not None, "there are runs"
    rows: list[dict[str, Any]] = []
    for place, said in zip(points.places, scaling.foretold, strict=True):
        assert said.actual is not None, "runs have losses"
        share = {
            "miss": said.actual / said.predicted - 1,
            "low": said.low / said.predicted - 1,
            "high": said.high / said.predicted - 1,
        }
        rows.append({"place": place, "actual": said.actual, "predicted": said.predicted} | share)
    inside = sum(row["low"] <= row["miss"] <= row["high"] for row in rows) / len(rows)
    told = f"How far {len(rows)} runs are from the law, in percent; {inside:.0%} lie inside their 80 % intervals."
    return Figure(
        f"doubts-{number}",
        scaling.head("Runs and the law"),
        told,
        _chart_misses(rows, scaling.law.target),
        _tabulate_misses(rows),
    )


def _chart_misses(rows: Rows, target: str) -> Spec:
    x, y = quantity("actual", target, log=True, form=".3~g"), quantity("miss", "run / law − 1", form="+.1%")
    tips = hover(
        ("place", "run", None),
        ("actual", "measured", ".4f"),
        ("predicted", "by the law", ".4f"),
        ("miss", "off by", "+.2%"),
    )
    bars = draw(
        {"type": "rule", "opacity": 0.45},
        rows,
        x=x,
        y=quantity("low", "run / law − 1", form="+.1%"),
        y2={"field": "high"},
    )
    zero = draw({"type": "rule", "strokeDash": [5, 4]}, [{"miss": 0}], y=y)
    return layer(zero, bars, draw({"type": "point", "size": 50}, rows, x=x, y=y, tooltip=tips), height=260)


def _tabulate_misses(rows: Rows) -> Table:
    cells = tuple(
        (r["place"], *(float(f"{r[name]:.5g}") for name in ("actual", "predicted")), f"{r['miss']:+.2%}") for r in rows
    )
    return Table(("run", "measured", "by the law", "off by"), cells)


def _tabulate_others(scaling: Scaling) -> Table:
    """Return the forms that were fitted too; an error that nobody knows is an empty cell."""
    rows = tuple(
        (one.form, round(one.bits, 1), None if one.error is None else f"{one.error:.2%}")
        for one in scaling.law.runners_up
    )
    head = ("other form", "longer by, bits", "error on the largest, held out")
    return Table(head, rows, scaling.head("Other forms, by description length"))
