"""Figures of the guides, as SVG that reads on light and on dark pages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multum.ladders.reports import Point
from multum.ladders.rungs import count_flops
from multum.laws.law import Law
from multum.neural.architectures import derive_shape

# Okabe and Ito's colours, which colour-blind readers tell apart; grey lines are seen on white and on black.
COLOURS = ("#0072B2", "#D55E00", "#009E73")
MARKERS = ("o", "s", "^")
GREY = "#808080"


def draw_arms(arms: Mapping[str, tuple[Sequence[Point], Law]], target: Path) -> None:
    """Write a figure of the runs of several ladders, a panel a size in the middle, with the laws as lines.

    Each law is drawn over the bytes that its runs were trained on, with its 80 % band from its draws.
    """
    mpl.rcParams |= {"svg.hashsalt": "multum", "svg.fonttype": "path", "font.size": 9}
    figure = Figure(figsize=(7.0, 4.2))
    axes = figure.add_subplot()
    for (name, (points, law)), colour, marker in zip(arms.items(), COLOURS, MARKERS, strict=True):
        best = _find_best(points)
        compute = [point.flops for point in points]
        axes.scatter(compute, [point.bpb for point in points], s=14, color=colour, marker=marker, alpha=0.45)
        axes.scatter([one.flops for one in best], [one.bpb for one in best], s=34, color=colour, marker=marker)
        _draw_law(axes, law, min(compute), max(compute), colour, name)
    _dress(axes)
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, transparent=True, bbox_inches="tight", metadata={"Date": None})


def _find_best(points: Sequence[Point]) -> list[Point]:
    """Return the best run of each slice of equal compute."""
    slices: dict[int, Point] = {}
    for point in points:
        place = round(4 * np.log2(point.flops))  # runs of a slice end with a whole step, so a little apart
        if place not in slices or point.bpb < slices[place].bpb:
            slices[place] = point
    return list(slices.values())


def _draw_law(axes: Axes, law: Law, low: float, high: float, colour: str, name: str) -> None:
    """Draw the least loss that a law has at each compute, with the band that its draws leave."""
    shapes = list({derive_shape(round(size)): None for size in np.geomspace(1e4, 1e6, 80)})
    per_byte = np.array([count_flops(shape) for shape in shapes])
    compute = np.geomspace(low, high, 40)
    n = np.repeat([[float(shape.parameters)] for shape in shapes], len(compute), axis=1)  # [sizes, computes]
    columns = {"N": n.ravel(), "D": (compute[None] / per_byte[:, None]).ravel()}
    said = np.exp(law.predict_log(columns)).reshape(n.shape).min(axis=0)
    draws = np.exp(law.predict_draws(columns)).reshape(-1, *n.shape).min(axis=1)
    below, above = np.quantile(draws, (0.1, 0.9), axis=0)
    axes.plot(compute, said, color=colour, lw=1.5, label=name)
    axes.fill_between(compute, below, above, color=colour, alpha=0.15, lw=0)


def _dress(axes: Axes) -> None:
    """Name the axes, and draw all lines so that they are seen on white and on black."""
    axes.set_xscale("log")
    axes.set_xlabel("training FLOPs", color=GREY)
    axes.set_ylabel("bits per byte of the same clean text", color=GREY)
    axes.tick_params(which="both", colors=GREY)
    axes.grid(visible=True, which="major", color=GREY, alpha=0.25, lw=0.6)
    for spine in axes.spines.values():
        spine.set_color(GREY)
    axes.legend(frameon=False, labelcolor=GREY)
