"""One lane: streams of tokens that go through a network side by side, by one coder and one correction.

Encoder and decoder run the same body; only the source of the token differs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import kernel
from multum.bits.lines import filled
from multum.bits.ranges import (
    START_BYTES,
    SYMBOL_BYTES,
    WIDTH_FIRST,
    find_target,
    finish_ranges,
    narrow_range,
    start_ranges,
)
from multum.inference.correction import correct, learn_token
from multum.inference.frequencies import add_up, find_token, share_out
from multum.inference.network import IntegerNetwork
from multum.inference.reading import Streams, step

NEVER = 1 << 62


class Lane(NamedTuple):
    """The tokens of a lane: int32[streams, longest], and int64[streams] how many of them each stream has."""

    tokens: NDArray[np.int32]
    lengths: NDArray[np.int64]


class Notes(NamedTuple):
    """What a lane has learnt, notes down for one step, and tells; all zero at its start."""

    bias: NDArray[np.int32]  # [V] what the lane has learnt, see correction
    values: NDArray[np.int32]  # [V] of one stream, corrected
    frequencies: NDArray[np.int32]  # [V]
    done: NDArray[np.int64]  # [1] tokens coded so far, for other threads to read
    shares: NDArray[np.int32]  # [tokens] the frequency that each token had, in the order of coding; or [0]


def make_lane(tokens: NDArray[np.int64], lengths: NDArray[np.int64]) -> Lane:
    """Return a lane of `tokens`, cut into streams of these lengths, the longest first."""
    lane = Lane(np.zeros((len(lengths), max(int(lengths[0]), 1)), np.int32), lengths.copy())
    starts = np.cumsum(lengths) - lengths
    for row, start, length in zip(lane.tokens, starts, lengths, strict=True):
        row[:length] = tokens[start : start + length]
    return lane


def list_tokens(lane: Lane) -> NDArray[np.int64]:
    """Return the tokens of a lane, stream after stream."""
    rows = [row[:length] for row, length in zip(lane.tokens, lane.lengths, strict=True)]
    return np.concatenate(rows).astype(np.int64)


def make_notes(vocabulary: int, shares: int = 0) -> Notes:
    """Return zeroed notes. shares: tokens whose frequencies are to be kept."""
    return Notes(
        bias=filled(vocabulary, 0, np.int32),
        values=filled(vocabulary, 0, np.int32),
        frequencies=filled(vocabulary, 0, np.int32),
        done=filled(1, 0, np.int64),
        shares=filled(shares, 0, np.int32),
    )


def room_for(tokens: int) -> NDArray[np.uint8]:
    """Return room for the code of so many tokens."""
    return np.zeros(SYMBOL_BYTES * tokens + START_BYTES, np.uint8)


def lane_memory_bytes(network: IntegerNetwork, streams: int) -> int:
    """Return the bytes that a lane takes beside its tokens and their code."""
    return network.memory_bytes(streams) + 4 * (streams + 3) * network.vocabulary


def run_lane(
    decoding: bool,
    lane: Lane,
    code: NDArray[np.uint8],
    network: IntegerNetwork,
    notes: Notes,
    known: int = 0,
    stop: int = NEVER,
) -> int:
    """Code the lane's tokens into `code`, or decode `code` into them; return the bytes of code.

    known: how many tokens at the start of each stream are read and not coded. stop: decoding ends when so many
    bytes have been read; notes.done says how many tokens there are then. Releases the GIL.
    """
    streams = Streams(network, len(lane.lengths))
    return int(code_lane(decoding, known, stop, lane, code, streams.stepper, notes))


@kernel
def code_lane(decoding, known, stop, lane, code, stepper, notes):
    """Do what run_lane says."""
    tokens, lengths = lane.tokens, lane.lengths
    streams = lengths.shape[0]
    low, width = np.int64(0), np.int64(WIDTH_FIRST)
    value, end = start_ranges(code) if decoding else (np.int64(0), np.int64(0))
    done = np.int64(0)
    for t in range(lengths[0]):
        for s in range(streams):
            # a stream whose tokens are all coded goes on reading, and nobody looks
            stepper.tokens[s] = tokens[s, t - 1] if 0 < t <= lengths[s] else np.int32(-1 if t == 0 else 0)
        step(stepper)
        for s in range(streams):
            if t < known or t >= lengths[s]:
                continue
            if decoding and end >= stop:
                return end
            correct(stepper.logits, s, notes.bias, notes.values)
            share_out(notes.values, notes.frequencies)
            if decoding:
                token, start = find_token(notes.frequencies, find_target(width, value))
                tokens[s, t] = token
            else:
                token = np.int64(tokens[s, t])
                start = add_up(notes.frequencies, token)
            frequency = np.int64(notes.frequencies[token])
            low, width, value, end = narrow_range(decoding, start, frequency, code, low, width, value, end)
            learn_token(notes.bias, notes.frequencies, token)
            if done < notes.shares.shape[0]:
                notes.shares[done] = frequency
            done += 1
            notes.done[0] = done
    return end if decoding else finish_ranges(code, end, low, width)
