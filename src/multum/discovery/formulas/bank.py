"""Banks: very many small expressions, evaluated over the probe rows in whole arrays.

Products of powers are the arguments; shapes of one argument, 1 - z, sin z, exp z - 1, are put around each, with a few
constants inside. Banks come in chunks, so that memory does not grow with their size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from multum.discovery.formulas.lattice import evaluate_products, list_exponents, write_product
from multum.discovery.formulas.numbers import Constant, make_fraction, make_pi
from multum.discovery.formulas.operators import (
    ACOS,
    ADD,
    ASIN,
    ATAN,
    CONSTANT,
    COS,
    COSH,
    EXP,
    INV,
    LOG,
    SIN,
    SINH,
    SQRT,
    SQUARE,
    SUB,
    TAN,
    TANH,
    Array,
)
from multum.discovery.formulas.programs import Program, call, constant, multiply, scale, variable

_LARGEST = 1e150
_Z, _ONE = variable(0), constant(1)
_Z2 = call(SQUARE, _Z)
_UNIT = make_fraction(1)


@dataclass(frozen=True)
class Candidates:
    """Expressions. values: float64[expressions, rows]. write: place -> program. factor: see Shape."""

    values: Array
    write: Callable[[int], Program]
    factor: bool = False


@dataclass(frozen=True)
class Shape:
    """What is put around an argument z. constants: that z is multiplied with, beside 1; more: in a wide search.

    factor: whether it is of use only where logarithms are compared; in a sum, 1 - z says no more than z.
    """

    program: Program
    constants: tuple[Constant, ...] = ()
    more: tuple[Constant, ...] = ()
    factor: bool = False


def _fractions(*pairs: tuple[int, int]) -> tuple[Constant, ...]:
    return tuple(make_fraction(*pair) for pair in pairs)


_HALVES = _fractions((2, 1), (1, 2))
_SIMPLE = _fractions((3, 1), (1, 3), (4, 1), (1, 4), (3, 2), (2, 3), (3, 4), (4, 3), (1, 6), (1, 8), (1, 10))
_ANGLES = (
    make_pi(2, 1),
    make_pi(1, 1),
    make_pi(1, 2),
    make_pi(4, 1),
    *(make_pi(n, d, -1) for n, d in ((1, 2), (1, 1), (1, 4))),
)
_SIGNED = (make_fraction(-1), *_HALVES, *_fractions((-2, 1), (-1, 2)))

SHAPES = (
    Shape(call(SUB, _ONE, _Z), _HALVES, (*_SIMPLE, *_ANGLES), factor=True),
    Shape(call(ADD, _ONE, _Z), _HALVES, (*_SIMPLE, *_ANGLES), factor=True),
    Shape(call(SUB, _ONE, _Z2), _HALVES, _ANGLES, factor=True),
    Shape(call(ADD, _ONE, _Z2), _HALVES, _ANGLES, factor=True),
    Shape(_Z2),
    Shape(call(SIN, _Z), _HALVES, _ANGLES),
    Shape(call(COS, _Z), _HALVES, _ANGLES),
    Shape(call(TAN, _Z), _HALVES, _ANGLES),
    Shape(call(EXP, _Z), (make_fraction(-1),), (*_SIGNED, *_ANGLES)),
    Shape(call(SUB, call(EXP, _Z), _ONE), _SIGNED, _ANGLES),
    Shape(call(ADD, call(EXP, _Z), _ONE), _SIGNED, _ANGLES),
    Shape(call(TANH, _Z), _HALVES, _ANGLES),
    Shape(call(LOG, _Z), (), ()),
    Shape(call(LOG, call(ADD, _ONE, _Z)), _HALVES, ()),
    Shape(call(LOG, call(SUB, _ONE, _Z)), _HALVES, ()),
    Shape(call(COSH, _Z), _HALVES, _ANGLES),
    Shape(call(SINH, _Z), _HALVES, _ANGLES),
    Shape(call(ADD, _ONE, call(SIN, _Z)), (), _HALVES),
    Shape(call(SUB, call(INV, call(SQRT, call(SUB, _ONE, _Z2))), _ONE), (), _HALVES),
    Shape(call(SUB, call(SQRT, call(ADD, _ONE, _Z2)), _ONE), (), _HALVES),
    Shape(call(SUB, _ONE, call(SQRT, call(SUB, _ONE, _Z2))), (), _HALVES),
    Shape(call(ADD, _ONE, call(SQRT, _Z)), (), _HALVES),
    Shape(call(SUB, _ONE, call(SQRT, _Z)), (), _HALVES),
    # Langevin's function: what thermal motion leaves of an order.
    Shape(call(SUB, call(INV, call(TANH, _Z)), call(INV, _Z)), (), _HALVES),
    Shape(call(ATAN, _Z), _HALVES, ()),
    Shape(call(ASIN, _Z), _HALVES, ()),
    Shape(call(ACOS, _Z), _HALVES, ()),
)


def make_products(columns: Array, most: int, powers: tuple[float, ...] = (1.0, -1.0, 2.0, -2.0)) -> Candidates:
    """Return products of powers of columns, float64[variables, rows], the cheapest first."""
    exponents = list_exponents(len(columns), most, powers)
    return Candidates(evaluate_products(exponents, columns), lambda place: write_product(exponents[place]))


def make_differences(columns: Array, most: int, squares: bool = True) -> Candidates:
    """Return sums and differences of two columns, and of their squares, alone and times products of the others."""
    values: list[Array] = []
    programs: list[Program] = []
    pairs = list(combinations(range(len(columns)), 2))
    with np.errstate(all="ignore"):
        for exponents in [np.zeros(len(columns)), *list_exponents(len(columns), most, (1.0, -1.0))]:
            factor = evaluate_products(exponents[None], columns)[0]
            written = write_product(exponents) if exponents.any() else None
            for places in pairs:
                if len(values) < most and not exponents[list(places)].any():
                    for value, program in _combine(columns, places, squares):
                        values.append(value * factor)
                        programs.append(program if written is None else multiply([program, written]))
    stacked = np.array(values) if values else np.empty((0, columns.shape[1]))
    return Candidates(stacked, programs.__getitem__)


def _combine(columns: Array, places: tuple[int, int], squares: bool) -> Iterator[tuple[Array, Program]]:
    """Yield the difference and the sum of two columns, and of their squares."""
    (a, b), (p, q) = columns[list(places)], (variable(places[0]), variable(places[1]))
    yield a - b, call(SUB, p, q)
    yield a + b, call(ADD, p, q)
    if squares:
        yield a * a - b * b, call(SUB, call(SQUARE, p), call(SQUARE, q))
        yield a * a + b * b, call(ADD, call(SQUARE, p), call(SQUARE, q))


def make_waves(columns: Array, most: int, operators: frozenset[int]) -> Candidates:
    """Return sines and cosines of one column, alone and times products of the others."""
    values: list[Array] = []
    programs: list[Program] = []
    waves = [(code, place) for code in (SIN, COS) if code in operators for place in range(len(columns))]
    for exponents in [np.zeros(len(columns)), *list_exponents(len(columns), most, (1.0, -1.0))]:
        factor = evaluate_products(exponents[None], columns)[0]
        for code, place in waves:
            if len(values) < most and not exponents[place]:
                wave = call(code, variable(place))
                values.append(wave.evaluate(columns) * factor)
                programs.append(multiply([wave, write_product(exponents)]) if exponents.any() else wave)
    stacked = np.array(values) if values else np.empty((0, columns.shape[1]))
    return Candidates(stacked, programs.__getitem__)


def make_double_products(columns: Array, most: int) -> Candidates:
    """Return sums and differences of two products of one or two columns each, none in both."""
    exponents = list_exponents(len(columns), 4 * len(columns) ** 2, (1.0, -1.0))
    exponents = exponents[np.abs(exponents).sum(1) <= 2]
    products = evaluate_products(exponents, columns)
    pairs = [(i, j) for i, j in combinations(range(len(exponents)), 2) if not (exponents[i] * exponents[j]).any()][
        : most // 2
    ]
    left, right = np.array(pairs, np.intp).reshape(-1, 2).T
    values = np.concatenate([products[left] - products[right], products[left] + products[right]])

    def write(place: int) -> Program:
        i, j = pairs[place % len(pairs)]
        return call(SUB if place < len(pairs) else ADD, write_product(exponents[i]), write_product(exponents[j]))

    return Candidates(values, write)


def list_shapes(operators: frozenset[int], wide: bool) -> Iterator[tuple[Shape, Constant]]:
    """Yield (shape, constant inside) for the operators allowed."""
    for shape in SHAPES:
        if {code for code in shape.program.codes if code < CONSTANT} <= operators:
            for inside in (_UNIT, *shape.constants, *(shape.more if wide else ())):
                yield shape, inside


def make_bank(arguments: Candidates, operators: frozenset[int], wide: bool) -> Iterator[Candidates]:
    """Yield a chunk of candidates for each shape and constant, with all arguments in it."""
    for shape, inside in list_shapes(operators, wide):
        yield _put_around(arguments, shape, inside)


def make_functions(arguments: Candidates, operators: frozenset[int]) -> Iterator[Candidates]:
    """Yield a chunk for each function that sums are made of: sine, cosine, growth, decay, logarithm."""
    for code, inside in ((SIN, 1), (COS, 1), (EXP, 1), (EXP, -1), (LOG, 1)):
        if code in operators:
            yield _put_around(arguments, Shape(call(code, _Z)), make_fraction(inside))


def _put_around(arguments: Candidates, shape: Shape, inside: Constant) -> Candidates:
    values = shape.program.evaluate(arguments.values.reshape(1, -1) * inside.value).reshape(arguments.values.shape)
    values = np.where(np.abs(values) < _LARGEST, values, np.nan)
    return Candidates(values, _write_shape(shape.program, inside, arguments), shape.factor)


def _write_shape(shape: Program, inside: Constant, arguments: Candidates) -> Callable[[int], Program]:
    def write(place: int) -> Program:
        return shape.substitute([scale(inside, arguments.write(place))])

    return write
