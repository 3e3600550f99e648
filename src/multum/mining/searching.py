"""The search for templates to join: those that differ in one word, or in two.

Whether a join saves bits is what `multum.mining.templates` says.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from multum.mining.templates import Book, Words

# Longer lines are compared at one place at a time only: pairs of their places are too many.
_PAIRED_WORDS = 40
# At a place with fewer different words, none with a digit, they are taken for what a program says, not for what it says
# it of: "Accepted" and "Failed" are two events, though one template of both may be shorter by a few bits.
_SLOT_WORDS = 3
# Of templates that differ at one place, so many, the commonest, may stay apart while the others are joined.
_KEPT_APART = 3


def shorten(book: Book, expired: Callable[[], bool], progress: Callable[[float], None] | None = None) -> bool:
    """Join templates until no join that is looked for saves bits; return whether it came so far in time.

    progress: called with the bits saved so far.
    """
    saved = 0.0
    places = 1
    while places <= 2:
        worth = []
        for members, words in list_alike(book, places):
            if expired():
                return False
            bits, some = max(_try_members(book, members, words), key=lambda tried: tried[0], default=(0.0, []))
            if bits > 0:
                worth.append((bits, some, words))
        gained = _join_best(book, worth)
        saved += gained
        if progress is not None:
            progress(saved)
        places = 1 if gained else places + 1
    for template in book.templates.values():
        book.fix(template)
    return True


def _join_best(book: Book, worth: Sequence[tuple[float, list[int], Words]]) -> float:
    """Join what saves most first, where it still does; return the bits saved."""
    saved = 0.0
    for _, members, words in sorted(worth, key=lambda one: -one[0]):
        if all(number in book.templates for number in members):
            bits, joined = book.weigh(members, words)
            if bits > 0:
                book.join(members, joined)
                saved += bits
    return saved


def list_alike(book: Book, places: int) -> list[tuple[list[int], Words]]:
    """Return templates that are one where so many words are slots, and the words that they would have in common."""
    alike: dict[Words, list[int]] = defaultdict(list)
    for number, template in book.templates.items():
        # a word that is not there is no word of a slot
        present = [place for place, word in enumerate(template.words) if word != ""]
        if places == 1 or len(present) <= _PAIRED_WORDS:
            masked = {
                tuple(None if place in chosen else word for place, word in enumerate(template.words))
                for chosen in combinations(present, places)
            }
            for words in masked:
                if any(words):  # what says nothing by itself is no template
                    alike[words].append(number)
    found: dict[tuple[int, ...], Words] = {}
    for words, members in alike.items():
        if len(members) > 1:
            known = found.get(tuple(members))
            if known is None or words.count(None) < known.count(None):
                found[tuple(members)] = words
    return [(list(members), words) for members, words in found.items()]


def _try_members(book: Book, members: Sequence[int], words: Words) -> Iterable[tuple[float, list[int]]]:
    """Yield (bits saved, which) for all of the members, and without the commonest of them."""
    ranked = sorted(members, key=lambda number: len(book.templates[number].rows))
    for apart in range(min(_KEPT_APART, len(ranked) - 2) + 1):
        some = ranked[: len(ranked) - apart]
        if all(_varies(book, some, place) for place, word in enumerate(words) if word is None):
            yield book.weigh(some, words)[0], some


def _varies(book: Book, members: Sequence[int], place: int) -> bool:
    """Return whether a place of templates is a slot of one of them, or has different words enough."""
    words = {book.templates[number].words[place] for number in members}
    return None in words or len(words) >= _SLOT_WORDS
