"""The order of a search: what is quick and likely first, each stage looking further than the one before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from multum.discovery.formulas.bank import (
    make_bank,
    make_differences,
    make_double_products,
    make_functions,
    make_products,
    make_waves,
)
from multum.discovery.formulas.lattice import Exponents, list_exponents
from multum.discovery.formulas.matching import Matching
from multum.discovery.formulas.monomials import fit_monomials
from multum.discovery.formulas.outers import list_outers
from multum.discovery.formulas.problems import Problem
from multum.discovery.formulas.programs import Program
from multum.discovery.formulas.relations import find_ratio
from multum.discovery.formulas.rough import Ranking, find_rough_sums
from multum.discovery.formulas.spans import list_powers, make_span

# Rows on which polynomials are fitted: they have up to a few hundred columns.
_SPAN_ROWS = 480
_LARGEST_RATIO_TERMS = 190
# Terms of a sum in which any product may come.
_MOST_TERMS = 240
# Ratios of these are those of their inverses.
_INVERTED = ("inv", "inverse sqrt")
# Products that a target is multiplied with before a bank is tried on it.
_MOST_TIMES = 800


@dataclass(frozen=True)
class Stage:
    """A part of the search. name: for progress. drafts: what it finds, the likeliest first."""

    name: str
    drafts: Callable[[], Iterator[Program]]


class Field:
    """What the stages share: the probe rows and the targets on them."""

    def __init__(self, problem: Problem, operators: frozenset[int], must_stop: Callable[[], bool]) -> None:
        self.problem, self.operators, self.must_stop = problem, operators, must_stop
        self.columns = problem.columns[:, problem.probes]
        self.outers = list_outers(problem.target[problem.probes], operators)
        wide = problem.fitted[:_SPAN_ROWS]
        self.wide_columns = problem.columns[:, wide]
        self.wide_outers = list_outers(problem.target[wide], operators)

    @property
    def variables(self) -> int:
        """How many columns there are to choose from."""
        return len(self.columns)


def list_exact_stages(problem: Problem, operators: frozenset[int], must_stop: Callable[[], bool]) -> Iterator[Stage]:
    """Yield the stages of a search for an exact formula, in their order. must_stop: asked between chunks."""
    field = Field(problem, operators, must_stop)
    yield Stage("powers", lambda: fit_monomials(field.columns, field.outers, problem.noise or 0.0))
    yield Stage("sums", lambda: _find_sums(field, 1, 400))
    yield Stage("quadratics", lambda: _find_sums(field, 2, 600))
    yield Stage("small bank", lambda: _search_bank(field, 60, 40, pairs=True))
    yield Stage("ratios", lambda: _find_ratios(field, 1))
    yield Stage("quadratic ratios", lambda: _find_ratios(field, 2))
    yield Stage("sums with a function", lambda: _find_extended(field, 1, 200))
    yield Stage("bank", lambda: _search_bank(field, 300, 200, waves=120, pairs=True))
    yield Stage("quadratics with a function", lambda: _find_extended(field, 2, 200))
    yield Stage("long products", lambda: _search_bank(field, 2500, 0, powers=(1.0, -1.0), wide=True))
    yield Stage("wide bank", lambda: _search_bank(field, 300, 500, waves=300, wide=True))
    yield Stage("sums of powers", lambda: _find_sums(field, -2, 40))
    yield Stage("cubics", lambda: _find_sums(field, 3, 200))
    yield Stage("cubic ratios", lambda: _find_ratios(field, 3))
    yield Stage("two products", lambda: _search_bank(field, 60, 0, doubles=2000, wide=True))
    yield Stage("large bank", lambda: _search_bank(field, 2500, 2000, waves=600))
    yield Stage("pairs", lambda: _search_bank(field, 800, 300, waves=200, pairs=True))


def list_rough_stages(problem: Problem, operators: frozenset[int], must_stop: Callable[[], bool]) -> Iterator[Stage]:
    """Yield the stages of a search among rows with noise."""
    field = Field(problem, operators, must_stop)
    yield Stage("powers, roughly", lambda: fit_monomials(field.wide_columns, field.wide_outers, problem.noise or 1e-3))
    yield Stage("sums, roughly", lambda: _find_rough_sums(field, 1))
    yield Stage("small bank, roughly", lambda: _rank_bank(field, 60, 40, wide=False))
    yield Stage("quadratics, roughly", lambda: _find_rough_sums(field, 2))
    yield Stage("bank, roughly", lambda: _rank_bank(field, 300, 200, wide=True))


def _find_rough_sums(field: Field, degree: int) -> Iterator[Program]:
    times = _list_times(field, 12 * field.variables)
    yield from find_rough_sums(field.wide_columns, field.wide_outers, times, list_powers(field.variables, degree))


def _rank_bank(field: Field, products: int, differences: int, wide: bool) -> Iterator[Program]:
    ranking = Ranking(field.wide_columns, field.wide_outers, _list_times(field, 2 * field.variables))
    arguments = [make_products(field.wide_columns, products), make_differences(field.wide_columns, differences)]
    arguments.append(make_products(field.wide_columns, products, (1.0, -1.0)))
    for one in arguments:
        if len(one.values):
            ranking.look(one)
            for chunk in make_bank(one, field.operators, wide):
                if field.must_stop():
                    return
                ranking.look(chunk)
    yield from ranking.write()


def _find_sums(field: Field, degree: int, products: int) -> Iterator[Program]:
    """Yield polynomials; of negative degree, sums of products whose exponents have either sign."""
    for step in (1.0, 0.5) if degree == 2 else (1.0,):
        powers = list_powers(field.variables, degree, step) if degree > 0 else _list_times(field, _MOST_TERMS)
        span = make_span(field.wide_columns, field.wide_outers, _list_times(field, products), powers)
        if span is not None:
            yield from span.find_polynomials()


def _list_times(field: Field, products: int) -> Exponents:
    """Return what a target is multiplied with: nothing, and so many products of powers."""
    return np.concatenate([np.zeros((1, field.variables)), list_exponents(field.variables, products)])


def _find_extended(field: Field, degree: int, products: int) -> Iterator[Program]:
    """Yield polynomials in the columns and one function of a product or a difference of columns."""
    squared = degree == 1
    powers = list_powers(field.variables, degree)
    times = _list_times(field, products)
    span = make_span(field.wide_columns, field.wide_outers, times, powers, fold=3 if squared else 2)
    if span is None:
        return
    arguments = (
        make_products(field.wide_columns, 30, (1.0, -1.0)),
        make_differences(field.wide_columns, 6 * field.variables, squares=False),
    )
    for argument in arguments:
        for chunk in make_functions(argument, field.operators):
            if field.must_stop():
                return
            yield from span.find_extended(chunk, squared)


def _search_bank(
    field: Field,
    products: int,
    differences: int,
    *,
    waves: int = 0,
    doubles: int = 0,
    powers: tuple[float, ...] = (1.0, -1.0, 2.0, -2.0),
    wide: bool = False,
    pairs: bool = False,
) -> Iterator[Program]:
    """Yield what one expression of a bank completes; and then what two do, if `pairs`."""
    matching = Matching(field.columns, field.outers, min(2 * products, _MOST_TIMES), keep=pairs)
    arguments = [
        make_products(field.columns, products, powers),
        make_differences(field.columns, differences),
        make_waves(field.columns, waves, field.operators),
        make_double_products(field.columns, doubles),
    ]
    arguments = [one for one in arguments if len(one.values)]
    for one in arguments:
        yield from matching.find(one)
    for one in arguments:
        for chunk in make_bank(one, field.operators, wide):
            if field.must_stop():
                return
            yield from matching.find(chunk)
    if pairs:
        for drafts in matching.find_pairs():
            if field.must_stop():
                return
            yield from drafts


def _find_ratios(field: Field, degree: int) -> Iterator[Program]:
    powers = list_powers(field.variables, degree)
    if len(powers) <= _LARGEST_RATIO_TERMS:
        for outer in field.wide_outers:
            if outer.name in _INVERTED:
                continue
            yield from find_ratio(field.wide_columns, outer, powers)
