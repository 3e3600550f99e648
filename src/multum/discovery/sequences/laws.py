"""Kinds of laws of sequences: what each says, what it takes to write it down, and how it goes on.

Every law gives a(n) from n and the terms before it, exactly, or says that it cannot.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


def count_bits(number: int) -> float:
    """Return the bits of an integer in a prefix code: sign, length, digits."""
    return 1.0 if number == 0 else 2.0 * abs(number).bit_length() + 1.0


def count_fraction_bits(number: Fraction) -> float:
    """Return the bits of a fraction: numerator, and denominator less 1."""
    return count_bits(number.numerator) + count_bits(number.denominator - 1)


class Law(Protocol):
    """What all kinds have."""

    @property
    def kind(self) -> str:
        """The name of the kind."""

    @property
    def initial(self) -> int:
        """How many terms must be given."""

    @property
    def fitted(self) -> int:
        """How many terms determine the law; those after are checks."""

    def next_term(self, n: int, before: Sequence[int]) -> int | None:
        """Return a(n) from the terms before it, n counted from the first; None where the law gives no integer."""

    def count_bits(self) -> float:
        """Return what the law takes without its initial terms."""

    def write(self, start: int) -> str:
        """Return the law as text, where the first term is a(start)."""


@dataclass(frozen=True)
class Polynomial:
    """coefficients: fractions, of 1, n, n**2, ..., n counted from the first term."""

    coefficients: tuple[Fraction, ...]
    kind: str = "polynomial"
    initial: int = 0

    @property
    def fitted(self) -> int:
        """A polynomial is determined by as many terms as it has coefficients."""
        return len(self.coefficients)

    def next_term(self, n: int, before: Sequence[int]) -> int | None:  # noqa: ARG002 - n alone tells
        """Return the polynomial's value."""
        value = sum((c * n**power for power, c in enumerate(self.coefficients)), Fraction(0))
        return value.numerator if value.denominator == 1 else None

    def count_bits(self) -> float:
        """Return the bits of the degree and the coefficients."""
        return count_bits(len(self.coefficients)) + sum(map(count_fraction_bits, self.coefficients))

    def write(self, start: int) -> str:
        """Return the polynomial in n, factored."""
        return f"a(n) = {write_polynomial(self.coefficients, start, factored=True)}"


@dataclass(frozen=True)
class Periodic:
    """a(n) = a(n - period)."""

    period: int
    kind: str = "periodic"

    @property
    def initial(self) -> int:
        """One period must be given."""
        return self.period

    @property
    def fitted(self) -> int:
        """The first period says nothing about the law."""
        return self.period

    def next_term(self, n: int, before: Sequence[int]) -> int | None:  # noqa: ARG002 - the terms tell
        """Return the term a period before."""
        return before[-self.period]

    def count_bits(self) -> float:
        """Return the bits of the period."""
        return count_bits(self.period)

    def write(self, start: int) -> str:  # noqa: ARG002 - the same from anywhere
        """Return the equation."""
        return f"a(n) = a(n-{self.period})" if self.period > 1 else "a(n) = a(n-1)"


@dataclass(frozen=True)
class Linear:
    """A recurrence with constant coefficients: a(n) = sum of coefficients[i] a(n-1-i)."""

    coefficients: tuple[Fraction, ...]
    kind: str = "C-finite"

    @property
    def initial(self) -> int:
        """As many terms as it looks back."""
        return len(self.coefficients)

    @property
    def fitted(self) -> int:
        """Two terms a coefficient determine it."""
        return 2 * len(self.coefficients)

    def next_term(self, n: int, before: Sequence[int]) -> int | None:  # noqa: ARG002 - the terms tell
        """Return the sum."""
        value = sum((c * before[-1 - back] for back, c in enumerate(self.coefficients)), Fraction(0))
        return value.numerator if value.denominator == 1 else None

    def count_bits(self) -> float:
        """Return the bits of the order and the coefficients."""
        return count_bits(len(self.coefficients)) + sum(map(count_fraction_bits, self.coefficients))

    def write(self, start: int) -> str:  # noqa: ARG002 - the same from anywhere
        """Return the equation."""
        return f"a(n) = {_write_sum([(c, f'a(n-{back})') for back, c in enumerate(self.coefficients, 1)])}"


