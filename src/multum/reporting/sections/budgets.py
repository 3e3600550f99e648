"""IsoFLOP curves and the compute-optimal line: which size is best for a budget, by the law and by its runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from multum.errors import UsageError
from multum.laws.optima import Optimum, find_optimum
from multum.reporting.charts import Rows, Spec, draw, hover, layer, picked, quantity, series, trace
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.scaling import (
    Scaling,
    Slice,
    cut_slices,
    predict_slice,
    read_scalings,
    spread_sizes,
)

KINDS = ()
# Budgets that are drawn where the runs have none of their own.
_BUDGETS = 5


@dataclass(frozen=True)
class Valley:
    """One IsoFLOP curve: the budget, where it is best, and the runs at it, None where the law alone tells."""

    flops: float
    best: Optimum
    runs: Slice | None

    @property
    def label(self) -> str:
        """What the legend calls it."""
        return f"{self.flops:.2g} FLOPs"


def show(material: Material) -> Section | None:
    """Return the valleys and the optimum of each law that weighs N against D."""
    figures: list[Figure] = []
    leads = []
    for number, scaling in enumerate(read_scalings(material), 1):
        if scaling.budgets:
            figures += [_draw_valleys(scaling, number), _draw_line(scaling, number)]
            leads.append(_tell(scaling))
    return Section("budgets", "What a budget is best spent on", " ".join(leads), tuple(figures)) if figures else None


def _tell(scaling: Scaling) -> str:
    """Return how parameters and data grow with compute."""
    first, last = scaling.budgets[0], scaling.budgets[-1]
    decades = np.log(last.compute / first.compute)
    power = float(np.log(last.N / first.N) / decades)
    return (
        f"By {'the law' if scaling.alone else scaling.name}, parameters should grow as compute to the {power:.2f},"
        f" {scaling.law.amounts} to the {1 - power:.2f}; {last.compute:.2g} FLOPs are best spent on {last.N:.3g}"
        f" parameters and {last.D:.3g} {scaling.law.amounts}."
    )


def _list_valleys(scaling: Scaling) -> list[Valley]:
    """Return the budgets of the runs, or some within the law's range where the runs have none."""
    slices = cut_slices(scaling.points) if scaling.points is not None else []
    budgets: list[tuple[float, Slice | None]] = [(one.flops, one) for one in slices] if len(slices) > 1 else []
    if not budgets:
        budgets += [(flops, None) for flops in np.geomspace(*scaling.law.ranges["compute"], _BUDGETS).tolist()]
    valleys = []
    for flops, runs in budgets:
        try:
            valleys.append(Valley(flops, find_optimum(scaling.law, flops, scaling.fixed), runs))
        except UsageError:
            continue  # no optimum inside at this budget: there is no valley to draw
    return valleys


def _draw_valleys(scaling: Scaling, number: int) -> Figure:
    """Return loss by size at each budget, the law as lines and runs as points."""
    valleys, target = _list_valleys(scaling), scaling.law.target
    lines: list[dict[str, Any]] = []
    bests: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for valley in valleys:
        for n, row in predict_slice(scaling, valley.flops, spread_sizes(valley.best.n)):
            lines.append({"series": valley.label, "n": n, "loss": row.predicted})
        ((n, row),) = predict_slice(scaling, valley.flops, np.array([valley.best.n]))
        bests.append({"series": valley.label, "n": n, "d": valley.best.d, "loss": row.predicted})
        if valley.runs is not None:
            pairs = zip(valley.runs.sizes.tolist(), valley.runs.losses.tolist(), strict=True)
            runs += [{"series": valley.label, "n": n, "loss": loss} for n, loss in pairs]
    rows = tuple(
        (
            valley.label,
            f"{valley.best.n:.3g}",
            f"{valley.best.d:.3g}",
            round(best["loss"], 4),
            0 if valley.runs is None else len(valley.runs.sizes),
        )
        for valley, best in zip(valleys, bests, strict=True)
    )
    table = Table(("budget", "best parameters", scaling.law.amounts, f"{target} there", "runs"), rows)
    told = (
        f"{target} by parameters at {len(valleys)} budgets: valleys, whose lowest points, the diamonds, lie farther"
        " right the more compute there is."
    )
    return Figure(f"isoflop-{number}", scaling.head("IsoFLOP curves"), told, _chart(lines, bests, runs, target), table)


def _chart(lines: Rows, bests: Rows, runs: Rows, target: str) -> Spec:
    x, y = quantity("n", "parameters", log=True), quantity("loss", target, form=".3~g")
    colour = series("budget", order=[str(best["series"]) for best in bests])
    tips = hover(("series", "budget", None), ("n", "parameters", ",.3~g"), ("loss", target, ".4f"))
    layers = trace(lines, tips, x=x, y=y, color=colour, opacity=picked(0.9))
    if runs:
        layers.append(
            draw({"type": "point", "size": 46}, runs, x=x, y=y, color=colour, opacity=picked(0.55), tooltip=tips)
        )
    best_tips = [*tips, *hover(("d", "trained on", ",.3~g"))]
    shape = {"type": "point", "shape": "diamond", "size": 120, "filled": True}
    layers.append(draw(shape, bests, x=x, y=y, color=colour, opacity=picked(), tooltip=best_tips))
    return layer(*layers, height=380, pickable=True)


def _draw_line(scaling: Scaling, number: int) -> Figure:
    """Return the best parameters and the best amount of data, by compute."""
    amounts, plans = scaling.law.amounts, scaling.budgets
    rows = []
    for one in plans:
        rows.append({"series": "parameters", "x": one.compute, "amount": one.N, "low": one.N_low, "high": one.N_high})
        rows.append({"series": amounts, "x": one.compute, "amount": one.D, "low": None, "high": None})
    x, y = quantity("x", "training FLOPs", log=True, form="~e"), quantity("amount", f"parameters, {amounts}", log=True)
    tips = hover(("series", "what", None), ("x", "FLOPs", ".3~g"), ("amount", "amount", ",.3~g"))
    sure = [row for row in rows if row["low"] is not None]
    low = quantity("low", f"parameters, {amounts}", log=True)
    band = draw({"type": "area", "opacity": 0.16}, sure, x=x, y=low, y2={"field": "high"}, color=series())
    lines = trace(rows, tips, size=26, x=x, y=y, color=series())
    table = Table(
        ("FLOPs", "parameters", "80 % from", "to", amounts, scaling.law.target, "beyond the runs"),
        tuple(
            (
                f"{one.compute:.3g}",
                f"{one.N:.3g}",
                "" if one.N_low is None else f"{one.N_low:.3g}",
                "" if one.N_high is None else f"{one.N_high:.3g}",
                f"{one.D:.3g}",
                round(one.loss, 4),
                "yes" if one.extrapolated else "",
            )
            for one in plans
        ),
    )
    told = (
        f"The best parameters and {amounts} for a budget: {plans[0].N:.3g} and {plans[0].D:.3g} for the least,"
        f" {plans[-1].N:.3g} and {plans[-1].D:.3g} for the most."
    )
    return Figure(f"optimum-{number}", scaling.head("The compute-optimal line"), told, layer(band, *lines), table)
