"""BFGS for many starts at once: the same steps as for one, on arrays of starts.

Invariant: the loss of a start never rises. Starts do not see each other, so their number changes none of them.
Source: Nocedal and Wright 2006, ch. 6; the line search is that of Lewis and Overton 2013, made for losses with kinks.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from multum.laws.jets import Array, Rows

# Of the line search: the least share of the decrease that the slope promises, and of the slope that must be gone.
_DECREASE, _FLATTENING = 1e-4, 0.9
_LINE_STEPS = 14
# Added to the curvature, relative to its diagonal, so that a flat direction has a step too.
_DAMPING = 1e-4


class Smooth(Protocol):
    """A loss of rows of parameters, [rows, p]; `rows` says which they are."""

    def measure(self, theta: Array, rows: Rows) -> tuple[Array, Array]:
        """Return losses [rows] and gradients [rows, p]."""
        ...

    def curve(self, theta: Array, rows: Rows) -> Array:
        """Return approximate second derivatives, [rows, p, p]."""
        ...


@dataclass(frozen=True)
class Minima:
    """Where the starts ended: theta [starts, p], loss [starts]."""

    theta: Array
    loss: Array

    @property
    def best(self) -> int:
        """Which one is the least."""
        return int(np.argmin(self.loss))


def minimise(
    loss: Smooth, starts: Array, *, free: Array | None = None, steps: int = 200, tolerance: float = 1e-11
) -> Minima:
    """Return the local minima that lie below `starts` [starts, p].

    free: bool[starts, p], which parameters may move; None for all. tolerance: a start ends when a step promises to
    lower its loss by less than this share. One whose loss is not finite stays where it is.
    """
    moving = np.ones_like(starts) if free is None else free.astype(np.float64)
    descent = _Descent(loss, starts.copy(), moving)
    active = np.flatnonzero(np.isfinite(descent.value))
    for _ in range(steps):
        if not len(active):
            break
        active = descent.step(active, tolerance)
    return Minima(descent.theta, descent.value)


class _Descent:
    """Where all starts are. Methods take the rows they are about.

    value [starts], gradient [starts, p]: at theta. inverse: of the curvature, as the steps so far tell it; of a fresh
    start as the curvature where it stands tells it. Both are zero for what may not move.
    """

    def __init__(self, loss: Smooth, theta: Array, moving: Array) -> None:
        """moving: 1 for parameters that may move, 0 for others, [starts, p]."""
        self._loss, self.theta, self._moving = loss, theta, moving
        rows = np.arange(len(theta))
        self.value, self.gradient = self._measure(theta, rows)
        self.inverse = np.empty((*theta.shape, theta.shape[1]))
        self.fresh = np.empty(len(theta), bool)
        self._refresh(rows)

    def _measure(self, theta: Array, rows: Rows) -> tuple[Array, Array]:
        value, gradient = self._loss.measure(theta, rows)
        return value, gradient * self._moving[rows]

    def _refresh(self, rows: Rows) -> None:
        """Take the damped curvature where `rows` stand."""
        moving = self._moving[rows]
        pairs = moving[:, :, None] * moving[:, None, :]
        curves = self._loss.curve(self.theta[rows], rows)
        diagonal = np.einsum("spp->sp", curves)
        floor = _DAMPING * diagonal + 1e-12 * (diagonal.max(1, keepdims=True, initial=0.0) + 1e-30)
        damped = curves * pairs + np.eye(moving.shape[1]) * np.where(moving > 0, floor, 1.0)[:, :, None]
        self.inverse[rows] = np.linalg.inv(damped) * pairs
        self.fresh[rows] = True

    def step(self, rows: Rows, tolerance: float) -> Rows:
        """Take one step; return the rows that go on."""
        direction = -np.einsum("spq,sq->sp", self.inverse[rows], self.gradient[rows])
        slope = np.einsum("sp,sp->s", direction, self.gradient[rows])
        length, value, gradient = self._search(rows, direction, slope)
        moved = length > 0
        goes_on = moved & (-slope > tolerance * self.value[rows])
        again = rows[~goes_on & ~self.fresh[rows]]
        here, change = rows[moved], direction[moved] * length[moved, None]
        turn = gradient[moved] - self.gradient[here]
        self.theta[here] += change
        self.value[here], self.gradient[here] = value[moved], gradient[moved]
        _update(self.inverse, here, change, turn)
        self.fresh[here] = False
        if len(again):
            self._refresh(again)  # who cannot go on tries once more with the curvature where it stands
        return np.union1d(rows[goes_on], again)

    def _search(self, rows: Rows, direction: Array, slope: Array) -> tuple[Array, Array, Array]:
        """Return how far each row goes along its direction, 0 where nowhere is lower, and value and gradient there."""
        count = len(rows)
        length, low, high = np.ones(count), np.zeros(count), np.full(count, np.inf)
        best, best_value, best_gradient = np.zeros(count), self.value[rows], self.gradient[rows]
        waiting = np.flatnonzero(slope < 0)
        for _ in range(_LINE_STEPS):
            if not len(waiting):
                break
            place = self.theta[rows[waiting]] + length[waiting, None] * direction[waiting]
            value, gradient = self._measure(place, rows[waiting])
            enough = value <= self.value[rows[waiting]] + _DECREASE * length[waiting] * slope[waiting]
            flat = np.einsum("sp,sp->s", gradient, direction[waiting]) >= _FLATTENING * slope[waiting]
            high[waiting[~enough]] = length[waiting[~enough]]
            kept = waiting[enough]
            low[kept] = best[kept] = length[kept]
            best_value[kept], best_gradient[kept] = value[enough], gradient[enough]
            waiting = waiting[~(enough & flat)]
            bounded = np.isfinite(high[waiting])
            length[waiting] = np.where(bounded, 0.5 * (low[waiting] + high[waiting]), 2 * length[waiting])
        return best, best_value, best_gradient


def _update(inverse: Array, rows: Rows, change: Array, turn: Array) -> None:
    """Let the inverse curvature of `rows` agree with the step just taken, where that tells of a positive one."""
    along = np.einsum("sp,sp->s", change, turn)
    with np.errstate(over="ignore"):
        told = along > 1e-12 * np.linalg.norm(change, axis=1) * np.linalg.norm(turn, axis=1)
    rows, change, turn, along = rows[told], change[told], turn[told], along[told]
    if not len(rows):
        return
    with np.errstate(all="ignore"):
        _add_pair(inverse, rows, change, turn, along)


def _add_pair(inverse: Array, rows: Rows, change: Array, turn: Array, along: Array) -> None:
    """Make the one inverse nearest to the old that turns `turn` into `change`; keep the old where that overflows."""
    image = np.einsum("spq,sq->sp", inverse[rows], turn)
    weight = (along + np.einsum("sp,sp->s", turn, image)) / along**2
    cross = image[:, :, None] * change[:, None, :]
    moved = weight[:, None, None] * change[:, :, None] * change[:, None, :]
    moved -= (cross + cross.transpose(0, 2, 1)) / along[:, None, None]
    sound = np.isfinite(moved).all((1, 2))
    inverse[rows[sound]] += moved[sound]
