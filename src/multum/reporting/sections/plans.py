"""Plans: what budgets buy by a law, and what it costs to be off, as `plan` told them."""

from dataclasses import dataclass

from multum.reporting.charts import Rows, draw, hover, layer, picked, quantity, series
from multum.reporting.content import Cell, Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number, read_positive

KINDS = (
    Kind("plan", frozenset({"N", "D", "epochs", "loss", "half", "double", "compute", "method"}), printed_by="plan"),
)

_HEAD = (
    "plan",
    "budget",
    "parameters",
    "data",
    "epochs",
    "bits a weight",
    "loss",
    "80 % from",
    "to",
    "beyond the runs",
)


@dataclass(frozen=True)
class _Told:
    """A plan. offs: (what the size is, parameters, loss) where it is the best one and where it is not.

    spread: the ends of an 80 % interval of the loss. size_bytes: of program and code, None for other budgets.
    crossover: from how many bytes of data on a program pays, None where that was not asked or is never.
    """

    name: str
    budget: str
    offs: tuple[tuple[str, float, float], ...]
    amount: float
    epochs: float
    bits: float | None
    spread: tuple[float, float]
    unit: str
    beyond: bool
    size_bytes: float | None
    crossover: float | None

    @property
    def size(self) -> float:
        """The best number of parameters."""
        return self.offs[0][1]

    @property
    def loss(self) -> float:
        """What is expected of it."""
        return self.offs[0][2]


def show(material: Material) -> Section | None:
    """Return the plans, each with what half and double its size would come to."""
    plans = [document.read(_read_plan) for document in material.take("plan")]
    if not plans:
        return None
    figures = (_draw_plans(plans),)
    return Section("plans", "What is planned", " ".join(map(_tell, plans)), figures, (_tabulate(plans),))


def _read_plan(document: Document) -> _Told:
    fields = document.fields
    best, loss = read_positive(fields["N"]), read_positive(fields["loss"])
    offs = [("as planned", best, loss)]
    for name, field, factor in (("half the size", "half", 0.5), ("double the size", "double", 2.0)):
        if fields[field] is not None:
            offs.append((name, factor * best, read_positive(fields[field])))
    account, bits, crossover = fields["account"], fields["bits"], fields["crossover_bytes"]
    parts = () if account is None else (account["program_bytes"], account["code_bytes"])
    size_bytes = sum(map(read_positive, parts)) or None
    spent = f"{read_positive(fields['compute']):.3g} FLOPs"
    return _Told(
        name=document.name,
        budget=spent if size_bytes is None else f"{size_bytes:,.0f} bytes, {spent}",
        offs=tuple(offs),
        amount=read_positive(fields["D"]),
        epochs=read_positive(fields["epochs"]),
        bits=None if bits is None else read_positive(bits),
        spread=(read_number(fields["low"]), read_number(fields["high"])),
        unit="" if fields["unit"] == "none" else str(fields["unit"]),
        beyond=bool(fields["extrapolated"]),
        size_bytes=size_bytes,
        crossover=None if crossover is None else read_positive(crossover),
    )


def _tell(plan: _Told) -> str:
    """Return what a budget is best spent on, what comes of it, and from where on that pays."""
    low, high = plan.spread
    told = (
        f"{plan.budget} are best spent on {plan.size:.3g} parameters and {plan.amount:.3g} of data, for a loss of"
        f" {plan.loss:.4g} {plan.unit}".rstrip()
        + f" (80 % interval {low:.4g} to {high:.4g}; {_tell_offs(plan)})."
    )
    return told if plan.crossover is None else f"{told} Programs pay from {plan.crossover:.3g} bytes of data on."


def _tell_offs(plan: _Told) -> str:
    return ", ".join(f"{name} {loss / plan.loss - 1:+.2%}" for name, _, loss in plan.offs[1:]) or "no other size fits"


def _draw_plans(plans: list[_Told]) -> Figure:
    rows: Rows = [
        {"series": f"{plan.name}: {plan.budget}", "size": name, "n": n, "loss": loss}
        for plan in plans
        for name, n, loss in plan.offs
    ]
    ends: Rows = [
        {"series": row["series"], "n": row["n"], "low": plan.spread[0], "high": plan.spread[1]}
        for plan, row in zip(plans, (row for row in rows if row["size"] == "as planned"), strict=True)
    ]
    x, y = quantity("n", "parameters", log=True), quantity("loss", "loss", form=".3~g")
    colour = series("plan")
    tips = hover(
        ("series", "plan", None), ("size", "size", None), ("n", "parameters", ",.3~g"), ("loss", "loss", ".4f")
    )
    spans = draw("rule", ends, x=x, y=quantity("low", "loss", form=".3~g"), y2={"field": "high"}, color=colour)
    dots = draw({"type": "point", "size": 90}, rows, x=x, y=y, color=colour, opacity=picked(), tooltip=tips)
    cells = tuple((str(row["series"]), str(row["size"]), f"{row['n']:.3g}", round(row["loss"], 5)) for row in rows)
    told = "The loss expected of each plan, with its 80 % interval, and of programs of half and of double its size."
    table = Table(("plan", "size", "parameters", "loss"), cells)
    return Figure("plans-offs", "Being off by two", told, layer(dots, spans, pickable=True), table)


def _tabulate(plans: list[_Told]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            plan.name,
            plan.budget,
            f"{plan.size:.3g}",
            f"{plan.amount:.3g}",
            f"{plan.epochs:.3g}",
            plan.bits,
            *(float(f"{value:.5g}") for value in (plan.loss, *plan.spread)),
            "yes" if plan.beyond else "",
        )
        for plan in plans
    ]
    return Table(_HEAD, tuple(rows), "What budgets buy")
