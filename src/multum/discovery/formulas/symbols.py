"""Formulas as sympy's expressions and back: the shortest way to write one, LaTeX, Python.

Invariant: a shorter way of writing is taken only when it gives the same numbers on every row; see `verifying`.
"""

import keyword
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from multum.discovery.formulas.numbers import Constant, make_fraction
from multum.discovery.formulas.operators import (
    ACOS,
    ADD,
    ASIN,
    ATAN,
    CONSTANT,
    COS,
    COSH,
    CUBE,
    DIV,
    EXP,
    FIRST_VARIABLE,
    INV,
    LOG,
    MUL,
    NEG,
    OPERATORS,
    POW,
    SIN,
    SINH,
    SQUARE,
    SUB,
    TAN,
    TANH,
)
from multum.discovery.formulas.programs import (
    Program,
    add,
    call,
    constant,
    make_quotient,
    negate,
    raise_to,
    variable,
)
from multum.errors import MissingExtra

# Expressions with more operations are left as they are: sympy would think about them for seconds.
_LONGEST = 60


def load_sympy() -> Any:
    """Return the module. Raises MissingExtra."""
    try:
        import sympy
    except ImportError as error:
        raise MissingExtra("writing formulas needs SymPy; pip install 'multum[discover]'") from error
    return sympy


def make_names(columns: "tuple[str, ...]") -> tuple[str, ...]:
    """Return names that sympy and Python read as symbols, one a column, all different."""
    names: list[str] = []
    for column in columns:
        name = re.sub(r"\W", "_", column)
        if not name or name[0].isdigit() or keyword.iskeyword(name):
            name = f"_{name}" if not keyword.iskeyword(name) else f"{name}_"
        while name in names:
            name += "_"
        names.append(name)
    return tuple(names)


def write_expression(program: Program, names: "tuple[str, ...]", positive: "tuple[bool, ...]") -> Any:
    """Return the program as a sympy expression. positive: which columns are above zero in every row."""
    sympy = load_sympy()
    symbols = [
        sympy.Symbol(name, positive=True) if sure else sympy.Symbol(name, real=True)
        for name, sure in zip(names, positive, strict=True)
    ]
    stack: list[Any] = []
    constants = iter(program.constants)
    for code in program.codes:
        if code >= FIRST_VARIABLE:
            stack.append(symbols[code - FIRST_VARIABLE])
        elif code == CONSTANT:
            stack.append(_write_constant(sympy, next(constants)))
        else:
            arity = OPERATORS[code].arity
            arguments = stack[-arity:]
            del stack[-arity:]
            stack.append(_apply(sympy, code, *arguments))
    return stack[0]


def _write_constant(sympy: Any, one: Constant) -> Any:
    if one.fraction is None:
        return sympy.Float(one.value, 17)
    factor = sympy.pi ** sympy.Rational(one.pi_power, 2) * sympy.sqrt(one.radicand) * sympy.E**one.e_power
    return sympy.Rational(*one.fraction) * factor


def _apply(sympy: Any, code: int, *arguments: Any) -> Any:
    first = arguments[0]
    simple = {
        ADD: lambda: first + arguments[1],
        SUB: lambda: first - arguments[1],
        MUL: lambda: first * arguments[1],
        DIV: lambda: first / arguments[1],
        POW: lambda: first ** arguments[1],
        NEG: lambda: -first,
        INV: lambda: 1 / first,
        SQUARE: lambda: first**2,
        CUBE: lambda: first**3,
    }
    return simple[code]() if code in simple else getattr(sympy, OPERATORS[code].name)(first)


def list_spellings(expression: Any) -> Iterator[Any]:
    """Yield ways to write an expression, itself first."""
    sympy = load_sympy()
    yield expression
    if expression.count_ops() > _LONGEST:
        yield complete_squares(expression)
        return
    factored = sympy.factor_terms(expression)
    for one in (expression, factored, sympy.together(expression), sympy.factor(expression)):
        yield one
        yield complete_squares(one)
    yield sympy.cancel(expression) if not expression.has(sympy.Float) else expression


def complete_squares(expression: Any) -> Any:
    """Return an expression with a**2 - 2*a*b + b**2 written as (a - b)**2 wherever that stands in a sum."""
    sympy = load_sympy()

    def rewrite(total: Any) -> Any:
        terms = list(total.args)
        for mixed in terms:
            factor, rest = mixed.as_coeff_Mul()
            parts = list(rest.args) if rest.is_Mul else [rest]
            if len(parts) != 2 or any(part.is_Pow for part in parts):
                continue
            a, b = parts
            squares = [abs(factor) / 2 * a**2, abs(factor) / 2 * b**2]
            for sign in (1, -1):
                if all(sign * one in terms for one in squares) and squares[0] != squares[1]:
                    inner = a + b if factor * sign > 0 else a - b
                    left = sympy.Add(*(one for one in terms if one != mixed and one not in [sign * q for q in squares]))
                    return rewrite_again(left + sign * abs(factor) / 2 * inner**2)
        return total

    def rewrite_again(total: Any) -> Any:
        return rewrite(total) if total.is_Add else total

    return expression.replace(lambda one: one.is_Add, rewrite)


