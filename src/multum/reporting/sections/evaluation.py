"""What programs are worth, as `eval` judged them: scores with intervals, confusion, calibration, damage."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from multum.reporting.charts import draw, hover, layer, names, quantity, series
from multum.reporting.content import Cell, Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

KINDS = (Kind("evaluation", frozenset({"program", "task", "verdicts", "robust", "confidence"}), printed_by="eval"),)

_ROW_HEIGHT = 30
# A matrix with more classes has cells too small to write into.
_MOST_WRITTEN, _SIDE = 12, 360
# What a unit of each task is.
_UNITS = {"labels": "label"}


def show(material: Material) -> Section | None:
    """Return what was found of each program, in figures of its own."""
    documents = material.take("evaluation")
    if not documents:
        return None
    figures: list[Figure] = []
    tables: list[Table] = []
    notes: list[str] = []
    for number, document in enumerate(documents, 1):
        figures += document.read(partial(_draw, number))
        tables += document.read(_tabulate)
        notes += document.read(_tell)
    lead = " ".join(document.read(_lead) for document in documents)
    return Section("evaluation", "What programs are worth", lead, tuple(figures), tuple(tables), notes=tuple(notes))


def _unit(fields: Mapping[str, Any]) -> str:
    return _UNITS.get(fields["task"], "byte")


def _list_verdicts(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the verdicts on each of the data, and on all."""
    return [*fields["verdicts"], *([fields["pooled"]] if fields["pooled"] else [])]


def _take_whole(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    whole: Mapping[str, Any] = fields["pooled"] or fields["verdicts"][0]
    return whole


def _rate(verdict: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return bits per label or byte with the interval's ends."""
    name = "bits_per_label" if "bits_per_label" in verdict else "bpb"
    low, high = verdict["intervals"][name]
    return read_number(verdict[name]), read_number(low), read_number(high)


def _lead(document: Document) -> str:
    fields = document.fields
    whole = _take_whole(fields)
    rate, low, high = _rate(whole)
    accuracy = f", accuracy {read_number(whole['accuracy']):.4f}" if "accuracy" in whole else ""
    return (
        f"{fields['program']}: {rate:.4f} bits per {_unit(fields)}, {low:.4f} to {high:.4f} in"
        f" {100 * read_number(fields['confidence']):g} of 100 cases{accuracy}."
    )


def _draw(number: int, document: Document) -> list[Figure]:
    """Return the figures that there is something for, of the `number`-th result on the page."""
    fields = document.fields
    whole, found = _take_whole(fields), [_draw_rates(fields, number)]
    if "confusion" in whole:
        found += [_draw_confusion(whole, number), _draw_reliability(whole, number)]
    return [*found, _draw_damage(fields, number)] if fields["robust"] else found


def _draw_rates(fields: Mapping[str, Any], number: int) -> Figure:
    """Return the rate on each of the data as a point in its interval."""
    unit = f"bits per {_unit(fields)}"
    rows: list[dict[str, Any]] = []
    for verdict in _list_verdicts(fields):
        rate, low, high = _rate(verdict)
        rows.append({"data": str(verdict["data"]), "rate": rate, "low": low, "high": high})
    x, y = quantity("rate", unit, form=".3~g"), names("data", [row["data"] for row in rows])
    tips = hover(("data", "data", None), ("rate", unit, ".4f"), ("low", "from", ".4f"), ("high", "to", ".4f"))
    spans = draw("rule", rows, x=x | {"field": "low"}, x2={"field": "high"}, y=y)
    points = draw({"type": "point", "size": 90, "opacity": 1}, rows, x=x, y=y, tooltip=tips)
    table = Table(("data", unit, "from", "to"), tuple(tuple(row.values()) for row in rows))
    told = f"{unit[0].upper()}{unit[1:]} on {len(rows)} data with intervals."
    title = f"{fields['program']} on each of the data"
    return Figure(
        f"evaluation-{number}-rates", title, told, layer(spans, points, height=_ROW_HEIGHT * len(rows)), table
    )


def _draw_confusion(whole: Mapping[str, Any], number: int) -> Figure:
    """Return how often each right class was taken for each, as shares of the right one."""
    classes = [str(name) for name in whole["classes"]]
    confusion = [[read_number(count) for count in counts] for counts in whole["confusion"]]
    rows: list[dict[str, Any]] = []
    for right, counts in zip(classes, confusion, strict=True):
        total = max(sum(counts), 1)
        rows += [
            {"right": right, "told": told, "count": count, "share": count / total, "strong": count > total / 2}
            for told, count in zip(classes, counts, strict=True)
        ]
    axis = {"labelAngle": 0, "orient": "top", "domain": False, "ticks": False}
    x = {"field": "told", "type": "nominal", "sort": classes, "title": "told", "axis": axis}
    y = names("right", classes) | {"title": "right"}
    shade = {
        "field": "share",
        "type": "quantitative",
        "title": "share",
        "scale": {"domain": [0, 1], "scheme": "blues"},
        "legend": None,
    }
    tips = hover(
        ("right", "right", None), ("told", "told", None), ("count", "times", ",.0f"), ("share", "share", ".1%")
    )
    layers = [draw("rect", rows, x=x, y=y, color=shade, tooltip=tips)]
    if len(classes) <= _MOST_WRITTEN:
        ink = {"condition": {"test": "datum.strong", "value": "white"}, "value": "#1b2027"}
        layers.append(draw("text", rows, x=x, y=y, text={"field": "count", "type": "quantitative"}, color=ink))
    told = f"How often each of {len(classes)} classes (down) was taken for each (across); {_name_worst(rows)}."
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *counts) for name, counts in zip(classes, confusion, strict=True)
    )
    height = min(_SIDE, 44 * len(classes) + 20)
    return Figure(
        f"evaluation-{number}-confusion",
        "Right classes and told ones",
        told,
        layer(*layers, height=height),
        Table(("right \\ told", *classes), cells),
    )