@dataclass(frozen=True)
class Holonomic:
    """A recurrence with polynomial coefficients: sum of polynomials[i](n) a(n-i) = 0.

    polynomials: integers, of 1, n, ..., n counted from the first term, for i = 0, 1, ...; unknowns: of the fit.
    """

    polynomials: tuple[tuple[int, ...], ...]
    unknowns: int
    kind: str = "P-recursive"

    @property
    def initial(self) -> int:
        """As many terms as it looks back."""
        return len(self.polynomials) - 1

    @property
    def fitted(self) -> int:
        """The initial terms, and an equation for each coefficient but one."""
        return self.initial + self.unknowns - 1

    def next_term(self, n: int, before: Sequence[int]) -> int | None:
        """Return the term that makes the sum vanish; None where its own polynomial does."""
        first, *others = (sum(c * n**power for power, c in enumerate(one)) for one in self.polynomials)
        total = -sum(value * before[-back] for back, value in enumerate(others, 1))
        return total // first if first and total % first == 0 else None

    def count_bits(self) -> float:
        """Return the bits of order, degree and coefficients."""
        coefficients = [value for one in self.polynomials for value in one]
        shape = count_bits(len(self.polynomials)) + count_bits(len(self.polynomials[0]))
        return shape + sum(map(count_bits, coefficients))

    def write(self, start: int) -> str:
        """Return the equation."""
        left, *right = (
            _write_product(one if back == 0 else [-value for value in one], back, start)
            for back, one in enumerate(self.polynomials)
            if any(one)
        )
        return f"{left} = {' + '.join(right)}"


@dataclass(frozen=True)
class Quadratic:
    """a(n) = x a(n-1)**2 + y a(n-1) + z."""

    coefficients: tuple[Fraction, Fraction, Fraction]
    kind: str = "quadratic recurrence"
    initial: int = 1
    fitted: int = 4

    def next_term(self, n: int, before: Sequence[int]) -> int | None:  # noqa: ARG002 - the terms tell
        """Return the value."""
        x, y, z = self.coefficients
        value = x * before[-1] ** 2 + y * before[-1] + z
        return value.numerator if value.denominator == 1 else None

    def count_bits(self) -> float:
        """Return the bits of the coefficients."""
        return sum(map(count_fraction_bits, self.coefficients))

    def write(self, start: int) -> str:  # noqa: ARG002 - the same from anywhere
        """Return the equation."""
        x, y, z = self.coefficients
        return f"a(n) = {_write_sum([(x, 'a(n-1)**2'), (y, 'a(n-1)'), (z, '')])}"


@dataclass(frozen=True)
class Congruence:
    """a(n) = (factor a(n-1) + shift) mod modulus."""

    factor: int
    shift: int
    modulus: int
    kind: str = "congruential"
    initial: int = 1
    fitted: int = 6

    def next_term(self, n: int, before: Sequence[int]) -> int | None:  # noqa: ARG002 - the terms tell
        """Return the residue."""
        return (self.factor * before[-1] + self.shift) % self.modulus

    def count_bits(self) -> float:
        """Return the bits of the three numbers."""
        return sum(map(count_bits, (self.factor, self.shift, self.modulus)))

    def write(self, start: int) -> str:  # noqa: ARG002 - the same from anywhere
        """Return the equation."""
        return f"a(n) = ({self.factor}*a(n-1) + {self.shift}) mod {self.modulus}"


@dataclass(frozen=True)
class Known:
    """A function of number theory by name. offset: a(first) is its value there. choices: how many there were."""

    name: str
    function: Callable[[int], int]
    offset: int
    choices: int
    kind: str = "known"
    initial: int = 0
    fitted: int = 0

    def next_term(self, n: int, before: Sequence[int]) -> int | None:  # noqa: ARG002 - n alone tells
        """Return the function's value."""
        return self.function(n + self.offset)

    def count_bits(self) -> float:
        """Return the bits of which function, and from where."""
        return math.log2(self.choices) + count_bits(self.offset)

    def write(self, start: int) -> str:
        """Return the name."""
        shift = self.offset - start
        return f"a(n) = {self.name}({'n' if not shift else f'n{shift:+d}'})"


def write_polynomial(coefficients: Sequence[Fraction], start: int, factored: bool = False) -> str:
    """Return a polynomial in n as text, where it is given in n - start."""
    from sympy import Poly, Rational, Symbol, factor

    n = Symbol("n")
    terms = [Rational(c.numerator, c.denominator) for c in reversed(coefficients)]
    moved = Poly(terms, n).as_expr().subs(n, n - start).expand()
    return str(factor(moved) if factored else moved)


def _write_product(polynomial: Sequence[int], back: int, start: int) -> str:
    """Return a polynomial in n times the term so far back."""
    front = write_polynomial([Fraction(value) for value in polynomial], start, factored=True)
    term = f"a(n-{back})" if back else "a(n)"
    if front == "1":
        return term
    return f"({front})*{term}" if _is_sum(front) else f"{front}*{term}"


def _is_sum(text: str) -> bool:
    """Return whether a sign between terms stands outside all brackets."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and place and letter in "+-":
            return True
    return False


def _write_sum(terms: Sequence[tuple[Fraction, str]]) -> str:
    """Return a sum such as 2*a(n-1) - a(n-2)."""
    text = ""
    for factor, name in terms:
        if not factor:
            continue
        size = abs(factor)
        shown = name if size == 1 and name else f"{size}*{name}" if name else str(size)
        sign = "-" if factor < 0 else "+"
        text += f" {sign} {shown}" if text else f"-{shown}" if factor < 0 else shown
    return text or "0"
