"""From a draft with rough numbers to a formula: constants fitted by Gauss-Newton steps, then named if that is shorter.

Invariant: polishing never makes a description longer; what does not pay is not kept.
"""

import math
from dataclasses import dataclass

import numpy as np

from multum.discovery.formulas.lengths import count_residual_bits, find_precision
from multum.discovery.formulas.numbers import Constant, name_number
from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.problems import FIT_ROWS, Problem
from multum.discovery.formulas.programs import Program

_STEPS = 12
_DAMPING = 1e-6
# Naming one constant fits all others again, which is too much for long sums.
_MOST_NAMED_SINGLY = 8
# Squares of larger numbers would overflow.
_LARGEST = 1e140
# Constants are named when they lie within so many deviations of what the rows say.
_DEVIATIONS = 4.0


@dataclass(frozen=True)
class Entry:
    """A formula with its account on the rows to learn from, all rows counted. error: root mean square of residuals."""

    program: Program
    program_bits: float
    residual_bits: float
    error: float

    @property
    def total_bits(self) -> float:
        """What the column takes with it."""
        return self.program_bits + self.residual_bits


def account(problem: Problem, program: Program) -> Entry | None:
    """Return the formula's account, or None where it has no value in some row to learn from.

    Residual bits are scaled from the rows looked at to all rows.
    """
    rows = problem.fitted[:FIT_ROWS]
    residuals = problem.target[rows] - program.evaluate(problem.columns[:, rows])
    if not np.isfinite(residuals).all():
        return None
    with np.errstate(over="ignore"):
        error = float(np.sqrt(np.mean(residuals * residuals)))
    bits = count_residual_bits(residuals, problem.quanta[rows]) * problem.rows / len(rows)
    return Entry(program, program.count_bits(len(problem.columns)), bits, error)


def polish(problem: Problem, draft: Program) -> Entry | None:
    """Return the best account of a draft: its constants refined, then named. None where it has no value."""
    refined = refine(problem, draft)
    if refined is None:
        return None
    program, doubts = refined
    best = account(problem, program)
    if best is None or not program.constants:
        return best
    named = Program(
        program.codes,
        tuple(
            old if old.named else name_number(old.value, _DEVIATIONS * doubt)
            for old, doubt in zip(program.constants, doubts, strict=True)
        ),
    )
    together = account(problem, named)
    if together is not None and together.total_bits <= best.total_bits:
        return together
    return _name_singly(problem, best, doubts) if len(program.constants) <= _MOST_NAMED_SINGLY else best


def _name_singly(problem: Problem, best: Entry, doubts: Array) -> Entry:
    """Name one constant after the other, the others fitted again each time, as long as that is shorter."""
    for place in np.argsort(doubts):
        old = best.program.constants[place]
        fresh = name_number(old.value, _DEVIATIONS * float(doubts[place]))
        if old.named or not fresh.named:
            continue
        refined = refine(problem, best.program.with_constant(int(place), fresh))
        tried = None if refined is None else account(problem, refined[0])
        if tried is not None and tried.total_bits <= best.total_bits:
            best = tried
    return best


def refine(problem: Problem, program: Program) -> tuple[Program, Array] | None:
    """Return (the program with its unnamed constants fitted, the standard error of each constant), or None.

    Levenberg-Marquardt on the rows to learn from; slopes by central differences.
    """
    rows = problem.fitted[:FIT_ROWS]
    columns, target = problem.columns[:, rows], problem.target[rows]
    free = [place for place, one in enumerate(program.constants) if not one.named]
    doubts = np.zeros(len(program.constants))
    residuals = target - program.evaluate(columns)
    if not (np.abs(residuals) < _LARGEST).all():
        return None
    if not free:
        return program, doubts
    values = np.array([program.constants[place].value for place in free])
    loss, damping = float(residuals @ residuals), _DAMPING
    slopes = _find_slopes(program, free, values, columns)
    for _ in range(_STEPS):
        if not (np.abs(slopes) < _LARGEST).all():
            break
        moved = values + _step(slopes, residuals, damping)
        tried = target - _place(program, free, moved).evaluate(columns)
        with np.errstate(over="ignore", invalid="ignore"):
            tried_loss = float(tried @ tried) if (np.abs(tried) < _LARGEST).all() else math.inf
        if tried_loss < loss:
            done = tried_loss > loss * (1 - 1e-9)
            values, residuals, loss, damping = moved, tried, tried_loss, damping * 0.1
            if done:
                break
            slopes = _find_slopes(program, free, values, columns)
        else:
            damping = max(damping, 1e-9) * 100
            if damping > 1e6:
                break
    floor = float(np.mean(find_precision(target, problem.target_units[rows]) ** 2)) * len(rows)
    doubts[free] = _find_doubts(slopes, max(loss, floor), len(rows))
    return _place(program, free, values), doubts


def _place(program: Program, free: list[int], values: Array) -> Program:
    constants = list(program.constants)
    for place, value in zip(free, values, strict=True):
        constants[place] = Constant(float(value))
    return Program(program.codes, tuple(constants))


def _find_slopes(program: Program, free: list[int], values: Array, columns: Array) -> Array:
    """Return float64[rows, free constants]."""
    slopes = []
    for place, value in enumerate(values):
        step = max(abs(value), 1e-3) * 6e-6  # cube root of the rounding error: best for central differences
        up, down = values.copy(), values.copy()
        up[place] += step
        down[place] -= step
        high = _place(program, free, up).evaluate(columns)
        low = _place(program, free, down).evaluate(columns)
        slopes.append((high - low) / (up[place] - down[place]))
    return np.array(slopes).T


def _step(slopes: Array, residuals: Array, damping: float) -> Array:
    """Return a damped least-squares step, columns scaled to length 1."""
    norms = np.sqrt((slopes * slopes).sum(0)) + np.finfo(float).tiny
    scaled = slopes / norms
    padded = np.concatenate([scaled, np.sqrt(damping) * np.eye(len(norms))])
    wanted = np.concatenate([residuals, np.zeros(len(norms))])
    step, *_ = np.linalg.lstsq(padded, wanted, rcond=None)
    with np.errstate(over="ignore"):
        return np.asarray(step / norms)


def _find_doubts(slopes: Array, loss: float, rows: int) -> Array:
    """Return the standard errors of least squares; infinite where the rows say nothing."""
    count = slopes.shape[1]
    norms = np.sqrt((slopes * slopes).sum(0)) if (np.abs(slopes) < _LARGEST).all() else np.zeros(count)
    if (norms == 0).any():
        return np.full(count, np.inf)
    _, singular, turned = np.linalg.svd(slopes / norms, full_matrices=False)
    singular = np.maximum(singular, singular[0] * 1e-12)
    spread = np.sqrt(((turned.T / singular) ** 2).sum(1)) / norms
    return np.asarray(spread * math.sqrt(loss / max(rows - count, 1)))
