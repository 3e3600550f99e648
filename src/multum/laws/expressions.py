"""Trees of a formula, evaluated with slopes; positive ones also as logarithms.

Residuals of a law are differences of logarithms, so a tree is asked for its logarithm: products become sums, powers
become products, and sums log-sum-exp. What is not surely positive is evaluated as it is, and its logarithm taken last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from multum.laws import jets
from multum.laws.jets import Array, Jet


@dataclass
class Scope:
    """What names stand for while a tree is evaluated.

    columns: positive values, [points] each. values, logs: of parameters; logs only of positive ones. Results of parts
    that a formula names once and uses again are kept in `seen`.
    """

    columns: dict[str, Array]
    column_logs: dict[str, Array]
    values: dict[str, Jet]
    logs: dict[str, Jet]
    seen: dict[tuple[int, bool], Jet] = field(default_factory=dict)


class Node:
    """A part of a formula."""

    def is_positive(self) -> bool:
        """Return whether it is above zero whatever the parameters are."""
        return False

    def parts(self) -> "tuple[Node, ...]":
        """Return what it is made of."""
        return ()

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value. Not defined here."""
        raise NotImplementedError

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the natural logarithm of the value; NaN where that is not positive."""
        return jets.log(self.evaluate(scope))


@dataclass(frozen=True, eq=False)
class Number(Node):
    """A constant."""

    number: float

    def is_positive(self) -> bool:
        """Return whether it is above zero."""
        return self.number > 0

    def evaluate(self, scope: Scope) -> Jet:  # noqa: ARG002 - a constant asks nobody
        """Return the value."""
        return jets.constant(self.number)


@dataclass(frozen=True, eq=False)
class Column(Node):
    """A variable of the points; all are positive."""

    name: str

    def is_positive(self) -> bool:
        """Return True."""
        return True

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        return jets.constant(scope.columns[self.name])

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the logarithm."""
        return jets.constant(scope.column_logs[self.name])


@dataclass(frozen=True, eq=False)
class Parameter(Node):
    """What is fitted. A positive one is fitted as its logarithm."""

    name: str
    positive: bool = True

    def is_positive(self) -> bool:
        """Return whether it is fitted as one."""
        return self.positive

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        return scope.values[self.name]

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the logarithm."""
        return scope.logs[self.name] if self.positive else jets.log(scope.values[self.name])


@dataclass(frozen=True, eq=False)
class Sum(Node):
    """Two or more terms."""

    terms: tuple[Node, ...]

    def is_positive(self) -> bool:
        """Return whether every term is."""
        return all(term.is_positive() for term in self.terms)

    def parts(self) -> tuple[Node, ...]:
        """Return the terms."""
        return self.terms

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        return jets.add(*(evaluate(term, scope) for term in self.terms))

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the logarithm, by log-sum-exp of positive terms."""
        if not self.is_positive():
            return super().evaluate_log(scope)
        return jets.add_logs(*(evaluate_log(term, scope) for term in self.terms))


@dataclass(frozen=True, eq=False)
class Negative(Node):
    """Minus a part."""

    part: Node

    def parts(self) -> tuple[Node, ...]:
        """Return the part."""
        return (self.part,)

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        return jets.negate(evaluate(self.part, scope))


@dataclass(frozen=True, eq=False)
class Binary(Node):
    """Two parts of which the result is positive when both are."""

    left: Node
    right: Node

    def is_positive(self) -> bool:
        """Return whether both are."""
        return self.left.is_positive() and self.right.is_positive()

    def parts(self) -> tuple[Node, ...]:
        """Return both."""
        return self.left, self.right


class Product(Binary):
    """One part times the other."""

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        return jets.multiply(evaluate(self.left, scope), evaluate(self.right, scope))

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the sum of logarithms."""
        if not self.is_positive():
            return super().evaluate_log(scope)
        return jets.add(evaluate_log(self.left, scope), evaluate_log(self.right, scope))


class Quotient(Binary):
    """One part over the other."""

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        return jets.divide(evaluate(self.left, scope), evaluate(self.right, scope))

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the difference of logarithms."""
        if not self.is_positive():
            return super().evaluate_log(scope)
        return jets.add(evaluate_log(self.left, scope), jets.negate(evaluate_log(self.right, scope)))


class Power(Binary):
    """A positive base to any exponent."""

    def is_positive(self) -> bool:
        """Return whether the base is."""
        return self.left.is_positive()

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value, by way of its logarithm."""
        return jets.exp(evaluate_log(self, scope))

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the exponent times the logarithm of the base."""
        return jets.multiply(evaluate(self.right, scope), evaluate_log(self.left, scope))


@dataclass(frozen=True, eq=False)
class Call(Node):
    """A function of FUNCTIONS."""

    name: str
    arguments: tuple[Node, ...]

    def is_positive(self) -> bool:
        """Return whether it is whatever the parameters are; of a logarithm that is not known."""
        if self.name == "max":
            return any(argument.is_positive() for argument in self.arguments)
        return self.name == "exp" or (
            self.name not in ("log", "expm1") and all(argument.is_positive() for argument in self.arguments)
        )

    def parts(self) -> tuple[Node, ...]:
        """Return the arguments."""
        return self.arguments

    def evaluate(self, scope: Scope) -> Jet:
        """Return the value."""
        _, function = FUNCTIONS[self.name]
        return function(*(evaluate(argument, scope) for argument in self.arguments))

    def evaluate_log(self, scope: Scope) -> Jet:
        """Return the logarithm; that of e ** x is x."""
        if self.name == "exp":
            return evaluate(self.arguments[0], scope)
        return super().evaluate_log(scope)


def _sqrt(jet: Jet) -> Jet:
    root = np.sqrt(jet.value)
    return jets.chain(root, (jet, 0.5 / root))


def _expm1(jet: Jet) -> Jet:
    return jets.chain(np.expm1(jet.value), (jet, np.exp(jet.value)))


def _least(*arguments: Jet) -> Jet:
    return reduce(lambda left, right: jets.choose(left, right, left.value <= right.value), arguments)


def _most(*arguments: Jet) -> Jet:
    return reduce(lambda left, right: jets.choose(left, right, left.value >= right.value), arguments)


# Name -> (how many arguments, None for two or more; the function).
FUNCTIONS: dict[str, tuple[int | None, Callable[..., Jet]]] = {
    "exp": (1, jets.exp),
    "expm1": (1, _expm1),
    "log": (1, jets.log),
    "sqrt": (1, _sqrt),
    "min": (None, _least),
    "max": (None, _most),
}


def evaluate(node: Node, scope: Scope) -> Jet:
    """Return the value of a part, computed once in a scope."""
    key = (id(node), False)
    if key not in scope.seen:
        scope.seen[key] = node.evaluate(scope)
    return scope.seen[key]


def evaluate_log(node: Node, scope: Scope) -> Jet:
    """Return the logarithm of a part, computed once in a scope."""
    key = (id(node), True)
    if key not in scope.seen:
        scope.seen[key] = node.evaluate_log(scope)
    return scope.seen[key]


def walk(node: Node) -> Iterator[Node]:
    """Yield a part and all it is made of, each once, however often a formula uses it."""
    waiting, seen = [node], {id(node)}
    while waiting:
        found = waiting.pop()
        yield found
        fresh = [part for part in found.parts() if id(part) not in seen]
        seen.update(map(id, fresh))
        waiting += reversed(fresh)
