"""The PROGRAM frame: a trained program carried in an archive, or named by its digest.

A program is the serialised integer network, and for a program over tokens the bytes that each token stands for.
Both are carried coded by the mixing network, or as they are where that is no longer.
"""

from dataclasses import dataclass

from multum.archive.frames import DIGEST_BYTES, LARGEST_RECIPE, MIXED, STORED
from multum.archive.varints import Cursor, encode_varint
from multum.errors import FormatError

CARRIED, REFERRED = 0, 1
LARGEST_PROGRAM_NAME = 4096


@dataclass(frozen=True)
class Section:
    """One part of a program as it is carried. recipe: serialised, b"" when stored. code: the payload."""

    method: int
    recipe: bytes
    code: bytes


@dataclass(frozen=True)
class ProgramRecord:
    """The program that an archive was made with.

    name: as its packer was given it, for people. digest: SHA-256 of network and pieces, one after the other.
    network_bytes, pieces_bytes: their plain lengths; a program over bytes has no pieces.
    sections: network and pieces as carried, or None for a program held by reference.
    """

    name: str
    digest: bytes
    network_bytes: int
    pieces_bytes: int
    sections: tuple[Section, Section] | None

    @property
    def size_bytes(self) -> int:
        """The plain length of the program."""
        return self.network_bytes + self.pieces_bytes


def encode_record(record: ProgramRecord) -> bytes:
    """Return the body of a PROGRAM frame."""
    name = record.name.encode("utf-8", "surrogateescape")[:LARGEST_PROGRAM_NAME]
    body = bytes([CARRIED if record.sections else REFERRED]) + record.digest
    body += encode_varint(record.network_bytes) + encode_varint(record.pieces_bytes)
    body += encode_varint(len(name)) + name
    return body + b"".join(_encode_section(section) for section in record.sections or ())


def _encode_section(section: Section) -> bytes:
    head = bytes([section.method]) + encode_varint(len(section.recipe)) + section.recipe
    return head + encode_varint(len(section.code)) + section.code


def decode_record(body: bytes, offset: int) -> ProgramRecord:
    """Return the program that the body of a PROGRAM frame describes. Raises FormatError."""
    cursor = Cursor(body, offset)
    kind = cursor.byte("kind of program")
    if kind not in (CARRIED, REFERRED):
        raise FormatError(f"kind of program is {kind}, allowed are 0 (carried) and 1 (by reference)", offset)
    digest = cursor.take(DIGEST_BYTES, "digest of the program")
    network_bytes, pieces_bytes = cursor.varint("length of the network"), cursor.varint("length of the pieces")
    length = cursor.varint("length of the program's name", LARGEST_PROGRAM_NAME)
    name = cursor.take(length, "name of the program").decode("utf-8", "surrogateescape")
    sections = None
    if kind == CARRIED:
        sections = (_decode_section(cursor, network_bytes), _decode_section(cursor, pieces_bytes))
    cursor.finish("program")
    return ProgramRecord(name, digest, network_bytes, pieces_bytes, sections)


def _decode_section(cursor: Cursor, raw_bytes: int) -> Section:
    """Return the next part of a program. Raises FormatError when it cannot stand for `raw_bytes` bytes."""
    start = cursor.offset
    method = cursor.byte("method")
    recipe = cursor.take(cursor.varint("length of a recipe", LARGEST_RECIPE), "recipe")
    code = cursor.take(cursor.varint("length of a program's code", raw_bytes), "code of the program")
    fits = not recipe and len(code) == raw_bytes if method == STORED else bool(recipe)
    if method not in (STORED, MIXED) or not fits:
        raise FormatError("a part of the program is coded by no method that this version knows", start)
    return Section(method, recipe, code)
