"""The formulas that no shorter formula beats: error against bits of program."""

from collections.abc import Iterator

from multum.discovery.formulas.refining import Entry

# Further than this nobody reads, and mutations would start from too many.
_MOST = 40


class Frontier:
    """Formulas in the order of their program bits; each has a smaller error than all before it."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self.tried = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def offer(self, entry: Entry | None) -> bool:
        """Take a formula unless a shorter one is as good, and return whether it was taken."""
        self.tried += 1
        if entry is None:
            return False
        for other in self._entries:
            if other.program_bits <= entry.program_bits and other.error <= entry.error:
                return False
        self._entries = [
            one for one in self._entries if one.program_bits < entry.program_bits or one.error < entry.error
        ]
        self._entries.append(entry)
        self._entries.sort(key=lambda one: one.program_bits)
        if len(self._entries) > _MOST:
            worst = max(self._entries, key=lambda one: one.total_bits)
            self._entries.remove(worst)
        return True

    @property
    def best(self) -> Entry | None:
        """The one with the shortest description of program and data."""
        return min(self._entries, key=lambda one: one.total_bits, default=None)
