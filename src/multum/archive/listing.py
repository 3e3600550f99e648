"""What an archive holds and what it costs, without decoding it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from multum.archive.bases import BaseRecord
from multum.archive.frames import METHOD_NAMES, BlockHeader
from multum.archive.records import ProgramRecord
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
class ProgramListing:
    """The program of an archive. digest: SHA-256 of its integers. size_bytes: their length, nothing coded."""

    name: str
    digest: str
    size_bytes: int
    carried: bool


@dataclass(frozen=True)
class BaseListing:
    """The base of an archive, which is never inside. digest: SHA-256 of the file. size_bytes: its length."""

    name: str
    digest: str
    size_bytes: int


@dataclass(frozen=True)
class Listing:
    """An archive as listed. All sizes in bytes.

    program_bytes: the program as it is carried, or the note of one that is held
    by reference. container_bytes: everything else that is not payload, recipes
    included, so archive_bytes = program_bytes + coded_bytes + container_bytes.
    program, base: None for none. bpb: bits of archive a byte
    of content, None for empty content. recipe: each recipe in hexadecimal.
    digest: SHA-256 of the content. memory_bytes: need of decoding one block.
    name, mode, mtime_ns: of the source, None when it had none.
    kind: "file" or "folder".
    """

    raw_bytes: int
    archive_bytes: int
    coded_bytes: int
    program_bytes: int
    container_bytes: int
    recipe_bytes: int
    bpb: float | None
    level: int
    program: ProgramListing | None
    base: BaseListing | None
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
        return account(self.name, self.program_bytes, self.coded_bytes, self.container_bytes, self.raw_bytes)


def account(name: str | None, program_bytes: int, coded_bytes: int, container_bytes: int, raw_bytes: int) -> Ledger:
    """Return the ledger of one archive.

    A network that learns while it codes has no bits, and its recipe is part of
    the container; a trained program has those that are in the archive.
    """
    return Ledger.measured(
        name or "content",
        program_bits=8 * program_bytes,
        code_bits=8 * coded_bytes,
        container_bits=8 * container_bytes,
        raw_bits=8 * raw_bytes,
    )


def list_program(record: ProgramRecord) -> ProgramListing:
    """Return the program of `record` as listed."""
    return ProgramListing(record.name, record.digest.hex(), record.size_bytes, record.sections is not None)


def list_base(record: BaseRecord) -> BaseListing:
    """Return the base of `record` as listed."""
    return BaseListing(record.name, record.digest.hex(), record.size_bytes)


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
        METHOD_NAMES[block.method],
        block.transforms.hex(),
        block.recipe,
    )


def _list_whole(walker: Walker, parts: tuple[BlockListing, ...]) -> Listing:
    """Return the totals over `parts` and the header's fields."""
    header, end, metadata = walker.header, walker.end, walker.header.metadata
    assert end is not None
    coded_bytes = sum(part.coded_bytes for part in parts)
    record, base = walker.read_record(), walker.read_base()
    return Listing(
        raw_bytes=end.raw_bytes,
        archive_bytes=walker.archive_bytes,
        coded_bytes=coded_bytes,
        program_bytes=walker.program_bytes,
        container_bytes=walker.archive_bytes - coded_bytes - walker.program_bytes,
        recipe_bytes=sum(len(recipe) for recipe in walker.recipes),
        bpb=bits_per_byte(walker.archive_bytes, end.raw_bytes),
        level=header.level,
        program=None if record is None else list_program(record),
        base=None if base is None else list_base(base),
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
