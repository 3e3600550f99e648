"""One block of an archive: choose how to code it, code it, and undo that exactly."""

from dataclasses import dataclass

STORED = 0
MIXED = 1


@dataclass(frozen=True)
class CodedBlock:
    """A block as the archive carries it.

    raw_bytes: length of the plain data. method: STORED or MIXED.
    transforms: reversible transforms applied before coding, serialised; b"" if none.
    recipe: the serialised recipe of the mixing network; b"" when stored.
    code: the payload.
    """

    raw_bytes: int
    method: int
    transforms: bytes
    recipe: bytes
    code: bytes


def block_bytes(level: int) -> int:
    """Return the raw bytes of a full block at `level` (1-9)."""
    return (4 if level <= 1 else 8 if level <= 3 else 16 if level <= 6 else 32) << 20


def encode_block(raw: bytes, level: int) -> CodedBlock:
    """Return `raw` coded at `level`, verified to decode to the same bytes where a transform is used."""
    return CodedBlock(len(raw), STORED, b"", b"", raw)


def decode_block(block: CodedBlock) -> bytes:
    """Return the plain data of `block`. Raises FormatError when the block is malformed."""
    return block.code


def memory_bytes(block_header: CodedBlock) -> int:
    """Return the bytes of working memory that decoding this block takes (code may be empty here)."""
    return 2 * block_header.raw_bytes


def level_memory_bytes(level: int, raw_bytes: int) -> int:
    """Return an upper bound of memory_bytes over all blocks of raw_bytes that encode_block can make at `level`."""
    return 2 * raw_bytes
