"""Real data that every machine has, in small pieces, and archives of it."""

import functools
import inspect
import json.decoder
import pydoc_data.topics

import multum


@functools.cache
def text(size_bytes: int) -> bytes:
    """Return the start of the documentation topics of the standard library."""
    topics = pydoc_data.topics.topics
    return "".join(topics[name] for name in sorted(topics)).encode()[:size_bytes]


@functools.cache
def source() -> bytes:
    """Return the source of a module of the standard library."""
    return inspect.getsource(json.decoder).encode()


@functools.cache
def archive(size_bytes: int, level: int = 1) -> bytes:
    """Return an archive of `text(size_bytes)`."""
    return multum.pack_bytes(text(size_bytes), level)
