"""The whole content of a small file, plain or gzipped."""

import gzip
import hashlib
import zlib
from pathlib import Path

from multum.errors import FormatError


def read_content(path: Path) -> bytes:
    """Return the bytes of `path`, decompressed when its name ends in .gz. Raises FormatError, OSError."""
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FormatError(f"'{path}' is damaged or not gzip: {error}") from error


def digest_contents(*contents: bytes) -> str:
    """Return the SHA-256, in hexadecimal, of `contents` with the length of each before it."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)
    return digest.hexdigest()
