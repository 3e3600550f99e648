"""How laws of sequences are found: each kind by the algebra that determines it from the first terms.

Every fit yields laws of its kind that hold for the terms it was determined by; whether one holds for all is checked by
the caller.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from multum.discovery.sequences.laws import (
    Congruence,
    Holonomic,
    Known,
    Law,
    Linear,
    Periodic,
    Polynomial,
    Quadratic,
)
from multum.discovery.sequences.modular import find_null_vector, find_recurrence, read_fractions

# Terms beyond those that determine a law, at least: fewer prove nothing.
SPARE = 3
_LONGEST_RECURRENCE = 24
_LARGEST_ORDER, _LARGEST_DEGREE = 4, 5


def fit_periods(terms: Sequence[int]) -> Iterator[Law]:
    """Yield the shortest period that comes more than twice."""
    for period in range(1, len(terms) // 2):
        if all(a == b for a, b in zip(terms, terms[period:], strict=False)):
            yield Periodic(period)
            return


def fit_polynomials(terms: Sequence[int]) -> Iterator[Law]:
    """Yield the polynomial whose differences vanish, by Newton's forward differences."""
    differences, heads = list(terms), []
    while differences and any(differences):
        heads.append(differences[0])
        differences = [b - a for a, b in pairwise(differences)]
    if len(heads) + SPARE > len(terms):
        return
    coefficients = [Fraction(0)] * max(len(heads), 1)
    binomial = [Fraction(1)]  # of n over k, as a polynomial in n
    for k, head in enumerate(heads):
        for power, value in enumerate(binomial):
            coefficients[power] += head * value
        longer = [Fraction(0), *binomial]
        binomial = [(a - k * b) / (k + 1) for a, b in zip(longer, [*binomial, Fraction(0)], strict=True)]
    yield Polynomial(tuple(coefficients))


def fit_recurrences(terms: Sequence[int]) -> Iterator[Law]:
    """Yield the shortest linear recurrence with constant coefficients."""
    found = find_recurrence(terms)
    if not found or len(found) > _LONGEST_RECURRENCE or 2 * len(found) + SPARE > len(terms):
        return
    coefficients = read_fractions(found)
    if coefficients is not None:
        yield Linear(tuple(coefficients))


def fit_holonomic(terms: Sequence[int]) -> Iterator[Law]:
    """Yield linear recurrences with polynomial coefficients, those with few unknowns first."""
    shapes = [
        (order, degree)
        for order in range(1, _LARGEST_ORDER + 1)
        for degree in range(1, _LARGEST_DEGREE + 1)
        if order + (order + 1) * (degree + 1) - 1 + SPARE <= len(terms)
    ]
    for order, degree in sorted(shapes, key=lambda shape: (shape[0] + 1) * (shape[1] + 1)):
        rows = [
            [n**power * terms[n - back] for back in range(order + 1) for power in range(degree + 1)]
            for n in range(order, len(terms))
        ]
        vector = find_null_vector(rows)
        fractions = None if vector is None else read_fractions(vector)
        if fractions is None:
            continue
        common = math.lcm(*(one.denominator for one in fractions))
        whole = [int(one * common) for one in fractions]
        first = next((one for one in reversed(whole[: degree + 1]) if one), 1)
        divisor = math.gcd(*whole) * (1 if first > 0 else -1)
        whole = [one // divisor for one in whole]
        polynomials = tuple(tuple(whole[i * (degree + 1) : (i + 1) * (degree + 1)]) for i in range(order + 1))
        if any(polynomials[0]) and any(map(any, polynomials[1:])):
            yield Holonomic(polynomials, len(whole))
            return


def fit_quadratics(terms: Sequence[int]) -> Iterator[Law]:
    """Yield a(n) = x a(n-1)**2 + y a(n-1) + z, where three steps determine it."""
    if len(terms) < 4 + SPARE or len(set(terms[:4])) < 4:
        return
    rows = [[1, terms[n - 1], terms[n - 1] ** 2, terms[n]] for n in range(1, len(terms))]
    vector = find_null_vector(rows)
    if vector is None or not vector[3]:
        return
    fractions = read_fractions(vector)
    if fractions is not None and fractions[2]:
        z, y, x = (-one for one in fractions[:3])
        yield Quadratic((x, y, z))


def fit_congruences(terms: Sequence[int]) -> Iterator[Law]:
    """Yield the generator a(n) = (f a(n-1) + s) mod m; m divides all determinants of successive differences."""
    if len(terms) < 6 + SPARE or min(terms) < 0:
        return
    steps = [b - a for a, b in pairwise(terms)]
    modulus = math.gcd(*(a * c - b * b for a, b, c in zip(steps, steps[1:], steps[2:], strict=False)))
    if modulus <= max(terms):
        return
    place = next((n for n, step in enumerate(steps[:-1]) if math.gcd(step, modulus) == 1), None)
    if place is not None:
        factor = steps[place + 1] * pow(steps[place], -1, modulus) % modulus
        yield Congruence(factor, (terms[1] - factor * terms[0]) % modulus, modulus)


def fit_known(terms: Sequence[int]) -> Iterator[Law]:
    """Yield functions of number theory that begin like the terms, from one of their first places on."""
    functions = list_functions()
    for name, (first, function) in functions.items():
        for offset in range(first, first + 3):
            if all(function(offset + n) == term for n, term in enumerate(terms[:SPARE])):
                yield Known(name, function, offset, len(functions))
                break


def list_functions() -> dict[str, tuple[int, Callable[[int], int]]]:
    """Return name -> (the first argument, the function)."""
    from sympy import divisor_count, divisor_sigma, primepi, totient
    from sympy.functions.combinatorial.numbers import bell, partition
    from sympy.ntheory import factorint
    from sympy.ntheory import prime as nth_prime

    return {
        "prime": (1, lambda n: int(nth_prime(n))),
        "primepi": (1, lambda n: int(primepi(n))),
        "divisor_count": (1, lambda n: int(divisor_count(n))),
        "divisor_sigma": (1, lambda n: int(divisor_sigma(n))),
        "totient": (1, lambda n: int(totient(n))),
        "partition": (0, lambda n: int(partition(n))),
        "bell": (0, lambda n: int(bell(n))),
        "prime_factors": (1, lambda n: sum(factorint(n).values())),
        "distinct_prime_factors": (1, lambda n: len(factorint(n))),
        "binary_ones": (0, int.bit_count),
        "decimal_digit_sum": (0, lambda n: sum(map(int, str(n)))),
        "thue_morse": (0, lambda n: n.bit_count() % 2),
        "integer_sqrt": (0, math.isqrt),
        "trailing_zeros": (1, lambda n: (n & -n).bit_length() - 1),
    }


FITS = (
    fit_periods,
    fit_polynomials,
    fit_recurrences,
    fit_congruences,
    fit_quadratics,
    fit_holonomic,
    fit_known,
)
