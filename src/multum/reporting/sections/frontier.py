"""The frontier of `shrink`: how many bytes a model takes, and what fewer of them cost."""

import re
from dataclasses import dataclass

from multum.reporting.charts import Rows, Spec, draw, hover, layer, quantity, series
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number, read_positive

KINDS = (Kind("shrunken model", frozenset({"bytes_before", "bytes_after", "weights", "passes"}), printed_by="shrink"),)


@dataclass(frozen=True)
class Shrunken:
    """A model and what became of it by the passes of a recipe. before, after: loss in `unit`, None if not measured."""

    source: str
    target: str
    weights: float
    bytes_before: float
    bytes_after: float
    unit: str
    before: float | None
    after: float | None
    accuracy: float | None
    recipe: str

    @property
    def family(self) -> str:
        """Its passes without how much they do."""
        return re.sub(r":[^ |]*", "", self.recipe)

    @property
    def bits(self) -> float:
        """Bits of the file a weight."""
        return 8 * self.bytes_after / self.weights


def show(material: Material) -> Section | None:
    """Return a frontier for each model that was shrunken, and the table of all."""
    all_made = [document.read(_read_shrink) for document in material.take("shrunken model")]
    if not all_made:
        return None
    figures = []
    for number, source in enumerate(dict.fromkeys(made.source for made in all_made), 1):
        mine = sorted((made for made in all_made if made.source == source), key=lambda made: made.bytes_after)
        if any(made.after is not None for made in mine):
            figures.append(_draw_frontier(source, mine, f"frontier-{number}"))
    smallest = min(all_made, key=lambda made: made.bytes_after / made.bytes_before)
    lead = f"{smallest.source} in {smallest.bytes_after:,.0f} bytes, {smallest.bytes_after / smallest.bytes_before:.1%}"
    lead += f" of what it had, {smallest.bits:.2f} bits a weight" + _tell_loss(smallest) + "."
    return Section("frontier", "Smaller models, and what it costs", lead, tuple(figures), (_tabulate(all_made),))


def _read_shrink(document: Document) -> Shrunken:
    """Return the report that `shrink` printed."""
    fields = document.fields
    before, after = fields["loss_before"], fields["loss_after"]
    measured = before is not None and after is not None
    accuracy = after.get("accuracy") if measured else None
    weights, bytes_before, bytes_after = (
        read_positive(fields[name]) for name in ("weights", "bytes_before", "bytes_after")
    )
    return Shrunken(
        source=str(fields["source"]),
        target=str(fields["target"]),
        weights=weights,
        bytes_before=bytes_before,
        bytes_after=bytes_after,
        unit=str(after["unit"]) if measured else "",
        before=read_number(before["value"]) if measured else None,
        after=read_number(after["value"]) if measured else None,
        accuracy=None if accuracy is None else read_number(accuracy),
        recipe=" | ".join(str(one["name"]) for one in fields["passes"]),
    )


def _tell_loss(made: Shrunken) -> str:
    if made.before is None or made.after is None:
        return ""
    return f", for {made.after - made.before:+.4f} {made.unit}"


def _draw_frontier(source: str, made: list[Shrunken], name: str) -> Figure:
    """Return the losses of a model's files by their bytes, with the model itself as the line to compare with."""
    measured = [one for one in made if one.after is not None and one.before is not None]
    unit, before = measured[0].unit, measured[0].before
    rows = [
        {
            "series": one.family,
            "file": one.target,
            "recipe": one.recipe,
            "bytes": one.bytes_after,
            "loss": one.after,
            "bits": one.bits,
        }
        for one in measured
    ]
    told = (
        f"Loss of {len(rows)} files of {source} in {unit}, by their bytes, and at each point its bits a weight; dashed:"
        f" the model before, in {made[0].bytes_before:,.0f} bytes."
    )
    return Figure(name, f"{source}: bytes and loss", told, _chart(rows, unit, before), _tabulate(made))


def _chart(rows: Rows, unit: str, before: float | None) -> Spec:
    """Return a line for each family of recipes, a point for each file."""
    axes = {"x": quantity("bytes", "bytes of the file", log=True), "y": quantity("loss", unit, form="~g")}
    tips = hover(
        ("file", "file", None),
        ("recipe", "passes", None),
        ("bytes", "bytes", ",.0f"),
        ("bits", "bits a weight", ".3f"),
        ("loss", unit, ".4f"),
    )
    colour = series("passes") if len({row["series"] for row in rows}) > 1 else None
    line = draw({"type": "line", "opacity": 0.5}, rows, **axes, color=colour)
    points = draw({"type": "point", "size": 90, "opacity": 1}, rows, **axes, color=colour, tooltip=tips)
    text = {"field": "bits", "type": "quantitative", "format": ".2f"}
    labels = draw({"type": "text", "dy": -14}, rows, **axes, text=text)
    rule = draw({"type": "rule", "strokeDash": [5, 4]}, [{"loss": before}], y=axes["y"])
    return layer(rule, line, points, labels)


def _tabulate(made: list[Shrunken]) -> Table:
    sizes = ("bytes before", "bytes after", "bits a weight")
    head = ("file", "model", "passes", *sizes, "loss before", "loss after", "in", "accuracy")
    rows = tuple(
        (
            one.target,
            one.source,
            one.recipe,
            one.bytes_before,
            one.bytes_after,
            round(one.bits, 3),
            _round(one.before),
            _round(one.after),
            one.unit,
            _round(one.accuracy),
        )
        for one in made
    )
    return Table(head, rows, "Every size is that of a file that was written and read back.")


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
