"""Trained programs that blocks are coded with: taken from their files, put into archives, and found again.

Invariant: a program is used for decoding only when its digest is the one that the archive was made with.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from multum.archive.frames import MIXED, STORED
from multum.archive.limits import fit_threads
from multum.archive.records import ProgramRecord, Section
from multum.archive.varints import Cursor, encode_varint
from multum.archive.walking import Walker
from multum.errors import FormatError, MultumError, ProgramMismatch, UsageError
from multum.inference.network import IntegerNetwork
from multum.mixing import Recipe, decode, encode, preset

if TYPE_CHECKING:
    from multum.neural.vocabulary import Vocabulary

SUFFIX = ".mtm"
LARGEST_PIECE = 1 << 16
# Bits of a weight that is rounded to nearest.
_PLAIN_BITS = 8
USUAL_LANES = 2
# Bytes that loading takes for each byte of weight files: floats and integers, of weights of 2 bytes or of half a one.
_COPIES = 4
_GGUF_COPIES = 12


@dataclass(frozen=True, eq=False)  # equal programs have one digest; their arrays are not compared
class HeldProgram:
    """An exact program in memory, ready to code.

    name: as it was asked for. pieces: the bytes of each token, None where the tokens are the 256 bytes.
    vocabulary: what splits text into tokens; None where text is only put together again.
    """

    name: str
    network: IntegerNetwork
    pieces: tuple[bytes, ...] | None = None
    vocabulary: "Vocabulary | None" = None

    @cached_property
    def parts(self) -> tuple[bytes, bytes]:
        """The network and the pieces, serialised."""
        return self.network.to_bytes(), b"" if self.pieces is None else encode_pieces(self.pieces)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of both parts, one after the other: what an archive knows the program by."""
        return hashlib.sha256(b"".join(self.parts)).digest()

    @cached_property
    def sections(self) -> tuple[Section, Section]:
        """Both parts as archives carry them; coded once, for however many archives."""
        network, pieces = self.parts
        return _pack_part(network), _pack_part(pieces)

    @property
    def size_bytes(self) -> int:
        """The length of both parts, nothing coded."""
        return sum(map(len, self.parts))


