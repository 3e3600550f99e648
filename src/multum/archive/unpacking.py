"""`unpack` and `test`: archives back to files, folders and streams."""

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from multum.archive.bases import open_base
from multum.archive.contents import PathLike
from multum.archive.decoding import Progress, check_memory, decode_stream
from multum.archive.folders import extract_folder, require_data_filter
from multum.archive.packing import SUFFIX
from multum.archive.programs import HeldProgram, hold
from multum.archive.seeking import read_layout
from multum.archive.sources import ByteSource
from multum.archive.targets import (
    Traits,
    check_free,
    traits_of,
    whole_file,
    whole_folder,
)
from multum.archive.walking import Walker
from multum.archive.writing import write_all
from multum.errors import FormatError, UsageError

Archive = PathLike | BinaryIO


@dataclass(frozen=True)
class UnpackReport:
    """What `unpack` or `test` read. Sizes in bytes.

    source, target: paths, or None for streams and for `test`.
    kind: "file" or "folder". digest: SHA-256 of the content, checked.
    """

    source: str | None
    target: str | None
    kind: str
    raw_bytes: int
    archive_bytes: int
    level: int
    blocks: int
    digest: str


@dataclass(frozen=True)
class _Opened:
    """An archive being read: its frames, its path and status if it is a file, and its content."""

    walker: Walker
    path: str | None
    status: os.stat_result | None
    pieces: Iterator[bytes]

    def report(self, target: str | None) -> UnpackReport:
        """Return the report, once the content was read to its end."""
        walker, end = self.walker, self.walker.end
        assert end is not None
        return UnpackReport(
            source=self.path,
            target=target,
            kind="folder" if walker.header.tar else "file",
            raw_bytes=end.raw_bytes,
            archive_bytes=walker.archive_bytes,
            level=walker.header.level,
            blocks=sum(entry.raw_bytes is not None for entry in walker.entries),
            digest=end.digest.hex(),
        )

    def traits(self) -> Traits | None:
        """Return mode and time from the metadata, else those of the archive's file."""
        metadata = self.walker.header.metadata
        ours = traits_of(self.status) if self.status is not None else None
        if metadata is not None:
            return Traits(metadata.mode, metadata.mtime_ns, ours.owner if ours else None)
        # A folder takes nothing from a file: its mode would lack the x bits.
        return None if self.walker.header.tar else ours


def unpack(
    source: Archive,
    target: Archive | None = None,
    threads: int | None = None,
    *,
    force: bool = False,
    memory_limit: int | None = None,
    remove_source: bool = False,
    program: PathLike | HeldProgram | None = None,
    base: PathLike | None = None,
    progress: Progress | None = None,
) -> UnpackReport:
    """Return the report of the file or folder unpacked from `source` to `target`.

    source: a path or a binary stream. target: a path, a binary stream, or
    None for the source's path without ".mtm". A path appears whole or not at
    all. A folder archive makes a folder at a path and gives its tar stream to
    a stream. threads, force, memory_limit, remove_source, progress: as `pack`.
    program: what the archive was made with, where it does not carry it; an
    archive never has its reader fetch or load anything by itself.
    base: the file that its tensors were compared with, where there was one.
    Raises FormatError, UsageError, LimitExceeded, ProgramMismatch for a program
    or base that is missing or another one, MissingExtra, OSError.
    """
    if target is None:
        target = _default_target(source)
    place = os.fspath(target) if isinstance(target, str | Path) else None
    if remove_source and (place is None or not isinstance(source, str | Path)):
        raise UsageError("a source is removed only when source and target are paths")
    with _open(source, threads, memory_limit, progress, program, base) as opened:
        if not isinstance(target, str | Path):
            _write_pieces(opened.pieces, target)
        elif opened.walker.header.tar:
            _unpack_folder(opened, os.fspath(target), force, durable=remove_source)
        else:
            _unpack_file(opened, os.fspath(target), force)
        report = opened.report(place)
    if remove_source and isinstance(source, str | Path):
        os.unlink(source)
    return report