def _name_worst(rows: Sequence[Mapping[str, Any]]) -> str:
    wrong = [row for row in rows if row["right"] != row["told"] and row["count"]]
    if not wrong:
        return "all are right"
    worst = max(wrong, key=lambda row: row["count"])
    return f"most often wrong: {worst['count']:,} of {worst['right']} as {worst['told']}"


def _draw_reliability(whole: Mapping[str, Any], number: int) -> Figure:
    """Return how often answers are right by how sure they were, beside the line where both are one."""
    figures = ("low", "high", "examples", "confidence", "accuracy")
    rows = [{name: read_number(one[name]) for name in figures} for one in whole["bins"]]
    x = quantity("confidence", "probability told", form=".0%") | {"scale": {"domain": [0, 1]}}
    y = quantity("accuracy", "share right", form=".0%") | {"scale": {"domain": [0, 1]}}
    size = {
        "field": "examples",
        "type": "quantitative",
        "legend": {"orient": "top", "title": "examples"},
        "scale": {"range": [30, 500]},
    }
    tips = hover(("confidence", "told", ".1%"), ("accuracy", "right", ".1%"), ("examples", "examples", ",.0f"))
    ideal = draw(
        {"type": "line", "strokeDash": [5, 4], "opacity": 0.6},
        [{"confidence": end, "accuracy": end} for end in (0, 1)],
        x=x,
        y=y,
    )
    line = draw({"type": "line", "opacity": 0.5}, rows, x=x, y=y)
    points = draw({"type": "point", "opacity": 0.9}, rows, x=x, y=y, size=size, tooltip=tips)
    told = (
        f"Share of right answers by the probability that was told; where they agree points lie on the dashed line. They"
        f" are {read_number(whole['calibration_error']):.4f} off it on average."
    )
    cells = tuple(
        (
            f"{one['low']:.1f} to {one['high']:.1f}",
            one["examples"],
            round(one["confidence"], 4),
            round(one["accuracy"], 4),
        )
        for one in rows
    )
    table = Table(("probability told", "examples", "mean of it", "share right"), cells)
    return Figure(f"evaluation-{number}-calibration", "Calibration", told, layer(ideal, line, points), table)


