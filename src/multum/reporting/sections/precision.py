"""Bits a weight: what coarser weights cost runs, and what the law says they do."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from multum.laws.points import Points
from multum.laws.predicting import predict_rows
from multum.reporting.charts import Spec, draw, hover, layer, quantity, sizes
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.scaling import Scaling, read_scalings

KINDS = ()
_SHADES = 40


def show(material: Material) -> Section | None:
    """Return a figure for each law that tells what bits are worth, where its runs have several."""
    figures = []
    for number, scaling in enumerate(read_scalings(material), 1):
        column = next((name for name in ("Q", "P") if name in scaling.law.columns), None)
        points = scaling.points
        if column is not None and points is not None and len(set(points.columns[column].tolist())) > 1:
            figures.append(_draw_bits(scaling, points, column, number))
    if not figures:
        return None
    lead = "Points are runs whose weights have so many bits; lines are what the law says of the same runs."
    return Section("precision", "What fewer bits cost", lead, tuple(figures))


def _draw_bits(scaling: Scaling, points: Points, column: str, number: int) -> Figure:
    """Return the loss of each program by the bits of its weights."""
    law = scaling.law
    rows, cells = [], []
    for place, said in enumerate(scaling.foretold):
        assert said.actual is not None, "runs have losses"
        n, bits = (float(points.columns[name][place]) for name in ("N", column))
        rows.append({"n": n, "bits": bits, "loss": said.actual, "said": said.predicted})
        off = f"{said.actual / said.predicted - 1:+.2%}"
        cells.append((points.places[place], f"{n:,.0f}", bits, round(said.actual, 4), round(said.predicted, 4), off))
    table = Table(("run", "parameters", "bits a weight", law.target, "by the law", "off by"), tuple(cells))
    told = f"{law.target} of {len(rows)} runs by the bits of their weights, from {_span(rows)}; lines: the law."
    chart = _chart(list(_trace(scaling, points, column)), rows, law.target)
    return Figure(f"precision-{number}", scaling.head("Bits a weight"), told, chart, table)


def _span(rows: list[dict[str, Any]]) -> str:
    bits = [row["bits"] for row in rows]
    return f"{min(bits):g} to {max(bits):g}"


def _trace(scaling: Scaling, points: Points, column: str) -> Iterator[dict[str, Any]]:
    """Yield what the law says of each program along the bits; programs differ by all else that the law depends on."""
    bits = np.geomspace(points.columns[column].min(), points.columns[column].max(), _SHADES)
    others = [name for name in scaling.law.columns if name != column]
    programs = np.unique(np.array([points.columns[name] for name in others]).T, axis=0)
    for number, values in enumerate(programs):
        columns = {name: np.full(_SHADES, value) for name, value in zip(others, values, strict=True)} | {column: bits}
        rows = predict_rows(scaling.law, columns, anyway=True)
        for place, row in zip(bits.tolist(), rows, strict=True):
            yield {"program": number, "n": float(columns["N"][0]), "bits": place, "loss": row.predicted}


def _chart(lines: list[dict[str, Any]], rows: list[dict[str, Any]], target: str) -> Spec:
    x, y = quantity("bits", "bits a weight", log=True), quantity("loss", target, form=".3~g")
    colour = sizes("n", "parameters", rows)
    program = {"field": "program", "type": "nominal"}
    tips = hover(("n", "parameters", ",.0f"), ("bits", "bits a weight", "~g"), ("loss", target, ".4f"))
    run_tips = [*tips, *hover(("said", "by the law", ".4f"))]
    return layer(
        draw({"type": "line", "opacity": 0.6}, lines, x=x, y=y, color=colour, detail=program),
        draw({"type": "point", "size": 50, "opacity": 0.9}, rows, x=x, y=y, color=colour, tooltip=run_tips),
        height=360,
    )
