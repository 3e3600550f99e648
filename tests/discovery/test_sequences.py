"""Sequences with a law get it, with a certificate; those without get none."""

import math
import random
from collections.abc import Callable

import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.sequences.finder import count_raw_bits, discover_sequence, read_terms
from multum.discovery.sequences.modular import PRIME, find_null_vector, find_recurrence, read_fraction
from multum.errors import UsageError


def _repeat(first: list[int], step: Callable[..., int], count: int = 26) -> list[int]:
    while len(first) < count:
        first.append(step(first, len(first)))
    return first


def _choose(n: int, k: int) -> int:
    return math.comb(n, k)


# Name -> (terms, kind). The names are those of the On-Line Encyclopedia of Integer Sequences.
KNOWN: dict[str, tuple[list[int], str]] = {
    "squares": ([n * n for n in range(20)], "polynomial"),
    "triangular": ([n * (n + 1) // 2 for n in range(20)], "polynomial"),
    "cake numbers": ([(n**3 + 5 * n + 6) // 6 for n in range(20)], "polynomial"),
    "negative odd": ([1 - 2 * n for n in range(20)], "polynomial"),
    "period three": ([1, 0, 2] * 8, "periodic"),
    "Fibonacci": (_repeat([0, 1], lambda a, _: a[-1] + a[-2]), "C-finite"),
    "Lucas": (_repeat([2, 1], lambda a, _: a[-1] + a[-2]), "C-finite"),
    "Pell": (_repeat([0, 1], lambda a, _: 2 * a[-1] + a[-2]), "C-finite"),
    "tribonacci": (_repeat([0, 0, 1], lambda a, _: sum(a[-3:])), "C-finite"),
    "Padovan": (_repeat([1, 1, 1], lambda a, _: a[-2] + a[-3]), "C-finite"),
    "Jacobsthal": (_repeat([0, 1], lambda a, _: a[-1] + 2 * a[-2]), "C-finite"),
    "powers of 2": ([2**n for n in range(20)], "C-finite"),
    "quarter squares": ([n * n // 4 for n in range(26)], "C-finite"),
    "Mersenne": ([2**n - 1 for n in range(20)], "C-finite"),
    "factorial": ([math.factorial(n) for n in range(20)], "P-recursive"),
    "Catalan": ([_choose(2 * n, n) // (n + 1) for n in range(20)], "P-recursive"),
    "central binomial": ([_choose(2 * n, n) for n in range(20)], "P-recursive"),
    "derangements": (_repeat([1, 0], lambda a, n: (n - 1) * (a[-1] + a[-2])), "P-recursive"),
    "involutions": (_repeat([1, 1], lambda a, n: a[-1] + (n - 1) * a[-2]), "P-recursive"),
    "Delannoy": ([sum(_choose(n, k) * _choose(n + k, k) for k in range(n + 1)) for n in range(20)], "P-recursive"),
    "Motzkin": (
        [sum(_choose(n, 2 * k) * _choose(2 * k, k) // (k + 1) for k in range(n // 2 + 1)) for n in range(24)],
        "P-recursive",
    ),
    "Franel": ([sum(_choose(n, k) ** 3 for k in range(n + 1)) for n in range(24)], "P-recursive"),
    "Apery": ([sum((_choose(n, k) * _choose(n + k, k)) ** 2 for k in range(n + 1)) for n in range(26)], "P-recursive"),
    "Sylvester": (_repeat([2], lambda a, _: a[-1] ** 2 - a[-1] + 1, 9), "quadratic recurrence"),
    "congruential": (_repeat([7], lambda a, _: (a[-1] * 1103515245 + 12345) % 2**31), "congruential"),
    "primes": ([p for p in range(2, 110) if all(p % d for d in range(2, p))], "known"),
    "totients": ([sum(math.gcd(n, k) == 1 for k in range(1, n + 1)) for n in range(1, 40)], "known"),
    "divisors": ([sum(n % d == 0 for d in range(1, n + 1)) for n in range(1, 60)], "known"),
    "sums of divisors": ([sum(d for d in range(1, n + 1) if n % d == 0) for n in range(1, 40)], "known"),
    "Thue-Morse": ([n.bit_count() % 2 for n in range(64)], "known"),
    "Bell": ([1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147, 115975, 678570], "known"),
    "partitions": ([1, 1, 2, 3, 5, 7, 11, 15, 22, 30, 42, 56, 77, 101, 135, 176], "known"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_law_is_found_and_gives_terms_that_it_never_saw(name: str) -> None:
    terms, kind = KNOWN[name]
    report = discover_sequence(terms[:-2], following=2)
    assert report.kind == kind, report
    assert list(report.following) == terms[-2:]
    assert report.checked_terms >= 3
    assert report.fitted_terms + report.checked_terms == len(terms) - 2
    assert report.law_bits + 20 <= report.raw_bits


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("triangular", "a(n) = n*(n + 1)/2"),
        ("Fibonacci", "a(n) = a(n-1) + a(n-2)"),
        ("Sylvester", "a(n) = a(n-1)**2 - a(n-1) + 1"),
        ("factorial", "a(n) = n*a(n-1)"),
        ("totients", "a(n) = totient(n+1)"),
    ],
)
def test_laws_are_written_as_people_do(name: str, law: str) -> None:
    assert discover_sequence(KNOWN[name][0]).law == law


def test_the_index_of_the_first_term_is_minded() -> None:
    assert discover_sequence(KNOWN["totients"][0], start=1).law == "a(n) = totient(n)"
    assert discover_sequence([n * n for n in range(1, 20)], start=1).law == "a(n) = n**2"


def test_random_sequences_get_no_law() -> None:
    generator = random.Random(0)
    for number in range(60):
        largest = generator.choice([1, 3, 9, 99, 10**6])
        terms = [generator.randint(0, largest) for _ in range(generator.randint(6, 40))]
        if number % 3 == 0:
            terms = sorted(terms)
        report = discover_sequence(terms)
        assert not report.found or len(set(terms)) == 1, (terms, report)


def test_one_wrong_term_undoes_a_law() -> None:
    terms = [n * n for n in range(20)]
    terms[17] += 1
    assert discover_sequence(terms).law is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,x", "'x' is no integer"),
        ("", "is no integer"),
        ("1.5,2", "'1.5' is no integer"),
        ("9" * 3000, "is no integer"),
    ],
)
def test_what_is_no_sequence_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_terms(text)


def test_too_few_and_odd_terms_are_refused() -> None:
    with pytest.raises(UsageError, match="3 terms; a law needs 6 to 10,000"):
        discover_sequence([1, 2, 3])
    with pytest.raises(UsageError, match=r"1\.5 is no integer"):
        discover_sequence([1, 1.5, 2, 3, 4, 5])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="-1 next terms"):
        discover_sequence(range(10), following=-1)


def test_the_shortest_of_three_codes_is_the_yardstick() -> None:
    assert count_raw_bits([7] * 100) < 20
    assert count_raw_bits([0, 1] * 50) < 120
    assert count_raw_bits(list(range(1000, 1100))) < 100 * 7 + 40


def test_algebra_modulo_the_prime_comes_back_to_fractions() -> None:
    assert find_recurrence([1, 1, 2, 3, 5, 8, 13, 21]) == [1, 1]
    vector = find_null_vector([[1, 2, 5], [3, 4, 11]])
    assert vector is not None
    assert [(a * vector[0] + b * vector[1] + c * vector[2]) % PRIME for a, b, c in ([1, 2, 5], [3, 4, 11])] == [0, 0]
    assert find_null_vector([[1, 0], [0, 1]]) is None
    third = read_fraction(pow(3, -1, PRIME) * -2 % PRIME)
    assert third is not None
    assert (third.numerator, third.denominator) == (-2, 3)
