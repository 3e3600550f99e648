"""What sorting and random sums find is what comparing everything with everything finds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from multum.discovery.formulas.functionals import make_functionals, match, take_ratios
from multum.discovery.formulas.lattice import evaluate_products, list_exponents
from multum.discovery.formulas.lengths import count_raw_bits, count_residual_bits, find_quanta
from multum.discovery.formulas.mutations import LONGEST, Mutator
from multum.discovery.formulas.operators import OPERATORS, read_operators
from multum.discovery.formulas.outers import list_outers
from multum.discovery.formulas.programs import call, constant, variable
from multum.discovery.formulas.regression import fit, prune
from multum.discovery.formulas.relations import find_ratio
from multum.discovery.formulas.spans import list_powers, make_span
from multum.discovery.formulas.states import read_program, write_program

GENERATOR = np.random.default_rng(0)
COLUMNS = GENERATOR.uniform(1, 5, (3, 120))


@given(st.integers(0, 2**32 - 1))
def test_matches_are_those_of_brute_force(seed: int) -> None:
    generator = np.random.default_rng(seed)
    offered = generator.normal(size=(40, 3))
    wanted = np.concatenate([offered[generator.integers(0, 40, 6)], generator.normal(size=(6, 3))])
    left, right = match(wanted, offered)
    brute = {(i, j) for i in range(12) for j in range(40) if np.array_equal(wanted[i], offered[j])}
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == brute


def test_functionals_vanish_on_the_base_and_ratios_on_scale() -> None:
    base = np.column_stack([np.ones(120), COLUMNS[0]])
    functionals = make_functionals(base)
    f = np.sin(COLUMNS[1])
    mixed = 3 - 2 * COLUMNS[0] + 7 * f
    assert np.isnan(functionals.measure(base[:, 1])).all()
    np.testing.assert_allclose(take_ratios(functionals.measure(mixed)), take_ratios(functionals.measure(f)), rtol=1e-9)


def test_products_come_in_the_order_of_their_cost() -> None:
    exponents = list_exponents(3, 50)
    assert len(exponents) == 50
    assert np.abs(exponents).sum(1).tolist()[:3] == [1, 1, 1]
    np.testing.assert_allclose(evaluate_products(exponents, COLUMNS)[0], COLUMNS[0])
    assert len(np.unique(exponents, axis=0)) == 50


def test_polynomials_and_ratios_are_found_by_algebra() -> None:
    a, b, c = COLUMNS
    outers = list_outers(1 / (a * a - 3 * b * c), read_operators("none"))
    span = make_span(COLUMNS, outers, np.zeros((1, 3)), list_powers(3, 2))
    assert span is not None
    drafts = list(span.find_polynomials())
    np.testing.assert_allclose(drafts[0].evaluate(COLUMNS), outers[0].values, rtol=1e-8)
    ratio = list_outers((a + 2 * b) / (a * c + 1), read_operators("none"))[0]
    (draft,) = find_ratio(COLUMNS, ratio, list_powers(3, 2))
    np.testing.assert_allclose(draft.evaluate(COLUMNS), ratio.values, rtol=1e-8)


def test_outer_functions_give_the_target_back() -> None:
    target = np.sin(COLUMNS[0]) / 2
    for outer in list_outers(target, read_operators(None)):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(outer.wrap(variable(0)).evaluate(outer.values[None]), target, rtol=1e-9)
    names = {outer.name for outer in list_outers(-COLUMNS[0], read_operators(None))}
    assert {"sqrt", "exp", "inv"} <= names


def test_regression_agrees_with_least_squares_and_drops_what_says_nothing() -> None:
    base = np.column_stack([np.ones(120), *COLUMNS])
    wanted = 2 + 3 * COLUMNS[1] + GENERATOR.normal(0, 0.01, 120)
    found = fit(base, wanted)
    assert found is not None
    np.testing.assert_allclose(found[0], np.linalg.lstsq(base, wanted, rcond=None)[0], rtol=1e-6)
    pruned = prune(base, wanted)
    assert pruned is not None
    assert np.flatnonzero(pruned).tolist() == [0, 2]
    assert fit(np.ones((120, 2)), wanted) is None


def test_mutations_are_programs_of_bounded_length() -> None:
    generator = np.random.default_rng(3)
    mutator = Mutator(3, read_operators(None), generator)
    program = call(0, call(2, variable(0), constant(2)), variable(1))
    for _ in range(300):
        changed = mutator.mutate(program, program)
        if changed is not None:
            assert read_program(write_program(changed), 3) == changed
            assert len(changed) <= LONGEST
            assert changed.evaluate(COLUMNS).shape == (120,)
            program = changed if len(changed) < 20 else program


def test_every_operator_runs_on_columns() -> None:
    for code, operator in enumerate(OPERATORS):
        arguments = [variable(place) for place in range(operator.arity)]
        assert call(code, *arguments).evaluate(COLUMNS / 6).shape == (120,), operator.name


def test_descriptions_shrink_with_residuals_and_never_below_nothing() -> None:
    values = COLUMNS[0]
    quanta = find_quanta(values, np.zeros(120))
    raw = count_raw_bits(values, quanta)
    bits = [count_residual_bits(values * share, quanta) for share in (1e-2, 1e-6, 0.0)]
    assert raw > bits[0] > bits[1] > bits[2] == 0
    assert count_residual_bits(np.full(120, np.nan), quanta) == np.inf
    assert count_raw_bits(np.round(values), find_quanta(np.round(values), np.zeros(120))) < 120 * 4
