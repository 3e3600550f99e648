"""The bytes that a rate is of: files, folders, streams and archives, as one string."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from multum.archive.seeking import open_archive
from multum.errors import UsageError

PathLike = str | Path
Data = bytes | PathLike | list[str] | list[Path] | tuple[PathLike, ...] | BinaryIO
ARCHIVE = ".mtm"


def read_data(data: Data) -> bytes:
    """Return the bytes of `data`: of files one after another, of a folder its files sorted by name.

    data: bytes, a path, several paths, or a binary stream. A path that ends in .mtm stands for
    what the archive holds (for a folder's archive, its tar stream). Links in folders are not
    followed. Raises UsageError for what holds no data, FormatError, OSError.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if isinstance(data, str | Path):
        return _read_path(os.fspath(data))
    if isinstance(data, list | tuple):
        if not data:
            raise UsageError("the list of data is empty; give one path or more")
        return b"".join(_read_path(os.fspath(path)) for path in data)
    return data.read()


def _read_path(path: str) -> bytes:
    if os.path.isdir(path):
        files = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        plain = [file for file in files if stat.S_ISREG(os.lstat(file).st_mode)]
        if not plain:
            raise UsageError(f"the folder '{path}' holds no files; give one that does")
        return b"".join(_read_file(file) for file in sorted(plain, key=os.fsencode))
    return _read_file(path)


def _read_file(path: str) -> bytes:
    if path.endswith(ARCHIVE):
        with open_archive(path) as file:
            return file.read()
    return Path(path).read_bytes()


def name_data(data: Data) -> str | None:
    """Return how `data` is called: its path or paths, None for bytes and streams."""
    if isinstance(data, str | Path):
        return os.fspath(data)
    return " ".join(os.fspath(path) for path in data) if isinstance(data, list | tuple) else None
