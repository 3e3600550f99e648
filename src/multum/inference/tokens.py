"""Tokens to code and back, under a network that never changes and a correction that learns while it codes.

The tokens are cut into lanes, and each lane into streams of nearly one length. A lane has a coder, a
correction and a thread to itself; its streams go through the network side by side, a token each at a time.
Invariant: the code depends on the tokens, the network and the numbers of lanes and streams only.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from multum.errors import FormatError
from multum.inference.lane import Lane, lane_memory_bytes, list_tokens, make_lane, make_notes, room_for, run_lane
from multum.inference.network import IntegerNetwork

LARGEST_LANES = 16
LARGEST_STREAMS = 64
_LENGTH_BYTES = 4
_WAIT_S = 0.1

Progress = Callable[[int], None]


def memory_bytes(network: IntegerNetwork, lanes: int, streams: int) -> int:
    """Return the bytes that coding takes beside code and tokens; the weights, which lanes share, count in each."""
    return lanes * lane_memory_bytes(network, streams)


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
    cut = _cut(ids, lanes, streams)
    codes = [room_for(int(lane.lengths.sum())) for lane in cut]
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
    cut = _cut(np.zeros(count, np.int64), lanes, streams)
    codes = _split(code, lanes)
    ends = _run(True, cut, codes, network, threads, progress)
    for piece, end in zip(codes, ends, strict=True):
        if end < len(piece):
            raise FormatError(f"{len(piece) - end} bytes of code are left over")
    return np.concatenate([list_tokens(lane) for lane in cut])


def _cut(ids: NDArray[np.int64], lanes: int, streams: int) -> list[Lane]:
    """Return the lanes of `ids`, in order; no stream is more than a token longer than another."""
    lengths = np.full(lanes * streams, len(ids) // (lanes * streams), np.int64)
    lengths[: len(ids) % (lanes * streams)] += 1
    ends = np.concatenate([[0], np.cumsum(lengths)])
    cuts = range(0, lanes * streams, streams)
    return [make_lane(ids[ends[at] : ends[at + streams]], lengths[at : at + streams]) for at in cuts]


def _split(code: bytes, lanes: int) -> list[NDArray[np.uint8]]:
    """Return the code of each lane. Raises FormatError when it ends before."""
    at = _LENGTH_BYTES * (lanes - 1)
    lengths = [int.from_bytes(code[k : k + _LENGTH_BYTES], "little") for k in range(0, at, _LENGTH_BYTES)]
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
    assert network.weights is not None  # made here once, before there are threads
    notes = [make_notes(network.vocabulary) for _ in cut]
    with ThreadPoolExecutor(min(threads or len(cut), len(cut)), thread_name_prefix="multum-lane") as pool:
        futures = [
            pool.submit(run_lane, decoding, lane, code, network, own)
            for lane, code, own in zip(cut, codes, notes, strict=True)
        ]
        while progress is not None and wait(futures, _WAIT_S).not_done:
            progress(sum(int(own.done[0]) for own in notes))
        return [future.result() for future in futures]
