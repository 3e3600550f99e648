"""Why programs say what they say, as `explain` found: inputs coloured by evidence, and what contexts earned."""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from multum.reporting.charts import Spec, draw, hover, layer, names, quantity
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number, read_positive

KINDS = (Kind("explanation", frozenset({"program", "method", "examples", "earnings"}), printed_by="explain"),)

# Characters of a line of text, and its height in CSS pixels.
_LINE, _LINE_HEIGHT = 64, 26
# Columns between an image and its colours, and the height of both.
_GAP, _IMAGE_HEIGHT = 2, 330
# Colours are as wide as this much more than the strongest evidence, so that dark ink stays legible on all of them.
_PALER = 1.6
_INK = "#1b2027"
# Against, neither, for.
_SIDES = ("#2f7fc4", "#f6f6f4", "#ee8a1d")
# More bars are no longer read at a glance, nor more pixels in a table.
_MOST_BARS, _MOST_PIXELS = 25, 20


def show(material: Material) -> Section | None:
    """Return a figure for each example and for each of the data."""
    documents = material.take("explanation")
    if not documents:
        return None
    figures: list[Figure] = []
    for number, document in enumerate(documents, 1):
        figures += document.read(partial(_draw, number))
    lead = " ".join(document.read(_lead) for document in documents)
    return Section("explanation", "What spoke for it", lead, tuple(figures))


def _lead(document: Document) -> str:
    fields = document.fields
    if fields["earnings"]:
        return (
            f"{fields['program']}: each part of the network alone was left out, and the data were measured again; parts"
            " that know the same share what they earn."
        )
    return (
        f"{fields['program']}, explained by {fields['method']}: bits that each piece of an input adds for a class"
        " rather than its nearest rival; orange speaks for it, blue against it."
    )


def _draw(number: int, document: Document) -> list[Figure]:
    """Return the figures of one result, the `number`-th on the page."""
    examples, earnings = document.fields["examples"], document.fields["earnings"]
    return [
        *(_draw_example(one, f"explanation-{number}-{place}") for place, one in enumerate(examples, 1)),
        *(_draw_earnings(one, f"earnings-{number}-{place}") for place, one in enumerate(earnings, 1)),
    ]


def _draw_example(one: Mapping[str, Any], name: str) -> Figure:
    """Return an input in the colours of its evidence."""
    wrong = "" if one["told"] == one["label"] else f", which is wrong: it is {one['label']}"
    title = f"Example {one['number']}: told {one['told']} with {read_number(one['probability']):.1%}{wrong}"
    told = (
        f"{read_number(one['value']):+.2f} bits for {one['chosen']} rather than {one['rival']}:"
        f" {read_number(one['base']):+.2f} before anything is seen, the colours add up to"
        f" {read_number(one['value']) - read_number(one['base']) - read_number(one['gap']):+.2f}, and"
        f" {read_number(one['gap']):+.2f} are left over."
    )
    if one["image"] is not None:
        return Figure(name, title, told, _colour_image(one), _list_pixels(one["scores"]))
    scores = [read_number(score) for score in one["scores"]]
    cells = tuple((str(piece).strip(), score) for piece, score in zip(one["pieces"], scores, strict=True))
    return Figure(name, title, told, _colour_text(one["pieces"], scores), Table(("piece", "bits"), cells))


def _evidence(scores: Sequence[float]) -> Spec:
    """Return the channel of colours: white for nothing, as strong for as against."""
    most = _PALER * max((abs(score) for score in scores), default=0) or 1.0
    legend = {"orient": "top", "title": "bits", "gradientLength": 200}
    scale = {"range": list(_SIDES), "domain": [-most, 0, most], "interpolate": "rgb"}
    return {"field": "bits", "type": "quantitative", "scale": scale, "legend": legend}


def _place(field: str, most: float, *, down: bool = False) -> Spec:
    """Return a channel of places from 0 to `most`, without an axis."""
    scale = {"domain": [0, most], "nice": False, "zero": False, "reverse": down}
    return {"field": field, "type": "quantitative", "axis": None, "scale": scale}


def _colour_text(pieces: Sequence[str], scores: Sequence[float]) -> Spec:
    """Return the text, a box of its colour behind each piece."""
    rows = _lay_out(pieces, scores)
    lines = max((row["line"] for row in rows), default=0) + 1
    x, y = _place("left", _LINE), _place("top", lines, down=True)
    tips = hover(("piece", "piece", None), ("bits", "bits", "+.3f"))
    box = {"x": x, "x2": {"field": "right"}, "y": y, "y2": {"field": "bottom"}}
    boxes = draw({"type": "rect", "cornerRadius": 3}, rows, **box, color=_evidence(scores), tooltip=tips)
    letters = {"type": "text", "font": "monospace", "fontSize": 12, "color": _INK, "baseline": "middle"}
    words = draw(
        letters, rows, x=x | {"field": "middle"}, y=y | {"field": "centre"}, text={"field": "piece", "type": "nominal"}
    )
    return layer(boxes, words, height=_LINE_HEIGHT * lines)


