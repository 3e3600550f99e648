"""Lists of whole numbers that lie near one another, such as levels and exponents: each under one bell."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from multum.bits.frequencies import FrequencyTables
from multum.bits.interleaved import decode_numbers, encode_numbers
from multum.errors import FormatError
from multum.tensors.bells import LEVEL_UNIT, LEVELS, POWERS, Bell, gather_tables, list_costs

HEAD = struct.Struct("<hBB")  # base, index into POWERS or _SAME, level
_SAME = 255
_TRIED = tuple(POWERS.index(power) for power in (4, 8, 12, 16))
_REACH = 255


@dataclass(frozen=True)
class Manner:
    """How a list is written: as differences from `base` under `bell`; None where there are no differences."""

    base: int
    bell: Bell | None

    def price(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return int64[n]: what each of `numbers` costs in this list, in COST_UNIT."""
        if self.bell is None:
            return np.zeros(numbers.shape, np.int64)
        offsets = np.clip(numbers - self.base, -_REACH, _REACH) + _REACH
        return list_costs(self.bell, _REACH)[offsets].astype(np.int64)


def choose_manner(numbers: NDArray[np.int16]) -> Manner:
    """Return the manner in which `numbers` take the fewest bits."""
    if not len(numbers):
        return Manner(0, None)
    base = int(np.sort(numbers)[len(numbers) // 2])
    offsets = np.clip(numbers.astype(np.int64) - base, -_REACH, _REACH) + _REACH
    if (offsets == _REACH).all():
        return Manner(base, None)
    counts = np.bincount(offsets, minlength=2 * _REACH + 1)
    bells, costs = _list_tried()
    return Manner(base, bells[int(np.argmin(costs @ counts))])


@cache
def _list_tried() -> tuple[list[Bell], NDArray[np.int64]]:
    """Return (bells, int64[bells, 2 * _REACH + 1]): those that are tried, and what numbers cost under each."""
    bells = [Bell(power, 0, 0, level) for power in _TRIED for level in range(0, LEVELS, LEVEL_UNIT // 4)]
    return bells, np.array([list_costs(bell, _REACH) for bell in bells], np.int64)


def encode_lists(lists: Sequence[NDArray[np.int16]]) -> bytes:
    """Return `lists` as bytes: their manners, and then one code of all that differs from its base."""
    manners = [choose_manner(numbers) for numbers in lists]
    heads = [HEAD.pack(m.base, *((_SAME, 0) if m.bell is None else (m.bell.power, m.bell.level))) for m in manners]
    told = [k for k, manner in enumerate(manners) if manner.bell is not None]
    if not told:
        return b"".join(heads)
    numbers = np.concatenate([lists[k] - np.int16(manners[k].base) for k in told])
    return b"".join(heads) + encode_numbers(numbers, *_frame([len(lists[k]) for k in told], manners))


def decode_lists(data: bytes, lengths: Sequence[int]) -> list[NDArray[np.int16]]:
    """Return the lists, of `lengths`, that encode_lists made `data` of. Raises FormatError."""
    end = HEAD.size * len(lengths)
    if len(data) < end:
        raise FormatError(f"the heads of {len(lengths)} lists take {end} bytes, {len(data)} are there")
    manners = [_read_manner(*HEAD.unpack_from(data, at)) for at in range(0, end, HEAD.size)]
    told = [k for k, manner in enumerate(manners) if manner.bell is not None]
    lists = [np.full(length, manner.base, np.int16) for length, manner in zip(lengths, manners, strict=True)]
    if not told and len(data) > end:
        raise FormatError(f"{len(data) - end} bytes follow lists that need none")
    if told:
        sizes = [lengths[k] for k in told]
        numbers = decode_numbers(data[end:], *_frame(sizes, manners))
        for k, part in zip(told, np.split(numbers, np.cumsum(sizes)[:-1]), strict=True):
            lists[k] += part
    return lists


def _read_manner(base: int, power: int, level: int) -> Manner:
    if power == _SAME and level == 0:
        return Manner(base, None)
    if power >= len(POWERS) or level >= LEVELS:
        raise FormatError(f"there is no bell of power {power} and level {level}")
    return Manner(base, Bell(power, 0, 0, level))


def _frame(lengths: Sequence[int], manners: Sequence[Manner]) -> tuple[NDArray[np.uint8], FrequencyTables]:
    """Return (contexts, tables) of the lists that are told."""
    bells = [manner.bell for manner in manners if manner.bell is not None]
    return np.repeat(np.arange(len(lengths), dtype=np.uint8), lengths), gather_tables(bells)
