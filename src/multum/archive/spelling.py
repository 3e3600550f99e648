"""The payload of a block that is coded as tokens: runs, the code of bytes that are no text, the code of tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.archive.programs import USUAL_LANES, HeldProgram
from multum.archive.varints import Cursor, encode_varint
from multum.errors import FormatError, UsageError
from multum.inference import tokens
from multum.mixing import Meter, Recipe, decode, encode
from multum.neural.runs import BYTES, SPACED, TEXT, Run, split_runs

# Bytes from which on a block has two lanes, and that every stream has before there are more.
_LANE_BYTES = 1 << 14
_STREAM_BYTES = 1 << 14
_USUAL_STREAMS = 16


def plan_streams(raw_bytes: int) -> tuple[int, int]:
    """Return (lanes, streams a lane) for a block: a function of its length only."""
    if raw_bytes <= _LANE_BYTES:
        return 1, 1
    return USUAL_LANES, max(1, min(raw_bytes // (USUAL_LANES * _STREAM_BYTES), _USUAL_STREAMS))


@dataclass(frozen=True)
class Head:
    """What a payload begins with. runs: (kind, bytes) of each. byte_code: of the runs of bytes. code: of the tokens."""

    lanes: int
    streams: int
    count: int
    runs: tuple[tuple[int, int], ...]
    byte_code: bytes
    code: bytes

    @property
    def byte_bytes(self) -> int:
        """How many bytes are no text."""
        return sum(size for kind, size in self.runs if kind == BYTES)

    @property
    def spoken_bytes(self) -> int:
        """How many bytes the tokens stand for."""
        return sum(size + (kind == SPACED) for kind, size in self.runs if kind != BYTES)


def find_runs(raw: bytes, program: HeldProgram) -> list[Run]:
    """Return the runs of `raw` under the program's tokens. Raises UsageError for a program that cannot split text."""
    if program.pieces is None:
        return [Run(TEXT, raw, np.frombuffer(raw, np.uint8).astype(np.int64))]
    if program.vocabulary is None:
        raise UsageError(
            f"'{program.name}' is carried without what splits text into its tokens; give its directory, .gguf file or"
            " hub name"
        )
    return split_runs(raw, program.vocabulary)


def encode_spelling(
    runs: list[Run], program: HeldProgram, recipe: Recipe | None, threads: int, meter: Meter | None = None
) -> bytes:
    """Return the payload of a block of `runs`.

    recipe: codes the bytes that are no text; None when there are none. threads: no more are used than lanes.
    """
    raw_bytes = sum(len(run.raw) for run in runs)
    lanes, streams = plan_streams(raw_bytes)
    stray = b"".join(run.raw for run in runs if run.kind == BYTES)
    ids = np.concatenate([np.zeros(0, np.int64), *(run.tokens for run in runs if run.tokens is not None)])
    byte_code = (encode(stray, recipe) or stray) if recipe is not None else stray
    told = _Told(meter, raw_bytes, len(ids))
    code = tokens.encode(ids, program.network, lanes, streams, threads, told)
    head = [lanes, streams, len(ids), len(runs)]
    head += [number for run in runs for number in (run.kind, len(run.raw))]
    return b"".join([*map(encode_varint, [*head, len(byte_code)]), byte_code, code])


def decode_spelling(
    payload: bytes,
    raw_bytes: int,
    program: HeldProgram,
    recipe: Recipe | None,
    threads: int,
    meter: Meter | None = None,
) -> bytes:
    """Return the `raw_bytes` bytes of a block. Raises FormatError for a payload that is none."""
    head = read_head(payload, raw_bytes)
    told = _Told(meter, raw_bytes, head.count)
    ids = tokens.decode(head.code, head.count, program.network, head.lanes, head.streams, threads, told)
    spoken = _speak(ids, program, head.spoken_bytes)
    stray = head.byte_code
    if len(stray) < head.byte_bytes and recipe is not None:
        stray = decode(stray, head.byte_bytes, recipe)
    if len(stray) != head.byte_bytes:
        raise FormatError(f"{len(stray)} bytes that are no text are there, {head.byte_bytes} are needed")
    return b"".join(_put_together(head, spoken, stray))


def read_head(payload: bytes, raw_bytes: int) -> Head:
    """Return what the payload of a block of `raw_bytes` begins with. Raises FormatError."""
    cursor = Cursor(payload, 0)
    lanes = cursor.varint("number of lanes", tokens.LARGEST_LANES)
    streams = cursor.varint("number of streams", tokens.LARGEST_STREAMS)
    # a token stands for a byte at least, but that a run may begin with a space that is left out
    count = cursor.varint("number of tokens", 2 * raw_bytes)
    run_count = cursor.varint("number of runs", raw_bytes)
    runs = tuple((cursor.varint("kind of run", SPACED), cursor.varint("length of a run")) for _ in range(run_count))
    byte_code = cursor.take(cursor.varint("length of the bytes' code", raw_bytes), "code of bytes")
    if not lanes or not streams or sum(size for _, size in runs) != raw_bytes:
        raise FormatError(f"the runs of a block do not add up to its {raw_bytes} bytes, or have no lane to go in")
    return Head(lanes, streams, count, runs, byte_code, payload[cursor.offset :])


def _speak(ids: NDArray[np.int64], program: HeldProgram, spoken_bytes: int) -> bytes:
    """Return what the tokens stand for, of the right length before memory is taken. Raises FormatError."""
    if program.pieces is None:
        lengths, pieces = len(ids), None
    else:
        lengths, pieces = sum(len(program.pieces[token]) for token in ids), program.pieces
    if lengths != spoken_bytes:
        raise FormatError(f"the tokens of a block stand for {lengths} bytes; its runs have {spoken_bytes}")
    return ids.astype(np.uint8).tobytes() if pieces is None else b"".join(pieces[token] for token in ids)


def _put_together(head: Head, spoken: bytes, stray: bytes) -> Iterator[bytes]:
    """Yield the bytes of each run."""
    spoken_at = stray_at = 0
    for kind, size in head.runs:
        if kind == BYTES:
            yield stray[stray_at : stray_at + size]
            stray_at += size
        else:
            spoken_at += kind == SPACED
            yield spoken[spoken_at : spoken_at + size]
            spoken_at += size


class _Told:
    """Tells a block's meter how many bytes are done, from how many tokens are."""

    def __init__(self, meter: Meter | None, raw_bytes: int, count: int) -> None:
        self._meter, self._raw_bytes, self._count = meter, raw_bytes, max(count, 1)

    def __call__(self, done_tokens: int) -> None:
        if self._meter is not None:
            self._meter.cell[0] = self._raw_bytes * done_tokens // self._count
