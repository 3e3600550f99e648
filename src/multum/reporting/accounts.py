"""Accounts as bars: program, code and the rest of each, in bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from multum.reporting.charts import Spec, bars, draw, hover, layer, names
from multum.reporting.content import Table

# More bars are no longer read at a glance; the table has all.
_MOST_BARS = 20
_BAR_HEIGHT = 26
# Pieces of a bar from left to right.
_PARTS = ("program", "code", "container")


@dataclass(frozen=True)
class Account:
    """What something takes, in bytes. container: neither program nor code. measured: of a file that was written."""

    name: str
    program: float
    code: float
    container: float
    measured: bool

    @property
    def total(self) -> float:
        """All that is paid."""
        return self.program + self.code + self.container

    @property
    def basis(self) -> str:
        """How it is known."""
        return "measured" if self.measured else "estimated"


def stack_accounts(accounts: Sequence[Account]) -> Spec:
    """Return stacked bars, a line each, with the total at their end; estimated ones are pale beside measured ones."""
    shown = accounts[:_MOST_BARS]
    paid = [part for part in _PARTS if any(getattr(one, part) for one in shown)]
    rows = [
        {"bar": one.name, "part": part, "bytes": getattr(one, part), "place": place, "basis": one.basis}
        for one in shown
        for place, part in enumerate(paid)
    ]
    totals = [{"bar": one.name, "total": one.total} for one in shown]
    y, x = names("bar", [one.name for one in shown]), bars("total", totals, "bytes")
    # Code has the first colour, as it is most of a bar.
    order = ["code", "program", "container"]
    parts = {"field": "part", "type": "nominal", "sort": order, "title": None, "legend": {"orient": "top"}}
    tips = hover(("bar", "name", None), ("part", "part", None), ("bytes", "bytes", ",.0f"), ("basis", "how", None))
    pale = {"condition": {"test": "datum.basis == 'measured'", "value": 1}, "value": 0.5}
    mixed = len({one.measured for one in shown}) > 1
    pieces = draw(
        {"type": "bar", "height": {"band": 0.72}},
        rows,
        x=x | {"field": "bytes"},
        y=y,
        color=parts,
        order={"field": "place", "type": "quantitative"},
        opacity=pale if mixed else None,
        tooltip=tips,
    )
    text = {"field": "total", "type": "quantitative", "format": ",.0f"}
    ends = draw({"type": "text", "align": "left", "dx": 5}, totals, x=x, y=y, text=text)
    return layer(pieces, ends, height=_BAR_HEIGHT * len(shown) + 8)


def tabulate_accounts(accounts: Sequence[Account]) -> Table:
    """Return the accounts in numbers, all of them."""
    rows = tuple(
        (one.name, round(one.program), round(one.code), round(one.container), round(one.total), one.basis)
        for one in accounts
    )
    return Table(("name", "program", "code", "container", "total, bytes", "how it is known"), rows)
