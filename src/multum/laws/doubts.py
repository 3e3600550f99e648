"""What speaks against a law: reasons to mind it, and reasons not to extrapolate with it at all."""

import math
from dataclasses import dataclass, replace

import numpy as np

from multum.laws.descent import minimise
from multum.laws.expressions import Node
from multum.laws.intervals import LEAST_SHARE, Interval, is_at_bound
from multum.laws.jets import Array
from multum.laws.objective import predict_log
from multum.laws.solving import Fit, count_levels

# Points beyond what the parameters take; budgets and values of a column. With fewer a law is only drawn through them.
_SPARE_POINTS = 3
_LEAST_LEVELS = 3
# If more resamples than this say that more does not help, nobody knows.
_UNSURE = 0.1


# Losses fall with the tenth power of nothing; what is larger is an exponential in disguise.
_STEEPEST = 10.0


@dataclass(frozen=True)
class Doubts:
    """warnings: to be minded. refusals: why the law is not to be used beyond its points."""

    warnings: tuple[str, ...]
    refusals: tuple[str, ...]


def find_doubts(fit: Fit, draws: Array, intervals: dict[str, Interval]) -> Doubts:
    """Return what speaks against a fit."""
    refusals = [*_doubt_points(fit), *_doubt_floor(fit, intervals), *_doubt_terms(fit), *_doubt_exponents(fit, draws)]
    open_ended = [
        name
        for name, (low, high) in intervals.items()
        if name != fit.form.floor and (high == np.inf or low in (0.0, -np.inf))
    ]
    warnings = []
    if open_ended:
        warnings.append(f"the points set no end to {', '.join(open_ended)}: an 80 % interval is open")
    return Doubts(tuple(warnings), tuple(refusals))


def find_steep(fit: Fit) -> list[str]:
    """Return the exponents that are too large to be any."""
    return [name for name in fit.form.falling if abs(fit.parameters[name]) > _STEEPEST]


def _doubt_points(fit: Fit) -> list[str]:
    """Return doubts for too few points, values or budgets."""
    found = []
    count, width = len(fit.points), len(fit.theta)
    if count < width + _SPARE_POINTS:
        found.append(f"too few points: {count} for {width} parameters, {width + _SPARE_POINTS} are needed")
    for name in fit.form.formula.columns:
        levels = count_levels(fit.points.columns[name])
        if levels < _LEAST_LEVELS:
            found.append(f"too few values of {name}: {levels}, and an exponent needs {_LEAST_LEVELS}")
    budgets = count_levels(fit.points.compute)
    if budgets < _LEAST_LEVELS and not found:
        found.append(f"too few budgets: the points have {budgets} different amounts of compute")
    return found


def _doubt_floor(fit: Fit, intervals: dict[str, Interval]) -> list[str]:
    """Return a doubt where the loss that nothing goes below is at its bound, or might as well be."""
    floor = fit.form.floor
    if floor is None:
        return []
    value, lowest = fit.parameters[floor], float(np.exp(fit.objective.log_target.min()))
    low, high = intervals[floor]
    told = f"{floor} = {value:.3g}, 80 % interval {low:.3g} to {high:.3g}"
    if is_at_bound(fit):
        return [f"{floor} is at its bound, 0: the points do not tell where the loss ends ({told})"]
    if _measure_floor(fit, floor, lowest) < 0.5 * np.log2(len(fit.points)):
        return [f"{floor} cannot be told from 0: a law without it is no longer in bits ({told})"]
    return []


def _measure_floor(fit: Fit, floor: str, lowest: float) -> float:
    """Return the bits of points that the floor saves: what they take without it, less what they take with it."""
    names = [parameter.name for parameter in fit.form.formula.parameters]
    start = fit.theta.copy()
    start[names.index(floor)] = np.log(1e-9 * lowest)
    free = np.array([name != floor for name in names])
    found = minimise(fit.objective, start[None], free=free[None])
    return float(fit.measure_deviance(found.loss)[0]) / (2 * math.log(2))


def _doubt_terms(fit: Fit) -> list[str]:
    """Return doubts for terms that add nothing to the loss anywhere."""
    found = []
    formula = fit.form.formula
    target = np.exp(fit.objective.log_target)
    for term, name in zip(formula.terms, formula.coefficients, strict=True):
        if name is None or name == fit.form.floor:
            continue
        value = _evaluate_term(fit, term)
        if np.max(value / target) < LEAST_SHARE:
            found.append(f"{name} is at its bound, 0: its term adds nothing to any loss, so there is no optimum inside")
    return found


def _evaluate_term(fit: Fit, term: Node) -> Array:
    """Return one term of the formula at the points."""
    alone = replace(fit.form.formula, root=term)
    value: Array = np.exp(predict_log(alone, fit.objective.columns, fit.theta[None])[0])
    return value


def _doubt_exponents(fit: Fit, draws: Array) -> list[str]:
    """Return doubts where more might not help: then there is no optimum inside; and where no power is left."""
    found = [
        f"{name} = {fit.parameters[name]:.3g} is no exponent: the form {fit.form.name} has run into a limit where its"
        " parameters mean nothing"
        for name in find_steep(fit)
    ]
    names = [parameter.name for parameter in fit.form.formula.parameters]
    for name in fit.form.falling:
        place = names.index(name)
        if fit.form.formula.parameters[place].positive:
            continue
        share = float(np.mean(draws[:, place] <= 0)) if len(draws) else 0.0
        if fit.theta[place] <= 0:
            found.append(f"{name} = {fit.theta[place]:.3g} is not above 0: the loss does not fall, no optimum inside")
        elif share > _UNSURE:
            found.append(f"{name} may not be above 0 ({share:.0%} of resamples say so): no optimum inside is sure")
    return found
