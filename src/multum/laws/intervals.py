"""How far the parameters of a fit may be off: resampled points, and the likelihood along each parameter."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from multum.laws.descent import minimise
from multum.laws.jets import Array
from multum.laws.objective import to_parameters
from multum.laws.solving import Fit

RESAMPLES = 1000
# The deviance at the ends of an 80 % interval: the quantile of chi squared with one degree of freedom.
DEVIANCE_80 = 1.6423744151498176
# Where the likelihood along a parameter is measured, in standard errors from its best value.
_OFFSETS = np.array([0.15, 0.4, 0.7, 1.0, 1.4, 1.9, 2.5, 3.5, 5.0, 8.0])
# Of the lowest loss: where the likelihood of a floor is measured whose best value is 0.
_SHARES = np.array([1e-3, 0.01, 0.03, 0.07, 0.15, 0.3, 0.5, 0.7, 0.85, 0.97])
# A floor or a term below this share of every loss is at its bound, 0.
LEAST_SHARE = 1e-3
# One sixth of a normal distribution lies below -1 standard error, and as much above 1.
_ONE_ERROR = (0.158655, 0.841345)

# Descents of which thousands are made end where a step promises less than a ten-millionth of the loss.
_ROUGH: Any = {"steps": 60, "tolerance": 1e-7}

Interval = tuple[float, float]


def resample(fit: Fit, count: int = RESAMPLES, seed: int = 0) -> Array:
    """Return theta [count, p] fitted to as many resamples of the points; the same for the same seed.

    Points of one run are drawn together, since what is odd about a run is odd about all of them.
    Source: Efron 1979 (the bootstrap); each resample is a weight for each point, so that all are fitted at once.
    """
    numbers = fit.points.number_runs()
    runs = int(numbers.max()) + 1
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(runs, np.full(runs, 1 / runs), count).astype(np.float64)[:, numbers]
    leaning = None if fit.objective.leaning is None else fit.objective.leaning.draw(generator, count)
    objective = replace(fit.objective, weights=weights, leaning=leaning)
    found = minimise(objective, np.repeat(fit.theta[None], count, 0), **_ROUGH)
    draws: Array = found.theta[np.isfinite(found.loss)]
    return draws


def measure_errors(fit: Fit, draws: Array) -> dict[str, float]:
    """Return the standard error of each parameter: the standard deviation of its draws, infinite where it has none."""
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.std(to_parameters(fit.form.formula, draws), axis=0, ddof=1)
    errors[np.isnan(errors)] = np.inf  # of draws so large that they are no numbers
    return dict(zip(fit.parameters, errors.tolist(), strict=True))


def profile(fit: Fit, draws: Array) -> dict[str, Interval]:
    """Return an 80 % interval of each parameter by its profile likelihood; infinite, or 0, where it has no end.

    Each parameter is held at several values on both sides while all others are fitted again.
    """
    width, steps = len(fit.theta), _choose_steps(fit, draws)
    trials = np.stack([_list_trials(fit, place, steps[place]) for place in range(width)])  # [p, trials]
    starts = np.repeat(fit.theta[None], trials.size, 0)
    held = np.repeat(np.arange(width), trials.shape[1])
    starts[np.arange(len(starts)), held] = trials.ravel()
    found = minimise(fit.objective, starts, free=held[:, None] != np.arange(width), **_ROUGH)
    losses = found.loss.reshape(trials.shape)
    ends = np.stack([_find_ends(fit, fit.theta[place], trials[place], losses[place]) for place in range(width)], 1)
    low, high = to_parameters(fit.form.formula, ends)
    return dict(zip(fit.parameters, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def is_at_bound(fit: Fit) -> bool:
    """Return whether the loss that nothing goes below is as good as 0."""
    floor = fit.form.floor
    return floor is not None and fit.parameters[floor] < LEAST_SHARE * math.exp(fit.objective.log_target.min())


def _choose_steps(fit: Fit, draws: Array) -> Array:
    """Return about a standard error of each parameter, [p]: as the draws tell it, or the curvature if that is more."""
    low, high = np.quantile(draws, _ONE_ERROR, axis=0)
    curve = fit.objective.curve(fit.theta[None], np.zeros(1, np.intp))[0]
    variances = np.abs(np.diag(np.linalg.pinv(curve, rcond=1e-14, hermitian=True))) / fit.stiffness
    steps: Array = np.maximum(0.5 * (high - low), np.minimum(np.sqrt(variances), 1.0))
    return steps


def _list_trials(fit: Fit, place: int, step: float) -> Array:
    """Return the values at which a parameter is held, rising, as many below its best value as above."""
    if fit.form.formula.parameters[place].name == fit.form.floor and is_at_bound(fit):
        # Its logarithm is anywhere far below zero; what the points may tell is how high it can be.
        return np.concatenate([fit.theta[place] - _OFFSETS[::-1], fit.objective.log_target.min() + np.log(_SHARES)])
    trials: Array = fit.theta[place] + step * np.concatenate([-_OFFSETS[::-1], _OFFSETS])
    return trials


def _find_ends(fit: Fit, best: float, trials: Array, losses: Array) -> Interval:
    """Return the values at which the deviance passes that of an 80 % interval; infinite where it does not."""
    roots = np.sqrt(fit.measure_deviance(losses))  # nearly straight
    half = len(trials) // 2
    below = _cross(best - trials[:half][::-1], roots[:half][::-1])
    return best - below, best + _cross(trials[half:] - best, roots[half:])


def _cross(offsets: Array, roots: Array) -> float:
    """Return the offset at which `roots`, zero at zero, first pass that of an 80 % interval."""
    wanted = DEVIANCE_80**0.5
    beyond = np.flatnonzero(roots > wanted)
    if not len(beyond):
        return math.inf
    place = int(beyond[0])
    left, low = (0.0, 0.0) if place == 0 else (float(offsets[place - 1]), float(roots[place - 1]))
    right, high = float(offsets[place]), float(roots[place])
    return left + (right - left) * (wanted - low) / (high - low) if math.isfinite(high) else right