def _lay_out(pieces: Sequence[str], scores: Sequence[float]) -> list[dict[str, Any]]:
    """Return where each piece stands, in characters, and its line; what is too long for one goes to the next."""
    rows: list[dict[str, Any]] = []
    at, line = 0, 0
    for piece, bits in zip(pieces, scores, strict=True):
        shown = "".join(one if one.isprintable() else " " for one in str(piece)).strip()[:_LINE] or "␣"
        space = 1 if str(piece)[:1].isspace() else 0
        width = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in shown)
        if at and at + space + width > _LINE:
            at, line, space = 0, line + 1, 0
        left = at + (space if at else 0)
        at = left + width
        rows.append(
            {
                "piece": shown,
                "bits": bits,
                "line": line,
                "left": left,
                "right": at,
                "middle": left + width / 2,
                "top": line + 0.06,
                "bottom": line + 0.94,
                "centre": line + 0.5,
            }
        )
    return rows


def _colour_image(one: Mapping[str, Any]) -> Spec:
    """Return the image in greys, and beside it what each pixel adds."""
    scores, channels = one["scores"], one["image"]
    height, width = len(scores), len(scores[0])
    if not channels:
        raise ValueError("the image has no channels")
    greys, colours = [], []
    for row in range(height):
        for column in range(width):
            edges = {"top": row, "bottom": row + 1, "row": row + 1, "column": column + 1}
            grey = sum(read_number(channel[row][column]) for channel in channels) / len(channels)
            greys.append(edges | {"left": column, "right": column + 1, "grey": round(grey)})
            left = column + width + _GAP
            colours.append(edges | {"left": left, "right": left + 1, "bits": read_number(scores[row][column])})
    box = {
        "x": _place("left", 2 * width + _GAP),
        "x2": {"field": "right"},
        "y": _place("top", height, down=True),
        "y2": {"field": "bottom"},
    }
    shade = {
        "field": "grey",
        "type": "quantitative",
        "legend": None,
        "scale": {"range": ["black", "white"], "domain": [0, 255]},
    }
    tips = hover(("row", "row", "d"), ("column", "column", "d"), ("bits", "bits", "+.4f"))
    seen = draw({"type": "rect", "strokeWidth": 0}, greys, **box, color=shade)
    flat = [score for line in scores for score in line]
    said = draw({"type": "rect", "strokeWidth": 0}, colours, **box, color=_evidence(flat), tooltip=tips)
    return layer(seen, said, height=_IMAGE_HEIGHT) | {"resolve": {"scale": {"color": "independent"}}}


def _list_pixels(scores: Sequence[Sequence[float]]) -> Table:
    """Return the pixels that weigh most."""
    cells = [
        (row, column, read_number(score)) for row, line in enumerate(scores, 1) for column, score in enumerate(line, 1)
    ]
    cells.sort(key=lambda cell: -abs(cell[2]))
    return Table(("row", "column", "bits"), tuple(cells[:_MOST_PIXELS]), "Pixels that weigh most")


def _name(part: Mapping[str, Any]) -> str:
    """Return what a part is called alone: a context by its name, others with their kind."""
    named = str(part["name"])
    return named if part["kind"] in ("context", "match", "primer") else f"{part['kind']} {named}"


def _draw_earnings(one: Mapping[str, Any], name: str) -> Figure:
    """Return what each part earned as a bar, as a share of all bits."""
    bits = read_positive(one["bits"])
    rows: list[dict[str, Any]] = [
        {
            "part": _name(part),
            "share": read_number(part["earned"]) / bits,
            "earned": read_number(part["earned"]),
        }
        for part in one["parts"]
    ]
    shown = rows[:_MOST_BARS]
    tips = hover(("part", "part", None), ("earned", "bits more without it", "+,.0f"), ("share", "share", "+.2%"))
    chart = draw(
        {"type": "bar", "height": {"band": 0.72}},
        shown,
        x=quantity("share", "bits more without it, of all", zero=True, form="+.0~%"),
        y=names("part", [row["part"] for row in shown]),
        tooltip=tips,
    )
    told = f"{one['recipe']} on {one['data']}: {read_number(one['raw_bytes']):,.0f} bytes, {bits:,.0f} bits"
    if rows:
        told += f"; most is earned by {rows[0]['part']}, {rows[0]['share']:+.1%}"
    cells = tuple(
        (part["name"], part["kind"], read_number(part["earned"]), f"{row['share']:+.2%}")
        for part, row in zip(one["parts"], rows, strict=True)
    )
    table = Table(("part", "kind", "bits more without it", "share"), cells)
    return Figure(
        name, f"What earned bits on {one['data']}", f"{told}.", layer(chart, height=24 * len(shown) + 8), table
    )