def _draw_damage(fields: Mapping[str, Any], number: int) -> Figure:
    """Return how many bits more damage of each strength costs."""
    unit = f"more bits per {_unit(fields)}"
    rows: list[dict[str, Any]] = [
        {
            "series": str(one["damage"]),
            "share": read_number(one["share"]),
            "rise": read_number(one["rise"]),
            "low": read_number(one["rise_interval"][0]),
            "high": read_number(one["rise_interval"][1]),
        }
        for one in fields["robust"]
    ]
    x = quantity("share", "share that is damaged", log=True, form=".0~%")
    y = quantity("rise", unit, zero=True, form=".3~g")
    tips = hover(("series", "damage", None), ("share", "share", ".1%"), ("rise", unit, "+.4f"))
    spans = draw(
        {"type": "rule", "opacity": 0.5}, rows, x=x, y=y | {"field": "low"}, y2={"field": "high"}, color=series()
    )
    lines = draw("line", rows, x=x, y=y, color=series())
    points = draw({"type": "point", "opacity": 1}, rows, x=x, y=y, color=series(), tooltip=tips)
    worst = max(rows, key=lambda row: row["rise"])
    told = (
        f"What damage costs, in {unit} than without; most: {worst['series']} of {worst['share']:g},"
        f" {worst['rise']:+.3f}."
    )
    cells = tuple(tuple(row.values()) for row in rows)
    table = Table(("damage", "share", unit, "from", "to"), cells)
    return Figure(f"evaluation-{number}-damage", "On damaged data", told, layer(spans, lines, points), table)


def _tabulate(document: Document) -> list[Table]:
    """Return the scores of each of the data, those of each class, and the items nearest to training."""
    fields, found = document.fields, []
    verdicts, whole = _list_verdicts(fields), _take_whole(fields)
    if "classes" in whole:
        found += [_list_scores(verdicts, str(fields["program"])), _list_classes(whole)]
    if fields["memorised"]:
        near = fields["memorised"]["nearest"]
        rows = tuple((one["name"], one["nearest"], round(read_number(one["share"]), 4)) for one in near)
        found.append(Table(("generated", "nearest in training", "share of its bits left"), rows, "Nearest to training"))
    return found


def _list_scores(verdicts: Sequence[Mapping[str, Any]], program: str) -> Table:
    names_ = ("examples", "bits_per_label", "accuracy", "macro_f1", "brier", "calibration_error")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (str(one["data"]), *(round(read_number(one[name]), 4) for name in names_)) for one in verdicts
    )
    head = ("data", "labels", "bits per label", "accuracy", "macro F1", "Brier score", "calibration error")
    return Table(head, rows, program)


def _list_classes(whole: Mapping[str, Any]) -> Table:
    columns = [[round(read_number(value), 4) for value in whole[name]] for name in ("precision", "recall", "f1")]
    rows = tuple(zip(map(str, whole["classes"]), *columns, strict=True))
    return Table(("class", "precision", "recall", "F1"), rows, "By class")


def _tell(document: Document) -> list[str]:
    """Return what was found against another program, and of memory, in sentences."""
    contest, memory = document.fields["against"], document.fields["memorised"]
    return [*(_tell_contest(contest) if contest else ()), *([_tell_memory(memory)] if memory else [])]


def _tell_contest(contest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the difference in bits, and that in right answers where there are any."""
    yield f"Against {contest['other']}: {_tell_difference(contest['bits'])} bits per {contest['unit']}."
    if contest["answers"]:
        yield (
            f"Accuracy {_tell_difference(contest['answers'])} by McNemar's test: alone right on"
            f" {read_number(contest['only_this']):,.0f}, the other on {read_number(contest['only_other']):,.0f}."
        )


def _tell_memory(memory: Mapping[str, Any]) -> str:
    """Return how near generated items come to training ones."""
    ours, theirs = read_number(memory["generated_share"]), read_number(memory["fresh_share"])
    return (
        f"The nearest training item leaves {ours:.3f} of a generated item's bits and {theirs:.3f} of a fresh one's;"
        f" {read_number(memory['copied']):,.0f} of {read_number(memory['generated']):,.0f} are nearer than 99 % of"
        " fresh ones."
    )


def _tell_difference(one: Mapping[str, Any]) -> str:
    """Return a difference with its interval and its chance."""
    low, high = map(read_number, one["interval"])
    return f"{read_number(one['value']):+.4f} ({low:+.4f} to {high:+.4f}, p = {read_number(one['chance']):.3g})"