def test(
    source: Archive,
    threads: int | None = None,  # noqa: PT028 - the verb, not a pytest function
    *,
    memory_limit: int | None = None,  # noqa: PT028
    program: PathLike | HeldProgram | None = None,  # noqa: PT028
    base: PathLike | None = None,  # noqa: PT028
    progress: Progress | None = None,  # noqa: PT028
) -> UnpackReport:
    """Return the report of an archive that was decoded in full and is sound; nothing is written.

    program, base: see `unpack`. Raises FormatError, LimitExceeded, ProgramMismatch, OSError.
    """
    with _open(source, threads, memory_limit, progress, program, base) as opened:
        for _ in opened.pieces:
            pass
        return opened.report(None)


def unpack_bytes(
    archive: bytes,
    threads: int | None = None,
    *,
    memory_limit: int | None = None,
    program: PathLike | HeldProgram | None = None,
    base: PathLike | None = None,
) -> bytes:
    """Return the content of `archive`; see `unpack`. Raises FormatError, LimitExceeded, ProgramMismatch."""
    with _open(io.BytesIO(archive), threads, memory_limit, None, program, base) as opened:
        return b"".join(opened.pieces)


def default_target(path: str) -> str:
    """Return where the archive at `path` is unpacked to. Raises UsageError without .mtm."""
    if not path.endswith(SUFFIX) or os.path.basename(path) == SUFFIX:
        raise UsageError(f"'{path}' does not end in {SUFFIX}, so the target has no name; give one with -o")
    return path[: -len(SUFFIX)]


def _default_target(source: Archive) -> str:
    if not isinstance(source, str | Path):
        raise UsageError("the target must be named when the source is a stream")
    return default_target(os.fspath(source))


@contextlib.contextmanager
def _open(
    source: Archive,
    threads: int | None,
    memory_limit: int | None,
    progress: Progress | None,
    program: PathLike | HeldProgram | None,
    base: PathLike | None,
) -> Iterator[_Opened]:
    """Give the opened archive, memory checked; threads are stopped at the end."""
    path = os.fspath(source) if isinstance(source, str | Path) else None
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(open(path, "rb")) if path is not None else source
        assert not isinstance(stream, str | Path)
        status = os.fstat(stream.fileno()) if path is not None else None
        total = _content_bytes(stream) if progress is not None else None
        walker = Walker(stream)
        check_memory(walker.header, threads, memory_limit)
        held, compared = hold(program, None, memory_limit), None if base is None else open_base(base)
        pieces = decode_stream(walker, threads, memory_limit, progress, total, held, compared)
        stack.callback(pieces.close)
        yield _Opened(walker, path, status, pieces)


def _content_bytes(stream: BinaryIO) -> int | None:
    """Return the length of the content for progress, if the stream can seek and is well-formed."""
    if not stream.seekable():
        return None
    start = stream.tell()
    try:
        return read_layout(stream, ByteSource(stream)).end.raw_bytes
    except FormatError:
        return None  # the walk that follows says where the fault is
    finally:
        stream.seek(start)


def _write_pieces(pieces: Iterator[bytes], target: BinaryIO) -> None:
    for piece in pieces:
        write_all(target, piece)
    target.flush()


def _unpack_file(opened: _Opened, target: str, force: bool) -> None:
    """Write the content to a file that appears whole."""
    _check_apart(opened, target)
    check_free(target, force)
    with whole_file(target, force, opened.traits()) as file:
        _write_pieces(opened.pieces, file)


def _unpack_folder(opened: _Opened, target: str, force: bool, durable: bool) -> None:
    """Make the folder at `target`. durable: sync all of it, before the source goes."""
    require_data_filter()
    _check_apart(opened, target)
    with whole_folder(target, force, opened.traits()) as folder:
        extract_folder(opened.pieces, folder)
        if durable:
            os.sync()


def _check_apart(opened: _Opened, target: str) -> None:
    """Raise UsageError when `target` is the archive itself."""
    there = os.path.exists(target)
    if there and opened.status is not None and os.path.samestat(opened.status, os.stat(target)):
        raise UsageError(f"target '{target}' is the archive itself; name another with -o")
