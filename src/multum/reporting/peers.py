"""Multum and the compressors that it is shown beside, each as a pair of functions on bytes.

A peer that is not installed is listed with the reason, never dropped in silence.
"""

import bz2
import functools
import importlib
import importlib.util
import lzma
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from multum.archive.packing import pack_bytes
from multum.archive.unpacking import unpack_bytes

ZLIB_GZIP_WINDOW = 31  # 15 bits of window, plus 16 to ask for the gzip container


@dataclass(frozen=True)
class Codec:
    """A lossless compressor: `unpack(pack(data)) == data`, and pack returns the whole file it would write."""

    name: str
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Skipped:
    """A part of the comparison that cannot run here, and why."""

    name: str
    reason: str


def list_ours(levels: Sequence[int]) -> list[Codec]:
    """Return Multum at each of `levels`, on one thread as the peers are."""
    return [
        Codec(
            f"multum -{level}",
            functools.partial(pack_bytes, level=level, threads=1),
            functools.partial(unpack_bytes, threads=1),
        )
        for level in levels
    ]


def list_peers() -> tuple[list[Codec], list[Skipped]]:
    """Return the peers that can run here, from fastest to slowest family, and those that cannot."""
    found = [
        Codec("gzip -9", _pack_gzip, lambda code: zlib.decompress(code, ZLIB_GZIP_WINDOW)),
        Codec("bzip2 -9", bz2.compress, bz2.decompress),
        Codec("xz -9e", _pack_xz, lzma.decompress),
    ]
    skipped = []
    for name, module, make in (("zstd -19", "zstandard", _make_zstd), ("brotli -q 11", "brotli", _make_brotli)):
        if importlib.util.find_spec(module):
            found.append(make(name))
        else:
            skipped.append(Skipped(name, f"the Python package {module} is missing: pip install 'multum[demo]'"))
    return found, skipped


def _pack_gzip(data: bytes) -> bytes:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, ZLIB_GZIP_WINDOW, 9)
    return squeezer.compress(data) + squeezer.flush()


def _pack_xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)


def _make_zstd(name: str) -> Codec:
    zstandard = importlib.import_module("zstandard")
    pack = zstandard.ZstdCompressor(level=19, write_checksum=True).compress
    return Codec(name, pack, zstandard.ZstdDecompressor().decompress)


def _make_brotli(name: str) -> Codec:
    brotli = importlib.import_module("brotli")
    return Codec(name, lambda data: brotli.compress(data, quality=11, lgwin=24), brotli.decompress)
