"""The records of an archive as bytes and back: header, blocks, index, end.

Each `encode_*` has its `decode_*`; both are pure functions of bytes. Reading
and writing files is not their concern. docs/FORMAT.md is the specification.
"""

import struct
import zlib
from dataclasses import dataclass

from multum.archive.varints import Cursor, encode_varint, encode_zigzag
from multum.errors import FormatError

# A non-ASCII byte catches 7-bit transfers; CR LF catches line-ending conversion
# in either direction; ^Z stops an accidental `type` on DOS-like terminals.
MAGIC = b"\x8dMTM\r\n\x1a"
VERSION = 1
CRC_BYTES = 4
TAIL_BYTES = 4
DIGEST_BYTES = 32

PROGRAM, BASE, RECIPE, BLOCK, INDEX, END = b"P", b"A", b"R", b"B", b"I", b"E"

LARGEST_BLOCK = 1 << 30
LARGEST_RECIPE = 1 << 16
LARGEST_TRANSFORMS = 1 << 12
LARGEST_NAME = 255
# What a frame of each kind may hold, so that a length is refused before it is believed.
LARGEST_BODY = {
    PROGRAM: 1 << 36,
    BASE: 1 << 13,
    RECIPE: LARGEST_RECIPE,
    BLOCK: LARGEST_TRANSFORMS + 64,
    INDEX: 1 << 28,
    END: 48,
}
LARGEST_HEADER = 512

FLAG_TAR = 1
FLAG_METADATA = 2
FLAG_PROGRAM = 4
FLAG_BASE = 8
# A block's payload: plain data, or the code of a mixing network, of a program's tokens, of a network with a program;
# of rows of tensors, of such rows that lie on a grid; the number of an earlier block of the same data; or the code of
# differences from rows of a base.
STORED, MIXED, TOKENS, GUIDED, TENSOR, GRID, REPEAT, DIFFERENCE = range(8)
METHOD_NAMES = ("stored", "mixed", "tokens", "guided", "tensor", "grid", "repeat", "difference")
PROGRAM_METHODS = frozenset([TOKENS, GUIDED])
ROW_METHODS = frozenset([TENSOR, GRID, DIFFERENCE])  # they alone can be repeated


@dataclass(frozen=True)
class Metadata:
    """What is known of the packed file. name: base name, bytes as on disk. mode: permission bits."""

    name: bytes
    mode: int
    mtime_ns: int


@dataclass(frozen=True)
class Header:
    """The start of an archive. Sizes in bytes; memory_bytes is the need of decoding one block.

    program: whether a PROGRAM frame follows. base: whether a BASE frame does.
    """

    level: int
    block_bytes: int
    memory_bytes: int
    tar: bool
    metadata: Metadata | None
    program: bool = False
    base: bool = False


@dataclass(frozen=True)
class BlockHeader:
    """What precedes a payload. recipe: number of its RECIPE frame from 1, or 0 for none."""

    raw_bytes: int
    coded_bytes: int
    method: int
    transforms: bytes
    recipe: int
    raw_crc: int
    code_crc: int


@dataclass(frozen=True)
class Entry:
    """A line of the index: the length of a frame; raw_bytes is None for all but a BLOCK."""

    frame_bytes: int
    raw_bytes: int | None


@dataclass(frozen=True)
class End:
    """The last frame: length and SHA-256 of the whole content."""

    raw_bytes: int
    digest: bytes


def crc32_bytes(data: bytes) -> bytes:
    """Return the CRC-32 of `data`, little-endian."""
    return struct.pack("<I", zlib.crc32(data))


def encode_frame(kind: bytes, body: bytes) -> bytes:
    """Return kind, length and body, protected by a CRC-32."""
    frame = kind + encode_varint(len(body)) + body
    return frame + crc32_bytes(frame)


def encode_header(header: Header) -> bytes:
    """Return the bytes that start an archive, magic to checksum."""
    metadata = header.metadata
    flags = FLAG_TAR * header.tar | FLAG_METADATA * (metadata is not None)
    flags |= FLAG_PROGRAM * header.program | FLAG_BASE * header.base
    body = bytes([flags, header.level])
    body += encode_varint(header.block_bytes) + encode_varint(header.memory_bytes)
    if metadata is not None:
        body += encode_varint(len(metadata.name)) + metadata.name
        body += encode_varint(metadata.mode) + encode_zigzag(metadata.mtime_ns)
    start = MAGIC + bytes([VERSION]) + encode_varint(len(body)) + body
    return start + crc32_bytes(start)


