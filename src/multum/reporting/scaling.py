"""Laws as the page shows them: with the runs they are laid over, and what a budget buys by them.

Invariant: every curve comes from `multum.laws`, with the intervals that `predict` and `plan` tell.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError, UsageError
from multum.laws.columns import KNOWN
from multum.laws.files import open_law
from multum.laws.jets import Array
from multum.laws.law import Law
from multum.laws.optima import spread_fixed
from multum.laws.planning import Plan, plan
from multum.laws.points import Points, read_points
from multum.laws.predicting import Row, predict_rows
from multum.reporting.content import Material
from multum.reporting.documents import POINTS, Document

# Budgets of a curve, and how far beyond the law's points it goes on.
_BUDGETS = 33
_BEYOND = 100.0
_SIZES = 49
# Runs whose compute differs by less than this factor are of one budget, and budgets differ by more than that one. So
# many sizes tell a valley, and more valleys are not told apart.
_NEAR, _APART, _LEAST_SIZES, _MOST_SLICES = 1.3, 1.8, 3, 8


@dataclass(frozen=True)
class Slice:
    """Runs of nearly one compute budget, in FLOPs. sizes, losses: of the runs, [n]."""

    flops: float
    sizes: Array
    losses: Array


@dataclass(frozen=True)
class Scaling:
    """A law and the runs it is shown with. fixed: values of its columns other than N, D and C. notes: to be minded.

    alone: whether no other law is shown.
    """

    name: str
    law: Law
    points: Points | None
    fixed: Mapping[str, float]
    notes: tuple[str, ...]
    alone: bool

    def head(self, text: str) -> str:
        """Return a heading, with the law's name where there are several."""
        return text if self.alone else f"{self.name}: {text}"

    @property
    def reach(self) -> float:
        """How many times the compute of its runs curves go to."""
        return 1.0 if self.law.refusals else _BEYOND

    @cached_property
    def foretold(self) -> tuple[Row, ...]:
        """What the law says of its runs, with intervals; nothing where there are none."""
        if self.points is None:
            return ()
        return predict_rows(self.law, self.points.columns, self.points.target, anyway=True)

    @cached_property
    def budgets(self) -> list[Plan]:
        """What growing compute buys, from the law's least budget on; nothing where the law does not tell.

        The law itself says why: it has no N or D, or no optimum inside.
        """
        if not {"N", "D"} <= set(self.law.columns):
            return []
        low, high = self.law.ranges["compute"]
        at = {name: value for name, value in self.fixed.items() if name != "U"}
        try:
            return [
                plan(self.law, compute=flops, data=self.fixed.get("U"), at=at, anyway=True)
                for flops in np.geomspace(low, high * self.reach, _BUDGETS).tolist()
            ]
        except UsageError:
            return []


@lru_cache(maxsize=1)  # several sections ask for them, one after another
def read_scalings(material: Material) -> list[Scaling]:
    """Return the laws, each with the runs that are given beside it. Raises FormatError, UsageError, OSError."""
    laws = material.take("law")
    return [_read_scaling(document, material, len(laws) == 1) for document in laws]


def _read_scaling(document: Document, material: Material, alone: bool) -> Scaling:
    if document.path is None:
        raise FormatError(f"'{document.place}' is a law in memory; write it to a file and give that")
    law = open_law(document.path)
    points, notes = _read_runs(law, material)
    fixed = {name: law.ranges[name][1] for name in law.columns if name not in ("N", "D", "C")}
    if fixed and {"N", "D"} <= set(law.columns):
        told = ", ".join(f"{name} = {value:.4g}" for name, value in fixed.items())
        notes.append(f"curves are drawn at {told}, the largest of the law's points")
    return Scaling(document.name, law, points, fixed, tuple(notes), alone)


def _read_runs(law: Law, material: Material) -> tuple[Points | None, list[str]]:
    """Return the runs that can be laid under a law, and why others cannot."""
    tables = [one for one in material.take(POINTS) if one.path is not None]
    fits = [one for one in material.take("fit") if one.path is not None]
    sources = [str(one.path) for one in (tables or fits)]
    if not sources:
        return None, []
    over = [name for name in law.columns if name not in KNOWN]
    try:
        points = read_points(sources, over=over, only={*law.columns, "N", "C"})
    except UsageError as error:
        return None, [f"the runs are not shown with the law: {error}"]
    missing = [name for name in law.columns if name not in points.columns]
    if missing:
        return None, [f"the runs are not shown with the law: they have no {', '.join(missing)}"]
    if points.unit != law.unit:
        return None, [f"the runs are not shown with the law: they are in {points.unit}, the law in {law.unit}"]
    return points, [str(one) for one in points.dropped]


def predict_slice(scaling: Scaling, flops: float, sizes: Array) -> list[tuple[float, Row]]:
    """Return what one budget gives at each size, where the law says anything."""
    columns = spread_fixed(sizes, flops, scaling.fixed)
    said = np.isfinite(scaling.law.predict_log(columns))
    kept = {name: values[said] for name, values in columns.items()}
    return list(zip(sizes[said].tolist(), predict_rows(scaling.law, kept, anyway=True), strict=True))


def spread_sizes(middle: float) -> Array:
    """Return the sizes of an IsoFLOP curve around its best."""
    return np.geomspace(middle / 20, middle * 20, _SIZES)


def predict_along(scaling: Scaling, column: str) -> list[tuple[float, Row]]:
    """Return what the law says along one column, the others at their largest, beyond its points where it may."""
    low, high = scaling.law.ranges[column]
    values = np.geomspace(low, high * math.sqrt(scaling.reach), _SIZES)
    columns = {name: np.full(_SIZES, scaling.law.ranges[name][1]) for name in scaling.law.columns} | {column: values}
    return list(zip(values.tolist(), predict_rows(scaling.law, columns, anyway=True), strict=True))


def take_whole(points: Points) -> Points:
    """Return the runs at the most bits of weights there are, as curves are drawn; all where none tells of bits."""
    kept = np.ones(len(points), bool)
    for name in {"P", "Q"} & set(points.columns):
        kept &= points.columns[name] == points.columns[name].max()
    return points.take(kept)


def cut_slices(all_points: Points) -> list[Slice]:
    """Return the runs by budget, where the compute of several sizes is nearly one, the least first; at most eight.

    The span of compute with most sizes is taken first, and then others that are not close to it.
    """
    points = take_whole(all_points)
    free = np.argsort(points.compute, kind="stable")
    slices: list[Slice] = []
    while len(free) and len(slices) < _MOST_SLICES:
        chosen = max((free[span] for span in _list_spans(points.compute[free])), key=lambda one: _count(points, one))
        if _count(points, chosen) < _LEAST_SIZES:
            break
        flops = float(np.exp(np.log(points.compute[chosen]).mean()))
        slices.append(Slice(flops, points.columns["N"][chosen], np.exp(points.log_target[chosen])))
        free = free[np.abs(np.log(points.compute[free] / flops)) > np.log(_APART)]
    return sorted(slices, key=lambda one: one.flops)


def _list_spans(compute: Array) -> Iterator[slice]:
    """Yield from each of these, in order, to the last that is near it."""
    ends = np.searchsorted(compute, compute * _NEAR, side="right")
    return (slice(start, int(end)) for start, end in enumerate(ends))


def _count(points: Points, chosen: NDArray[np.intp]) -> int:
    """Return how many sizes these runs have."""
    return len(set(points.columns["N"][chosen].tolist()))
