"""The frontier of `shrink`: how many bytes a model takes, and what fewer of them cost."""

from dataclasses import dataclass

from multum.reporting.charts import Spec, draw, hover, layer, quantity
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

KINDS = (Kind("shrunken model", frozenset({"bytes_before", "bytes_after", "weights", "passes"}), printed_by="shrink"),)


@dataclass(frozen=True)
class Shrunken:
    """A model and what became of it. before, after: its loss in `unit`, None where nothing was measured."""

    source: str
    target: str
    weights: float
    bytes_before: float
    bytes_after: float
    unit: str
    before: float | None
    after: float | None
    accuracy: float | None

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
        read_number(fields[name]) for name in ("weights", "bytes_before", "bytes_after")
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
    )


def _tell_loss(made: Shrunken) -> str:
    if made.before is None or made.after is None:
        return ""
    return f", for {made.after - made.before:+.4f} {made.unit}"


def _draw_frontier(source: str, made: list[Shrunken], name: str) -> Figure:
    """Return the losses of a model's files by their bytes, with the model itself as the line to compare with."""
    unit = made[0].unit
    rows = [
        {
            "series": one.target,
            "bytes": one.bytes_after,
            "loss": one.after,
            "bits": one.bits,
            "more": one.after - one.before,
        }
        for one in made
        if one.after is not None and one.before is not None
    ]
    told = (
        f"Loss of {len(rows)} files of {source} in {unit}, by their bytes, and at each point its bits a weight; dashed:"
        f" the model before, in {made[0].bytes_before:,.0f} bytes."
    )
    return Figure(name, f"{source}: bytes and loss", told, _chart(rows, unit, made[0].before), _tabulate(made))


def _chart(rows: list[dict[str, object]], unit: str, before: float | None) -> Spec:
    axes = {"x": quantity("bytes", "bytes of the file", log=True), "y": quantity("loss", unit, form="~g")}
    tips = hover(
        ("series", "file", None),
        ("bytes", "bytes", ",.0f"),
        ("bits", "bits a weight", ".3f"),
        ("loss", unit, ".4f"),
        ("more", "more than before", "+.4f"),
    )
    line = draw({"type": "line", "opacity": 0.5}, rows, **axes)
    points = draw({"type": "point", "size": 90, "opacity": 1}, rows, **axes, tooltip=tips)
    text = {"field": "bits", "type": "quantitative", "format": ".2f"}
    labels = draw({"type": "text", "dy": -14}, rows, **axes, text=text)
    rule = draw({"type": "rule", "strokeDash": [5, 4]}, [{"loss": before}], y=axes["y"])
    return layer(rule, line, points, labels)


def _tabulate(made: list[Shrunken]) -> Table:
    head = (
        "model",
        "file",
        "bytes before",
        "bytes after",
        "bits a weight",
        "loss before",
        "loss after",
        "in",
        "accuracy",
    )
    rows = tuple(
        (
            one.source,
            one.target,
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
