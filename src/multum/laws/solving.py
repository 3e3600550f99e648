"""The best parameters of one form on points."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from multum.errors import UsageError
from multum.laws.descent import minimise
from multum.laws.forms import Form
from multum.laws.jets import Array
from multum.laws.noise import measure_bits
from multum.laws.objective import Objective, predict_log, to_parameters
from multum.laws.points import Points
from multum.laws.starts import draw_starts

# Residuals beyond a thousandth, in logarithms, count linearly. Source: Hoffmann et al. 2022 (2203.15556), app. D.2.
DELTA = 1e-3
# No loss is known better than this, so residuals below it tell nothing of the form.
_FINEST = 1e-6


@dataclass(frozen=True)
class Fit:
    """A form with its best parameters. theta: float64[p], see `to_parameters`. loss: the sum of Huber losses."""

    form: Form
    points: Points
    objective: Objective
    theta: Array
    loss: float

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        values = to_parameters(self.form.formula, self.theta)
        names = [parameter.name for parameter in self.form.formula.parameters]
        return dict(zip(names, values.tolist(), strict=True))

    @cached_property
    def residuals(self) -> Array:
        """The logarithm of prediction / target, [points]."""
        missed: Array = self.objective.residuals(self.theta[None])[0]
        return missed

    @property
    def spare(self) -> int:
        """How many points there are beyond those that the parameters take: what is left to tell the noise."""
        return len(self.points) - len(self.theta)

    @property
    def bits(self) -> float:
        """Description length: the points given the law, and its parameters, each as exact as the points make it.

        Up to a constant that all forms on the same points share. What was fitted lies nearer to the points than the
        law to the next ones, by the share of points that the parameters took; the code pays for that too.
        Source: Rissanen 1983.
        """
        count, width = len(self.points), len(self.theta)
        loss = self.loss * count / self.spare + count * 0.5 * _FINEST**2
        return measure_bits(loss, count, self.objective.delta) + 0.5 * width * math.log2(count)

    @cached_property
    def stiffness(self) -> float:
        """What twice a rise of the loss is multiplied with to be a deviance: E[pull'] / E[pull^2] over the points.

        For residuals of a normal distribution within delta that is 1 / variance. Beyond, few points are near enough to
        zero to tell the first, so it is told by half of them. As many points as there are parameters lie on the law
        whatever the noise, and are left out. Source: Huber and Ronchetti 2009, section 13.6.
        """
        delta = self.objective.delta
        sizes = np.sort(np.abs(self.residuals))[len(self.theta) :] + _FINEST
        middle = float(np.median(sizes))
        turning = float(np.mean(sizes <= delta)) if middle <= delta else 0.5 * delta / middle
        return turning / float(np.mean(np.minimum(sizes, delta) ** 2))

    def measure_deviance(self, loss: Array) -> Array:
        """Return twice the log likelihood lost where the loss is `loss` and not the least there is; at least 0."""
        return np.maximum(0.0, 2 * (loss - self.loss) * self.stiffness)

    def predict_log(self, points: Points) -> Array:
        """Return the logarithm of what the law says of other points, [points]."""
        said: Array = predict_log(self.form.formula, points.columns, self.theta[None])[0]
        return said


def fit_form(form: Form, points: Points, delta: float = DELTA, start: Array | None = None) -> Fit:
    """Return the best fit of `form`, from many starts, or from one that is known to be near.

    Raises UsageError where the points cannot tell the parameters at all.
    """
    check_points(form, points)
    columns = {name: points.columns[name] for name in form.formula.columns}
    objective = Objective(form.formula, columns, points.log_target, delta)
    starts = draw_starts(form, objective) if start is None else start[None]
    if not len(starts):
        raise UsageError(f"the form {form.name} has no value at these points, whatever its parameters")
    found = minimise(objective, starts)
    # The least is the start of a second descent: what BFGS has learnt of the curvature far away is forgotten.
    polished = minimise(objective, found.theta[[found.best]])
    if not np.isfinite(to_parameters(form.formula, polished.theta)).all():
        raise UsageError(f"the form {form.name} fits these points best with parameters larger than any number")
    return Fit(form, points, objective, polished.theta[0], float(polished.loss[0]))


def check_points(form: Form, points: Points) -> None:
    """Raise UsageError for fewer points than parameters, and for a column with one value only."""
    width = len(form.formula.parameters)
    if len(points) <= width:
        raise UsageError(
            f"{len(points)} points are too few for the {width} parameters of the form {form.name}; bring {width + 1}"
            " at least, or choose a simpler form"
        )
    for name in form.formula.columns:
        if count_levels(points.columns[name]) == 1:
            raise UsageError(
                f"all points have the same {name}, so nothing tells how the loss depends on it; bring points of other"
                f" {name}, or choose a form without it"
            )


def count_levels(column: Array) -> int:
    """Return how many different values a column has; those within a hundredth are one."""
    logs = np.sort(np.log(column))
    return int(1 + np.count_nonzero(np.diff(logs) > 0.01))
