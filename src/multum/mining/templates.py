"""Templates of a log: lines that differ in a few words become one line with slots, where that shortens the whole.

The code of a log: which template comes, the words of its slots, each slot learning its own; and once, before, each
template itself. Templates are joined where the total gets less. Keeping them apart pays where their slots hold other
words; joining them saves a template. Nothing is known of any kind of log: words with digits begin as slots, all others
as they are.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from multum.mining.lengths import code_best, code_counts, compare_counts, count_integer, share_counts, spell

Words = tuple[str | None, ...]
# How words may begin in common: up to a character that is no letter, before any digit.
_BEFORE = re.compile(r"\D*[^\w]|\D*_")


@dataclass
class Template:
    """words: None for a slot. rows: the lines, from 0. values: of each slot, how often each word came.

    slot_bits: of the words in all slots.
    """

    words: Words
    rows: list[int] = field(default_factory=list)
    values: dict[int, Counter[str]] = field(default_factory=dict)
    slot_bits: float = 0.0

    def settle(self) -> None:
        """Count the bits of all slots anew."""
        self.slot_bits = sum(map(code_slot, self.values.values()))

    def __str__(self) -> str:
        shown = ["<*>".join(find_affixes(self.values[n])) if w is None else w for n, w in enumerate(self.words)]
        return " ".join(shown)


def find_affixes(values: Collection[str]) -> tuple[str, str]:
    """Return what all of several words begin and end with, digits and parts of letters left out."""
    if len(values) < 2:
        return "", ""
    first = _BEFORE.match(_begin_alike(list(values)))
    rest = [word[first.end() :] for word in values] if first else list(values)
    last = _BEFORE.match(_begin_alike([word[::-1] for word in rest]))
    return first[0] if first else "", last[0][::-1] if last else ""


def _begin_alike(words: Collection[str]) -> str:
    """Return what all words begin with."""
    first, last = min(words), max(words)  # what lies between them begins with what both begin with
    return first[: next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def code_slot(values: Counter[str]) -> float:
    """Return the bits of the words of a slot, each spelled once but for how all of them begin and end."""
    before, after = find_affixes(values)
    inner = [word[len(before) : len(word) - len(after)] for word in values]
    return code_best(values.values()) + spell([before]) + spell([after]) + spell(inner)


def define(words: Words) -> float:
    """Return the bits of how many words a template has, and which are slots; the words are in the book's account."""
    return count_integer(len(words) + 1) + len(words)


class Book:
    """Templates of the lines of a log, and what all of it takes. lines: the words of each."""

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        known: dict[Words, Template] = {}
        for row, line in enumerate(lines):
            words = tuple(None if any(map(str.isdigit, word)) else word for word in line)
            template = known.setdefault(words, Template(words))
            template.rows.append(row)
            for place, word in enumerate(line):
                if words[place] is None:
                    template.values.setdefault(place, Counter())[word] += 1
        self.templates = dict(enumerate(known.values()))
        self.words: Counter[str] = Counter()  # of all templates
        for template in self.templates.values():
            template.settle()
            self.words.update(_list_constants(template.words))
        self._next = len(known)

    def count_bits(self) -> tuple[float, float]:
        """Return the bits of (templates, lines given these)."""
        order = code_counts([len(one.rows) for one in self.templates.values()])
        slots = sum(one.slot_bits for one in self.templates.values())
        shapes = sum(define(one.words) for one in self.templates.values())
        words = code_counts(self.words.values()) + sum(spell([word]) for word in self.words)
        return shapes + words, order + slots

    def share_bits(self) -> dict[int, float]:
        """Return what each template and its lines take of the sum of count_bits."""
        words = share_counts(self.words, lambda word: spell([word]))
        order = share_counts({number: len(one.rows) for number, one in self.templates.items()}, lambda _: 0.0)
        return {
            number: one.slot_bits
            + define(one.words)
            + sum(map(words.__getitem__, _list_constants(one.words)))
            + order[number] * len(one.rows)
            for number, one in self.templates.items()
        }

    def weigh(self, members: Sequence[int], words: Words) -> tuple[float, Template]:
        """Return (bits saved by joining templates into one of `words`, that template)."""
        olds = [self.templates[number] for number in members]
        joined = _join(olds, words)
        slots = sum(one.slot_bits for one in olds) - joined.slot_bits
        shapes = sum(define(one.words) for one in olds) - define(words)
        order = compare_counts(0, 0, [*((len(one.rows), 0) for one in olds), (0, len(joined.rows))])
        return slots + shapes + order + self.weigh_words([one.words for one in olds], words), joined

    def weigh_words(self, olds: Iterable[Words], new: Words) -> float:
        """Return the bits saved by writing the words of one template instead of those of others."""
        gone = Counter(word for words in olds for word in _list_constants(words))
        gone.subtract(_list_constants(new))
        changes = [(word, self.words[word], self.words[word] - times) for word, times in gone.items() if times]
        spelled = sum(spell([word]) * ((now == 0) - (was == 0)) for word, was, now in changes)
        total = self.words.total()
        return compare_counts(total, total - gone.total(), [(was, now) for _, was, now in changes]) + spelled

    def join(self, members: Sequence[int], joined: Template) -> None:
        """Put `joined` in the place of `members`."""
        for old in members:
            self.words.subtract(_list_constants(self.templates.pop(old).words))
        self.words.update(_list_constants(joined.words))
        self.words = +self.words
        self.templates[self._next] = joined
        self._next += 1

    def fix(self, template: Template) -> None:
        """Make slots that always hold one word into that word where this is shorter."""
        for place in [place for place, values in template.values.items() if len(values) == 1]:
            words = list(template.words)
            (word,) = template.values[place]
            words[place] = word
            if code_slot(template.values[place]) + self.weigh_words([template.words], tuple(words)) > 0:
                self.words[word] += 1
                template.words = tuple(words)
                del template.values[place]
        template.settle()


def _list_constants(words: Words) -> list[str]:
    """Return the words that are no slots."""
    return [word for word in words if word is not None]


def _join(olds: Sequence[Template], words: Words) -> Template:
    """Return the template of `words` that others of as many words are joined into."""
    joined = Template(words)
    joined.values = {place: Counter() for place, word in enumerate(words) if word is None}
    for old in olds:
        joined.rows += old.rows
        for place, values in joined.values.items():
            word = old.words[place]
            if word is None:
                values.update(old.values[place])
            else:
                values[word] += len(old.rows)
    joined.settle()
    return joined
