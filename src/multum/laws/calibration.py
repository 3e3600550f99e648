"""How wide an 80 % interval must be: what the parameters leave open, what points scatter, and how both have failed.

A law is fitted to the smaller part of its own points and predicts the larger, at several cuts; by how much its
intervals were too narrow there is how much wider they are made where it extrapolates.
"""

import math
from dataclasses import dataclass

import numpy as np

from multum.errors import UsageError
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
# How much too narrow intervals are where there are too few points to see it: on published ladders it was 1 to 2.
_UNKNOWN = 1.5


@dataclass(frozen=True)
class Trust:
    """What widens intervals. noise: the standard deviation of log residuals. inflation: at least 1, see above."""

    noise: float
    inflation: float


def measure_trust(fit: Fit) -> Trust:
    """Return how far what the law says may be trusted, by its own past."""
    misses = [miss for cut in _CUTS for miss in _backtest(fit, cut)]
    return Trust(measure_noise(fit), max(1.0, _combine(misses)) if misses else _UNKNOWN)


def measure_noise(fit: Fit) -> float:
    """Return the standard deviation of log residuals as their middle 80 % tell it, free of outliers."""
    count, width = len(fit.points), len(fit.theta)
    return float(_measure_spread(fit.residuals)) * math.sqrt(count / max(1, count - width))


def _measure_spread(values: Array) -> Array:
    """Return half the width of the middle 80 % along the first axis, in standard deviations of a normal one."""
    low, high = np.quantile(values, (0.1, 0.9), axis=0)
    return np.asarray((high - low) / (2 * NORMAL_80))


def measure_deviation(fit: Fit, draws: Array, points: Points) -> Array:
    """Return the standard deviation, [points], that the draws of parameters leave to the log prediction."""
    values = predict_log(fit.form.formula, points.columns, draws)
    return _measure_spread(np.where(np.isfinite(values), values, 0.0))


def _backtest(fit: Fit, cut: float) -> list[Array]:
    """Return how many standard deviations the larger points lay from what the smaller ones predict; or nothing."""
    order = np.argsort(fit.points.compute, kind="stable")
    count = round(cut * len(order))
    if count < len(fit.theta) + _SPARE or len(order) - count < 2:
        return []
    small, large = fit.points.take(order[:count]), fit.points.take(order[count:])
    try:
        past = fit_form(fit.form, small, fit.objective.delta, start=fit.theta)
    except UsageError:
        return []
    deviation = np.hypot(measure_deviation(past, resample(past, _RESAMPLES), large), measure_noise(past))
    missed = np.abs(past.predict_log(large) - large.log_target)
    return [missed / np.maximum(deviation, 1e-12)]


def _combine(misses: list[Array]) -> float:
    """Return the factor by which intervals were too narrow: between that of all cuts together and of the worst.

    Within a cut all points miss in the same direction, so the cuts together look better than the next one will be.
    """
    together = np.quantile(np.concatenate(misses), 0.8)
    worst = max(np.quantile(miss, 0.8) for miss in misses)
    return float(0.5 * (together + worst) / NORMAL_80)
