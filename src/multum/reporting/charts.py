"""Parts of charts in Vega-Lite, and how they look on light and on dark ground."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

# Clicking an entry of a legend leaves the others pale.
_PICK = {"name": "pick", "select": {"type": "point", "fields": ["series"]}, "bind": "legend"}
_PALE = 0.12
# Of logarithmic axes only these have lines, or there would be more lines than data.
_POWER_OF_TEN = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
# The axis of bars is longer than the longest by this, for the number at its end.
_ROOM = 1.25
# Pixels between the ends of a logarithmic axis and the first and last points.
_ROOM_AT_ENDS = 12
# How many sizes a legend of sizes has.
_SHADES = 4
# Colours that stay apart for the colour-blind, at 3:1 to the ground at least, in an order that neighbours differ by.
_COLOURS = {
    "light": ("#1f6fb4", "#c4560c", "#2e8555", "#9a3f9c", "#7a6512", "#b3304f", "#4b5563", "#0e7f8c"),
    "dark": ("#6fb1ee", "#f0954f", "#63c08c", "#d38bd6", "#d0b84e", "#f0829b", "#a8b3c0", "#4fc3d1"),
}
_INK = {"light": ("#1b2027", "#5a6470", "#e3e7ec"), "dark": ("#e8ebef", "#a3adb8", "#31383f")}
# The part of a scale of colours that is seen on the ground.
_RAMP = {"light": [0.0, 0.85], "dark": [0.3, 1.0]}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"


def quantity(field: str, title: str, *, log: bool = False, zero: bool = False, form: str = "~s") -> Spec:
    """Return a channel of numbers. form: of the axis, as d3 has it; by default short, with k, M and G."""
    axis: Spec = {
        "format": form,
        "labelExpr": _shorten("bytes" in title),
        "labelOverlap": "greedy",
        "labelFlush": False,
    }
    scale: Spec = {"zero": zero, "nice": True}
    if log:
        scale = {"type": "log", "nice": False, "padding": _ROOM_AT_ENDS}
        axis["gridOpacity"] = {"condition": {"test": _POWER_OF_TEN, "value": 1}, "value": 0}
    return {"field": field, "type": "quantitative", "title": title, "axis": axis, "scale": scale}


def _shorten(of_bytes: bool) -> str:
    """Return the expression of a label: 0 and 1e9 are written so, and billions are B, but of bytes."""
    billions = "G" if of_bytes else "B"
    return f"datum.value === 0 ? '0' : replace(replace(datum.label, 'e+', 'e'), 'G', '{billions}')"


def bars(field: str, rows: Rows, title: str, *, form: str = "~s") -> Spec:
    """Return a channel for bars from 0 on, with room at their ends for numbers."""
    channel = quantity(field, title, zero=True, form=form)
    most = max((row[field] for row in rows), default=0)
    channel["scale"] = {"domain": [0, _ROOM * most or 1], "nice": False}
    return channel


def names(field: str, order: "Sequence[str] | str") -> Spec:
    """Return a channel of names, one a line. order: all of them, or the channel whose least comes first."""
    axis = {"domain": False, "ticks": False, "labelPadding": 8}
    sort = order if isinstance(order, str) else list(order)
    return {"field": field, "type": "nominal", "sort": sort, "title": None, "axis": axis}


def series(title: str | None = None, order: Sequence[str] | None = None) -> Spec:
    """Return colours by the field `series`, with a legend above. order: of its entries, else as they come."""
    legend = {"title": title, "orient": "top", "symbolLimit": 40, "symbolOpacity": 1}
    return {"field": "series", "type": "nominal", "sort": list(order) if order else None, "legend": legend}


def sizes(field: str, title: str, rows: Rows) -> Spec:
    """Return colours from small to large numbers, by their logarithm, with a legend of a few of them above."""
    low, high = min(row[field] for row in rows), max(row[field] for row in rows)
    between = [low * (high / low) ** (step / (_SHADES - 1)) for step in range(_SHADES)]
    values = sorted({float(f"{value:.2g}") for value in between})
    legend = {"type": "symbol", "orient": "top", "format": "~s", "labelExpr": _shorten(False), "values": values}
    return {"field": field, "type": "quantitative", "title": title, "scale": {"type": "log"}, "legend": legend}


def hover(*fields: tuple[str, str, str | None]) -> list[Spec]:
    """Return what is told where the pointer is: (field, title, d3 format or None for words)."""
    return [
        {"field": field, "title": title, "type": "nominal"}
        if form is None
        else {"field": field, "title": title, "type": "quantitative", "format": form}
        for field, title, form in fields
    ]


def picked(opacity: float = 1.0) -> Spec:
    """Return the opacity of marks whose entry of the legend was clicked, or of all while none was."""
    return {"condition": {"param": "pick", "value": opacity}, "value": _PALE * opacity}


def layer(*layers: Spec, height: int = 320, pickable: bool = False) -> Spec:
    """Return charts one over another. pickable: the first one's series are picked by the legend."""
    drawn = [dict(one) for one in layers]
    if pickable:
        drawn[0]["params"] = [_PICK]
    return {"layer": drawn, "height": height}


def trace(rows: Rows, tips: Sequence[Spec], *, size: int = 0, **encoding: Any) -> list[Spec]:
    """Return a line a series, and the points on it, which tell their numbers. size: of the points; 0 to be felt only.

    Lines tell nothing themselves: wherever the pointer is on one, Vega would tell its first point.
    """
    dots = {"type": "point", "size": size} if size else {"type": "point", "size": 120, "opacity": 0}
    felt = encoding if size else {name: channel for name, channel in encoding.items() if name != "opacity"}
    return [draw("line", rows, **encoding), draw(dots, rows, **felt, tooltip=list(tips))]


def draw(mark: "str | Spec", rows: Rows, **encoding: Any) -> Spec:
    """Return a chart of marks, one a row, or one a series for lines."""
    channels = {name: channel for name, channel in encoding.items() if channel is not None}
    values = [{name: _know(value) for name, value in row.items()} for row in rows]
    return {"data": {"values": values}, "mark": mark, "encoding": channels}


def _know(value: Any) -> Any:
    """Return a value as JSON can have it: an end that is open, or no number at all, is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def make_config(scheme: str) -> Spec:
    """Return the looks of all charts on the ground of a scheme, "light" or "dark"."""
    ink, muted, grid = _INK[scheme]
    colours = list(_COLOURS[scheme])
    return {
        "background": "transparent",
        "font": _FONT,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {
            "labelColor": muted,
            "titleColor": ink,
            "titleFontWeight": 500,
            "titlePadding": 10,
            "labelFontSize": 12,
            "titleFontSize": 13,
            "gridColor": grid,
            "domainColor": muted,
            "tickColor": muted,
            "labelLimit": 220,
        },
        "axisQuantitative": {"tickCount": 6},
        "axisY": {"domain": False, "ticks": False},
        "axisX": {"grid": False},
        "legend": {
            "labelColor": ink,
            "titleColor": muted,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "symbolSize": 90,
            "columns": 4,
            "labelLimit": 260,
        },
        "range": {"category": colours, "ramp": {"scheme": "viridis", "extent": _RAMP[scheme]}},
        "line": {"strokeWidth": 2, "color": colours[0]},
        "point": {"filled": True, "size": 54, "color": colours[0]},
        "area": {"color": colours[0]},
        "bar": {"color": colours[0]},
        "rule": {"color": muted},
        "text": {"color": ink, "fontSize": 12, "font": _FONT},
        "aria": True,
    }
