"""Linear algebra in a prime field, and the way back to fractions.

A law over the fractions is one modulo a prime too, where numbers do not grow: it is looked for there, its coefficients
are read as fractions, and the law is believed only when it holds for the integers themselves.
"""

from collections.abc import Sequence
from fractions import Fraction

# The largest prime whose fractions with numerator and denominator under 2**30 are all different.
PRIME = (1 << 61) - 1
_LARGEST = 1 << 30


def find_recurrence(terms: Sequence[int]) -> list[int]:
    """Return c with a(n) = sum of c[i] a(n-1-i) modulo PRIME for all n >= len(c), the shortest such.

    Source: Berlekamp 1968, Massey 1969.
    """
    current, before = [1], [1]
    length, shift, last = 0, 1, 1
    for place, term in enumerate(terms):
        discrepancy = term % PRIME
        for back in range(1, length + 1):
            if back < len(current):
                discrepancy = (discrepancy + current[back] * terms[place - back]) % PRIME
        if discrepancy == 0:
            shift += 1
            continue
        factor = discrepancy * pow(last, -1, PRIME) % PRIME
        updated = current + [0] * (len(before) + shift - len(current))
        for index, value in enumerate(before):
            updated[index + shift] = (updated[index + shift] - factor * value) % PRIME
        if 2 * length <= place:
            before, last, length, shift = current, discrepancy, place + 1 - length, 1
        else:
            shift += 1
        current = updated
    padded = current + [0] * (length + 1 - len(current))
    return [(-value) % PRIME for value in padded[1 : length + 1]]


def find_null_vector(rows: Sequence[Sequence[int]]) -> list[int] | None:
    """Return a vector that all rows vanish on modulo PRIME, with a 1 in its last place that is not 0; None for none."""
    if not rows:
        return None
    width = len(rows[0])
    matrix = [[value % PRIME for value in row] for row in rows]
    pivots: list[int] = []
    for column in range(width):
        top = len(pivots)
        place = next((one for one in range(top, len(matrix)) if matrix[one][column]), None)
        if place is None:
            vector = [0] * width
            vector[column] = 1
            for row, pivot in enumerate(pivots):
                vector[pivot] = -matrix[row][column] % PRIME
            return vector
        matrix[top], matrix[place] = matrix[place], matrix[top]
        inverse = pow(matrix[top][column], -1, PRIME)
        matrix[top] = [value * inverse % PRIME for value in matrix[top]]
        for other in range(len(matrix)):
            factor = matrix[other][column]
            if other != top and factor:
                matrix[other] = [(a - factor * b) % PRIME for a, b in zip(matrix[other], matrix[top], strict=True)]
        pivots.append(column)
    return None


def read_fraction(value: int) -> Fraction | None:
    """Return the fraction with numerator and denominator under 2**30 that is `value` modulo PRIME, or None."""
    before, last = (PRIME, 0), (value % PRIME, 1)
    while last[0] >= _LARGEST:
        quotient = before[0] // last[0]
        before, last = last, (before[0] - quotient * last[0], before[1] - quotient * last[1])
    if last[1] == 0 or abs(last[1]) >= _LARGEST:
        return None
    return Fraction(last[0], last[1])


def read_fractions(values: Sequence[int]) -> list[Fraction] | None:
    """Return all values as fractions, or None where one of them is none."""
    found = [read_fraction(value) for value in values]
    return None if any(one is None for one in found) else [one for one in found if one is not None]
