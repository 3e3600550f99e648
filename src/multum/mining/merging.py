"""Patterns of items that come together, or one after another, by joining two codes at a time.

A code table says what each code stands for. A row of a sequence is the codes that it is made of, and an end; a row that
is a set says of each code whether it is there, so that nothing is saved by joining what comes together by chance. At
first each code is one item. Two codes that come together become one as long as table and rows get shorter by it; then
each is tried without. Invariant: the codes of a row, put together, are its items.
Source: Smets, Vreeken, "Slim: directly mining descriptive patterns" (2012), with codes that are learnt while they are
coded, as in Budhathoki, Vreeken, "The difference and the norm" (2015). Rows keep their codes when two are joined, where
Slim covers them anew.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from multum.mining.lengths import code_counts, code_presence, compare_counts, count_integer, spell

Pair = tuple[int, int]
# Codes that come together less often are not joined: no table gets shorter by it.
_FEWEST = 2


class CodeTable:
    """Codes and the rows made of them.

    rows: the items of each, whole numbers from 0; in order where `ordered`, else each item once. names: of the items.
    """

    def __init__(self, rows: Sequence[Sequence[int]], names: Sequence[str], ordered: bool) -> None:
        self.names, self.ordered = names, ordered
        self._name_bits = [spell([name]) for name in names]
        self.codes: dict[int, tuple[int, ...]] = {item: (item,) for item in range(len(names))}
        self.parts: dict[int, Pair] = {}
        self._numbers = {items: number for number, items in self.codes.items()}
        self.rows = [list(row) if ordered else sorted(row) for row in rows]
        self.usage = Counter(code for row in self.rows for code in row)
        self.items = Counter(dict.fromkeys(self.usage, 1))  # how often each is named in the table
        self._used, self._named = self.usage.total(), self.items.total()  # their sums, which are asked for often
        self.pairs: Counter[Pair] = Counter()
        self._where: dict[int, set[int]] = defaultdict(set)
        for place, row in enumerate(self.rows):
            self.pairs.update(self._list_pairs(row))
            for code in row:
                self._where[code].add(place)

    def count_bits(self) -> tuple[float, float]:
        """Return the bits of (the table, the rows given it); codes that nothing uses are in neither."""
        used = [code for code, times in self.usage.items() if times]
        sizes = sum(count_integer(len(self.codes[code]) + 1) for code in used)
        words = code_counts([times for times in self.items.values() if times])
        names = sum(self._name_bits[item] for item, times in self.items.items() if times)
        if self.ordered:
            # the end of a row is a code of no items, named last
            rows = code_counts([*(self.usage[code] for code in used), len(self.rows)])
        else:
            rows = sum(code_presence(self.usage[code], len(self.rows)) for code in used)
        end = count_integer(1)  # a code of no items ends the table
        return sizes + end + words + names, rows + count_integer(len(self.rows) + 1)

    def weigh(self, pair: Pair) -> float:
        """Return the bits saved by joining two codes wherever they come together."""
        times = self._count_pair(pair)
        chance = 0 if self.ordered else self.usage[pair[0]] * self.usage[pair[1]]
        if times < _FEWEST or times * len(self.rows) <= chance:  # no oftener than by chance: nothing to save
            return 0.0
        items = self._unite(pair)
        less = {code: -times * n for code, n in Counter(pair).items()}
        return self._weigh_change(less, {self._numbers.get(items, -1): times}, items)

    def weigh_split(self, code: int, parts: Iterable[int]) -> float:
        """Return the bits saved by writing `parts` wherever `code` is."""
        times = self.usage[code]
        return self._weigh_change({code: -times}, {part: times * n for part, n in Counter(parts).items()}, ())

    def _weigh_change(self, less: dict[int, int], more: dict[int, int], new_items: tuple[int, ...]) -> float:
        """Return the bits saved where usages change so. new_items: of the code -1, which is not in the table yet."""
        changes, named, saved = [], Counter[int](), 0.0
        for code, times in (*less.items(), *more.items()):
            was = self.usage[code] if code >= 0 else 0
            items = self.codes[code] if code >= 0 else new_items
            changes.append((was, was + times))
            turn = (was + times > 0) - (was > 0)  # 1: enters the table, -1: leaves it
            saved -= turn * count_integer(len(items) + 1)
            for item in items:
                named[item] += turn
        saved += self._weigh_usage(changes)
        words = [(item, self.items[item], self.items[item] + times) for item, times in named.items() if times]
        saved += sum(self._name_bits[item] * ((now == 0) - (was == 0)) for item, was, now in words)
        return saved + compare_counts(self._named, self._named + named.total(), [(was, now) for _, was, now in words])

    def _weigh_usage(self, changes: Sequence[tuple[int, int]]) -> float:
        """Return the bits that rows are shorter by where codes are used so often before and after."""
        if not self.ordered:
            size = len(self.rows)
            return sum(code_presence(was, size) - code_presence(now, size) for was, now in changes)
        total = self._used + len(self.rows)
        return compare_counts(total, total + sum(now - was for was, now in changes), changes)

    def join(self, pair: Pair) -> list[Pair]:
        """Join two codes wherever they come together; return the pairs that the new one is in."""
        items = self._unite(pair)
        code = self._numbers.setdefault(items, len(self._numbers))
        self.codes[code] = items
        self.parts.setdefault(code, pair)
        touched: set[Pair] = set()
        for place in sorted(self._where[pair[0]] & self._where[pair[1]]):
            row = self._join_row(self.rows[place], pair, code)
            if len(row) < len(self.rows[place]):
                self._write(place, row)
                touched.update(one for one in self._list_pairs(row) if code in one)
        return sorted(touched)

    def split(self, code: int, parts: Sequence[int]) -> None:
        """Write `parts` wherever `code` is."""
        for place in sorted(self._where[code]):
            row = [part for one in self.rows[place] for part in (parts if one == code else (one,))]
            self._write(place, row if self.ordered else sorted(row))

    def _write(self, place: int, row: list[int]) -> None:
        """Have `row` at a place, and every count as it is then."""
        old = self.rows[place]
        self.pairs.subtract(self._list_pairs(old))
        self.pairs.update(self._list_pairs(row))
        before, after = Counter(old), Counter(row)
        for code in before.keys() | after.keys():
            was, now = self.usage[code], self.usage[code] + after[code] - before[code]
            self.usage[code] = now
            if (was > 0) != (now > 0):
                turn = 1 if now else -1
                self._named += turn * len(self.codes[code])
                for item in self.codes[code]:
                    self.items[item] += turn
            if after[code]:
                self._where[code].add(place)
            else:
                self._where[code].discard(place)
        self._used += len(row) - len(old)
        self.rows[place] = row

    def _list_pairs(self, row: Sequence[int]) -> Iterator[Pair]:
        """Yield the codes of a row that may be joined, two at a time."""
        if self.ordered:
            yield from pairwise(row)
        else:
            yield from ((row[i], row[j]) for i in range(len(row)) for j in range(i + 1, len(row)))

    def _count_pair(self, pair: Pair) -> int:
        """Return how often two codes can be joined; of a code with itself, in runs, every second time."""
        if pair[0] != pair[1]:
            return self.pairs[pair]
        return sum(
            len(self.rows[place]) - len(self._join_row(self.rows[place], pair, -1)) for place in self._where[pair[0]]
        )

    def _join_row(self, row: Sequence[int], pair: Pair, code: int) -> list[int]:
        """Return the row with `code` in the place of both."""
        if not self.ordered:
            return sorted([*(one for one in row if one not in pair), code])
        joined: list[int] = []
        place = 0
        while place < len(row):
            if tuple(row[place : place + 2]) == pair:
                joined.append(code)
                place += 2
            else:
                joined.append(row[place])
                place += 1
        return joined

    def _unite(self, pair: Pair) -> tuple[int, ...]:
        """Return the items of both codes."""
        items = self.codes[pair[0]] + self.codes[pair[1]]
        return items if self.ordered else tuple(sorted(items))


def shorten(table: CodeTable, expired: Callable[[], bool], progress: Callable[[float], None] | None = None) -> bool:
    """Join codes, and take them apart again, until neither saves bits; return whether it came so far in time.

    progress: called with the bits saved so far.
    """
    saved, gained = 0.0, 1.0
    while gained > 0:
        queue = [(-table.weigh(pair), pair) for pair, times in table.pairs.items() if times >= _FEWEST]
        queue = [entry for entry in queue if entry[0] < 0]
        heapq.heapify(queue)
        gained = 0.0
        while queue:
            if expired():
                return False
            promised, pair = heapq.heappop(queue)
            bits = table.weigh(pair)
            if bits <= 0:
                continue
            if queue and bits < -queue[0][0] and bits < -promised:
                heapq.heappush(queue, (-bits, pair))  # less than was promised, and no longer the most
                continue
            for touched in table.join(pair):
                heapq.heappush(queue, (-table.weigh(touched), touched))
            gained += bits
            if progress is not None:
                progress(saved + gained)
        gained += _prune(table)
        saved += gained
    return True


def _prune(table: CodeTable) -> float:
    """Take codes apart that cost more than they save, the rarest first; return the bits saved."""
    saved = 0.0
    for code in sorted(table.parts, key=lambda code: table.usage[code]):
        bits = table.weigh_split(code, table.parts[code]) if table.usage[code] else 0.0
        if bits > 0:
            table.split(code, table.parts[code])
            saved += bits
    return saved
