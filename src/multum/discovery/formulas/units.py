"""Units of columns: by the pi theorem a law of many columns with units is one of fewer without.

target = product of powers of columns * f(groups), where each group is a product that has no unit. The search looks for
f, among fewer columns. Source: Buckingham 1914.
"""

import ast
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from multum.discovery.formulas.frontier import Frontier
from multum.discovery.formulas.operators import MUL
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import Program, call, make_monomial
from multum.discovery.formulas.refining import Entry, account
from multum.errors import FormatError, UsageError

Dimension = tuple[Fraction, ...]

BASE = ("m", "kg", "s", "A", "K", "mol", "cd")
# Derived unit -> exponents of m, kg, s, A, K, mol, cd.
_DERIVED = {
    "1": (0, 0, 0, 0, 0, 0, 0),
    "rad": (0, 0, 0, 0, 0, 0, 0),
    "g": (0, 1, 0, 0, 0, 0, 0),
    "Hz": (0, 0, -1, 0, 0, 0, 0),
    "N": (1, 1, -2, 0, 0, 0, 0),
    "Pa": (-1, 1, -2, 0, 0, 0, 0),
    "J": (2, 1, -2, 0, 0, 0, 0),
    "W": (2, 1, -3, 0, 0, 0, 0),
    "C": (0, 0, 1, 1, 0, 0, 0),
    "V": (2, 1, -3, -1, 0, 0, 0),
    "F": (-2, -1, 4, 2, 0, 0, 0),
    "ohm": (2, 1, -3, -2, 0, 0, 0),
    "S": (-2, -1, 3, 2, 0, 0, 0),
    "Wb": (2, 1, -2, -1, 0, 0, 0),
    "T": (0, 1, -2, -1, 0, 0, 0),
    "H": (2, 1, -2, -2, 0, 0, 0),
}
KNOWN = {name: tuple(map(Fraction, powers)) for name, powers in _DERIVED.items()} | {
    name: tuple(Fraction(place == at) for place in range(len(BASE))) for at, name in enumerate(BASE)
}
_LONGEST = 200


def read_units(source: "str | os.PathLike[str] | Mapping[str, str]", names: tuple[str, ...]) -> dict[str, Dimension]:
    """Return the dimension of each column. Raises UsageError, FormatError."""
    if isinstance(source, Mapping):
        given = dict(source)
    else:
        try:
            given = json.loads(Path(source).read_bytes())
        except (ValueError, RecursionError) as error:
            raise FormatError(f'\'{os.fspath(source)}\' is not JSON: {error}; write {{"mass": "kg", ...}}') from error
    if not isinstance(given, dict) or not all(isinstance(unit, str) for unit in given.values()):
        raise FormatError('units are an object with a text a column, such as {"mass": "kg", "speed": "m/s"}')
    missing = [name for name in names if name not in given]
    if missing:
        raise UsageError(f'there are no units for {", ".join(missing)}; write "1" where there is none')
    return {name: parse_unit(given[name]) for name in names}


def parse_unit(text: str) -> Dimension:
    """Return the dimension of a unit such as kg*m/s**2. Raises UsageError."""
    problem = f"'{text}' is no unit; write kg*m/s**2 with {', '.join(KNOWN)}"
    if len(text) > _LONGEST:
        raise UsageError(f"a unit of {len(text)} characters; the longest is {_LONGEST}")
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
        return _combine(tree)
    except (SyntaxError, ValueError, KeyError, RecursionError, MemoryError) as error:
        raise UsageError(problem) from error


def _combine(tree: ast.expr) -> Dimension:
    """Return the dimension of a parsed unit. Raises KeyError for unknown names, ValueError for what is no product."""
    match tree:
        case ast.Name(id=name):
            return KNOWN[name]
        case ast.Constant(value=1):
            return KNOWN["1"]
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return tuple(a + b for a, b in zip(_combine(left), _combine(right), strict=True))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return tuple(a - b for a, b in zip(_combine(left), _combine(right), strict=True))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return tuple(a * Fraction(ast.literal_eval(right)) for a in _combine(left))
    raise ValueError("no product of units")