def share_threads(threads: int, program: HeldProgram | None) -> tuple[int, int]:
    """Return (blocks at once, threads for each). Blocks of tokens have lanes that want threads of their own."""
    if program is None or program.pieces is None:
        return threads, 1
    each = min(threads, USUAL_LANES)
    return max(1, threads // each), each


def encode_pieces(pieces: tuple[bytes, ...]) -> bytes:
    """Return the pieces serialised, each after its length."""
    return b"".join(encode_varint(len(piece)) + piece for piece in pieces)


def decode_pieces(data: bytes, count: int) -> tuple[bytes, ...]:
    """Return the `count` pieces that `data` serialises. Raises FormatError."""
    cursor = Cursor(data, 0)
    pieces = tuple(cursor.take(cursor.varint("length of a piece", LARGEST_PIECE), "piece") for _ in range(count))
    cursor.finish("pieces")
    return pieces


def read_program(
    spec: "str | os.PathLike[str]", bits: float | None = None, memory_limit: int | None = None
) -> HeldProgram:
    """Return the exact program that `spec` names.

    spec: a directory that `fit` or `transformers` wrote, a .gguf file, a hub name, or an archive ending in .mtm
    that holds a model or carries a program. bits: a weight, of a program that is made into integers now; None for 8.
    memory_limit: bytes, None for what the machine has.
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    name = os.fspath(spec)
    if name.endswith(SUFFIX) and os.path.isfile(name):
        from multum.archive.models import model_folder  # opens archives, and those may need a program

        with model_folder(name, None, memory_limit) as folder:
            if folder != name:
                return replace(_make_program(folder, bits, memory_limit), name=name)
        if bits is not None:
            raise UsageError(f"'{name}' carries weights that are integers already; leave bits out")
        return _read_carried(name)
    return _make_program(name, bits, memory_limit)


def hold(
    program: "str | os.PathLike[str] | HeldProgram | None",
    bits: float | None = None,
    memory_limit: int | None = None,
    *,
    carried: bool = False,
) -> HeldProgram | None:
    """Return a program in memory: the one given, or the one that is named; None for None.

    carried: whether an archive is to hold it; what `shrink` made is then rounded to the bits that its file has.
    Raises as read_program.
    """
    if program is None or isinstance(program, HeldProgram):
        return program
    if carried and bits is None:
        from multum.archive.models import count_shrunken_bits  # opens archives, and those may need a program

        known = count_shrunken_bits(program)
        bits = None if known is None or known >= _PLAIN_BITS else max(known, 1.0)
    return read_program(program, bits, memory_limit)


def _read_carried(path: str) -> HeldProgram:
    """Return the program that the archive at `path` carries."""
    with open(path, "rb") as stream:
        record = Walker(stream).read_record()
    if record is None or record.sections is None:
        held = "no program" if record is None else f"only the digest of '{record.name}'"
        raise UsageError(
            f"'{path}' holds {held}; give an archive that was packed with --program, or the program itself"
        )
    return replace(open_record(record, None), name=path)


def _make_program(name: str, bits: float | None, memory_limit: int | None) -> HeldProgram:
    """Return the integers of a trained program. Raises LimitExceeded before more memory is taken than is allowed."""
    from multum.neural.integers import make_integers
    from multum.neural.loading import load
    from multum.neural.sources import find_source
    from multum.quantization.programs import round_program

    source = find_source(name)
    if source.task not in ("bytes", "tokens"):
        raise UsageError(f"'{name}' is a program for {source.task}; here one for bytes or tokens is needed")
    copies = _GGUF_COPIES if source.gguf is not None else _COPIES
    fit_threads(1, copies * source.size_bytes, memory_limit, f"loading '{name}'")
    loaded = load(source, "cpu")
    steps = None if bits is None else round_program(loaded, bits)
    network, vocabulary = make_integers(loaded, steps=steps), loaded.vocabulary
    if vocabulary.is_bytes:
        return HeldProgram(name, network)
    return HeldProgram(name, network, tuple(vocabulary.pieces), vocabulary)


def make_record(program: HeldProgram, carried: bool) -> ProgramRecord:
    """Return the record of `program` for an archive: carried inside, or by reference."""
    network, pieces = program.parts
    sections = program.sections if carried else None
    return ProgramRecord(program.name, program.digest, len(network), len(pieces), sections)


def _pack_part(data: bytes) -> Section:
    """Return a part of a program coded, or stored when that is no longer.

    Weights have next to no context: the fast network takes them to 0.3 % of what the largest does.
    """
    recipe = preset(1, "binary").scaled(len(data))
    code = encode(data, recipe)
    if code is None:
        return Section(STORED, b"", data)
    if decode(code, len(data), recipe) != data:
        raise MultumError("the program does not decode to itself; please report this as a bug")
    return Section(MIXED, recipe.to_bytes(), code)


def open_record(record: ProgramRecord, given: HeldProgram | None) -> HeldProgram:
    """Return the program of an archive: the one it carries, or the one given, which must be the same.

    Raises ProgramMismatch with both digests for another program, or when none is given and none carried;
    FormatError for a damaged one.
    """
    if given is not None and given.digest != record.digest:
        raise ProgramMismatch(
            f"the archive was made with program '{record.name}' of digest {record.digest.hex()}; '{given.name}' has"
            f" {given.digest.hex()}; give the program that it was made with"
        )
    if given is not None:
        return given
    if record.sections is None:
        raise ProgramMismatch(
            f"the archive needs program '{record.name}' of digest {record.digest.hex()} and does not carry it;"
            " give it with --program (program=)"
        )
    network = _unpack_part(record.sections[0], record.network_bytes)
    pieces = _unpack_part(record.sections[1], record.pieces_bytes)
    if hashlib.sha256(network + pieces).digest() != record.digest:
        raise FormatError("the program that the archive carries does not match its digest")
    held = IntegerNetwork.from_bytes(network)
    if not pieces and held.vocabulary != 256:
        raise FormatError(f"a program over bytes has {held.vocabulary} tokens; allowed is 256")
    return HeldProgram(record.name, held, decode_pieces(pieces, held.vocabulary) if pieces else None)


def _unpack_part(section: Section, raw_bytes: int) -> bytes:
    """Return a part of a program as it was. Raises FormatError."""
    if section.method == STORED:
        return section.code
    return decode(section.code, raw_bytes, Recipe.from_bytes(section.recipe))
