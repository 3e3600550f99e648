"""Formulas as programs for a stack machine: put together, run over all rows, measured in bits.

Invariant: a program leaves exactly one value on the stack, and its constants come in the order of its codes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from multum.discovery.formulas.numbers import Constant, make_fraction
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
    SQRT,
    SQUARE,
    SUB,
    Array,
)


@dataclass(frozen=True)
class Program:
    """A formula. codes: postfix, see `operators`. constants: in the order in which the codes take them."""

    codes: tuple[int, ...]
    constants: tuple[Constant, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    def evaluate(self, columns: Array) -> Array:
        """Return the value in each row. columns: float64[variables, rows]. NaN or infinite where there is none."""
        stack: list[Array] = []
        constants = iter(self.constants)
        with np.errstate(all="ignore"):
            for code in self.codes:
                if code >= FIRST_VARIABLE:
                    stack.append(columns[code - FIRST_VARIABLE])
                elif code == CONSTANT:
                    stack.append(np.full(columns.shape[1], next(constants).value))
                else:
                    arity = OPERATORS[code].arity
                    arguments = stack[-arity:]
                    del stack[-arity:]
                    stack.append(OPERATORS[code].apply(*arguments))
        return stack[0]

    def count_bits(self, variables: int) -> float:
        """Return what it takes to write the program down, where there are so many variables to choose from.

        A symbol is one of the operators, the variables, or a constant; postfix needs no brackets and ends where one
        value is left.
        """
        return len(self.codes) * math.log2(CONSTANT + 1 + variables) + sum(one.bits for one in self.constants)

    @property
    def variables(self) -> frozenset[int]:
        """The columns that it reads."""
        return frozenset(code - FIRST_VARIABLE for code in self.codes if code >= FIRST_VARIABLE)

    @property
    def named(self) -> bool:
        """Whether every constant is known exactly."""
        return all(one.named for one in self.constants)

    def with_values(self, values: Sequence[float]) -> "Program":
        """Return the program with other constants, none of them named."""
        return replace(self, constants=tuple(Constant(float(value)) for value in values))

    def with_constant(self, place: int, constant: Constant) -> "Program":
        """Return the program with one of its constants replaced."""
        return replace(self, constants=(*self.constants[:place], constant, *self.constants[place + 1 :]))

    def rename(self, variables: Sequence[int]) -> "Program":
        """Return the program with variable i read from column variables[i]."""
        return replace(
            self,
            codes=tuple(
                FIRST_VARIABLE + variables[code - FIRST_VARIABLE] if code >= FIRST_VARIABLE else code
                for code in self.codes
            ),
        )

    def substitute(self, parts: Sequence["Program"]) -> "Program":
        """Return the program with each variable i replaced by parts[i]."""
        codes: list[int] = []
        constants: list[Constant] = []
        own = iter(self.constants)
        for code in self.codes:
            if code >= FIRST_VARIABLE:
                codes += parts[code - FIRST_VARIABLE].codes
                constants += parts[code - FIRST_VARIABLE].constants
            else:
                codes.append(code)
                if code == CONSTANT:
                    constants.append(next(own))
        return Program(tuple(codes), tuple(constants))


def variable(place: int) -> Program:
    """Return the program that reads a column."""
    return Program((FIRST_VARIABLE + place,))


def constant(value: "Constant | int | float") -> Program:
    """Return the program that is a number; integers are exact."""
    if isinstance(value, int):
        value = make_fraction(value)
    return Program((CONSTANT,), (value if isinstance(value, Constant) else Constant(value),))


def call(code: int, *arguments: Program) -> Program:
    """Return an operator applied to programs."""
    codes = tuple(code for argument in arguments for code in argument.codes)
    return Program((*codes, code), tuple(one for argument in arguments for one in argument.constants))


def add(parts: Sequence[Program]) -> Program:
    """Return the sum of programs; of those that are negated, the difference."""
    ordered = sorted(parts, key=lambda part: part.codes[-1] == NEG)
    total = ordered[0]
    for part in ordered[1:]:
        negated = part.codes[-1] == NEG
        total = call(SUB, total, replace(part, codes=part.codes[:-1])) if negated else call(ADD, total, part)
    return total


def multiply(parts: Sequence[Program]) -> Program:
    """Return the product of programs; 1 for none."""
    total: Program | None = None
    for part in parts:
        total = part if total is None else call(MUL, total, part)
    return constant(1) if total is None else total


def scale(factor: Constant, part: Program) -> Program:
    """Return a number times a program, without a number that is 1 or -1."""
    if factor.fraction is not None and factor.pi_power == 0 and factor.radicand == 1 and factor.e_power == 0:
        if factor.fraction == (1, 1):
            return part
        if factor.fraction == (-1, 1):
            return call(NEG, part)
    return call(MUL, constant(factor), part)


def negate(part: Program) -> Program:
    """Return minus a program; of a difference, the difference the other way round."""
    if part.codes[-1] == NEG:
        return replace(part, codes=part.codes[:-1])
    if part.codes[-1] != SUB:
        return call(NEG, part)
    start, stop = list_spans(part.codes)[len(part.codes) - 2]
    count = sum(code == CONSTANT for code in part.codes[:start])
    left = Program(part.codes[:start], part.constants[:count])
    return call(SUB, Program(part.codes[start:stop], part.constants[count:]), left)


def raise_to(part: Program, numerator: int, denominator: int = 1) -> Program:
    """Return a program to an exponent, with the shortest codes for it."""
    common = math.gcd(numerator, denominator)
    numerator, denominator = numerator // common, denominator // common
    short = {(1, 1): (), (-1, 1): (INV,), (2, 1): (SQUARE,), (3, 1): (CUBE,), (1, 2): (SQRT,), (-2, 1): (SQUARE, INV)}
    short |= {(-1, 2): (SQRT, INV), (4, 1): (SQUARE, SQUARE), (-3, 1): (CUBE, INV), (3, 2): (SQRT, CUBE)}
    if (numerator, denominator) in short:
        return replace(part, codes=part.codes + short[numerator, denominator])
    return call(POW, part, constant(make_fraction(numerator, denominator)))


def make_monomial(exponents: Sequence[tuple[int, int]], factor: "Constant | None" = None) -> Program:
    """Return the product of variables to exponents, over those with negative ones, times a number.

    exponents: (numerator, denominator) a variable, (0, 1) for those that do not come.
    """
    above = [raise_to(variable(i), n, d) for i, (n, d) in enumerate(exponents) if n > 0]
    below = [raise_to(variable(i), -n, d) for i, (n, d) in enumerate(exponents) if n < 0]
    return make_quotient(above, below, factor)


def make_quotient(above: Sequence[Program], below: Sequence[Program], factor: "Constant | None" = None) -> Program:
    """Return a product over a product, times a number."""
    top = list(above)
    if not top and factor is not None and below:
        return call(DIV, constant(factor), multiply(below))
    if not top and below:
        return call(INV, multiply(below))
    whole = call(DIV, multiply(top), multiply(below)) if below else multiply(top)
    if not top and not below and factor is not None:
        return constant(factor)
    return whole if factor is None else scale(factor, whole)


def list_spans(codes: Sequence[int]) -> list[tuple[int, int]]:
    """Return for the end of each part of a program (start, stop) of its codes."""
    spans: list[tuple[int, int]] = []
    stack: list[int] = []
    for place, code in enumerate(codes):
        arity = OPERATORS[code].arity if code < CONSTANT else 0
        start = place
        for _ in range(arity):
            start = stack.pop()
        stack.append(start)
        spans.append((start, place + 1))
    return spans


def list_constants(program: Program) -> Iterator[tuple[int, Constant]]:
    """Yield (place among the codes, constant)."""
    places = (place for place, code in enumerate(program.codes) if code == CONSTANT)
    yield from zip(places, program.constants, strict=True)
