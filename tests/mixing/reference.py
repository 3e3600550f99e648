"""Textbook-clear twins of the kernels of multum.mixing, in plain Python: slow, and the same bits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from multum.bits.logistic import SQUASH

ONE = 65536  # a weight of one


def dot(inputs: Sequence[int], weights: Sequence[int]) -> int:
    """Return the weighted sum of stretches, within the domain of squash."""
    total = sum(x * w for x, w in zip(inputs, weights, strict=True)) // ONE
    return min(max(total, -2839), 2839)


def train(inputs: Sequence[int], weights: Sequence[int], step: int) -> list[int]:
    """Return the weights after a step along the inputs, each rounded and kept within +-8."""
    moved = [w + (x * step + 2**13) // 2**14 for x, w in zip(inputs, weights, strict=True)]
    return [min(max(w, -8 * ONE), 8 * ONE - 1) for w in moved]


def correct(correction: int, told: int, hint: int, bit: int) -> tuple[int, int]:
    """Return (correction, told) after a bit that a forecast of log-odds hint / 256 came before.

    Newton's rule: the error divided by what errors tell of a correction, in units of 1/1024.
    """
    p = int(SQUASH[min(max(hint + correction // 4, -3072), 3071) + 3072])
    told += max(p * (ONE - p) // 2**22, 1)
    moved = correction + 16 * (ONE * bit - p) // (told + 128)
    return min(max(moved, -12 * 1024), 12 * 1024 - 1), min(told, 16 * 1024)


@dataclass
class Slot:
    """What a nibble of a context remembers: a check and fifteen histories, the root's first."""

    check: int = 0
    histories: list[int] = field(default_factory=lambda: [0] * 15)


class Slots:
    """The table of slots: a hash may live in three places of a group of four."""

    def __init__(self, size: int) -> None:
        self.slots = [Slot() for _ in range(size)]

    def find(self, h: int) -> int:
        """Return the place of hash h; the first of the least seen is emptied for it when it is absent."""
        check, home = h % 256, h // 256 % len(self.slots)
        places = [home, home ^ 1, home ^ 2]
        for place in places:
            if self.slots[place].check == check:
                return place
        place = min(places, key=lambda p: self.slots[p].histories[0])
        self.slots[place] = Slot(check)
        return place
