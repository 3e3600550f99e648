"""Bars from the most to the least, one a name: what several sections show of what they list."""

from collections.abc import Sequence
from typing import Any

from multum.reporting.charts import Spec, bars, draw, layer, names

_ROW_HEIGHT = 30


def rank(
    rows: Sequence[dict[str, Any]], name: str, value: str, title: str, tips: Sequence[Spec], form: str = "~s"
) -> Spec:
    """Return a bar a row, in the order of the rows. name, value: fields of theirs. form: of the axis of values."""
    x, y = bars(value, rows, title, form=form), names(name, [row[name] for row in rows])
    return layer(draw("bar", rows, x=x, y=y, tooltip=list(tips)), height=_ROW_HEIGHT * len(rows))


def cut(text: object, most: int) -> str:
    """Return a text of `most` characters at most, the end left out where it is longer."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"
