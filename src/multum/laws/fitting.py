"""`law`: from runs to the law they follow."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multum.archive.targets import check_free
from multum.errors import UsageError
from multum.laws.calibration import NORMAL_80, Trust, measure_deviation, measure_reach, measure_trust
from multum.laws.doubts import find_doubts, find_steep
from multum.laws.expecting import expect
from multum.laws.forms import AUTO, Form, list_forms, make_form
from multum.laws.intervals import RESAMPLES, measure_errors, profile, resample
from multum.laws.jets import Array
from multum.laws.law import HoldOut, Law, RunnerUp
from multum.laws.objective import to_parameters
from multum.laws.points import Points, drop_highest, read_points, split_largest
from multum.laws.solving import DELTA, Fit, fit_form

# Held out to see how well a form extrapolates, where nothing else is asked for.
HOLD_OUT = "largest:20%"
# As many draws of the expected parameters as a law keeps for its intervals.
_KEPT_DRAWS = 200


def law(
    points: "str | os.PathLike[str] | Mapping[str, Any] | Sequence[str | os.PathLike[str]]",
    out: "str | os.PathLike[str] | None" = None,
    *,
    form: str = AUTO,
    target: str | None = None,
    unit: str | None = None,
    columns: Mapping[str, str] | None = None,
    over: Sequence[str] = (),
    hold_out: str | None = None,
    drop: str | None = None,
    delta: float = DELTA,
    resamples: int = RESAMPLES,
    seed: int = 0,
    force: bool = False,
) -> Law:
    """Return the scaling law of `points`, and write it to `out`.

    points: tables (csv, tsv, JSON, parquet) with a row a run, run folders of `fit`, or columns by name. form: a name, a
    formula such as "E + A / N**alpha", or auto: of all forms that fit the columns the one with the least description
    length. target: the field to predict; unit: nats, bits, perplexity or none. columns: column of the law -> field.
    over: the columns of forms over any columns. hold_out: such as largest:20%: these points are predicted, not fitted;
    without it the law is fitted to all, and its error in extrapolating is that of a second fit. drop: such as
    highest:5, points to leave out. delta: residuals in logarithms beyond it count linearly. seed: of the resamples.
    Raises UsageError, FormatError, MissingExtra, OSError.
    """
    if out is not None:
        check_free(os.fspath(out), force)  # before the work, not after it
    sources = [points] if isinstance(points, str | os.PathLike | Mapping) else list(points)
    read = read_points(sources, columns=columns, target=target, unit=unit, over=over)
    found = fit_law(read, form, over, hold_out, drop, delta, resamples, seed)
    if out is not None:
        found.write(out, force)
    return found


def fit_law(
    points: Points,
    form: str = AUTO,
    over: Sequence[str] = (),
    hold_out: str | None = None,
    drop: str | None = None,
    delta: float = DELTA,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Law:
    """Return the law of points that were read; see `law`."""
    if not 0 < delta < np.inf or not 2 <= resamples <= 100_000:
        raise UsageError(f"delta {delta} and {resamples} resamples; delta is above 0, resamples from 2 to 100,000")
    if drop is not None:
        points = drop_highest(points, drop)
    kept, held = (points, None) if hold_out is None else split_largest(points, hold_out)
    ranked = _rank(kept, form, over, delta)
    best = ranked[0].fit
    draws = resample(best, resamples, seed)
    expected = expect(best)
    expected_draws = resample(expected, min(resamples, _KEPT_DRAWS), seed)
    kept_draws = _keep_draws(expected_draws, best.form)
    if len(kept_draws) < 2:
        raise UsageError(f"resamples of the points cannot be fitted with the form {best.form.name}; bring more points")
    intervals, trust = profile(best, draws), measure_trust(best, expected)
    doubts = find_doubts(best, draws, intervals)
    return Law(
        form=best.form.name,
        formula=best.form.formula.text,
        floor=best.form.floor,
        parameters=best.parameters,
        standard_errors=measure_errors(best, draws),
        intervals=intervals,
        expected=expected.parameters,
        objective=best.loss,
        delta=delta,
        bits=best.bits,
        points=len(kept),
        error=_mean_error(best.residuals),
        target=points.name,
        unit=points.unit,
        amounts=points.amounts,
        ranges=_list_ranges(kept),
        draws=kept_draws,
        noise=trust.noise,
        drift=trust.drift,
        holdout=_test_again(best) if held is None else _test_held(expected, expected_draws, trust, held, hold_out),
        runners_up=tuple(one.compare(best) for one in ranked[1:]),
        warnings=doubts.warnings,
        refusals=doubts.refusals,
        notes=(*map(str, points.dropped), *points.notes),
    )


@dataclass(frozen=True)
class _Candidate:
    """A fitted form and how well it extrapolates from the smaller of its points, None where that cannot be seen."""

    fit: Fit
    error: float | None

    def compare(self, best: Fit) -> RunnerUp:
        """Return what is told of it beside the best."""
        return RunnerUp(self.fit.form.name, self.fit.bits - best.bits, self.fit.loss, self.error)


def _rank(points: Points, name: str, over: Sequence[str], delta: float) -> list[_Candidate]:
    """Return the fits of the form asked for, or of all, shortest description first. Raises UsageError for none.

    Forms that ran into a limit are none of those that were asked about, however well that fits; they are left out.
    """
    available = list(points.columns)
    if name != AUTO:
        return [_Candidate(fit_form(make_form(name, available, over), points, delta), None)]
    fits, reasons = [], []
    for form in list_forms(available, over):
        try:
            fits.append(fit_form(form, points, delta))
        except UsageError as error:
            reasons.append(f"{form.name}: {error}")
    if not fits:
        raise UsageError(f"no form can be fitted: {'; '.join(reasons) or 'none has these columns'}")
    sound = [fit for fit in fits if not find_steep(fit)]
    fits = sorted(sound or fits, key=lambda fit: fit.bits)
    return [_Candidate(fits[0], None), *(_Candidate(fit, _extrapolate(fit)) for fit in fits[1:])]


def _fit_again(fit: Fit) -> tuple[Fit, Points] | None:
    """Return the form fitted without the largest points, and these; None where too few remain."""
    try:
        small, large = split_largest(fit.points, HOLD_OUT)
        return fit_form(fit.form, small, fit.objective.delta), large
    except UsageError:
        return None


def _extrapolate(fit: Fit) -> float | None:
    """Return the error of the form in predicting the largest points from the others."""
    again = _fit_again(fit)
    return None if again is None else _mean_error(expect(again[0]).predict_log(again[1]) - again[1].log_target)


def _test_again(fit: Fit) -> HoldOut | None:
    """Return how well the form predicts the largest points when it is fitted to the others."""
    again = _fit_again(fit)
    if again is None:
        return None
    past, large = again
    expected = expect(past)
    return _test_held(expected, resample(expected, _KEPT_DRAWS), measure_trust(past, expected), large, HOLD_OUT)


def _test_held(fit: Fit, draws: Array, trust: Trust, held: Points, share: str | None) -> HoldOut:
    """Return how well a fit predicts the points it has not seen."""
    missed = fit.predict_log(held) - held.log_target
    deviation = trust.widen(measure_deviation(fit, draws, held), measure_reach(fit.points, held))
    return HoldOut(
        str(share),
        len(held),
        _mean_error(missed),
        float(np.mean(np.abs(missed) <= NORMAL_80 * deviation)),
        float(held.compute.max() / fit.points.compute.max()),
    )


def _mean_error(residuals: Array) -> float:
    """Return the mean of |prediction / target - 1|."""
    with np.errstate(over="ignore"):
        return float(np.mean(np.abs(np.expm1(residuals))))


def _list_ranges(points: Points) -> dict[str, tuple[float, float]]:
    """Return the least and the greatest value of each column, and of compute."""
    columns = points.columns | {"compute": points.compute}
    return {name: (float(column.min()), float(column.max())) for name, column in columns.items()}


def _keep_draws(draws: Array, form: Form) -> list[list[float]]:
    """Return draws as parameters of a form, to as many digits as they mean anything."""
    kept: list[list[float]] = to_parameters(form.formula, draws).tolist()
    return [[float(f"{value:.9g}") for value in draw] for draw in kept if np.isfinite(draw).all()]
