"""`discover sequence`: the shortest law of a sequence of integers, with its certificate."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from multum.discovery.sequences.fitting import FITS, SPARE
from multum.discovery.sequences.laws import Law, count_bits
from multum.errors import UsageError

FEWEST_TERMS = 6
MOST_TERMS = 10_000
# More terms than these teach nothing; all are checked.
_FITTED_TERMS = 80
_LONGEST_NUMBER = 2000
# A law must save so many bits: chance does that once in a million times.
_SAVED_BITS = 20.0
_KINDS_BITS = math.log2(len(FITS))


@dataclass(frozen=True)
class SequenceReport:
    """The shortest law found of a sequence; law is None where none is believed.

    kind: polynomial, periodic, C-finite, congruential, quadratic recurrence, P-recursive, known, or "". initial: the
    terms that must be given. fitted_terms: that determine the law; checked_terms: that it gives besides, all of them
    right. law_bits: with its initial terms. raw_bits: of the terms. following: what comes next by the law.
    """

    law: str | None
    kind: str
    initial: tuple[int, ...]
    terms: int
    fitted_terms: int
    checked_terms: int
    law_bits: float
    raw_bits: float
    following: tuple[int, ...]

    @property
    def found(self) -> bool:
        """Whether there is a law."""
        return self.law is not None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; integers of any size as JSON has them."""
        return dict(vars(self)) | {"found": self.found}

    def __str__(self) -> str:
        """Return a few lines for people."""
        if self.law is None:
            return f"no law; {self.terms} terms, {self.raw_bits:,.0f} bits"
        given = f", after {', '.join(map(str, self.initial))}" if self.initial else ""
        return "\n".join(
            [
                f"{self.law}{given}",
                f"{self.kind}: {self.checked_terms} terms checked beyond the {self.fitted_terms} that determine it;"
                f" {self.raw_bits:,.0f} bits alone, {self.law_bits:,.0f} by the law",
                f"next: {', '.join(map(str, self.following))}",
            ]
        )


def discover_sequence(terms: Iterable[int], *, start: int = 0, following: int = 5) -> SequenceReport:
    """Return the shortest law of integers, or a report without one.

    start: the index of the first term, for the text. following: how many next terms to give. A law is believed when it
    gives every term, several of them beyond those that determine it, and takes 20 bits less than the terms.
    Raises UsageError.
    """
    given = check_terms(terms)
    if following < 0:
        raise UsageError(f"{following} next terms; give 0 or more")
    raw_bits = count_raw_bits(given)
    best: tuple[float, Law] | None = None
    for fit in FITS:
        for law in fit(given[:_FITTED_TERMS]):
            if len(given) - law.fitted >= SPARE and _holds(law, given):
                bits = _KINDS_BITS + law.count_bits() + sum(map(count_bits, given[: law.initial]))
                if bits + _SAVED_BITS <= raw_bits and (best is None or bits < best[0]):
                    best = bits, law
    if best is None:
        return SequenceReport(None, "", (), len(given), 0, 0, raw_bits, raw_bits, ())
    bits, law = best
    return SequenceReport(
        law=law.write(start),
        kind=law.kind,
        initial=tuple(given[: law.initial]),
        terms=len(given),
        fitted_terms=law.fitted,
        checked_terms=len(given) - law.fitted,
        law_bits=bits,
        raw_bits=raw_bits,
        following=_continue(law, given, following),
    )


def check_terms(terms: Iterable[int]) -> list[int]:
    """Return the terms as integers. Raises UsageError for others, and for too few or too many."""
    given = list(terms)
    wrong = [term for term in given if isinstance(term, bool) or int(term) != term]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is no integer; a sequence is of integers")
    if not FEWEST_TERMS <= len(given) <= MOST_TERMS:
        raise UsageError(f"{len(given)} terms; a law needs {FEWEST_TERMS:,} to {MOST_TERMS:,}")
    return [int(term) for term in given]


def read_terms(text: str) -> list[int]:
    """Return the integers in a text, separated by commas or spaces. Raises UsageError quoting what is none."""
    found = []
    for word in re.split(r"[\s,;]+", text.strip().strip("[]")):
        if not re.fullmatch(r"[+-]?\d+", word) or len(word) > _LONGEST_NUMBER:
            raise UsageError(f"'{word[:40]}' is no integer; write terms as 1,1,2,3,5,8,13")
        found.append(int(word))
    return found


def count_raw_bits(terms: Sequence[int]) -> float:
    """Return the bits of terms without a law, by the shortest of three codes.

    Each by itself; all of one length, from the least to the greatest; by how often each value comes.
    """
    singly = sum(map(count_bits, terms))
    low, high = min(terms), max(terms)
    evenly = count_bits(low) + count_bits(high - low) + len(terms) * math.log2(high - low + 1)
    counts = Counter(terms)
    table = sum(count_bits(value) + count_bits(count) for value, count in counts.items())
    often = table - sum(count * math.log2(count / len(terms)) for count in counts.values())
    return min(singly, evenly, often)


def _holds(law: Law, terms: Sequence[int]) -> bool:
    """Return whether the law gives every term after the initial ones."""
    return all(law.next_term(n, terms[:n]) == terms[n] for n in range(law.initial, len(terms)))


def _continue(law: Law, terms: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the next terms, as far as the law gives integers."""
    longer = list(terms)
    for n in range(len(terms), len(terms) + count):
        term = law.next_term(n, longer)
        if term is None:
            break
        longer.append(term)
    return tuple(longer[len(terms) :])
