"""Runs without a law: loss by what training took. Where a law is given its sections show them."""

from multum.laws.points import read_points
from multum.reporting.charts import draw, hover, layer, quantity, sizes
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import POINTS

KINDS = ()


def show(material: Material) -> Section | None:
    """Return the runs of all tables. Raises UsageError, FormatError for tables that tell no runs."""
    tables = [str(one.path) for one in material.take(POINTS)]
    if not tables or material.take("law"):
        return None
    points = read_points(tables)
    assert points.target is not None, "it was not optional"
    columns = {"x": points.compute, "loss": points.target} | (
        {"n": points.columns["N"]} if "N" in points.columns else {}
    )
    table = {name: values.tolist() for name, values in columns.items()}
    rows = [{"place": place} | {name: table[name][at] for name in table} for at, place in enumerate(points.places)]
    span = f"{max(table['loss']):.4g} to {min(table['loss']):.4g}"
    told = f"{points.name} of {len(rows)} runs by what training took, from {span}."
    sized = "n" in table
    tips = hover(("place", "run", None), ("x", "compute", ".3~g"), ("loss", points.name, ".4f"))
    chart = draw(
        {"type": "point", "opacity": 0.9},
        rows,
        x=quantity("x", "compute", log=True, form="~e"),
        y=quantity("loss", points.name, form=".3~g"),
        color=sizes("n", "parameters", rows) if sized else None,
        tooltip=tips,
    )
    names = tuple(points.columns)
    numbers = zip(*(points.columns[name].tolist() for name in names), table["loss"], strict=True)
    cells = tuple((place, *(f"{one:.6g}" for one in row)) for place, row in zip(points.places, numbers, strict=True))
    figure = Figure("runs", "Runs", told, layer(chart), Table(("run", *names, points.name), cells))
    lead = "`multum law` fits a law to these runs; given its LAW.json too, a report shows what it says."
    return Section("runs", "Runs", lead, (figure,), notes=tuple(map(str, points.dropped)) + points.notes)
