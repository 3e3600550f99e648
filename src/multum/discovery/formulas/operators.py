"""The instruction set of formulas: what a stack machine can do to columns of numbers.

A program is a tuple of integers in postfix order: an operator's number, CONSTANT for the next of its constants, or
FIRST_VARIABLE + i for column i.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Operator:
    """One instruction. apply: of float64 arrays, NaN outside its domain. arity: how many values it takes."""

    name: str
    arity: int
    apply: Callable[..., Any]


def _square(x: Array) -> Array:
    return x * x


def _cube(x: Array) -> Array:
    return x * x * x


def _invert(x: Array) -> Array:
    return 1.0 / x


# The order is the numbering; names are sympy's where sympy has one.
OPERATORS = (
    Operator("add", 2, np.add),
    Operator("sub", 2, np.subtract),
    Operator("mul", 2, np.multiply),
    Operator("div", 2, np.divide),
    Operator("pow", 2, np.power),
    Operator("neg", 1, np.negative),
    Operator("inv", 1, _invert),
    Operator("square", 1, _square),
    Operator("cube", 1, _cube),
    Operator("sqrt", 1, np.sqrt),
    Operator("exp", 1, np.exp),
    Operator("log", 1, np.log),
    Operator("sin", 1, np.sin),
    Operator("cos", 1, np.cos),
    Operator("tan", 1, np.tan),
    Operator("asin", 1, np.arcsin),
    Operator("acos", 1, np.arccos),
    Operator("atan", 1, np.arctan),
    Operator("sinh", 1, np.sinh),
    Operator("cosh", 1, np.cosh),
    Operator("tanh", 1, np.tanh),
)
(
    ADD,
    SUB,
    MUL,
    DIV,
    POW,
    NEG,
    INV,
    SQUARE,
    CUBE,
    SQRT,
    EXP,
    LOG,
    SIN,
    COS,
    TAN,
    ASIN,
    ACOS,
    ATAN,
    SINH,
    COSH,
    TANH,
) = range(len(OPERATORS))
CONSTANT = len(OPERATORS)
FIRST_VARIABLE = CONSTANT + 1

# What every search may use: the four species, powers, and minus.
ARITHMETIC = frozenset((ADD, SUB, MUL, DIV, POW, NEG, INV, SQUARE, CUBE))
FUNCTIONS = tuple(one.name for code, one in enumerate(OPERATORS) if code not in ARITHMETIC)


def read_operators(names: "str | Sequence[str] | None") -> frozenset[int]:
    """Return the operators that a search may use: arithmetic, and the functions in `names`, all for None.

    names: separated by commas, or a list; "none" for arithmetic alone. Raises UsageError.
    """
    if names is None:
        return frozenset(range(len(OPERATORS)))
    asked = [one.strip() for one in (names.split(",") if isinstance(names, str) else names)]
    codes = {one.name: code for code, one in enumerate(OPERATORS)}
    unknown = [one for one in asked if one not in codes and one != "none"]
    if unknown or not asked:
        raise UsageError(f"'{', '.join(unknown)}' is no function; there are {', '.join(FUNCTIONS)}, or none")
    return ARITHMETIC | {codes[one] for one in asked if one != "none"}
