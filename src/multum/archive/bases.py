"""Bases: safetensors files that an archive's tensors are told by their differences from.

An archive names its base by its digest and never holds it; whoever unpacks gives it.
Invariant: a base is used only when its digest is the one that the archive was made with.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property

from multum.archive.frames import DIGEST_BYTES
from multum.archive.varints import Cursor, encode_varint
from multum.errors import FormatError, ProgramMismatch, UsageError
from multum.formats.safetensors import LENGTH_BYTES, TensorFile, TensorPlace, read_header_bytes, read_layout

LARGEST_BASE_NAME = 4096
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class BaseRecord:
    """The base that an archive was made with. name: of the file, for people. size_bytes: its length."""

    name: str
    digest: bytes
    size_bytes: int


def encode_base(record: BaseRecord) -> bytes:
    """Return the body of a BASE frame."""
    name = record.name.encode("utf-8", "surrogateescape")[:LARGEST_BASE_NAME]
    return record.digest + encode_varint(record.size_bytes) + encode_varint(len(name)) + name


def decode_base(body: bytes, offset: int) -> BaseRecord:
    """Return the base that the body of a BASE frame names. Raises FormatError."""
    cursor = Cursor(body, offset)
    digest = cursor.take(DIGEST_BYTES, "digest of the base")
    size_bytes = cursor.varint("length of the base")
    name = cursor.take(cursor.varint("length of the base's name", LARGEST_BASE_NAME), "name of the base")
    cursor.finish("base")
    return BaseRecord(name.decode("utf-8", "surrogateescape"), digest, size_bytes)


@dataclass(frozen=True)
class HeldBase:
    """A base at hand: a file that is read where it is needed. record: of the file as it was when it was opened."""

    path: str
    record: BaseRecord

    @cached_property
    def places(self) -> dict[str, TensorPlace]:
        """Its tensors by name. Raises FormatError naming the file when it is no safetensors file."""
        with open(self.path, "rb") as file:
            try:
                head = file.read(LENGTH_BYTES + 1)
                head += file.read(read_header_bytes(head) - len(head))
                layout: TensorFile = read_layout(head, self.record.size_bytes)
            except FormatError as error:
                raise FormatError(f"base '{self.path}' is no safetensors file: {error}") from error
        return {place.name: place for place in layout.tensors}

    @cached_property
    def _by_ending(self) -> dict[str, list[TensorPlace]]:
        """Its tensors by their names without a first part, or several."""
        found: dict[str, list[TensorPlace]] = {}
        for name, place in self.places.items():
            for ending in _list_endings(name):
                found.setdefault(ending, []).append(place)
        return found

    def find_origin(self, place: TensorPlace) -> int | None:
        """Return where the tensor of the same name, type and shape begins in the base; None where there is none.

        Where there is none of the name, one counts whose name is the end of the other's, such as without "bert.",
        if there is no second one.
        """
        shorter = [self.places[ending] for ending in _list_endings(place.name) if ending in self.places]
        named = self.places.get(place.name)
        candidates = [named] if named else shorter[:1] or self._by_ending.get(place.name, [])
        alike = [one.start for one in candidates if (one.dtype, one.shape) == (place.dtype, place.shape)]
        return alike[0] if len(alike) == 1 else None

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return bytes of the base. Raises FormatError for some that it does not have."""
        with open(self.path, "rb") as file:
            file.seek(min(offset, self.record.size_bytes))
            data = file.read(size_bytes)
        if len(data) < size_bytes:
            raise FormatError(f"a block needs bytes {offset} to {offset + size_bytes} of a base that has fewer")
        return data


def _list_endings(name: str) -> list[str]:
    """Return what is left of a name without its first part, its first two, and so on."""
    parts = name.split(".")
    return [".".join(parts[k:]) for k in range(1, len(parts))]


def open_base(path: "str | os.PathLike[str]") -> HeldBase:
    """Return the base at `path`. Cost: reads all of the file for its digest. Raises UsageError, OSError."""
    name = os.fspath(path)
    if not os.path.isfile(name):
        raise UsageError(f"base '{name}' is not a file; give the safetensors file that tensors are compared with")
    digest, size_bytes = hashlib.sha256(), 0
    with open(name, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size_bytes += len(piece)
    return HeldBase(name, BaseRecord(os.path.basename(name), digest.digest(), size_bytes))


def check_base(record: BaseRecord | None, given: HeldBase | None) -> HeldBase | None:
    """Return the base of an archive: the one given, which must be the one it was made with; None where it has none.

    Raises ProgramMismatch with both digests for another base, or when none is given.
    """
    if record is None:
        return None
    wanted = f"the archive was made with base '{record.name}' of digest {record.digest.hex()}"
    if given is None:
        raise ProgramMismatch(f"{wanted} and does not hold it; give it with --base (base=)")
    if given.record.digest != record.digest:
        raise ProgramMismatch(
            f"{wanted}; '{given.path}' has {given.record.digest.hex()}; give the base that it was made with"
        )
    return given
