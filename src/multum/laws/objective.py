"""What a fit makes least: the Huber loss of the residuals between logarithms, with its gradient.

Invariant: rows of `theta` never meet; many starts, resamples or profiles are measured side by side, each as if alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from multum.laws.expressions import Scope, evaluate_log
from multum.laws.formulas import Formula
from multum.laws.jets import Array, Jet, Rows

# Rows are measured in groups of about this many numbers, so that what is computed of them stays in the cache.
_GROUP = 1 << 13


@dataclass(frozen=True)
class Leaning:
    """A pull on parameters towards where they are expected, as by springs, in units of the loss.

    centre: theta [rows, p], or [1, p] for all rows. deviation: how far from it they may be, [p]; infinite for those
    that are free. scatter: the standard deviation of log residuals, against which it weighs.
    """

    centre: Array
    deviation: Array
    scatter: float

    @property
    def stiffness(self) -> Array:
        """The second derivative of the pull, [p]: least squares and a normal prior have one unit of loss so."""
        return np.asarray((self.scatter / self.deviation) ** 2)

    def measure(self, theta: Array, rows: Rows) -> tuple[Array, Array]:
        """Return the loss of each row, [rows], and its gradient, [rows, p]."""
        off = theta - (self.centre[rows] if len(self.centre) > 1 else self.centre)
        pull = self.stiffness * off
        return 0.5 * np.einsum("sp,sp->s", pull, off), pull

    def draw(self, generator: np.random.Generator, count: int) -> "Leaning":
        """Return as many centres as might have been expected as well, so that resamples are no surer than they are."""
        moved = generator.normal(size=(count, len(self.deviation))) * np.where(
            np.isfinite(self.deviation), self.deviation, 0.0
        )
        return replace(self, centre=self.centre + moved)


@dataclass(frozen=True)
class Objective:
    """The loss of a formula on points.

    columns: [points] each, positive. log_target: [points]. delta: residuals within it count squared, those beyond it
    linearly. weights: how often each point counts, [rows, points] for a row of theta each; None for once. leaning: what
    draws parameters besides the points.
    """

    formula: Formula
    columns: Mapping[str, Array]
    log_target: Array
    delta: float
    weights: Array | None = None
    leaning: Leaning | None = None

    def predict_log(self, theta: Array) -> Array:
        """Return [rows, points], the logarithm of what the formula says; NaN or infinite where it has none."""
        return predict_log(self.formula, self.columns, theta)

    def residuals(self, theta: Array) -> Array:
        """Return [rows, points], log prediction - log target."""
        return self.predict_log(theta) - self.log_target

    @np.errstate(all="ignore")  # far from any law numbers overflow; such rows are marked below
    def measure(self, theta: Array, rows: Rows) -> tuple[Array, Array]:
        """Return the loss of each row, [rows], infinite where there is no prediction, and its gradient [rows, p].

        rows: int[rows], the row of `weights` that each row of theta has.
        """
        losses, gradients = np.empty(len(theta)), np.empty_like(theta)
        for part, residual, slopes in self._differentiate(theta):
            pull = np.clip(residual, -self.delta, self.delta)  # the derivative of the loss
            loss = pull * (residual - 0.5 * pull)  # residual^2 / 2, and beyond delta its tangent
            if self.weights is not None:
                taken = self.weights[rows[part]]
                loss, pull = loss * taken, pull * taken
            losses[part] = loss.sum(1)
            for column, slope in enumerate(slopes):
                gradients[part, column] = np.einsum("sn,sn->s", pull, slope)
        if self.leaning is not None:
            loss, pull = self.leaning.measure(theta, rows)
            losses, gradients = losses + loss, gradients + pull
        bad = ~(np.isfinite(losses) & np.isfinite(gradients).all(1))
        losses[bad], gradients[bad] = np.inf, 0.0
        return losses, gradients

    @np.errstate(all="ignore")
    def curve(self, theta: Array, rows: Rows) -> Array:
        """Return [rows, p, p], Gauss and Newton's approximation of the second derivatives, positive semidefinite."""
        width = theta.shape[1]
        curves = np.zeros((len(theta), width, width))
        for part, residual, slopes in self._differentiate(theta):
            # A residual beyond delta pulls with a constant force, as a spring that is softer the longer it is.
            stiffness = self.delta / np.maximum(np.abs(residual), self.delta)
            if self.weights is not None:
                stiffness = stiffness * self.weights[rows[part]]
            stacked = np.stack(slopes, 2)  # [rows, points, p]
            curves[part] = np.einsum("sn,snp,snq->spq", stiffness, stacked, stacked, optimize=True)
        if self.leaning is not None:
            curves += np.diag(self.leaning.stiffness)
        return np.where(np.isfinite(curves), curves, 0.0)

    def _differentiate(self, theta: Array) -> Iterator[tuple[slice, Array, list[Array]]]:
        """Yield (which rows, residuals [rows, points], slopes [rows, points] by each parameter) of groups of rows."""
        points = len(self.log_target)
        step = max(1, _GROUP // points)
        for start in range(0, len(theta), step):
            part = slice(start, min(start + step, len(theta)))
            shape = (part.stop - start, points)
            jet = _evaluate(self.formula, self.columns, theta[part])
            residual = np.broadcast_to(jet.value, shape) - self.log_target
            zero = np.zeros(1)
            names = [parameter.name for parameter in self.formula.parameters]
            yield part, residual, [np.broadcast_to(jet.slopes.get(name, zero), shape) for name in names]


def predict_log(formula: Formula, columns: Mapping[str, Array], theta: Array) -> Array:
    """Return [rows, points], the logarithm of what a formula says of `columns`, [points] or [rows, points] each."""
    with np.errstate(all="ignore"):
        value = _evaluate(formula, columns, theta).value
    return np.broadcast_to(
        value, np.broadcast_shapes(value.shape, (len(theta), 1), *(c.shape for c in columns.values()))
    )


def _evaluate(formula: Formula, columns: Mapping[str, Array], theta: Array) -> Jet:
    """Return the logarithm of the formula, [rows, points], with its slopes by theta."""
    values, logs, one = {}, {}, np.ones((1, 1))
    for place, parameter in enumerate(formula.parameters):
        name, fitted = parameter.name, theta[:, place, None]
        if parameter.positive:
            logs[name] = Jet(fitted, {name: one})
            value = np.exp(fitted)
            values[name] = Jet(value, {name: value})
        else:
            values[name] = Jet(fitted, {name: one})
    used = {name: columns[name] for name in formula.columns}
    scope = Scope(used, {name: np.log(column) for name, column in used.items()}, values, logs)
    return evaluate_log(formula.root, scope)


def to_parameters(formula: Formula, theta: Array) -> Array:
    """Return the parameters [..., p] of what was fitted: of positive ones that is the logarithm."""
    positive = np.array([parameter.positive for parameter in formula.parameters])
    with np.errstate(over="ignore"):
        return np.where(positive, np.exp(theta), theta)


def to_theta(formula: Formula, parameters: Array) -> Array:
    """Return what is fitted [..., p], of parameters; the inverse of `to_parameters`."""
    positive = np.array([parameter.positive for parameter in formula.parameters])
    with np.errstate(all="ignore"):
        return np.where(positive, np.log(parameters), parameters)
