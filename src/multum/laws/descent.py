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
    theta = starts.copy()
    moving = np.ones_like(theta) if free is None else free.astype(np.float64)
    rows = np.arange(len(theta))
    value, gradient = loss.measure(theta, rows)
    gradient *= moving
    inverse = _invert(loss.curve(theta, rows), moving)
    fresh = np.ones(len(theta), bool)  # whose inverse is of the curvature here, not of the steps so far
    active = np.flatnonzero(np.isfinite(value))
    for _ in range(steps):
        if not len(active):
            break
        step = -np.einsum("spq,sq->sp", inverse[active], gradient[active])
        slope = np.einsum("sp,sp->s", step, gradient[active])
        found = _search(loss, active, theta, value, gradient, step, slope, moving)
        length, new_value, new_gradient = found
        moved = length > 0
        promised = -slope > tolerance * value[active]
        # Who cannot go on tries once more with the curvature where it stands.
        again = active[~(moved & promised) & ~fresh[active]]
        here = active[moved]
        change = step[moved] * length[moved, None]
        turn = new_gradient[moved] - gradient[here]
        theta[here] += change
        value[here], gradient[here] = new_value[moved], new_gradient[moved]
        _update(inverse, here, change, turn)
        fresh[here] = False
        if len(again):
            inverse[again] = _invert(loss.curve(theta[again], again), moving[again])
            fresh[again] = True
        active = np.union1d(active[moved & promised], again)
    return Minima(theta, value)


def _invert(curves: Array, moving: Array) -> Array:
    """Return the inverse of each damped curvature, zero for parameters that may not move."""
    width = curves.shape[1]
    diagonal = np.einsum("spp->sp", curves)
    floor = _DAMPING * diagonal + 1e-12 * (diagonal.max(1, keepdims=True) + 1e-30)
    damped = curves * moving[:, :, None] * moving[:, None, :]
    damped = damped + np.eye(width) * np.where(moving > 0, floor, 1.0)[:, :, None]
    return np.linalg.inv(damped) * moving[:, :, None] * moving[:, None, :]


def _search(
    loss: Smooth,
    active: Rows,
    theta: Array,
    value: Array,
    gradient: Array,
    step: Array,
    slope: Array,
    moving: Array,
) -> tuple[Array, Array, Array]:
    """Return for each active start how far along its step it goes, 0 where nowhere is lower, and what is there."""
    count = len(active)
    length, low, high = np.ones(count), np.zeros(count), np.full(count, np.inf)
    best, best_value, best_gradient = np.zeros(count), value[active].copy(), gradient[active].copy()
    waiting = np.flatnonzero(slope < 0)
    for _ in range(_LINE_STEPS):
        if not len(waiting):
            break
        rows = active[waiting]
        new_value, new_gradient = loss.measure(theta[rows] + length[waiting, None] * step[waiting], rows)
        new_gradient *= moving[rows]
        enough = new_value <= value[rows] + _DECREASE * length[waiting] * slope[waiting]
        flat = np.einsum("sp,sp->s", new_gradient, step[waiting]) >= _FLATTENING * slope[waiting]
        high[waiting[~enough]] = length[waiting[~enough]]
        low[waiting[enough]] = length[waiting[enough]]
        kept = waiting[enough]
        best[kept], best_value[kept], best_gradient[kept] = length[kept], new_value[enough], new_gradient[enough]
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
