"""The last step: the shortest spelling of what was found, checked again from its text, and the report of it."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from multum.discovery.formulas.operators import (
    ADD,
    CONSTANT,
    CUBE,
    DIV,
    FIRST_VARIABLE,
    INV,
    MUL,
    NEG,
    OPERATORS,
    POW,
    SQUARE,
    SUB,
)
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import Program
from multum.discovery.formulas.refining import Entry, polish
from multum.discovery.formulas.symbols import list_spellings, read_expression, write_expression
from multum.discovery.formulas.verifying import check

# Rows that are computed in rational arithmetic: their numbers grow long.
_RATIONAL_ROWS = 200


def shorten(problem: Problem, entry: Entry, names: tuple[str, ...], exact: bool) -> Entry:
    """Return the formula in its shortest spelling; an exact one stays exact."""
    best = entry
    expression = write_expression(entry.program, names, list_positive(problem))
    for spelling in list_spellings(expression):
        program = read_expression(spelling, names)
        tried = None if program is None else polish(problem, program)
        if tried is None or tried.total_bits >= best.total_bits or not tried.program.variables:
            continue
        if not exact or check(problem, tried.program).agrees:
            best = tried
    return best


def list_positive(problem: Problem) -> tuple[bool, ...]:
    """Return for each column whether it is above zero in every row."""
    return tuple(bool((column > 0).all()) for column in problem.columns)


def prove(problem: Problem, program: Program, cells: "Iterable[list[str]] | None", target: "list[str] | None") -> str:
    """Return how an exact formula is known: "rational" or "digits".

    rational: computed in fractions from the numbers as written, it gives the target's digits in each of the first rows.
    digits: in floating point, to the precision of the data.
    """
    if cells is None or target is None or not _is_rational(program):
        return "digits"
    columns = list(cells)
    for row in range(min(problem.rows, _RATIONAL_ROWS)):
        try:
            wanted = Fraction(target[row])
            value = _compute(
                program,
                [
                    Fraction(columns[place][row]) if place in program.variables else None
                    for place in range(len(columns))
                ],
            )
        except (ValueError, ZeroDivisionError):
            return "digits"
        if abs(value - wanted) > Fraction(float(problem.target_units[row])) / 2:
            return "digits"
    return "rational"


def _is_rational(program: Program) -> bool:
    allowed = {ADD, SUB, MUL, DIV, NEG, INV, SQUARE, CUBE, POW, CONSTANT}
    exact = all(
        one.fraction is not None and not one.pi_power and one.radicand == 1 and not one.e_power
        for one in program.constants
    )
    return exact and all(code in allowed or code >= FIRST_VARIABLE for code in program.codes)


def _compute(program: Program, values: "list[Fraction | None]") -> Fraction:
    """Return a rational program's value. Raises ValueError for a power that is not whole."""
    stack: list[Fraction] = []
    constants = iter(program.constants)
    for code in program.codes:
        if code >= FIRST_VARIABLE:
            value = values[code - FIRST_VARIABLE]
            assert value is not None
            stack.append(value)
        elif code == CONSTANT:
            fraction = next(constants).fraction
            assert fraction is not None
            stack.append(Fraction(*fraction))
        else:
            arity = OPERATORS[code].arity
            arguments = stack[-arity:]
            del stack[-arity:]
            stack.append(_apply(code, *arguments))
    return stack[0]


def _apply(code: int, first: Fraction, second: Fraction = Fraction(0)) -> Fraction:
    if code == POW:
        if second.denominator != 1 or abs(second) > 64:
            raise ValueError("not a whole power")
        return Fraction(first ** int(second))
    simple = {
        ADD: lambda: first + second,
        SUB: lambda: first - second,
        MUL: lambda: first * second,
        DIV: lambda: first / second,
        NEG: lambda: -first,
        INV: lambda: 1 / first,
        SQUARE: lambda: first**2,
        CUBE: lambda: first**3,
    }
    return simple[code]()


def find_conflict(
    columns: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", target: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> tuple[int, int] | None:
    """Return two rows with the same inputs and different targets, or None."""
    order = np.lexsort(columns)
    same = (columns[:, order[1:]] == columns[:, order[:-1]]).all(0) & (target[order[1:]] != target[order[:-1]])
    places = np.flatnonzero(same)
    if not len(places):
        return None
    return int(order[places[0]]), int(order[places[0] + 1])
