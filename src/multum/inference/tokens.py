"""Tokens to code and back, under a network that never changes and a correction that learns while it codes.

The tokens are cut into lanes, and each lane into streams of nearly one length. A lane has a coder, a
correction and a thread to itself; its streams go through the network side by side, a token each at a time.
Invariant: the code depends on the tokens, the network and the numbers of lanes and streams only.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
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
from multum.errors import FormatError
from multum.inference.correction import CORRECTION_BYTES, correct, learn_token, make_correction
from multum.inference.frequencies import add_up, find_token, share_out
from multum.inference.network import IntegerNetwork
from multum.inference.reading import advance

LARGEST_LANES = 16
LARGEST_STREAMS = 64
_LENGTH_BYTES = 4
_WAIT_S = 0.1

Progress = Callable[[int], None]


class Notes(NamedTuple):
    """What a lane notes down for one step."""

    fed: NDArray[np.int32]  # [streams] the token that each reads
    logits: NDArray[np.int32]  # [streams, V]
    values: NDArray[np.int32]  # [V] of one stream, corrected
    frequencies: NDArray[np.int32]  # [V]
    done: NDArray[np.int64]  # [1] tokens coded so far, for other threads to read


class Lane(NamedTuple):
    """The tokens of a lane: int32[streams, longest], and int64[streams] how many of them each stream has."""

    tokens: NDArray[np.int32]
    lengths: NDArray[np.int64]


def memory_bytes(network: IntegerNetwork, lanes: int, streams: int) -> int:
    """Return the bytes that coding takes beside code and tokens; the weights, which lanes share, count in each."""
    return lanes * (network.memory_bytes(streams) + CORRECTION_BYTES + 12 * network.vocabulary)


def encode(
    ids: NDArray[np.int64],
    network: IntegerNetwork,
    lanes: int,
    streams: int,
    threads: int | None = None,
    progress: Progress | None = None,
) -> bytes:
    """Return the code of the tokens `ids`, which holds neither their number nor that of lanes and streams.

    ids: int64[n], each below the network's vocabulary. threads: None for one a lane. progress: called with the
    number of tokens that are done, a few times a second. Releases the GIL.
    """
    cut = _cut(len(ids), lanes, streams)
    start = 0
    for lane in cut:
        for row, length in zip(lane.tokens, lane.lengths, strict=True):
            row[:length] = ids[start : start + length]
            start += length
    codes = [np.zeros(SYMBOL_BYTES * int(lane.lengths.sum()) + START_BYTES, np.uint8) for lane in cut]
    ends = _run(False, cut, codes, network, threads, progress)
    pieces = [code[:end].tobytes() for code, end in zip(codes, ends, strict=True)]
    return b"".join([*(len(piece).to_bytes(_LENGTH_BYTES, "little") for piece in pieces[:-1]), *pieces])


def decode(
    code: bytes,
    count: int,
    network: IntegerNetwork,
    lanes: int,
    streams: int,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """Return the `count` tokens whose code is `code`. Raises FormatError for code that no tokens have."""
    cut = _cut(count, lanes, streams)
    codes = _split(code, lanes)
    ends = _run(True, cut, codes, network, threads, progress)
    for piece, end in zip(codes, ends, strict=True):
        if end < len(piece):
            raise FormatError(f"{len(piece) - end} bytes of code are left over")
    rows = [row[:length] for lane in cut for row, length in zip(lane.tokens, lane.lengths, strict=True)]
    return np.concatenate(rows).astype(np.int64)


def _cut(count: int, lanes: int, streams: int) -> list[Lane]:
    """Return empty lanes for `count` tokens in order; no stream is more than a token longer than another."""
    pieces = lanes * streams
    lengths = np.full(pieces, count // pieces, np.int64)
    lengths[: count % pieces] += 1
    return [
        Lane(np.zeros((streams, max(int(lengths[at]), 1)), np.int32), lengths[at : at + streams].copy())
        for at in range(0, pieces, streams)
    ]


def _split(code: bytes, lanes: int) -> list[NDArray[np.uint8]]:
    """Return the code of each lane. Raises FormatError when it ends before."""
    at = _LENGTH_BYTES * (lanes - 1)
    starts = range(0, at, _LENGTH_BYTES)
    lengths = [int.from_bytes(code[k : k + _LENGTH_BYTES], "little") for k in starts]
    if at + sum(lengths) > len(code):
        raise FormatError(f"lanes of {at + sum(lengths)} bytes do not fit into a code of {len(code)}")
    pieces = []
    for length in [*lengths, len(code) - at - sum(lengths)]:
        pieces.append(np.frombuffer(code[at : at + length], np.uint8).copy())
        at += length
    return pieces


def _run(
    decoding: bool,
    cut: list[Lane],
    codes: list[NDArray[np.uint8]],
    network: IntegerNetwork,
    threads: int | None,
    progress: Progress | None,
) -> list[int]:
    """Code or decode the lanes side by side; return the bytes that each used."""
    notes = [_make_notes(network, len(lane.lengths)) for lane in cut]
    weights = network.weights  # made here once, before there are threads

    def work(lane: Lane, code: NDArray[np.uint8], own_notes: Notes) -> int:
        own = network.allocate(len(lane.lengths))
        corrections = make_correction(network.vocabulary, lane.tokens.size)
        return int(code_lane(decoding, lane, code, weights, own, corrections, own_notes))

    with ThreadPoolExecutor(min(threads or len(cut), len(cut)), thread_name_prefix="multum-lane") as pool:
        futures = [pool.submit(work, *one) for one in zip(cut, codes, notes, strict=True)]
        while progress is not None and wait(futures, _WAIT_S).not_done:
            progress(sum(int(one.done[0]) for one in notes))
        return [future.result() for future in futures]


def _make_notes(network: IntegerNetwork, streams: int) -> Notes:
    size = network.vocabulary
    return Notes(
        fed=filled(streams, 0, np.int32),
        logits=filled(streams * size, 0, np.int32).reshape(streams, size),
        values=filled(size, 0, np.int32),
        frequencies=filled(size, 0, np.int32),
        done=filled(1, 0, np.int64),
    )


@kernel
def code_lane(decoding, lane, code, net, own, correction, notes):
    """Code the tokens of a lane into `code`, or decode `code` into them; return the bytes of code."""
    tokens, lengths = lane.tokens, lane.lengths
    streams = lengths.shape[0]
    low, width = np.int64(0), np.int64(WIDTH_FIRST)
    value, end = start_ranges(code) if decoding else (np.int64(0), np.int64(0))
    for t in range(lengths[0]):
        for s in range(streams):
            # a stream whose tokens are all coded goes on reading, and nobody looks
            notes.fed[s] = tokens[s, t - 1] if 0 < t <= lengths[s] else np.int32(-1 if t == 0 else 0)
        advance(net, own, notes.fed, notes.logits)
        for s in range(streams):
            if t < lengths[s]:
                correct(correction, tokens, s, t, notes.logits, notes.values)
                share_out(notes.values, notes.frequencies)
                if decoding:
                    token, start = find_token(notes.frequencies, find_target(width, value))
                    tokens[s, t] = token
                else:
                    token = np.int64(tokens[s, t])
                    start = add_up(notes.frequencies, token)
                frequency = np.int64(notes.frequencies[token])
                low, width, value, end = narrow_range(decoding, start, frequency, code, low, width, value, end)
                learn_token(correction, notes.frequencies, token)
        notes.done[0] += streams
    return end if decoding else finish_ranges(code, end, low, width)
