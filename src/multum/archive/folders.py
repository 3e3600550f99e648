"""Folders as tar streams, made the same way everywhere and unpacked without trust.

Making: PAX format, members sorted by the bytes of their names, no user or
group, times in whole seconds. Unpacking: only plain files, folders and links
that stay inside; what `check_member` refuses is never made, on any Python.
"""

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO, Protocol, cast

from multum.archive.decoding import PlainStream
from multum.errors import FormatError, MissingExtra, UsageError

STREAM_BYTES = 1 << 18
LARGEST_EXTENSION = 1 << 20
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Sink(Protocol):
    """What a tar stream is written to."""

    def write(self, data: bytes, /) -> int:
        """Take all of `data`."""

    def open_file(self, name: str, offset: int, size_bytes: int | None) -> None:
        """Hear that the file `name` will be what is written from `offset` on; None: up to the end."""


def link_stays_inside(name: str, link: str) -> bool:
    """Return whether the symbolic link `name` -> `link` cannot lead out of the folder.

    `..` is allowed at the start only: after a name it would count from where
    that name leads if it is a link itself.
    """
    parts = [part for part in link.split("/") if part not in ("", ".")]
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    inside = climbs <= len(PurePosixPath(name).parts) - 1
    return bool(link) and not link.startswith("/") and inside and ".." not in parts[climbs:]


def _member(path: str, name: str) -> tarfile.TarInfo | None:
    """Return the tar header of the file at `path`, or None for what an archive cannot hold."""
    status = os.lstat(path)
    info = tarfile.TarInfo(name)
    info.mode = status.st_mode & 0o777
    info.mtime = status.st_mtime_ns // 10**9
    if stat.S_ISREG(status.st_mode):
        info.size = status.st_size
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode) and link_stays_inside(name, os.readlink(path)):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
    else:
        return None
    return info


