"""Figures of the guides, as SVG that reads on light and on dark pages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multum.ladders.reports import Point
from multum.laws.law import Law

# Okabe and Ito's colours, which colour-blind readers tell apart; grey lines are seen on white and on black.
COLOURS = ("#0072B2", "#D55E00", "#009E73")
MARKERS = ("o", "s", "^")
GREY = "#808080"


def draw_arms(arms: Mapping[str, tuple[Sequence[Point], Law]], target: Path) -> None:
    """Write a figure of the runs of several ladders, a panel a size, with the law of each as a line with its band."""
    sizes = sorted({point.parameters for points, _ in arms.values() for point in points})
    with mpl.rc_context({"svg.hashsalt": "multum", "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=(2.6 * len(sizes), 3.4))
        panels = np.atleast_1d(figure.subplots(1, len(sizes), sharey=True))
        for axes, size in zip(panels, sizes, strict=True):
            for (name, (points, law)), colour, marker in zip(arms.items(), COLOURS, MARKERS, strict=True):
                ours = [point for point in points if point.parameters == size]
                axes.scatter([one.bytes for one in ours], [one.bpb for one in ours], s=22, color=colour, marker=marker)
                _draw_law(axes, law, size, [one.bytes for one in points], colour, name)
            _dress(
                axes, f"{size:,} weights", _round_amounts([one.bytes for points, _ in arms.values() for one in points])
            )
        panels[0].set_ylabel("bits per byte of the same clean text", color=GREY)
        panels[-1].legend(frameon=False, labelcolor=GREY)
        target.parent.mkdir(exist_ok=True)
        figure.savefig(target, transparent=True, bbox_inches="tight", metadata={"Date": None})


def _draw_law(axes: Axes, law: Law, size: int, amounts: Sequence[int], colour: str, name: str) -> None:
    """Draw what a law says of programs of one size over the bytes they were trained on, and what its draws say."""
    d = np.geomspace(min(amounts), max(amounts), 40)
    columns = {"N": np.full(len(d), float(size)), "D": d}
    below, above = np.quantile(np.exp(law.predict_draws(columns)), (0.1, 0.9), axis=0)
    axes.plot(d, np.exp(law.predict_log(columns)), color=colour, lw=1.5, label=name)
    axes.fill_between(d, below, above, color=colour, alpha=0.15, lw=0)


def _round_amounts(amounts: Sequence[int]) -> list[float]:
    """Return the different amounts of data in MB, to the one digit that tells them apart."""
    return sorted({float(f"{amount / 1e6:.1g}") for amount in amounts})


def _dress(axes: Axes, title: str, ticks: Sequence[float]) -> None:
    """Name the axes, and draw all lines so that they are seen on white and on black. ticks: in MB."""
    axes.set_title(title, color=GREY, fontsize=9)
    axes.set_xscale("log")
    axes.set_xticks([1e6 * tick for tick in ticks], [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("MB trained on", color=GREY)
    axes.tick_params(which="both", colors=GREY)
    axes.grid(visible=True, which="major", color=GREY, alpha=0.25, lw=0.6)
    for spine in axes.spines.values():
        spine.set_color(GREY)
