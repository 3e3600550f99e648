"""How wide an 80 % interval must be: what the parameters leave open, how points scatter, and how a law drifts off.

    variance of log loss = variance of the draws + noise^2 + (drift ln reach)^2

No law is exact, and beyond its points it is off by more than its parameters say. By how much, other laws tell: a usual
drift. Where a law did worse in its own past, it is more: the law is fitted to the smaller part of its points, predicts
the larger, at several cuts, and the drift is so large that few of these are outside. Source: Kennedy and O'Hagan 2001
(model discrepancy).
"""

import math
from dataclasses import dataclass

import numpy as np

from multum.errors import UsageError
from multum.laws.expecting import expect
from multum.laws.intervals import resample
from multum.laws.jets import Array
from multum.laws.objective import predict_log
from multum.laws.points import Points
from multum.laws.solving import Fit, fit_form

# Standard errors to either side of the middle 80 % of a normal distribution.
NORMAL_80 = 1.2815515655446004
_CUTS = (0.4, 0.5, 0.6, 0.7, 0.8)
_RESAMPLES = 100
# Points beyond what the parameters take, for a cut to tell anything.
_SPARE = 3
# In units of the noise: the drift with which about 80 % of the larger halves of published and of planted points were
# inside their intervals, and the most that is believed: what looks like more are outliers among the small points.
_USUAL_DRIFT, _MOST_DRIFT = 1.0, 2.0
# A law whose past left fewer points than this inside is worse than others. Some of it is chance, hence not 80 %.
_LEAST_INSIDE = 0.65


@dataclass(frozen=True)
class Trust:
    """What widens intervals. noise: the standard deviation of log residuals. drift: of an e-fold of compute."""

    noise: float
    drift: float

    def widen(self, deviation: Array, reach: Array) -> Array:
        """Return the standard deviation of the log loss, [points].

        deviation: of the draws. reach: by what factor the compute is beyond the points, at least 1. [points] each.
        """
        known: Array = np.hypot(deviation, self.noise)
        return np.hypot(known, self.drift * np.log(reach))


@dataclass(frozen=True)
class _Past:
    """How a fit to smaller points did on larger ones: [points] of |log error|, deviation of draws and reach."""

    missed: Array
    deviation: Array
    reach: Array
    noise: float

    def count_sigmas(self, drift: float) -> Array:
        """Return how many standard deviations each point was off. drift: in units of the noise."""
        return self.missed / np.maximum(Trust(self.noise, drift * self.noise).widen(self.deviation, self.reach), 1e-12)


def measure_trust(fit: Fit, expected: Fit) -> Trust:
    """Return how far what is expected may be trusted, by the past of the fit that it was expected from."""
    found = [_backtest(fit, cut) for cut in _CUTS]
    noise = measure_noise(expected)
    return Trust(noise, noise * _solve_drift([past for past in found if past is not None]))


def _solve_drift(pasts: list[_Past]) -> float:
    """Return the least drift, in units of the noise, that is usual and left enough past points inside."""

    def too_narrow(drift: float) -> bool:
        sigmas = np.concatenate([past.count_sigmas(drift) for past in pasts])
        return bool(np.quantile(sigmas, _LEAST_INSIDE) > NORMAL_80)

    low, high = _USUAL_DRIFT, _MOST_DRIFT
    if not pasts or not too_narrow(low):
        return low
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if too_narrow(middle) else (low, middle)
    return high


def _backtest(fit: Fit, cut: float) -> _Past | None:
    """Return how the smaller part of the points predicts the larger; None where too few are on either side."""
    order = np.argsort(fit.points.compute, kind="stable")
    count = round(cut * len(order))
    if count < len(fit.theta) + _SPARE or len(order) - count < 2:
        return None
    small, large = fit.points.take(order[:count]), fit.points.take(order[count:])
    try:
        past = expect(fit_form(fit.form, small, fit.objective.delta, start=fit.theta))
    except UsageError:
        return None
    missed = np.abs(past.predict_log(large) - large.log_target)
    if not np.isfinite(missed).all():
        return None
    deviation = measure_deviation(past, resample(past, _RESAMPLES), large)
    return _Past(missed, deviation, measure_reach(small, large), measure_noise(past))


def measure_reach(points: Points, beyond: Points) -> Array:
    """Return by what factor the compute of other points is beyond that of `points`, at least 1."""
    reach: Array = np.maximum(1.0, beyond.compute / points.compute.max())
    return reach


def measure_noise(fit: Fit) -> float:
    """Return the standard deviation of log residuals as their middle 80 % tell it, free of outliers."""
    return float(measure_spread(fit.residuals)) * math.sqrt(len(fit.points) / fit.spare)


def measure_spread(values: Array) -> Array:
    """Return half the width of the middle 80 % along the first axis, in standard deviations of a normal one."""
    low, high = np.quantile(values, (0.1, 0.9), axis=0)
    return np.asarray((high - low) / (2 * NORMAL_80))


def measure_deviation(fit: Fit, draws: Array, points: Points) -> Array:
    """Return the standard deviation, [points], that the draws of parameters leave to the log prediction.

    Draws that say nothing of a point do not count for it.
    """
    values = predict_log(fit.form.formula, points.columns, draws)
    centre = fit.predict_log(points)
    return measure_spread(np.where(np.isfinite(values), values, np.where(np.isfinite(centre), centre, 0.0)))
