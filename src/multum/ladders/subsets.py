"""What the runs of a ladder read: the bytes to train on, shares of them, and the held-out bytes that all are scored on.

They are copied into the ladder's folder once, so that every run, and every machine of a cluster, reads the same.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from multum.archive.targets import whole_file
from multum.data.streams import ByteStream, DataSource, open_stream
from multum.errors import UsageError
from multum.training.running import LEAST_BYTES

# Held out: a twentieth of the data and no more than this, enough to tell 0.01 bits per byte; all runs share its chance.
_HELD_OUT_SHARE, _MOST_HELD_OUT_BYTES = 20, 1 << 16
# A share is made of pieces spread evenly over the data, so long that few windows cross from one to another.
_LEAST_PIECE, _LONGEST_PIECE, _PIECES = 1 << 12, 1 << 16, 512
# What a pace is measured on.
_PACE_BYTES, _PACE_HELD_OUT_BYTES = 1 << 16, 512
_READ_BYTES = 1 << 20

TRAINING, HELD_OUT, PACE, PACE_HELD_OUT = "training", "held-out", "pace", "pace-held-out"


def divide_data(
    data: DataSource | Sequence[DataSource], held_out: "str | os.PathLike[str] | None"
) -> tuple[ByteStream, ByteStream]:
    """Return (bytes to train on, bytes that all runs are scored on): the end of the data, or the start of a file.

    Raises UsageError for too little data, FormatError, OSError.
    """
    stream = open_stream(data)
    if len(stream) < 2 * LEAST_BYTES:
        raise UsageError(f"there are {len(stream):,} bytes to learn from; a ladder needs {2 * LEAST_BYTES:,} at least")
    if held_out is not None:
        scored = open_stream(held_out)
        if len(scored) < 2:
            raise UsageError(f"the held-out data '{held_out}' has {len(scored)} bytes; give 2 or more")
        return stream, scored.view(0, min(len(scored), _MOST_HELD_OUT_BYTES))
    size = min(len(stream) // _HELD_OUT_SHARE, _MOST_HELD_OUT_BYTES)
    return stream.view(0, len(stream) - size), stream.view(len(stream) - size, len(stream))


def name_share(share: float) -> str:
    """Return the name of the file with a share of the training bytes."""
    return TRAINING if share == 1 else f"{TRAINING}-{share:g}"


def write_data(folder: Path, training: ByteStream, held_out: ByteStream) -> None:
    """Write what all ladders need into `folder`. Raises OSError."""
    folder.mkdir(exist_ok=True)
    _write(folder / HELD_OUT, _read_pieces(held_out))
    _write(folder / PACE, _read_pieces(training.view(0, min(len(training), _PACE_BYTES))))
    _write(folder / PACE_HELD_OUT, _read_pieces(held_out.view(0, min(len(held_out), _PACE_HELD_OUT_BYTES))))
    _write(folder / TRAINING, _read_pieces(training))


def write_shares(folder: Path, shares: Iterable[float]) -> None:
    """Write the shares of the training bytes that are not there yet. Raises UsageError for less than a fit needs."""
    for share in sorted(set(shares)):
        target = folder / name_share(share)
        if target.is_file():
            continue
        training = open_stream(folder / TRAINING)
        if share * len(training) < LEAST_BYTES:
            raise UsageError(
                f"a share of {share:g} of {len(training):,} bytes is less than the {LEAST_BYTES:,} that a fit needs"
            )
        _write(target, _read_share(training, share))


def count_bytes(folder: Path, share: float) -> int:
    """Return how many bytes there are to train on in a share."""
    return (folder / name_share(share)).stat().st_size


def _read_pieces(stream: ByteStream) -> Iterator[bytes]:
    for start in range(0, len(stream), _READ_BYTES):
        yield stream.read(start, _READ_BYTES).tobytes()


def _read_share(training: ByteStream, share: float) -> Iterator[bytes]:
    """Yield pieces spread over the bytes, as many as make up the share."""
    piece = min(max(_LEAST_PIECE, len(training) // _PIECES), _LONGEST_PIECE)
    for number in range(-(-len(training) // piece)):
        if int((number + 1) * share) > int(number * share):
            yield training.read(number * piece, piece).tobytes()


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    with whole_file(str(target), True, None) as file:
        for piece in pieces:
            file.write(piece)
