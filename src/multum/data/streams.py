"""Bytes to learn from: files, folders, patterns, archives and streams as one long array that is never in memory whole.

Large files are mapped; small ones, archives and standard input are copied once to a temporary file without a name,
which is mapped too. Invariant: the bytes and their digests depend on contents and names alone, and a folder's files
come in the order of their paths.
"""

import bisect
import glob
import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from multum.archive.seeking import open_archive
from multum.errors import UsageError

Bytes = NDArray[np.uint8]
DataSource = str | os.PathLike[str] | BinaryIO

SUFFIX = ".mtm"
# A mapping costs the system more than copying a file below this.
_SMALL_BYTES = 1 << 20
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Origin:
    """What one input gave. digest: SHA-256 of its bytes, one file after another."""

    name: str
    files: int
    size_bytes: int
    digest: str


class ByteStream:
    """Some bytes, spread over parts; a view of it shares them. Made by `open_stream`."""

    def __init__(
        self, parts: Sequence[Bytes], origins: Sequence[Origin], start: int = 0, stop: int | None = None
    ) -> None:
        """start, stop: where this view lies in the parts together; None for their end."""
        self._parts, self.origins = parts, tuple(origins)
        self._ends = [int(end) for end in np.cumsum([len(part) for part in parts], dtype=np.int64)]
        whole = self._ends[-1] if self._ends else 0
        self._start, self._stop = start, whole if stop is None else stop

    def __len__(self) -> int:
        return self._stop - self._start

    def view(self, start: int, stop: int) -> "ByteStream":
        """Return the bytes from `start` to `stop`, without copying."""
        assert 0 <= start <= stop <= len(self), "a view lies inside"
        return ByteStream(self._parts, self.origins, self._start + start, self._start + stop)

    def read(self, start: int, length: int) -> Bytes:
        """Return a copy of `length` bytes from `start`; fewer at the end."""
        at, stop = self._start + start, min(self._start + start + length, self._stop)
        out = np.empty(max(0, stop - at), np.uint8)
        number = bisect.bisect_right(self._ends, at)
        filled = 0
        while filled < len(out):
            part = self._parts[number]
            first = at + filled - (self._ends[number] - len(part))
            piece = part[first : first + len(out) - filled]
            out[filled : filled + len(piece)] = piece
            filled, number = filled + len(piece), number + 1
        return out

    def cut(self, starts: Sequence[int] | NDArray[np.int64], length: int) -> Bytes:
        """Return uint8[len(starts), length], a row for each start; every row lies inside."""
        return np.stack([self.read(int(start), length) for start in starts])

    def describe(self) -> list[dict[str, Any]]:
        """Return names, sizes and digests of the inputs as plain values."""
        return [asdict(origin) for origin in self.origins]


def open_stream(sources: DataSource | Sequence[DataSource]) -> ByteStream:
    """Return the bytes of `sources`, one after another.

    sources: paths of files, folders (everything in them), patterns such as "logs/*.txt", archives (*.mtm, what they
    hold), or binary streams. Cost: everything is read once, for the digests.
    Raises UsageError for nothing, FormatError for damaged archives, OSError for what cannot be read.
    """
    listed = list(sources) if isinstance(sources, Sequence) and not isinstance(sources, str) else [sources]
    if not listed:
        raise UsageError("there is no data; name files, folders, archives, or - for standard input")
    parts: list[Bytes] = []
    origins = []
    for source in listed:
        gathered = _Gathered()
        gathered.add(source)
        found = gathered.finish()
        parts += found
        origins.append(_describe(_name(source), gathered.files, found))
    return ByteStream(parts, origins)


def _name(source: DataSource) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return "standard input" if getattr(source, "name", None) in (0, "<stdin>") else "stream"


def _describe(name: str, files: int, parts: Sequence[Bytes]) -> Origin:
    """Return the origin; this reads all of it."""
    digest = hashlib.sha256()
    for part in parts:
        for start in range(0, len(part), _PIECE_BYTES):
            digest.update(part[start : start + _PIECE_BYTES].tobytes())
    return Origin(name, files, sum(map(len, parts)), digest.hexdigest())


class _Gathered:
    """Collects the parts of one input; what is small goes into a spool that becomes a part when a large one comes."""

    def __init__(self) -> None:
        self.files = 0
        self._parts: list[Bytes] = []
        self._spool: IO[bytes] | None = None

    def add(self, source: DataSource) -> None:
        """Add a path or a stream. Raises UsageError, FormatError, OSError."""
        if not isinstance(source, str | os.PathLike):
            self._copy(source)
            return
        for path in _list_files(os.fspath(source)):
            if path.endswith(SUFFIX):
                self._add_archive(path)
            elif os.path.getsize(path) < _SMALL_BYTES:
                with open(path, "rb") as file:
                    self._copy(file)
            else:
                self._close_spool()
                self._parts.append(np.memmap(path, np.uint8, mode="r"))
                self.files += 1

    def finish(self) -> list[Bytes]:
        """Return the parts."""
        self._close_spool()
        return self._parts

    def _add_archive(self, path: str) -> None:
        """Add what an archive holds: its file, or the files of its folder."""
        with open_archive(path) as content:
            if not _holds_folder(content):
                self._copy(content)
                return
            with tarfile.open(fileobj=content, mode="r|") as folder:
                for member in folder:
                    if (file := folder.extractfile(member)) is not None:
                        self._copy(file)

    def _copy(self, file: IO[bytes] | BinaryIO) -> None:
        if self._spool is None:
            self._spool = tempfile.TemporaryFile(buffering=0, prefix="multum-")  # noqa: SIM115 - see finish
        while piece := file.read(_PIECE_BYTES):
            self._spool.write(piece)
        self.files += 1

    def _close_spool(self) -> None:
        spool, self._spool = self._spool, None
        if spool is None:
            return
        if spool.tell():  # nothing cannot be mapped
            self._parts.append(np.memmap(spool, np.uint8, mode="r"))
        spool.close()


def _holds_folder(content: Any) -> bool:
    """Return whether an opened archive holds a tar stream."""
    return bool(content.raw.layout.header.tar)


def _list_files(path: str) -> Iterator[str]:
    """Yield the files that a path or pattern means, sorted. Raises UsageError for none, OSError."""
    if os.path.isdir(path):
        yield from _walk(path)
    elif os.path.lexists(path):
        if not os.path.isfile(path):
            raise UsageError(f"'{path}' is neither a file nor a folder; feed pipes and devices through standard input")
        yield path
    elif glob.has_magic(path):
        found = sorted(glob.glob(path, recursive=True))
        if not found:
            raise UsageError(f"no file matches '{path}'")
        for one in found:
            yield from _walk(one) if os.path.isdir(one) else [one]
    else:
        raise FileNotFoundError(2, "No such file or directory", path)


def _walk(folder: str) -> Iterator[str]:
    """Yield the regular files in a folder, by path; links to folders are not followed, a locked folder is an error."""

    def fail(error: OSError) -> None:
        raise error

    found = [os.path.join(top, name) for top, _, names in os.walk(folder, onerror=fail) for name in names]
    yield from sorted(path for path in found if Path(path).is_file())
