"""What a caller asks to pack: a stream, a file, or a folder made of several inputs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from multum.archive.folders import Sink, total_bytes, write_folder
from multum.archive.frames import LARGEST_NAME, Metadata
from multum.archive.targets import Traits, traits_of
from multum.errors import UsageError

LARGEST_TIME_NS = (1 << 62) - 1  # what a zigzag varint holds: the years 1823 to 2116

PathLike = str | Path
Source = PathLike | Sequence[PathLike] | BinaryIO


class Taker(Sink, Protocol):
    """What takes content, such as the writer of an archive."""

    @property
    def room(self) -> int:
        """Bytes that it best takes at once."""


@dataclass(frozen=True)
class Content:
    """The content of one archive; exactly one of `paths` and `stream` is there."""

    paths: tuple[str, ...]
    stream: BinaryIO | None

    @property
    def is_folder(self) -> bool:
        """Whether the content is a tar stream of files."""
        return len(self.paths) > 1 or (len(self.paths) == 1 and os.path.isdir(self.paths[0]))

    @property
    def is_file(self) -> bool:
        """Whether the content is one regular file."""
        return len(self.paths) == 1 and os.path.isfile(self.paths[0])

    @property
    def name(self) -> str | None:
        """The path of a single source, or None."""
        return self.paths[0] if len(self.paths) == 1 else None

    def traits(self) -> Traits | None:
        """Return what the archive's file inherits from a single source file."""
        return traits_of(os.stat(self.paths[0])) if self.is_file else None

    def metadata(self) -> Metadata | None:
        """Return name, mode and time of a single file or folder, or None."""
        if len(self.paths) != 1 or not (self.is_file or self.is_folder):
            return None
        traits = traits_of(os.stat(self.paths[0]))
        name = os.fsencode(os.path.basename(os.path.abspath(self.paths[0])))
        if not 0 < len(name) <= LARGEST_NAME:
            return None
        mtime_ns = max(-LARGEST_TIME_NS, min(LARGEST_TIME_NS, traits.mtime_ns))
        return Metadata(name, traits.mode, mtime_ns)

    def total_bytes(self) -> int | None:
        """Return about how long the content is, or None when nobody knows before the end."""
        if self.is_folder:
            return total_bytes(self.paths)
        return os.stat(self.paths[0]).st_size if self.is_file else None

    def write_to(self, writer: Taker, target: BinaryIO) -> list[str]:
        """Write the content to `writer`; return the paths left out. target: the archive's stream."""
        if self.is_folder:
            return write_folder(writer, self.paths, _identity(target))
        writer.open_file(os.path.basename(self.name or ""), 0, None)
        if self.stream is not None:
            _copy(self.stream, writer)
        else:
            with open(self.paths[0], "rb", buffering=0) as file:
                _copy(file, writer)
        return []


def content_of(source: Source) -> Content:
    """Return the content that `source` names. Raises UsageError for none, OSError."""
    if isinstance(source, str | Path):
        return Content((os.fspath(source),), None)
    if isinstance(source, bytes | bytearray | memoryview):
        raise UsageError("the source is bytes; give a path or a stream, or use pack_bytes")
    if isinstance(source, Sequence):
        if not source:
            raise UsageError("the list of sources is empty; give one path or more")
        return Content(tuple(os.fspath(path) for path in source), None)
    return Content((), source)


def _copy(source: BinaryIO, writer: Taker) -> None:
    """Write all of `source`, in pieces that fill a block where the source gives so much."""
    while piece := source.read(writer.room):
        writer.write(piece)
    if piece is None:
        raise UsageError("the source is a non-blocking stream; give one that blocks")


def _identity(target: BinaryIO) -> tuple[int, int] | None:
    """Return (device, inode) of the file behind `target`, or None."""
    try:
        status = os.fstat(target.fileno())
    except (OSError, AttributeError):  # io.UnsupportedOperation is an OSError
        return None
    return status.st_dev, status.st_ino
