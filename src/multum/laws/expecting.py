"""What a law expects where there are no points: its form, fitted once more for predictions.

The loss that laws are known by, with a delta of a thousandth, is nearly the sum of absolute residuals: no outlier
bends it, and where residuals are normal it wastes a third of the points. And small runs tell little of exponents, while
laws of other data had much the same ones. So residuals count squared up to their own scatter here, and exponents lean
towards usual ones; the less, the better the points tell them. Without noise both fits are the same.
Source: Huber 1964, "Robust estimation of a location parameter" (delta in proportion to the scatter).
"""

import math
from dataclasses import replace

import numpy as np

from multum.laws.descent import minimise
from multum.laws.intervals import is_at_bound
from multum.laws.jets import Array
from multum.laws.objective import Leaning
from multum.laws.solving import Fit

# The scatter is that of the fit before, so the fit is made so many times.
_ROUNDS = 2
# Of a normal distribution: the standard deviation over the median of absolute values. Outliers hardly move that.
_MEDIAN = 1.4826
# A floor that fell to its bound begins again at this share of the lowest loss, where it can still move.
_FLOOR_SHARE = 0.5


def expect(fit: Fit) -> Fit:
    """Return the fit that predictions are made with; see above. fit: of the form's own loss."""
    for _ in range(_ROUNDS):
        scatter = _measure_scatter(fit)
        objective = replace(fit.objective, delta=max(fit.objective.delta, scatter), leaning=_lean(fit, scatter))
        found = minimise(objective, _list_starts(fit))
        fit = replace(fit, objective=objective, theta=found.theta[found.best], loss=float(found.loss[found.best]))
    return fit


def _measure_scatter(fit: Fit) -> float:
    """Return the standard deviation of log residuals, as the middle half of them tells it."""
    share = len(fit.points) / fit.spare
    return _MEDIAN * float(np.median(np.abs(fit.residuals))) * math.sqrt(share)


def _list_starts(fit: Fit) -> Array:
    """Return where to begin, [starts, p]: at the fit, and with a floor where it has lost that."""
    if not is_at_bound(fit):
        return fit.theta[None]
    raised = fit.theta.copy()
    place = [parameter.name for parameter in fit.form.formula.parameters].index(str(fit.form.floor))
    raised[place] = np.log(_FLOOR_SHARE) + fit.objective.log_target.min()
    return np.stack([fit.theta, raised])


def _lean(fit: Fit, scatter: float) -> Leaning | None:
    """Return the pull towards a form's usual exponents; None where nothing is usual."""
    usual = fit.form.usual
    if not usual:
        return None
    parameters = fit.form.formula.parameters
    means, deviations = np.zeros(len(parameters)), np.full(len(parameters), np.inf)
    for place, parameter in enumerate(parameters):
        if parameter.name in usual:
            mean, deviation = usual[parameter.name]
            # of what is positive the logarithm is fitted
            means[place] = np.log(mean) if parameter.positive else mean
            deviations[place] = deviation / mean if parameter.positive else deviation
    return Leaning(means[None], deviations, scatter)