@dataclass(frozen=True)
class Reduction:
    """problem: of the groups. prefactor: a product with the target's unit. groups: products without one."""

    problem: Problem
    prefactor: Program
    groups: tuple[Program, ...]

    def restore(self, problem: Problem, entry: Entry) -> Entry | None:
        """Return the account of a formula of groups as one of columns."""
        inner = entry.program.substitute(self.groups)
        return account(problem, call(MUL, self.prefactor, inner))

    def restore_frontier(self, problem: Problem, frontier: Frontier) -> Frontier:
        """Return a frontier of formulas of columns."""
        restored = Frontier()
        for entry in frontier:
            restored.offer(self.restore(problem, entry))
        restored.tried = frontier.tried
        return restored


def reduce_problem(problem: Problem, dimensions: Mapping[str, Dimension], target: str) -> Reduction | None:
    """Return the problem in groups without units, or None where nothing is gained. Raises UsageError for odd units.

    Columns must be above zero where they get other exponents than whole ones.
    """
    matrix = [[dimensions[name][base] for name in problem.names] for base in range(len(BASE))]
    prefactor, groups = solve_exponents(matrix, list(dimensions[target]))
    if prefactor is None:
        raise UsageError(
            f"no product of the inputs has the unit of '{target}'; check the units, or add the column missing"
        )
    # Without groups there is only a number to find, which the search does at once.
    if not groups or len(groups) >= len(problem.names):
        return None
    front = make_monomial([(one.numerator, one.denominator) for one in prefactor])
    written = [make_monomial([(one.numerator, one.denominator) for one in group]) for group in groups]
    size = front.evaluate(problem.columns)
    columns = np.array([group.evaluate(problem.columns) for group in written])
    if not (np.isfinite(size).all() and np.isfinite(columns).all() and (size != 0).all()):
        return None
    reduced = replace(
        problem,
        names=tuple(f"g{place}" for place in range(len(written))),
        columns=columns,
        target=problem.target / size,
        column_units=np.array([_carry_units(problem, group) for group in written]),
        target_units=problem.target_units / np.abs(size)
        + _carry_units(problem, front) * np.abs(problem.target) / size**2,
    )
    return Reduction(reduced, front, tuple(written))


def _carry_units(problem: Problem, program: Program) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return by how much a product may be off for the rounding of its columns."""
    values = program.evaluate(problem.columns)
    total = np.zeros(problem.rows)
    for place in program.variables:
        moved = problem.columns.copy()
        moved[place] += problem.column_units[place]
        total += np.abs(program.evaluate(moved) - values)
    return total


def solve_exponents(
    matrix: list[list[Fraction]], wanted: list[Fraction]
) -> tuple[list[Fraction] | None, list[list[Fraction]]]:
    """Return (exponents with the wanted dimension or None, a basis of those without dimension, in whole numbers)."""
    width = len(matrix[0])
    rows = [[*row, goal] for row, goal in zip(matrix, wanted, strict=True)]
    pivots: list[int] = []
    for column in range(width):
        place = next((one for one in range(len(pivots), len(rows)) if rows[one][column]), None)
        if place is None:
            continue
        top = len(pivots)
        rows[top], rows[place] = rows[place], rows[top]
        rows[top] = [value / rows[top][column] for value in rows[top]]
        for other in range(len(rows)):
            if other != top and rows[other][column]:
                factor = rows[other][column]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[top], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in rows[len(pivots) :]):
        return None, []
    solution = [Fraction(0)] * width
    for row, pivot in enumerate(pivots):
        solution[pivot] = rows[row][-1]
    basis = []
    for free in (column for column in range(width) if column not in pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for row, pivot in enumerate(pivots):
            vector[pivot] = -rows[row][free]
        common = math.lcm(*(value.denominator for value in vector))
        basis.append([value * common for value in vector])
    return solution, basis
