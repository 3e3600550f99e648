"""The bytes that a rate is of, as one string; what a path or stream stands for is told by data.streams."""

import os
from pathlib import Path
from typing import BinaryIO

from multum.data.streams import open_stream
from multum.errors import UsageError

PathLike = str | Path
Data = bytes | PathLike | list[str] | list[Path] | tuple[PathLike, ...] | BinaryIO


def read_data(data: Data) -> bytes:
    """Return the bytes of `data`, what is several one after another.

    data: bytes, a path, several paths, or a binary stream; see `open_stream`.
    Raises UsageError for a folder without files or no path at all, FormatError, OSError.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    stream = open_stream(data)
    for origin in stream.origins:
        if not origin.files:
            raise UsageError(f"'{origin.name}' holds no files; give a folder that does")
    return stream.read(0, len(stream)).tobytes()


def name_data(data: Data) -> str | None:
    """Return how `data` is called: its path or paths, None for bytes and streams."""
    if isinstance(data, str | Path):
        return os.fspath(data)
    return " ".join(os.fspath(path) for path in data) if isinstance(data, list | tuple) else None
