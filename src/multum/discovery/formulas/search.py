"""The order of a search: what is quick and likely first, each stage looking further than the one before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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
from multum.discovery.formulas.regression import Sums
from multum.discovery.formulas.relations import find_ratio
from multum.discovery.formulas.rough import Ranking
from multum.discovery.formulas.spans import list_powers, make_span

# Rows on which polynomials are fitted: they have up to a few hundred columns.
_SPAN_ROWS = 480
_LARGEST_RATIO_TERMS = 190
# Terms of a sum in which any product may come.
_MOST_TERMS = 240
# Rows with a target of so many deviations of its noise can be trusted in logarithms.
_LOUD = 20.0
_USUAL_NOISE = 1e-3
_RANKED_ROWS = 200
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

    def __init__(
        self, problem: Problem, operators: frozenset[int], must_stop: Callable[[], bool], loud: bool = False
    ) -> None:
        """loud: look only at rows where the target stands out of its noise."""
        self.problem, self.operators, self.must_stop = problem, operators, must_stop
        self.columns = problem.columns[:, problem.probes]
        self.outers = list_outers(problem.target[problem.probes], operators)
        wide = (_choose_loud(problem) if loud else problem.fitted)[:_SPAN_ROWS]
        self.wide_columns = problem.columns[:, wide]
        self.wide_outers = list_outers(problem.target[wide], operators)

    @property
    def variables(self) -> int:
        """How many columns there are to choose from."""
        return len(self.columns)


def _choose_loud(problem: Problem) -> NDArray[np.intp]:
    """Return the rows to learn from whose target is well above the noise; at least half of them."""
    size = np.abs(problem.target[problem.fitted])
    floor = _LOUD * (problem.noise or _USUAL_NOISE) * float(np.sqrt(np.mean(size * size)))
    return problem.fitted[size >= min(floor, float(np.median(size)))]


def list_exact_stages(problem: Problem, operators: frozenset[int], must_stop: Callable[[], bool]) -> Iterator[Stage]:
    """Yield the stages of a search for an exact formula, in their order. must_stop: asked between chunks."""
    field = Field(problem, operators, must_stop)
    yield Stage("powers", lambda: fit_monomials(field.columns, field.outers, problem.noise or 0.0))
    yield Stage("sums", lambda: _find_sums(field, 1, 400))
    yield Stage("quadratics", lambda: _find_sums(field, 2, 600))
    if problem.noise is None:  # something to show soon, where nothing will be exact
        yield Stage("sums, nearly", lambda: _make_rough_sums(field, 1, 0).find())
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
    yield Stage("large bank", lambda: _search_bank(field, 2500, 2000, waves=600, times=2000))
    yield Stage("pairs", lambda: _search_bank(field, 800, 300, waves=200, pairs=True))


def list_rough_stages(problem: Problem, operators: frozenset[int], must_stop: Callable[[], bool]) -> Iterator[Stage]:
    """Yield the stages of a search among rows with noise."""
    field = Field(problem, operators, must_stop, loud=True)
    yield Stage("powers, roughly", lambda: fit_monomials(field.wide_columns, field.wide_outers, problem.noise or 1e-3))
    yield Stage("sums, roughly", lambda: _make_rough_sums(field, 1, 300).find())
    yield Stage("small bank, roughly", lambda: _rank_bank(field, 100, 40, wide=False))
    yield Stage("quadratics, roughly", lambda: _make_rough_sums(field, 2, 600).find())
    yield Stage("ratios, roughly", lambda: _make_rough_sums(field, 1, 1).find_ratios())
    yield Stage("long products, roughly", lambda: _rank_bank(field, 800, 100, wide=False, powers=(1.0, -1.0)))
    yield Stage("sums with a function, roughly", lambda: _extend_roughly(field, 1))
    yield Stage("quadratic ratios, roughly", lambda: _make_rough_sums(field, 2, 1).find_ratios())
    yield Stage("quadratics with a function, roughly", lambda: _extend_roughly(field, 2))
    yield Stage("bank, roughly", lambda: _rank_bank(field, 200, 120, wide=True))


def _make_rough_sums(field: Field, degree: int, products: int) -> Sums:
    powers = list_powers(field.variables, degree)
    return Sums(field.wide_columns, field.wide_outers, _list_times(field, products), powers)


def _extend_roughly(field: Field, degree: int) -> Iterator[Program]:
    arguments = (
        make_products(field.wide_columns, 4 * field.variables, (1.0, -1.0)),
        make_differences(field.wide_columns, 2 * field.variables, squares=False),
    )
    chunks = (chunk for one in arguments for chunk in make_functions(one, field.operators) if not field.must_stop())
    yield from _make_rough_sums(field, degree, 4 * field.variables).find_extended(chunks)


def _rank_bank(
    field: Field, products: int, differences: int, wide: bool, powers: tuple[float, ...] = (1.0, -1.0, 2.0, -2.0)
) -> Iterator[Program]:
    columns = field.wide_columns[:, :_RANKED_ROWS]
    outers = [replace(outer, values=outer.values[:_RANKED_ROWS]) for outer in field.wide_outers]
    ranking = Ranking(columns, outers, _list_times(field, 2 * field.variables))
    arguments = [make_products(columns, products, powers), make_differences(columns, differences)]
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
    times: int = _MOST_TIMES,
) -> Iterator[Program]:
    """Yield what one expression of a bank completes; and then what two do, if `pairs`."""
    matching = Matching(field.columns, field.outers, min(2 * products, times), keep=pairs)
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
