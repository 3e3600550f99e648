"""`predict`: what a law says of runs that were not made, and how far it may be off."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from multum.errors import UsageError
from multum.laws.calibration import NORMAL_80, Trust, measure_spread
from multum.laws.columns import KNOWN
from multum.laws.files import open_law
from multum.laws.jets import Array
from multum.laws.law import Law, replace_infinite
from multum.laws.points import FLOPS_A_PARAMETER, Points, read_points

# Beyond the range of a law's points by less than this factor is not called extrapolating.
_MARGIN = 1.05


@dataclass(frozen=True)
class Row:
    """A prediction with the ends of its 80 % interval. actual: the target, where the points have it."""

    predicted: float
    low: float
    high: float
    extrapolated: bool
    actual: float | None = None


@dataclass(frozen=True)
class PredictionReport:
    """What a law says of points. error: the mean of |predicted / actual - 1|, coverage: the share inside intervals.

    Both are None where the points have no target.
    """

    law: str
    unit: str
    rows: tuple[Row, ...]
    error: float | None
    coverage: float | None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        plain: dict[str, Any] = replace_infinite(asdict(self))
        return plain


def predict(
    law: "str | os.PathLike[str] | Law",
    points: "str | os.PathLike[str] | Mapping[str, Any] | Sequence[str | os.PathLike[str]]",
    *,
    columns: Mapping[str, str] | None = None,
    target: str | None = None,
    unit: str | None = None,
    anyway: bool = False,
) -> PredictionReport:
    """Return what `law` predicts of `points`, one row each, with 80 % intervals.

    law: a file that `law` wrote, or a Law. points, columns, target, unit: see `law`; where the points have a target it
    is compared. anyway: extrapolate even with a law that gives reasons not to.
    Raises UsageError for that without `anyway`, and for columns that are missing; FormatError, MissingExtra, OSError.
    """
    opened = open_law(law)
    sources = [points] if isinstance(points, str | os.PathLike | Mapping) else list(points)
    read = read_points(
        sources,
        columns=columns,
        target=target,
        unit=unit,
        over=[name for name in opened.columns if name not in KNOWN],
        only={*opened.columns, "N", "C"},  # which tell D
        optional_target=True,
    )
    _check_columns(opened, read)
    rows = predict_rows(opened, read.columns, read.target, anyway=anyway)
    return _report(opened, rows, read)


def predict_rows(
    law: Law, columns: Mapping[str, Array], target: Array | None = None, *, anyway: bool = False
) -> tuple[Row, ...]:
    """Return what a law predicts where its columns have these values, [points] each; see `predict`."""
    beyond = measure_beyond(law, columns)
    check_reach(law, beyond, anyway)
    centre, deviation = predict_log(law, columns, beyond)
    if not np.isfinite(centre).all():
        bad = np.flatnonzero(~np.isfinite(centre))
        raise UsageError(f"the law has no value at {len(bad)} of {len(centre)} points, first at point {bad[0] + 1}")
    spread = NORMAL_80 * deviation
    with np.errstate(over="ignore"):
        said, low, high = np.exp([centre, centre - spread, centre + spread])
    actual = [None] * len(centre) if target is None else target.tolist()
    parts = (said.tolist(), low.tolist(), high.tolist(), (beyond > 1).tolist(), actual)
    return tuple(Row(*values) for values in zip(*parts, strict=True))


def predict_log(law: Law, columns: Mapping[str, Array], beyond: Array) -> tuple[Array, Array]:
    """Return the logarithm of the prediction and its standard deviation, [points] each.

    beyond: how far outside the law's points each one is, see `measure_beyond`.
    """
    centre = law.predict_log(columns)
    draws = law.predict_draws(columns)
    draws = np.where(np.isfinite(draws), draws, centre)
    return centre, Trust(law.noise, law.drift).widen(measure_spread(draws), beyond)


def measure_beyond(law: Law, columns: Mapping[str, Array]) -> Array:
    """Return by what factor each point is outside the range of the law's points, in the worst column; 1 inside."""
    named = {name: columns[name] for name in law.columns}
    if {"N", "D"} <= set(named):
        told = FLOPS_A_PARAMETER * columns["N"] * columns["D"]
        named["compute"] = np.asarray(columns.get("C", told))
    beyond = np.ones(len(next(iter(named.values()))))
    for name, values in named.items():
        low, high = law.ranges[name]
        beyond = np.maximum(beyond, np.maximum(values / high, low / values) / _MARGIN)
    return beyond


def check_reach(law: Law, beyond: Array, anyway: bool) -> None:
    """Raise UsageError when a law that gives reasons not to would be extrapolated."""
    outside = int(np.count_nonzero(beyond > 1))
    if outside and law.refusals and not anyway:
        raise UsageError(
            f"{outside} of {len(beyond)} points are outside the range of the law's points, up to {beyond.max():.3g}"
            f" times, and it is not to be extrapolated: {'; '.join(law.refusals)}. Bring more points, or insist with"
            " --anyway (anyway=True)"
        )


def _check_columns(law: Law, points: Points) -> None:
    """Raise UsageError where the law depends on what the points do not have."""
    missing = [name for name in law.columns if name not in points.columns]
    if missing:
        raise UsageError(
            f"the law depends on {', '.join(law.columns)}; the points have no {', '.join(missing)}, only"
            f" {', '.join(points.columns)}; name the field with --column {missing[0]}=FIELD"
        )


def _report(law: Law, rows: tuple[Row, ...], points: Points) -> PredictionReport:
    """Return the report, compared with the target where there is one in the law's unit."""
    notes = [*map(str, points.dropped), *points.notes]
    error = coverage = None
    if points.target is not None and points.unit == law.unit:
        error = float(
            np.mean([abs(row.predicted / target - 1) for row, target in zip(rows, points.target, strict=True)])
        )
        inside = [row.low <= target <= row.high for row, target in zip(rows, points.target, strict=True)]
        coverage = float(np.mean(inside))
    elif points.target is not None:
        notes.append(f"the points are in {points.unit} and the law in {law.unit}, so they are not compared")
    return PredictionReport(law.form, law.unit, rows, error, coverage, tuple(notes))
