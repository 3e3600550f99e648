"""Whether a formula is exact: computed anew on every row, also on those that the search never saw.

A row agrees when the difference is no more than the digits of the data allow: the rounding of the target as it is
written, of each input as the formula carries it on, and of the arithmetic itself.
"""

from dataclasses import dataclass

import numpy as np

from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import Program

# Of the target's size, and of the size of what it is a difference of: rounding in a formula of ten operations.
_ROUNDING = 1e-11
_SAVED_BITS = 20.0


@dataclass(frozen=True)
class Check:
    """rows: that were computed. held_out: of these the ones that the search never saw. wrong: that disagree."""

    rows: int
    held_out: int
    wrong: int

    @property
    def agrees(self) -> bool:
        """Whether every row does."""
        return self.wrong == 0


def check(problem: Problem, program: Program) -> Check:
    """Return how a formula does on all rows."""
    values = program.evaluate(problem.columns)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(problem.target - values) <= find_tolerance(problem, program, values))
    return Check(problem.rows, len(problem.held_out), int(wrong.sum()))


def find_tolerance(problem: Problem, program: Program, values: Array) -> Array:
    """Return by how much each row may be off."""
    size = float(np.sqrt(np.mean(problem.target * problem.target)))
    tolerance = _ROUNDING * (np.abs(values) + size) + 0.5 * problem.target_units
    for place in program.variables:
        unit = problem.column_units[place]
        if unit.any():
            moved = problem.columns.copy()
            moved[place] += 0.5 * unit
            with np.errstate(invalid="ignore"):
                tolerance = tolerance + np.abs(program.evaluate(moved) - values)
    # Two roundings may meet, and a slope may change within half a unit.
    return tolerance * (1.0 + 1e-6) if not problem.column_units.any() else tolerance * 1.05


def is_theorem(problem: Problem, program: Program, residual_bits: float) -> bool:
    """Return whether a formula that agrees says more than chance would: it must save bits, and by a margin."""
    return program.count_bits(len(problem.columns)) + residual_bits + _SAVED_BITS <= problem.raw_bits
