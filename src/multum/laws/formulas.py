"""Formulas as text, parsed into trees: `E + A / N**alpha + B / D**beta`.

A formula is arithmetic over columns, parameters and numbers; it may define parts first, `x = ...; y = ...; x + y`.
It is read with `ast` and never evaluated as Python: what is not listed here is refused.
"""

import ast
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from multum.errors import UsageError
from multum.laws.expressions import (
    FUNCTIONS,
    Call,
    Column,
    Negative,
    Node,
    Number,
    Parameter,
    Power,
    Product,
    Quotient,
    Sum,
    walk,
)

# Longer and deeper than any law that a person can read; Python's own parser and stack have no such limits.
LONGEST = 2000
_DEEPEST = 60
_MOST_DEFINITIONS = 20

_GRAMMAR = f"a formula has + - * / ** ( ), numbers, names, and {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    columns: the names that are columns of the points. parameters: the others, in the order of the text.
    terms: what the formula is a sum of. coefficients: for each term the positive parameter that it is proportional
    to and that comes nowhere else, or None.
    """

    text: str
    root: Node
    columns: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    terms: tuple[Node, ...]
    coefficients: tuple[str | None, ...]


def parse(text: str, columns: Sequence[str]) -> Formula:
    """Return the formula in `text`; names that are not among `columns` are parameters.

    Parameters are positive, but for those that come only in exponents or inside exp() and under no fraction bar: these
    may have either sign. Raises UsageError, which quotes what is not understood.
    """
    *definitions, last = _read_statements(text)
    names = _Names(columns, _find_free(definitions, last))
    for name, value in definitions:
        if name in names.columns or name in names.defined:
            raise UsageError(f"the formula defines '{name}' twice, or over a column; take another name")
        names.defined[name] = _build(value, names, 0)
    root = _build(last[1], names, 0)
    found = list(walk(root))
    used = {node.name for node in found if isinstance(node, Column)}
    parameters = _order(definitions, last, {node.name: node for node in found if isinstance(node, Parameter)})
    if not used:
        raise UsageError(f"the formula '{text}' has none of the columns {', '.join(columns)}")
    if not parameters:
        raise UsageError(f"the formula '{text}' has no parameter to fit; every name in it is a column")
    once = _find_once(definitions, last)
    terms = root.terms if isinstance(root, Sum) else (root,)
    coefficients = tuple(_find_coefficient(term, once) for term in terms)
    return Formula(text, root, tuple(name for name in columns if name in used), parameters, terms, coefficients)


def _read_statements(text: str) -> list[tuple[str, ast.expr]]:
    """Return (name, expression) of each part; the last has the name "". Raises UsageError."""
    if len(text) > LONGEST:
        raise UsageError(f"a formula of {len(text):,} characters; the longest is {LONGEST:,}")
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deep
        raise UsageError(f"'{text[:80]}' is no formula: {getattr(error, 'msg', error)}; {_GRAMMAR}") from error
    parts: list[tuple[str, ast.expr]] = []
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if statement is not body[-1]:
                parts.append((name, value))
            case ast.Expr(value=value) if statement is body[-1]:
                parts.append(("", value))
            case _:
                raise UsageError(f"'{ast.unparse(statement)}' is no part of a formula; write x = ...; y = ...; x + y")
    if not parts:
        raise UsageError(f"the formula is empty; {_GRAMMAR}")
    if len(parts) > _MOST_DEFINITIONS:
        raise UsageError(f"the formula has {len(parts)} parts with names; the most is {_MOST_DEFINITIONS}")
    return parts


class _Names:
    """What names mean while a formula is built."""

    def __init__(self, columns: Sequence[str], free: set[str]) -> None:
        """free: parameters that may have either sign."""
        self.columns, self.free = set(columns), free
        self.defined: dict[str, Node] = {}
        self._parameters: dict[str, Parameter] = {}

    def find(self, name: str) -> Node:
        """Return the column, the defined part or the parameter of that name."""
        if name in self.columns:
            return Column(name)
        if name in self.defined:
            return self.defined[name]
        return self._parameters.setdefault(name, Parameter(name, name not in self.free))


def _build(tree: ast.expr, names: _Names, depth: int) -> Node:
    """Return the node of a Python expression. Raises UsageError for all that is no arithmetic."""
    if depth > _DEEPEST:
        raise UsageError(f"the formula nests deeper than {_DEEPEST}; define parts first, as in x = ...; y = ...; x + y")

    def build(part: ast.expr) -> Node:
        return _build(part, names, depth + 1)

    match tree:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number) if _is_finite(number):
            return Number(float(number))
        case ast.Name(id=name):
            return names.find(name)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return Sum(tuple(build(term) if plus else Negative(build(term)) for plus, term in _list_terms(tree)))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return Product(build(left), build(right))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return Quotient(build(left), build(right))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return Power(build(left), build(right))
        case ast.BinOp(op=ast.BitXor()):
            raise UsageError(f"'{ast.unparse(tree)}': write ** for powers")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Negative(build(operand))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            _check_count(tree, name, len(arguments))
            return Call(name, tuple(build(argument) for argument in arguments))
        case _:
            pass
    raise UsageError(f"'{ast.unparse(tree)}' is no part of a formula; {_GRAMMAR}")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _check_count(tree: ast.expr, name: str, count: int) -> None:
    """Raise UsageError for a call with too few or too many arguments."""
    wanted = FUNCTIONS[name][0]
    if (count != wanted) if wanted else (count < 2):
        raise UsageError(f"'{ast.unparse(tree)}' has {count} arguments; {name} takes {wanted or 'two or more'}")


def _list_terms(tree: ast.expr, plus: bool = True) -> Iterator[tuple[bool, ast.expr]]:
    """Yield (whether it is added, term) of a sum, from left to right; long sums nest to the left."""
    terms = []
    while isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
        terms.append((isinstance(tree.op, ast.Add), tree.right))
        tree = tree.left
    yield plus, tree
    yield from reversed(terms)


def _find_free(definitions: Sequence[tuple[str, ast.expr]], last: tuple[str, ast.expr]) -> set[str]:
    """Return the names that come only as exponents or inside exp(), and never under a fraction bar."""
    places: dict[str, set[bool]] = {}
    for _, tree in (*definitions, last):
        for name, free in _list_places(tree, False):
            places.setdefault(name, set()).add(free)
    return {name for name, found in places.items() if found == {True}}


def _list_places(tree: ast.AST, free: bool) -> Iterator[tuple[str, bool]]:
    """Yield (name, whether it may have either sign there) of each name."""
    match tree:
        case ast.Name(id=name):
            yield name, free
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            yield from _list_places(left, False)
            yield from _list_places(right, True)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            yield from _list_places(left, free)
            yield from _list_places(right, False)
        case ast.Call(func=ast.Name(id="exp" | "expm1"), args=arguments):
            for argument in arguments:
                yield from _list_places(argument, True)
        case ast.Call(args=arguments):
            for argument in arguments:
                yield from _list_places(argument, free)
        case _:
            for part in ast.iter_child_nodes(tree):
                yield from _list_places(part, free)


def _list_names(tree: ast.expr) -> list[str]:
    """Return the names in the order of the text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [node.id for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]


def _order(
    definitions: Sequence[tuple[str, ast.expr]], last: tuple[str, ast.expr], found: dict[str, Parameter]
) -> tuple[Parameter, ...]:
    """Return the parameters as the text names them first, the last expression before what it is defined by."""
    names = dict.fromkeys(name for _, tree in (last, *definitions) for name in _list_names(tree))
    return tuple(found[name] for name in names if name in found)


def _find_once(definitions: Sequence[tuple[str, ast.expr]], last: tuple[str, ast.expr]) -> set[str]:
    """Return the names that come once in the whole text, and there in the last expression."""
    counts = Counter(name for _, tree in (*definitions, last) for name in _list_names(tree))
    return {name for name in _list_names(last[1]) if counts[name] == 1}


def _find_coefficient(term: Node, once: set[str]) -> str | None:
    """Return the positive parameter of `once` that multiplies the whole term, if there is one."""
    match term:
        case Parameter(name=name, positive=True) if name in once:
            return name
        case Product(left=left, right=right):
            return _find_coefficient(left, once) or _find_coefficient(right, once)
        case Quotient(left=left):
            return _find_coefficient(left, once)
        case _:
            return None
