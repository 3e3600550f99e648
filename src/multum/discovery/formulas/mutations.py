"""A little change at a time: formulas of the frontier altered at random, the better ones kept.

Every part of a postfix program is a run of its codes, so that a change is a splice.
"""

import numpy as np

from multum.discovery.formulas.numbers import Constant
from multum.discovery.formulas.operators import (
    ADD,
    CONSTANT,
    COS,
    DIV,
    EXP,
    FIRST_VARIABLE,
    INV,
    LOG,
    MUL,
    NEG,
    OPERATORS,
    SIN,
    SQRT,
    SQUARE,
    SUB,
    TANH,
)
from multum.discovery.formulas.programs import Program, call, constant, list_spans, variable

LONGEST = 40
_BINARY = (ADD, SUB, MUL, DIV)
_UNARY = (NEG, INV, SQUARE, SQRT, EXP, LOG, SIN, COS, TANH)
# Of constants in fresh parts; fitting finds the rest.
_SPREAD = 2.0


class Mutator:
    """Draws changes. variables: how many columns there are. operators: what may be used."""

    def __init__(self, variables: int, operators: frozenset[int], generator: np.random.Generator) -> None:
        self._variables, self._generator = variables, generator
        self._unary = [code for code in _UNARY if code in operators]

    def mutate(self, program: Program, other: Program) -> Program | None:
        """Return a changed copy, perhaps with a part of `other`; None for one that grew too long."""
        start, stop = self._pick(program)
        part = _cut(program, start, stop)
        kind = self._generator.integers(7)
        if kind == 0:
            fresh = self._grow(2)
        elif kind == 1:
            fresh = call(self._choose(self._unary), part)
        elif kind == 2:
            fresh = call(self._choose(_BINARY), part, self._grow(1))
        elif kind == 3:
            fresh = call(self._choose(_BINARY), self._grow(1), part)
        elif kind == 4:
            fresh = _cut(other, *self._pick(other))
        elif kind == 5:
            fresh = self._lift(part)
        else:
            fresh = self._replace_operator(part)
        changed = _splice(program, start, stop, fresh)
        return changed if len(changed) <= LONGEST and changed.variables else None

    def _choose(self, codes: "tuple[int, ...] | list[int]") -> int:
        return int(self._generator.choice(codes))

    def _pick(self, program: Program) -> tuple[int, int]:
        spans = list_spans(program.codes)
        return spans[int(self._generator.integers(len(spans)))]

    def _grow(self, depth: int) -> Program:
        """Return a small random program."""
        if depth == 0 or self._generator.random() < 0.5:
            if self._generator.random() < 0.3:
                return constant(Constant(float(self._generator.normal(0, _SPREAD))))
            return variable(int(self._generator.integers(self._variables)))
        if self._generator.random() < 0.4:
            return call(self._choose(self._unary), self._grow(depth - 1))
        return call(self._choose(_BINARY), self._grow(depth - 1), self._grow(depth - 1))

    def _lift(self, part: Program) -> Program:
        """Return one of the parts of a part, which drops the rest of it."""
        return _cut(part, *self._pick(part))

    def _replace_operator(self, part: Program) -> Program:
        """Return a part with its last instruction changed to another of its kind."""
        last = part.codes[-1]
        if last >= FIRST_VARIABLE or last == CONSTANT:
            return self._grow(0)
        swapped = self._choose(_BINARY if OPERATORS[last].arity == 2 else self._unary)
        return Program((*part.codes[:-1], swapped), part.constants)


def _cut(program: Program, start: int, stop: int) -> Program:
    """Return the part of a program that is codes[start:stop]."""
    before = sum(code == CONSTANT for code in program.codes[:start])
    inside = sum(code == CONSTANT for code in program.codes[start:stop])
    return Program(program.codes[start:stop], program.constants[before : before + inside])


def _splice(program: Program, start: int, stop: int, fresh: Program) -> Program:
    """Return a program with codes[start:stop] replaced."""
    before = sum(code == CONSTANT for code in program.codes[:start])
    after = before + sum(code == CONSTANT for code in program.codes[start:stop])
    codes = program.codes[:start] + fresh.codes + program.codes[stop:]
    return Program(codes, program.constants[:before] + fresh.constants + program.constants[after:])