def _walk(path: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield (path, member name) of everything at and below `path`, sorted; "" names no member.

    Links are not followed, except `path` itself when it is an unnamed top.
    """
    waiting = [(path, name)]
    while waiting:
        path, name = waiting.pop()
        if name:
            yield path, name
        if os.path.isdir(path) and not (name and os.path.islink(path)):
            entries = sorted(os.listdir(path), key=os.fsencode, reverse=True)
            prefix = f"{name}/" if name else ""
            waiting += [(os.path.join(path, entry), prefix + entry) for entry in entries]


def member_names(inputs: Sequence[str]) -> list[tuple[str, str]]:
    """Return (path, member name) of each input; a single folder gives its contents, unnamed.

    Raises UsageError when two inputs have the same base name.
    """
    if len(inputs) == 1:
        return [(inputs[0], "")]
    names = [(path, os.path.basename(os.path.abspath(path))) for path in inputs]
    for position, (path, name) in enumerate(names):
        if name in [other for _, other in names[:position]]:
            raise UsageError(f"two inputs are named '{name}' ('{path}'); rename one of them")
    return names


def write_folder(target: Sink, inputs: Sequence[str], excluded: tuple[int, int] | None = None) -> list[str]:
    """Write the tar stream of `inputs` to `target`; return the paths left out.

    Left out are devices, pipes, sockets, and links that lead outside, which no
    reader would make. excluded: (device, inode) of the archive being written.
    Raises OSError for a file that cannot be read or changes its length meanwhile.
    """
    skipped: list[str] = []
    with tarfile.open(
        fileobj=cast(IO[bytes], target),
        mode="w|",
        bufsize=STREAM_BYTES,
        format=tarfile.PAX_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as tar:
        for top, top_name in member_names(inputs):
            for path, name in _walk(top, top_name):
                status = os.lstat(path)
                if (status.st_dev, status.st_ino) == excluded:
                    continue
                info = _member(path, name)
                if info is None:
                    skipped.append(path)
                elif info.isreg():
                    head = info.tobuf(tar.format, tar.encoding, tar.errors)
                    target.open_file(name, tar.offset + len(head), info.size)
                    with open(path, "rb") as file:
                        tar.addfile(info, file)
                else:
                    tar.addfile(info)
    return skipped


def total_bytes(inputs: Sequence[str]) -> int:
    """Return about how long the tar stream of `inputs` is, for progress."""
    total = 0
    for path, name in member_names(inputs):
        for inner, _ in _walk(path, name):
            status = os.lstat(inner)
            total += 512 + (status.st_size if stat.S_ISREG(status.st_mode) else 0)
    return total


class _SmallHeaders(tarfile.TarInfo):
    """Members whose extended headers are small, so that a header cannot ask for all memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_SmallHeaders":
        """Return the member in a 512-byte header. Raises FormatError for an outsized extension."""
        info = super().frombuf(buf, encoding, errors)
        extends = info.type not in tarfile.SUPPORTED_TYPES or info.type in _EXTENSIONS
        if extends and info.size > LARGEST_EXTENSION:
            raise FormatError(f"a member header of {info.size} bytes; not unpacked")
        return info


class _MemberCheck:
    """Refuse members that could write outside the folder or over each other.

    Invariant: every name let through is new, and no folder above it is a link,
    so extraction never follows a link.
    """

    def __init__(self) -> None:
        """Start with an empty folder."""
        self._folders: set[str] = {"."}
        self._others: set[str] = set()

    def check(self, member: tarfile.TarInfo) -> None:
        """Raise FormatError unless `member` is safe to make."""
        name = member.name
        parts = name.split("/")
        if name.startswith("/") or any(part in ("", ".", "..") for part in parts):
            raise FormatError(f"member {name!r} does not stay inside the folder; not unpacked")
        plain = member.isreg() and not member.issparse()
        if not (plain or member.isdir() or member.issym()):
            raise FormatError(f"member {name!r} is neither a file, a folder nor a symbolic link")
        if member.issym() and not link_stays_inside(name, member.linkname):
            raise FormatError(f"member {name!r} links to {member.linkname!r}, outside the folder; not unpacked")
        self._add_name(name, member.isdir())

    def _add_name(self, name: str, is_folder: bool) -> None:
        """Note `name` and the folders above it. Raises FormatError when they clash."""
        above = [str(parent) for parent in PurePosixPath(name).parents]
        taken = name in self._others or (name in self._folders and not is_folder)
        if taken or any(parent in self._others for parent in above):
            raise FormatError(f"member {name!r} would be written over or through another member")
        self._folders.update(above)
        (self._folders if is_folder else self._others).add(name)


def _checked(tar: Iterable[tarfile.TarInfo]) -> Iterator[tarfile.TarInfo]:
    """Yield the members of `tar` that are safe, in order. Raises FormatError for the first other."""
    check = _MemberCheck()
    for member in tar:
        check.check(member)
        yield member


def require_data_filter() -> None:
    """Raise MissingExtra on Pythons whose tarfile has no safe filter."""
    if not hasattr(tarfile, "data_filter"):
        raise MissingExtra(
            "unpacking a folder needs tarfile.data_filter; use Python 3.11.4 or later, or write the tar stream with -c"
        )


def extract_folder(pieces: Iterator[bytes], folder: str) -> None:
    """Unpack the tar stream in `pieces` into the empty `folder`, then read the stream to its end.

    Raises FormatError for a malformed stream or an unsafe member, OSError.
    """
    require_data_filter()
    stream = PlainStream(pieces)
    try:
        with tarfile.open(
            fileobj=cast(IO[bytes], stream),
            mode="r|",
            bufsize=STREAM_BYTES,
            encoding="utf-8",
            errors="surrogateescape",
            errorlevel=2,
            tarinfo=_SmallHeaders,
        ) as tar:
            tar.extractall(folder, members=_checked(tar), filter="data")
    except FormatError:
        raise
    except (tarfile.TarError, ArithmeticError, ValueError) as error:
        raise FormatError(f"the folder inside the archive cannot be unpacked: {error}") from error
    stream.drain()