def decode_header(body: bytes, offset: int) -> Header:
    """Return the header in `body` (between its length and its CRC). Raises FormatError."""
    cursor = Cursor(body, offset)
    flags = cursor.byte("flags")
    if flags & ~(FLAG_TAR | FLAG_METADATA | FLAG_PROGRAM | FLAG_BASE):
        raise FormatError(f"flags 0x{flags:02x} has bits that version {VERSION} lacks", offset)
    level = cursor.byte("level")
    if not 1 <= level <= 9:
        raise FormatError(f"level is {level}, allowed are 1 to 9", offset + 1)
    block_bytes = cursor.varint("block size", LARGEST_BLOCK)
    memory_bytes = cursor.varint("memory need")
    metadata = _decode_metadata(cursor) if flags & FLAG_METADATA else None
    cursor.finish("header")
    tar, program, base = bool(flags & FLAG_TAR), bool(flags & FLAG_PROGRAM), bool(flags & FLAG_BASE)
    return Header(level, block_bytes, memory_bytes, tar, metadata, program, base)


def _decode_metadata(cursor: Cursor) -> Metadata:
    """Return name, mode and time. Raises FormatError for a name that is not a plain base name."""
    start = cursor.offset
    name = cursor.take(cursor.varint("name length", LARGEST_NAME), "name")
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise FormatError(f"name {name!r} is not a plain file name", start)
    mode = cursor.varint("mode", 0o777)
    return Metadata(name, mode, cursor.zigzag("modification time"))


def encode_block_header(block: BlockHeader) -> bytes:
    """Return the body of a BLOCK frame; the payload follows the frame."""
    body = encode_varint(block.raw_bytes) + encode_varint(block.coded_bytes)
    body += bytes([block.method]) + encode_varint(block.recipe)
    body += encode_varint(len(block.transforms)) + block.transforms
    return body + struct.pack("<II", block.raw_crc, block.code_crc)


def decode_block_header(body: bytes, offset: int, largest_raw: int) -> BlockHeader:
    """Return the block described by `body`. Raises FormatError when a field is out of its limits."""
    cursor = Cursor(body, offset)
    raw_bytes = cursor.varint("block length", largest_raw)
    coded_bytes = cursor.varint("coded length", raw_bytes)
    if raw_bytes == 0:
        raise FormatError("a block of no bytes is not allowed", offset)
    method = cursor.byte("method")
    if method >= len(METHOD_NAMES):
        known = ", ".join(f"{number} ({name})" for number, name in enumerate(METHOD_NAMES))
        raise FormatError(f"method is {method}, allowed are {known}", offset)
    recipe = cursor.varint("recipe number")
    count = cursor.varint("length of transforms", LARGEST_TRANSFORMS)
    transforms = cursor.take(count, "transforms")
    raw_crc, code_crc = cursor.u32("checksum of the data"), cursor.u32("checksum of the payload")
    cursor.finish("block header")
    block = BlockHeader(raw_bytes, coded_bytes, method, transforms, recipe, raw_crc, code_crc)
    if method == STORED and (coded_bytes != raw_bytes or recipe or transforms):
        raise FormatError("a stored block has a length, recipe or transform of its own", offset)
    return block


def encode_index(entries: list[Entry]) -> bytes:
    """Return the body of an INDEX frame over all PROGRAM, BASE, RECIPE and BLOCK frames, in order."""
    parts = [encode_varint(len(entries))]
    for entry in entries:
        parts.append(encode_varint(entry.frame_bytes << 1 | (entry.raw_bytes is None)))
        if entry.raw_bytes is not None:
            parts.append(encode_varint(entry.raw_bytes))
    return b"".join(parts)


def decode_index(body: bytes, offset: int) -> list[Entry]:
    """Return the entries of an INDEX. Raises FormatError. Cost: bounded by the length of `body`."""
    cursor = Cursor(body, offset)
    count = cursor.varint("number of frames", len(body))
    entries = []
    for _ in range(count):
        word = cursor.varint("frame length")
        raw_bytes = None if word & 1 else cursor.varint("block length", LARGEST_BLOCK)
        entries.append(Entry(word >> 1, raw_bytes))
    cursor.finish("index")
    return entries


def encode_end(end: End, index_bytes: int) -> bytes:
    """Return the END frame and the tail. index_bytes: length of the INDEX frame before it, or 0."""
    frame = encode_frame(END, encode_varint(end.raw_bytes) + end.digest)
    return frame + struct.pack("<I", index_bytes + len(frame) + TAIL_BYTES)


def decode_end(body: bytes, offset: int) -> End:
    """Return the length and digest in an END frame. Raises FormatError."""
    cursor = Cursor(body, offset)
    end = End(cursor.varint("content length"), cursor.take(DIGEST_BYTES, "digest"))
    cursor.finish("end frame")
    return end
