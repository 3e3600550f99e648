"""Columns of numbers that others give: copies, conversions of units, sums, products, and row numbers."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from multum.discovery.formulas.finder import make_problem
from multum.discovery.formulas.lattice import list_exponents
from multum.discovery.formulas.monomials import fit_monomials
from multum.discovery.formulas.numbers import make_fraction
from multum.discovery.formulas.operators import read_operators
from multum.discovery.formulas.outers import list_outers
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import Program, add, constant, scale, variable
from multum.discovery.formulas.refining import Entry, polish
from multum.discovery.formulas.regression import Sums
from multum.discovery.formulas.spans import list_powers, make_span
from multum.discovery.formulas.symbols import make_names, write_expression
from multum.discovery.formulas.verifying import check, is_theorem
from multum.discovery.formulas.writing import list_positive, shorten
from multum.discovery.sequences.finder import FEWEST_TERMS, discover_sequence
from multum.discovery.tables import Column, Table
from multum.discovery.theorems.reports import Theorem
from multum.errors import UsageError

# The column itself and one over it: what else `discover formula` takes off, tables are not made with.
_OUTERS = 2
# Columns beside the target that a formula may use; the search grows with their number.
MOST_INPUTS = 12
_SEQUENCE_ROWS = 2000
# Exact conversions: name, factor, shift; each is also looked for the other way round.
_CONVERSIONS = (
    ("degrees Celsius to Fahrenheit", Fraction(9, 5), Fraction(32)),
    ("inches to centimetres", Fraction(254, 100), Fraction(0)),
    ("feet to metres", Fraction(3048, 10_000), Fraction(0)),
    ("miles to kilometres", Fraction(1_609_344, 10**6), Fraction(0)),
    ("pounds to kilograms", Fraction(45_359_237, 10**8), Fraction(0)),
    ("ounces to grams", Fraction(28_349_523_125, 10**9), Fraction(0)),
    ("US gallons to litres", Fraction(3_785_411_784, 10**9), Fraction(0)),
    ("thousands to ones", Fraction(1000), Fraction(0)),
    ("shares to percent", Fraction(100), Fraction(0)),
    ("minutes to seconds or hours to minutes", Fraction(60), Fraction(0)),
    ("hours to seconds", Fraction(3600), Fraction(0)),
    ("days to hours", Fraction(24), Fraction(0)),
    ("kelvin to degrees Celsius", Fraction(1), Fraction(-27315, 100)),
    ("the same", Fraction(1), Fraction(0)),
)
_NEAR = 0.02


def find_sequence(column: Column) -> Theorem | None:
    """Return the law by which a column of integers goes on from row to row, if there is one and it holds in all."""
    values = column.values
    if len(values) < FEWEST_TERMS or (values != np.round(values)).any() or np.abs(values).max() > 2**53:
        return None
    terms = [int(value) for value in values]
    report = discover_sequence(terms[:_SEQUENCE_ROWS], start=1)
    if not report.found or report.kind == "known":
        return None
    if report.kind not in ("polynomial", "C-finite", "periodic") or len(terms) > _SEQUENCE_ROWS:
        # A longer column must go on as the first rows do: a straight line is checked at once, others are not claimed.
        steps = np.diff(values)
        if np.ptp(steps) != 0:
            return None
    given = f", beginning {', '.join(map(str, report.initial))}" if report.initial else ""
    text = f"{column.name}: {report.law}{given}, n the row"
    confirmed = len(terms) - report.fitted_terms
    return Theorem("sequence", column.name, (), text, len(terms), confirmed, report.raw_bits - report.law_bits)


def find_conversion(table: Table, target: str, source: str) -> Theorem | None:
    """Return the known conversion of units, or the copy, that gives a column from another one, if one does."""
    try:
        problem, _ = make_problem(table, target, [source], None, 0)
    except UsageError:  # too few rows, or nothing that varies
        return None
    x, y = problem.columns[0], problem.target
    low, high = int(np.argmin(x)), int(np.argmax(x))
    slope = (y[high] - y[low]) / (x[high] - x[low])
    for name, factor, shift in _list_conversions():
        if abs(slope / float(factor) - 1) > _NEAR:
            continue
        program = _write_conversion(factor, shift)
        if check(problem, program).agrees and is_theorem(problem, program, 0.0):
            expression = write_expression(program, make_names((source,)), (True,))
            kind, remark = ("copy", "") if name == "the same" else ("conversion", f", {name}")
            saved = problem.raw_bits - program.count_bits(1)
            rows, confirmed = problem.rows, problem.rows - 2
            return Theorem(kind, target, (source,), f"{target} = {expression}{remark}", rows, confirmed, saved)
    return None


def _list_conversions() -> Iterator[tuple[str, Fraction, Fraction]]:
    """Yield all conversions, there and back."""
    for name, factor, shift in _CONVERSIONS:
        yield name, factor, shift
        if name != "the same":
            yield f"{name}, the other way round", 1 / factor, -shift / factor


def _write_conversion(factor: Fraction, shift: Fraction) -> Program:
    scaled = scale(make_fraction(factor.numerator, factor.denominator), variable(0))
    return add([scaled, constant(make_fraction(shift.numerator, shift.denominator))]) if shift else scaled


def find_formula(table: Table, target: str, inputs: Sequence[str], must_stop: Callable[[], bool]) -> Theorem | None:
    """Return the shortest formula among simple ones that gives a column exactly, if one does."""
    try:
        problem, _ = make_problem(table, target, inputs, None, 0)
    except UsageError:  # too few rows, or nothing that varies
        return None
    with np.errstate(all="ignore"):  # out of a function's domain is NaN here, and dropped
        entries = [polish(problem, draft) for draft in _list_drafts(problem, must_stop)]
    exact = [entry for entry in entries if entry is not None and _is_exact(problem, entry)]
    if not exact:
        return None
    return _write(problem, target, min(exact, key=lambda entry: entry.program_bits))


def _is_exact(problem: Problem, entry: Entry) -> bool:
    named = entry.program.named and is_theorem(problem, entry.program, 0.0)
    return named and check(problem, entry.program).agrees


def _list_drafts(problem: Problem, must_stop: Callable[[], bool]) -> Iterator[Program]:
    """Yield products of powers, sums and quadratics times or over a column; and, among rounded numbers, sums."""
    columns, target = problem.columns[:, problem.fitted], problem.target[problem.fitted]
    outers = list_outers(target, read_operators("none"))[:_OUTERS]
    yield from fit_monomials(columns, outers, 0.0)
    width = len(columns)
    times = np.concatenate([np.zeros((1, width)), list_exponents(width, 2 * width, (1.0, -1.0))])
    for degree in (1, 2):
        span = None if must_stop() else make_span(columns, outers, times, list_powers(width, degree))
        if span is not None:
            yield from span.find_polynomials()
    if problem.target_units.any():
        yield from Sums(columns, outers[:1], times[:1], list_powers(width, 1)).find()


def _write(problem: Problem, target: str, entry: Entry) -> Theorem:
    names = make_names(problem.names)
    entry = shorten(problem, entry, names, exact=True)
    expression = write_expression(entry.program, names, list_positive(problem))
    inputs = tuple(problem.names[place] for place in sorted(entry.program.variables))
    text = f"{target} = {expression}"
    saved = problem.raw_bits - entry.program_bits
    return Theorem("formula", target, inputs, text, problem.rows, len(problem.held_out), saved)
