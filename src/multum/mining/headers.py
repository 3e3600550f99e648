"""What every line of a log begins with: a date, a time, a host. Each of its words is a column that is coded by itself.

A word that says when a line was written differs from line to line and is no part of what happened.
"""

from collections import Counter
from collections.abc import Sequence

from multum.mining.lengths import code_best, code_counts, count_integer, share_counts, spell
from multum.mining.templates import Book

# Words of a header, and lines that it is found from, at most.
_LONGEST, _LOOKED_AT = 10, 4000


def find_header(lines: Sequence[Sequence[str]]) -> int:
    """Return how many words the header of `lines` has: so many that columns and templates take fewest bits."""
    some = lines[:_LOOKED_AT]
    shortest = min(map(len, some), default=1)
    columns, best = 0.0, (float("inf"), 0)
    for words in range(min(_LONGEST, shortest - 1) + 1):
        bits = columns + sum(Book([line[words:] for line in some]).count_bits())
        best = min(best, (bits, words))
        columns += code_column([line[words] for line in some])
    return best[1]


def code_column(values: Sequence[str]) -> float:
    """Return the bits of the words of a column: of all, or of whether each is the one above and of those that are not.

    Which of both is a bit more.
    """
    changed = [value for number, value in enumerate(values) if number == 0 or value != values[number - 1]]
    stays = len(values) - len(changed)
    steps = code_counts([count for count in (stays, len(changed)) if count]) + 1
    alone, counts = Counter(values), Counter(changed)
    return 1 + spell(alone) + min(code_best(alone.values()), steps + code_best(counts.values()))


def count_plain(lines: Sequence[Sequence[str]]) -> list[list[float]]:
    """Return the bits of each word of each line without templates; in that of the last, how many words a line has.

    A word is one of all words, spelled the first time; what that took is shared among all times it comes.
    """
    words, sizes = Counter(word for line in lines for word in line), Counter(map(len, lines))
    word_bits = share_counts(words, lambda word: spell([word]))
    size_bits = share_counts(sizes, count_integer)
    found = [[word_bits[word] for word in line] for line in lines]
    for bits in found:
        bits[-1] += size_bits[len(bits)]
    return found
