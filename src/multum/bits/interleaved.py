"""The interleaved coder: many whole numbers under fixed tables, several states in one stream of words.

Each number has a table of frequencies, chosen by a context that both sides know before. A
table gives a part of [0, TOTAL) to each symbol; a symbol stands for 2**shift numbers, told
apart by bits that are written as they are; a number that no symbol stands for is escaped and
written in 16 bits more. Number i belongs to state i mod lanes, so that a processor works at
several of them at once.

Invariant: a state lies in [2**16, 2**32) between numbers, and is 2**16 after its last one. So
a code that was cut, lengthened or made under other tables is most likely refused.
Source: Duda, "Asymmetric numeral systems" (2013), rANS; Giesen, "Interleaved entropy coders" (2014).
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.frequencies import ESCAPE, TOTAL, TOTAL_BITS, FrequencyTables
from multum.bits.kernels import kernel, part
from multum.errors import FormatError, UsageError

LANES = 8
# A lane costs two bytes: short codes have fewer.
NUMBERS_PER_LANE = 1 << 12
_FIRST = 1 << 16
_WORD = 0xFFFF
_STATE_BYTES = 4
# The interval and the bits as they are take a word at most, and so does what is escaped.
_NUMBER_WORDS = 2


def count_lanes(numbers: int) -> int:
    """Return how many states the code of so many numbers has."""
    return min(LANES, 1 + numbers // NUMBERS_PER_LANE)


@part
def _refill(x, words, at):
    """Return (state, index of the next word): a state that became too small takes one word in."""
    small = x < _FIRST
    word = np.int64(words[np.uint64(at)])  # read in any case: which numbers need it cannot be foretold
    return (x << 16 | word) if small else x, at + small


@part
def _pop(x, words, at, context, slots, intervals, lows, shifts):
    """Return (number modulo 2**16, state, index of the next word) of the number that comes next."""
    table = np.uint64(context)
    shift = shifts[table]
    raw = x & ((1 << shift) - 1)
    x >>= shift
    slot = x & (TOTAL - 1)
    symbol = np.int64(slots[table, np.uint64(slot)])
    interval = np.int64(intervals[table, np.uint64(symbol)])
    x = (x >> TOTAL_BITS) * (interval >> 16) + slot - (interval & _WORD)
    x, at = _refill(x, words, at)
    quotient = lows[table] + symbol
    if symbol == ESCAPE:
        quotient = ((x & _WORD) ^ 0x8000) - 0x8000  # 16 bits with a sign
        x, at = _refill(x >> 16, words, at)
    return (quotient << shift | raw) & _WORD, x, at


@kernel
def _decode(words, contexts, slots, intervals, lows, shifts, states, numbers):
    """Fill numbers from words; return how many words were read, or -1 when there were too few.

    words ends with two words for each state that are not part of the code.
    """
    count, lanes = np.int64(numbers.shape[0]), np.int64(states.shape[0])
    end = np.int64(words.shape[0]) - _NUMBER_WORDS * lanes
    at = np.int64(0)
    first = np.int64(0)
    while first < count:
        if at > end:
            return -1
        for lane in range(min(lanes, count - first)):
            k, i = np.uint64(lane), np.uint64(first + lane)
            numbers[i], states[k], at = _pop(states[k], words, at, contexts[i], slots, intervals, lows, shifts)
        first += lanes
    return at


@part
def _spill(x, limit, words, at):
    """Return (state, index of the last word written): a state that would become too large gives one word out."""
    if x >= limit:
        at -= 1
        words[np.uint64(at)] = x & _WORD
        x >>= 16
    return x, at


@kernel
def _encode(numbers, contexts, intervals, lows, shifts, states, words):
    """Write the code to the end of words, which has two for each number; return where it begins.

    -1 - i: number i is not in its table, which has no escape.
    """
    lanes = np.int64(states.shape[0])
    at = np.int64(words.shape[0])
    for i in range(np.int64(numbers.shape[0]) - 1, -1, -1):
        table, k = np.uint64(contexts[i]), np.uint64(i % lanes)
        number, shift, x = np.int64(numbers[i]), shifts[table], states[k]
        quotient = number >> shift
        symbol = quotient - lows[table]
        if symbol < 0 or symbol >= ESCAPE or intervals[table, symbol] <= _WORD:
            symbol = ESCAPE
            x, at = _spill(x, _FIRST, words, at)
            x = x << 16 | (quotient & _WORD)
        interval = np.int64(intervals[table, np.uint64(symbol)])
        frequency = interval >> 16
        if frequency == 0:
            return -1 - i
        x, at = _spill(x, frequency << (32 - TOTAL_BITS - shift), words, at)
        x = ((x // frequency) << TOTAL_BITS) + x % frequency + (interval & _WORD)
        states[k] = x << shift | (number & ((1 << shift) - 1))
    return at


def _check_contexts(contexts: NDArray[np.uint8], tables: FrequencyTables) -> None:
    if contexts.size and int(contexts.max()) >= len(tables.frequencies):
        raise UsageError(f"context {contexts.max()} has no table: there are {len(tables.frequencies)}")


def encode_numbers(numbers: NDArray[np.int16], contexts: NDArray[np.uint8], tables: FrequencyTables) -> bytes:
    """Return `numbers` coded, each under the table of its context.

    numbers: int16[n]. contexts: uint8[n].
    Cost: at most their information content under the tables, 0.01 % of it, and two bytes a lane.
    Raises UsageError, also for a number that its table can neither code nor escape.
    """
    _check_contexts(contexts, tables)
    if numbers.shape != contexts.shape or numbers.ndim != 1:
        raise UsageError(f"as many contexts as numbers ({len(numbers)}) are needed, not {len(contexts)}")
    states = np.full(count_lanes(len(numbers)), _FIRST, np.int64)
    words = np.empty(_NUMBER_WORDS * len(numbers), np.uint16)
    start = _encode(np.array(numbers), np.array(contexts), tables.intervals, tables.lows, tables.shifts, states, words)
    if start < 0:
        raise UsageError(f"number {-1 - start}, {numbers[-1 - start]}, is not in its table, which cannot escape")
    return states.astype("<u4").tobytes() + words[start:].astype("<u2").tobytes()


def decode_numbers(code: bytes, contexts: NDArray[np.uint8], tables: FrequencyTables) -> NDArray[np.int16]:
    """Return the int16[n] numbers that encode_numbers coded under the same contexts and tables.

    Raises FormatError for what is not their code; UsageError.
    """
    _check_contexts(contexts, tables)
    lanes = count_lanes(len(contexts))
    head = lanes * _STATE_BYTES
    if len(code) < head or (len(code) - head) % 2:
        raise FormatError(f"a code of {lanes} lanes is {head} bytes and whole words, not {len(code)} bytes")
    states = np.frombuffer(code, "<u4", lanes).astype(np.int64)
    if (states < _FIRST).any():
        raise FormatError(f"a lane begins with {states.min()}; the least is {_FIRST}")
    words = np.frombuffer(code, "<u2", offset=head)
    padded = np.concatenate([words, np.zeros(_NUMBER_WORDS * lanes, np.uint16)])
    numbers = np.empty(len(contexts), np.uint16)
    end = _decode(
        padded, np.array(contexts), tables.slots, tables.intervals, tables.lows, tables.shifts, states, numbers
    )
    if end != len(words) or (states != _FIRST).any():
        raise FormatError("the numbers do not end where their code ends: the bytes are damaged")
    return numbers.view(np.int16)
