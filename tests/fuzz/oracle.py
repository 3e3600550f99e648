"""What must hold for any bytes given to the readers."""

import io
import tempfile
from pathlib import Path

import multum
from tests.archive.streams import one_byte_stream

MEMORY_BYTES = 64 << 20


def check_reader(data: bytes) -> bool:
    """Return whether `data` is a sound archive.

    Raises AssertionError when the readers disagree about that, and whatever
    they raise that is none of our errors. Takes bounded memory.
    """
    content = read_whole(data)
    listing = try_list(data)
    opened = read_opened(data)
    if content is None:
        return False
    assert listing is not None, "a sound archive cannot be listed"
    assert listing.raw_bytes == len(content)
    assert opened == content, "a sound archive opens as something else"
    if len(data) < 2000:
        back = io.BytesIO()
        multum.unpack(one_byte_stream(data), back, 1, memory_limit=MEMORY_BYTES)
        assert back.getvalue() == content, "a pipe reads as something else"
    if listing.kind == "folder":
        check_folder(data)
    return True


def read_whole(data: bytes) -> bytes | None:
    """Return the content, or None when it is refused."""
    try:
        return multum.unpack_bytes(data, 1, memory_limit=MEMORY_BYTES)
    except multum.MultumError:
        return None


def try_list(data: bytes) -> multum.Listing | None:
    """Return the listing, or None when it is refused."""
    try:
        return multum.list_archive(io.BytesIO(data))
    except multum.MultumError:
        return None


def read_opened(data: bytes) -> bytes | None:
    """Return the content as `open` reads it, or None when it is refused."""
    try:
        with multum.open(io.BytesIO(data), memory_limit=MEMORY_BYTES) as file:
            return file.read()
    except multum.MultumError:
        return None


def check_folder(data: bytes) -> None:
    """Unpack a folder archive and check that nothing appears outside of its target."""
    with tempfile.TemporaryDirectory() as name:
        outer = Path(name)
        inner = outer / "inner"
        inner.mkdir()
        try:
            multum.unpack(io.BytesIO(data), inner / "target", 1, memory_limit=MEMORY_BYTES)
        except multum.MultumError:
            assert list(inner.iterdir()) == [], "a refused folder left something behind"
        except OSError:
            # A name too long for this file system, for instance; what matters is that it is gone.
            assert list(inner.iterdir()) == [], "a failed folder left something behind"
        assert list(outer.iterdir()) == [inner], "something was written outside"
