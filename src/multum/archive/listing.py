"""What an archive holds and what it costs, without decoding it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from multum.archive.frames import BlockHeader
from multum.archive.walking import Walker
from multum.bits.ledger import Ledger


@dataclass(frozen=True)
class BlockListing:
    """A block as listed. Sizes in bytes; offset: of its frame; recipe: number from 1, 0 for none."""

    offset: int
    raw_bytes: int
    coded_bytes: int
    method: str
    transforms: str
    recipe: int


@dataclass(frozen=True)
class Listing:
    """An archive as listed. All sizes in bytes.

    container_bytes: everything that is not payload, recipes included, so
    archive_bytes = coded_bytes + container_bytes. bpb: bits of archive a byte
    of content, None for empty content. recipe: each recipe in hexadecimal.
    digest: SHA-256 of the content. memory_bytes: need of decoding one block.
    name, mode, mtime_ns: of the source, None when it had none.
    kind: "file" or "folder".
    """

    raw_bytes: int
    archive_bytes: int
    coded_bytes: int
    container_bytes: int
    recipe_bytes: int
    bpb: float | None
    level: int
    recipe: tuple[str, ...]
    blocks: int
    digest: str
    memory_bytes: int
    block_bytes: int
    kind: str
    name: str | None
    mode: int | None
    mtime_ns: int | None
    parts: tuple[BlockListing, ...]

    @property
    def ledger(self) -> Ledger:
        """The account of the archive, measured; its part is called by the source's name, or "content"."""
        return account(self.name, self.coded_bytes, self.container_bytes, self.raw_bytes)


def account(name: str | None, coded_bytes: int, container_bytes: int, raw_bytes: int) -> Ledger:
    """Return the ledger of one archive.

    The program is a network that learns while it codes: it has no bits, and its
    recipe is part of the container.
    """
    return Ledger.measured(
        name or "content", code_bits=8 * coded_bytes, container_bits=8 * container_bytes, raw_bits=8 * raw_bytes
    )


def bits_per_byte(archive_bytes: int, raw_bytes: int) -> float | None:
    """Return 8 * archive / raw, or None when there is nothing to divide by."""
    return 8 * archive_bytes / raw_bytes if raw_bytes else None


def list_archive(source: "str | Path | BinaryIO") -> Listing:
    """Return what the archive at a path or in a binary stream holds.

    Every frame and the index are checked; payloads are skipped, not decoded.
    Raises FormatError, OSError.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            return list_archive(stream)
    walker = Walker(source)
    parts = tuple(_list_block(walker, block) for block in walker.blocks())
    return _list_whole(walker, parts)


def _list_block(walker: Walker, block: BlockHeader) -> BlockListing:
    return BlockListing(
        walker.block_offset,
        block.raw_bytes,
        block.coded_bytes,
        ("stored", "mixed")[block.method],
        block.transforms.hex(),
        block.recipe,
    )


def _list_whole(walker: Walker, parts: tuple[BlockListing, ...]) -> Listing:
    """Return the totals over `parts` and the header's fields."""
    header, end, metadata = walker.header, walker.end, walker.header.metadata
    assert end is not None
    coded_bytes = sum(part.coded_bytes for part in parts)
    return Listing(
        raw_bytes=end.raw_bytes,
        archive_bytes=walker.archive_bytes,
        coded_bytes=coded_bytes,
        container_bytes=walker.archive_bytes - coded_bytes,
        recipe_bytes=sum(len(recipe) for recipe in walker.recipes),
        bpb=bits_per_byte(walker.archive_bytes, end.raw_bytes),
        level=header.level,
        recipe=tuple(recipe.hex() for recipe in walker.recipes),
        blocks=len(parts),
        digest=end.digest.hex(),
        memory_bytes=header.memory_bytes,
        block_bytes=header.block_bytes,
        kind="folder" if header.tar else "file",
        name=os.fsdecode(metadata.name) if metadata else None,
        mode=metadata.mode if metadata else None,
        mtime_ns=metadata.mtime_ns if metadata else None,
        parts=parts,
    )
