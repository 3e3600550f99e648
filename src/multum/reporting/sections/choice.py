"""The search for a recipe: what was tried, what nothing beats, and what was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from multum.reporting.charts import Rows, Spec, draw, hover, layer, quantity, series
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

KINDS = (Kind("recipe search", frozenset({"points", "chosen", "goal", "bytes_before"}), printed_by="shrink --auto"),)
# Series, in the order of the legend.
_CHOSEN, _BEST, _BEATEN = "chosen", "nothing beats it", "beaten"


@dataclass(frozen=True)
class Trial:
    """One file of a search. seconds: of a run, None where nobody knows what the network reads."""

    recipe: str
    bits: float
    size_bytes: float
    loss: float
    accuracy: float | None
    seconds: float | None
    series: str


@dataclass(frozen=True)
class Search:
    """A search. failed: how many of its trials became no file."""

    source: str
    unit: str
    bytes_before: float
    loss_before: float
    trials: tuple[Trial, ...]
    failed: int

    @property
    def chosen(self) -> Trial:
        """The trial whose file was asked for."""
        return next(trial for trial in self.trials if trial.series == _CHOSEN)


def show(material: Material) -> Section | None:
    """Return a figure for each search, and the tables of all their trials."""
    searches = [document.read(_read_search) for document in material.take("recipe search")]
    if not searches:
        return None
    figures = tuple(_draw_search(search, f"choice-{number}") for number, search in enumerate(searches, 1))
    lead = " ".join(_tell(search) for search in searches)
    return Section("choice", "Which passes make it smaller", lead, figures)


def _read_search(document: Document) -> Search:
    """Return what `shrink --auto` printed."""
    fields = document.fields
    chosen, best = fields["chosen"]["number"], {point["number"] for point in fields["frontier"]}
    made = [point for point in fields["points"] if point["size_bytes"] is not None]
    search = Search(
        source=str(fields["source"]),
        unit=str(fields["unit"]),
        bytes_before=read_number(fields["bytes_before"]),
        loss_before=read_number(fields["loss_before"]),
        trials=tuple(_read_trial(point, chosen, best) for point in made),
        failed=len(fields["points"]) - len(made),
    )
    if not any(trial.series == _CHOSEN for trial in search.trials):
        raise ValueError("what was chosen is not among what was tried")
    return search


def _read_trial(point: dict[str, Any], chosen: int, best: set[int]) -> Trial:
    number = point["number"]
    return Trial(
        recipe=str(point["recipe"]),
        bits=read_number(point["bits"]),
        size_bytes=read_number(point["size_bytes"]),
        loss=read_number(point["loss"]),
        accuracy=_read_optional(point["accuracy"]),
        seconds=_read_optional(point["seconds"]),
        series=_CHOSEN if number == chosen else _BEST if number in best else _BEATEN,
    )


def _read_optional(value: Any) -> float | None:
    return None if value is None else read_number(value)


def _tell(search: Search) -> str:
    """Return what a search came to, in a sentence."""
    chosen = search.chosen
    failed = f", {search.failed} more became no file" if search.failed else ""
    return (
        f"{search.source}: of {len(search.trials)} files{failed}, {chosen.recipe} was chosen: {chosen.size_bytes:,.0f}"
        f" bytes of {search.bytes_before:,.0f}, for {chosen.loss - search.loss_before:+.4f} {search.unit}."
    )


def _draw_search(search: Search, name: str) -> Figure:
    """Return the trials by bytes and loss, with the model itself as the line to compare with."""
    rows = [
        {
            "series": trial.series,
            "recipe": trial.recipe,
            "bytes": trial.size_bytes,
            "loss": trial.loss,
            "accuracy": trial.accuracy,
            "ms": None if trial.seconds is None else 1000 * trial.seconds,
        }
        for trial in search.trials
    ]
    best = sum(trial.series != _BEATEN for trial in search.trials)
    told = (
        f"Loss of {len(rows)} files of {search.source} in {search.unit}, by their bytes; nothing beats {best} of them"
        f" in bytes, loss, accuracy and time of a run; dashed: the model before, in {search.bytes_before:,.0f} bytes."
    )
    chart = _chart(rows, search.unit, search.loss_before)
    return Figure(name, f"{search.source}: what was tried", told, chart, _tabulate(search.trials, search.unit))


def _chart(rows: Rows, unit: str, before: float) -> Spec:
    axes = {"x": quantity("bytes", "bytes of the file", log=True), "y": quantity("loss", unit, form="~g")}
    tips = hover(
        ("recipe", "passes", None),
        ("bytes", "bytes", ",.0f"),
        ("loss", unit, ".4f"),
        ("accuracy", "accuracy", ".4f"),
        ("ms", "ms a run", ".1f"),
    )
    line = draw({"type": "line", "opacity": 0.5}, [row for row in rows if row["series"] != _BEATEN], **axes)
    colour = series(order=(_CHOSEN, _BEST, _BEATEN))
    points = draw({"type": "point", "size": 90, "opacity": 1}, rows, **axes, color=colour, tooltip=tips)
    rule = draw({"type": "rule", "strokeDash": [5, 4]}, [{"loss": before}], y=axes["y"])
    return layer(rule, line, points)


def _tabulate(trials: Sequence[Trial], unit: str) -> Table:
    head = ("passes", "bits a weight", "bytes", unit, "accuracy", "ms a run", "which")
    rows = tuple(
        (
            trial.recipe,
            round(trial.bits, 3),
            trial.size_bytes,
            round(trial.loss, 4),
            None if trial.accuracy is None else round(trial.accuracy, 4),
            None if trial.seconds is None else round(1000 * trial.seconds, 1),
            trial.series,
        )
        for trial in sorted(trials, key=lambda one: one.size_bytes)
    )
    return Table(head, rows, "Every size is that of a file that was written and read back.")
