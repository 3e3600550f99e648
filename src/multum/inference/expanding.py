"""A generator is a decompressor: any bytes are the code of some tokens, and these tokens have these bytes as code.

Invariant: condense(expand(code)) == code, but for zeros at its end, which every code goes on with anyway.
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.ranges import START_BYTES, TOTAL_BITS
from multum.errors import UsageError
from multum.inference.lane import NEVER, make_lane, make_notes, room_for, run_lane
from multum.inference.network import IntegerNetwork

_NOTHING = np.zeros(0, np.int64)
# Tokens that are decoded at first; four times as many whenever they do not use the code up.
_FIRST_TOKENS = 256
MOST_TOKENS = 1 << 24


def condense(ids: NDArray[np.int64], network: IntegerNetwork, prompt: NDArray[np.int64] = _NOTHING) -> bytes:
    """Return the shortest code of the tokens `ids` after `prompt`, which is read and not coded."""
    lane = make_lane(np.concatenate([prompt, ids]), np.array([len(prompt) + len(ids)], np.int64))
    code = room_for(len(ids))
    end = run_lane(False, lane, code, network, make_notes(network.vocabulary), len(prompt))
    return code[:end].tobytes()


def expand(
    code: bytes,
    network: IntegerNetwork,
    prompt: NDArray[np.int64] = _NOTHING,
    *,
    count: int | None = None,
    most_tokens: int = MOST_TOKENS,
) -> NDArray[np.int64]:
    """Return the tokens that `code` decodes to after `prompt`.

    count: how many; None for as few as tell the code from all others of its length. most_tokens: bound of these.
    Raises UsageError when that bound is too low.
    """
    size = min(_FIRST_TOKENS + len(code), most_tokens) if count is None else count
    while True:
        ids, used_up = _expand_some(code, size, network, prompt, len(code) + START_BYTES if count is None else NEVER)
        if used_up or count is not None:
            return ids
        if size == most_tokens:
            raise UsageError(f"{len(code)} bytes of bits make more than {most_tokens:,} tokens; say how much you want")
        size = min(4 * size, most_tokens)


def _expand_some(
    code: bytes, size: int, network: IntegerNetwork, prompt: NDArray[np.int64], stop: int
) -> tuple[NDArray[np.int64], bool]:
    """Return (up to `size` tokens that `code` decodes to, whether `stop` bytes have been read by them)."""
    lane = make_lane(np.concatenate([prompt, np.zeros(size, np.int64)]), np.array([len(prompt) + size], np.int64))
    notes = make_notes(network.vocabulary)
    end = run_lane(True, lane, np.frombuffer(code, np.uint8).copy(), network, notes, len(prompt), stop)
    count = int(notes.done[0])
    return lane.tokens[0, len(prompt) : len(prompt) + count].astype(np.int64), end >= stop


def measure(ids: NDArray[np.int64], network: IntegerNetwork) -> NDArray[np.float64]:
    """Return float64[n]: the bits of each of the tokens `ids`; their sum is within a byte of the length of the code."""
    notes = make_notes(network.vocabulary, len(ids))
    run_lane(False, make_lane(ids, np.array([len(ids)], np.int64)), room_for(len(ids)), network, notes)
    bits: NDArray[np.float64] = TOTAL_BITS - np.log2(np.maximum(notes.shares, 1))
    return bits
