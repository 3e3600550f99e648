"""A generator is a decompressor: any bytes are the code of some tokens, and these tokens have these bytes as code.

Invariant: condense(expand(code)) == code, but for zeros at its end, which every code goes on with anyway.
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.ranges import START_BYTES, TOTAL_BITS
from multum.inference.lane import make_lane, make_notes, room_for, run_lane
from multum.inference.network import IntegerNetwork

_NOTHING = np.zeros(0, np.int64)
# Tokens that are decoded at first; four times as many whenever they do not use the code up.
_FIRST_TOKENS = 256


def condense(ids: NDArray[np.int64], network: IntegerNetwork, prompt: NDArray[np.int64] = _NOTHING) -> bytes:
    """Return the shortest code of the tokens `ids` after `prompt`, which is read and not coded."""
    lane = make_lane(np.concatenate([prompt, ids]), np.array([len(prompt) + len(ids)], np.int64))
    code = room_for(len(ids))
    end = run_lane(False, lane, code, network, make_notes(network.vocabulary), len(prompt))
    return code[:end].tobytes()


def expand(
    code: bytes, most_tokens: int, network: IntegerNetwork, prompt: NDArray[np.int64] = _NOTHING
) -> NDArray[np.int64]:
    """Return the tokens that `code` decodes to after `prompt`, as few as tell it from all other codes of its length.

    They are `most_tokens` where that is less.
    """
    size = min(_FIRST_TOKENS + len(code), most_tokens)
    while True:
        ids, used_up = _expand_some(code, size, network, prompt)
        if used_up or size == most_tokens:
            return ids
        size = min(4 * size, most_tokens)


def _expand_some(
    code: bytes, size: int, network: IntegerNetwork, prompt: NDArray[np.int64]
) -> tuple[NDArray[np.int64], bool]:
    """Return (up to `size` tokens that `code` decodes to, whether they use it up)."""
    lane = make_lane(np.concatenate([prompt, np.zeros(size, np.int64)]), np.array([len(prompt) + size], np.int64))
    notes = make_notes(network.vocabulary)
    stop = len(code) + START_BYTES
    end = run_lane(True, lane, np.frombuffer(code, np.uint8).copy(), network, notes, len(prompt), stop)
    count = int(notes.done[0])
    return lane.tokens[0, len(prompt) : len(prompt) + count].astype(np.int64), end >= stop


def measure(ids: NDArray[np.int64], network: IntegerNetwork) -> NDArray[np.float64]:
    """Return float64[n]: the bits of each of the tokens `ids`; their sum is within a byte of the length of the code."""
    notes = make_notes(network.vocabulary, len(ids))
    run_lane(False, make_lane(ids, np.array([len(ids)], np.int64)), room_for(len(ids)), network, notes)
    bits: NDArray[np.float64] = TOTAL_BITS - np.log2(np.maximum(notes.shares, 1))
    return bits
