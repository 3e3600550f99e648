"""Programs are put together, run, spelled by sympy and read back without a change of value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.formulas.numbers import Constant, make_fraction
from multum.discovery.formulas.operators import ADD, COS, DIV, EXP, MUL, NEG, OPERATORS, SIN, SQRT, SQUARE, SUB
from multum.discovery.formulas.programs import (
    Program,
    call,
    constant,
    list_spans,
    make_monomial,
    negate,
    raise_to,
    variable,
)
from multum.discovery.formulas.states import read_program, write_program
from multum.discovery.formulas.symbols import list_spellings, read_expression, write_expression

COLUMNS = np.random.default_rng(0).uniform(0.5, 2.0, (3, 8))
NAMES = ("a", "b", "c")


def programs() -> st.SearchStrategy[Program]:
    """Return programs of three columns that are finite where these are positive."""
    leaves = st.one_of(st.integers(0, 2).map(variable), st.integers(1, 9).map(constant))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(call, st.sampled_from([ADD, SUB, MUL, DIV]), inner, inner),
            st.builds(call, st.sampled_from([NEG, SQUARE, SIN, COS]), inner),
        ),
        max_leaves=6,
    )


@given(programs())
def test_spellings_have_the_same_value(program: Program) -> None:
    wanted = program.evaluate(COLUMNS)
    if not np.isfinite(wanted).all() or np.abs(wanted).max() > 1e6:
        return
    expression = write_expression(program, NAMES, (True, True, True))
    for spelling in list_spellings(expression):
        back = read_expression(spelling, NAMES)
        if back is not None:
            np.testing.assert_allclose(back.evaluate(COLUMNS), wanted, rtol=1e-6, atol=1e-6)


@given(programs())
def test_a_program_survives_the_file(program: Program) -> None:
    assert read_program(write_program(program), 3) == program


@given(programs())
def test_negation_is_its_own_inverse_in_value(program: Program) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(negate(program).evaluate(COLUMNS), -program.evaluate(COLUMNS))


@given(programs())
def test_spans_are_programs(program: Program) -> None:
    spans = list_spans(program.codes)
    assert spans[-1] == (0, len(program))
    for start, stop in spans:
        arities = [OPERATORS[code].arity - 1 if code < len(OPERATORS) else -1 for code in program.codes[start:stop]]
        assert sum(arities) == -1


def test_monomials_are_written_with_short_codes() -> None:
    exponents = [(2, 1), (-1, 2), (0, 1)]
    program = make_monomial(exponents, make_fraction(1, 3))
    np.testing.assert_allclose(program.evaluate(COLUMNS), COLUMNS[0] ** 2 / np.sqrt(COLUMNS[1]) / 3)
    assert len(raise_to(variable(0), 4)) == 3


def test_substitution_keeps_constants_in_order() -> None:
    outer = call(ADD, call(MUL, constant(2), variable(0)), call(MUL, constant(3), variable(1)))
    inner = [call(ADD, variable(0), constant(5)), call(EXP, call(SQRT, constant(Constant(0.5))))]
    wanted = 2 * (COLUMNS[0] + 5) + 3 * np.exp(np.sqrt(0.5))
    np.testing.assert_allclose(outer.substitute(inner).evaluate(COLUMNS), wanted)


def test_shorter_programs_take_fewer_bits() -> None:
    short, long = variable(0), call(ADD, variable(0), constant(1))
    assert short.count_bits(3) < long.count_bits(3) < long.count_bits(100)
    assert constant(Constant(0.1234567)).count_bits(3) > constant(make_fraction(1, 8)).count_bits(3)