def read_expression(expression: Any, names: "tuple[str, ...]") -> Program | None:
    """Return a sympy expression as a program, or None for what has no instruction."""
    try:
        return _read(load_sympy(), expression, names)
    except (KeyError, ValueError, OverflowError):
        return None


def _read(sympy: Any, one: Any, names: "tuple[str, ...]") -> Program:
    if one.is_Symbol:
        return variable(names.index(one.name))
    if one.is_number:
        return constant(read_constant(sympy, one))
    if one.is_Add:
        return add([_read(sympy, term, names) for term in one.as_ordered_terms()])
    if one.is_Mul:
        return _read_product(sympy, one, names)
    if one.is_Pow and one.exp.is_Rational:
        return _raise(_read(sympy, one.base, names), one.exp)
    if one.is_Pow:
        return call(POW, _read(sympy, one.base, names), _read(sympy, one.exp, names))
    return call(_FUNCTIONS[type(one).__name__], _read(sympy, one.args[0], names))


_FUNCTIONS = {OPERATORS[code].name: code for code in (EXP, LOG, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, TANH)}


def _raise(base: Program, exponent: Any) -> Program:
    power = raise_to(base, abs(exponent.p), exponent.q)
    return call(INV, power) if exponent < 0 else power


def _read_product(sympy: Any, product: Any, names: "tuple[str, ...]") -> Program:
    """Return a product as one fraction; what stands below keeps positive exponents."""
    number, rest = product.as_independent(*product.free_symbols, as_Add=False)
    above: list[Program] = []
    below: list[Program] = []
    for part in sympy.Mul.make_args(rest):
        base, exponent = part.as_base_exp()
        if isinstance(part, sympy.exp):
            inner = part.args[0]
            if inner.could_extract_minus_sign():
                below.append(call(EXP, _read(sympy, -inner, names)))
            else:
                above.append(call(EXP, _read(sympy, inner, names)))
        elif exponent.is_Rational and exponent < 0:
            below.append(_raise(_read(sympy, base, names), -exponent))
        else:
            above.append(_read(sympy, part, names))
    factor = read_constant(sympy, number)
    if factor.fraction == (-1, 1) and factor == make_fraction(-1):
        return negate(make_quotient(above, below))
    return make_quotient(above, below, None if factor == make_fraction(1) else factor)


def read_constant(sympy: Any, number: Any) -> Constant:
    """Return a number of sympy's, with its name if it is of the kind that we name."""
    if number.is_Rational:
        return make_fraction(int(number.p), int(number.q))
    value = float(number)
    pi_power = e_power = 0
    square = sympy.Integer(1)
    for part in sympy.Mul.make_args(number):
        base, exponent = part.as_base_exp()
        if base == sympy.pi and (2 * exponent).is_Integer:
            pi_power += int(2 * exponent)
        elif base == sympy.E and exponent.is_Integer:
            e_power += int(exponent)
        elif base.is_Rational and (2 * exponent).is_Integer:
            square *= base ** (2 * exponent)
        else:
            return Constant(value)
    sign = -1 if value < 0 else 1
    outside, inside = _take_root(int(square.p) * int(square.q))
    if inside > 10_000:
        return Constant(value)
    fraction = make_fraction(sign * outside, int(square.q)).fraction
    return Constant(value, fraction, pi_power, inside, e_power)


def _take_root(number: int) -> tuple[int, int]:
    """Return (a, b) with number = a**2 * b, b free of small squares."""
    outside, divisor = 1, 2
    while divisor * divisor <= number and divisor < 1000:
        while number % (divisor * divisor) == 0:
            number //= divisor * divisor
            outside *= divisor
        divisor += 1
    root = int(np.sqrt(float(number)) + 0.5)
    return (outside * root, 1) if root * root == number else (outside, number)


def write_python(expression: Any) -> str:
    """Return Python source of an expression, with numpy's functions as np."""
    sympy = load_sympy()
    from sympy.printing.numpy import NumPyPrinter

    return str(NumPyPrinter({"fully_qualified_modules": True}).doprint(sympy.sympify(expression))).replace(
        "numpy.", "np."
    )
