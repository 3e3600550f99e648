"""`pack`: turn files, folders and streams into archives."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from multum.archive.bases import open_base
from multum.archive.coding import Coder
from multum.archive.contents import Content, PathLike, Source, content_of
from multum.archive.decoding import Progress, decode_stream
from multum.archive.listing import BaseListing, ProgramListing, account, bits_per_byte, list_base, list_program
from multum.archive.programs import HeldProgram, hold, make_record
from multum.archive.recipes import KeptRecipe, read_recipe
from multum.archive.records import ProgramRecord
from multum.archive.targets import check_free, whole_file
from multum.archive.walking import Walker
from multum.archive.writing import ArchiveWriter
from multum.bits.ledger import Ledger
from multum.errors import MultumError, UsageError
from multum.mixing import check_level

if TYPE_CHECKING:
    from multum.tensors.grids import Grid

SUFFIX = ".mtm"
Grids = Mapping[str, Mapping[str, "Grid"]]


@dataclass(frozen=True)
class PackReport:
    """What `pack` made. Sizes in bytes; archive_bytes = program_bytes + coded_bytes + container_bytes.

    program_bytes: of the program as it is carried, or of the note of one that is held by reference.
    program, base: which one it is, None for none. source, target: paths, or None for streams.
    bpb: bits of archive a byte of content, None for empty content. digest: SHA-256 of the content.
    methods: how many bytes of the content each method has, by its name.
    skipped: paths that a folder archive cannot hold and that were left out.
    """

    source: str | None
    target: str | None
    raw_bytes: int
    archive_bytes: int
    coded_bytes: int
    program_bytes: int
    container_bytes: int
    bpb: float | None
    level: int
    program: ProgramListing | None
    base: BaseListing | None
    blocks: int
    methods: dict[str, int]
    digest: str
    skipped: tuple[str, ...]

    @property
    def ledger(self) -> Ledger:
        """The account of the archive, measured; its part is called by the source, or "content"."""
        return account(self.source, self.program_bytes, self.coded_bytes, self.container_bytes, self.raw_bytes)


@dataclass(frozen=True)
class _Options:
    """How to pack; see `pack`."""

    coder: Coder
    record: ProgramRecord | None
    threads: int | None
    verify: bool
    memory_limit: int | None
    metadata: bool
    progress: Progress | None
    grids: Grids | None


def pack(
    source: Source,
    target: PathLike | BinaryIO | None = None,
    level: int = 5,
    threads: int | None = None,
    *,
    force: bool = False,
    verify: bool = False,
    memory_limit: int | None = None,
    metadata: bool = True,
    remove_source: bool = False,
    recipe: PathLike | KeptRecipe | None = None,
    program: PathLike | HeldProgram | None = None,
    reference: bool = False,
    alone: bool = False,
    bits: float | None = None,
    grids: Grids | None = None,
    base: PathLike | None = None,
    progress: Progress | None = None,
) -> PackReport:
    """Return the report of the archive written to `target`.

    source: a path, several paths (one folder archive), or a binary stream.
    target: a path, a binary stream, or None for the source's path + ".mtm";
    a path appears whole or not at all, with the source's mode and time.
    level: 1 (fast) to 9 (small). threads: None or 0 for all cores; the bytes
    are the same for any number. force: replace an existing target.
    verify: decode what was written and compare. memory_limit: bytes.
    metadata: keep name, mode and time in the archive.
    remove_source: remove the source file once the target is synced.
    recipe: a recipe file that `find` saved, or an archive whose first recipe is
    taken, or the recipe itself: every block is coded by it, at its level.
    program: what predicts the content: a directory, a .gguf file, a hub name or
    an archive that carries one, see `read_program`. Each block is decoded again
    and compared. A program over bytes is mixed with the network that learns while
    it codes; alone: code with the program alone, which is faster.
    reference: note the program's digest, do not carry it.
    bits: that a carried weight takes, 1 to 8: rounded with feedback, on text that
    the program imagines; 4 cost it little. None for 8-bit integers, to nearest.
    grids: where tensors lie on grids, by the name of a safetensors file in the
    content (its path within a folder) and of the tensor. Each is coded as the
    integers of its grid; that these give the tensor's bytes is checked.
    base: a safetensors file. Tensors that have its names, types and shapes are
    told by their differences where that is shorter; unpacking needs it again.
    progress: called with (bytes done, bytes in all or None) after each block,
    and a few times a second while a block is worked on.
    Raises UsageError, LimitExceeded, FormatError for a wrong recipe or program,
    MissingExtra, OSError.
    """
    kept = recipe if recipe is None or isinstance(recipe, KeptRecipe) else read_recipe(recipe)
    level = check_level(level) if kept is None else kept.level
    if program is None and (reference or alone or bits is not None):
        raise UsageError("reference, alone and bits are of a program; name one with --program (program=)")
    if reference and bits is not None:
        raise UsageError("a program by reference has its weights as they are; give bits to one that is carried")
    content = content_of(source)
    held = hold(program, bits, memory_limit, carried=not reference)
    record = None if held is None else make_record(held, carried=not reference)
    compared = None if base is None else open_base(base)
    coder = Coder(level, kept, held, alone, base=compared)
    if (grids or compared) and not coder.finds_tensors:
        raise UsageError("tensors are coded as on grids or against a base without a recipe or a program; name neither")
    options = _Options(coder, record, threads, verify, memory_limit, metadata, progress, grids)
    if target is None:
        target = _default_target(content)
    if not isinstance(target, str | Path):
        if remove_source:
            raise UsageError("a source is removed only when the target is a path; name one")
        return _pack_to_stream(content, target, None, options)
    if remove_source and not content.is_file:
        raise UsageError("only a single source file can be removed; remove the rest yourself")
    report = _pack_to_path(content, os.fspath(target), force, options)
    if remove_source:
        os.unlink(content.paths[0])
    return report


def pack_bytes(data: bytes, level: int = 5, threads: int | None = None) -> bytes:
    """Return the archive of `data`, without a name. Raises UsageError, LimitExceeded."""
    target = io.BytesIO()
    pack(io.BytesIO(data), target, level, threads)
    return target.getvalue()


def default_target(path: str) -> str:
    """Return the archive's path for a source path: the same with .mtm."""
    plain = path.rstrip("/")
    # For "." and ".." the folder's own name is meant.
    full = os.path.abspath(path) if os.path.basename(plain) in ("", ".", "..") else plain
    return full + SUFFIX


def _default_target(content: Content) -> str:
    """Return the target for a single path. Raises UsageError when it must be named."""
    if content.name is None:
        raise UsageError("the target must be named for a stream or several sources")
    return default_target(content.name)


def _pack_to_path(content: Content, target: str, force: bool, options: _Options) -> PackReport:
    """Pack into a file that appears whole, verified by reading it back if asked."""
    for path in content.paths:
        _check_apart(path, target)
    check_free(target, force)
    with whole_file(target, force, content.traits()) as file:
        report = _pack_to_stream(content, file, target, options)
        if options.verify and file.readable():
            file.seek(0)
            _verify(file, report.digest, options)
    return report


def _check_apart(path: str, target: str) -> None:
    """Raise UsageError when writing `target` would overwrite or enter the source."""
    if os.path.exists(target) and os.path.samefile(path, target):
        raise UsageError(f"target '{target}' is the source itself; name another with -o")
    real, inside = os.path.realpath(path), os.path.realpath(target)
    if os.path.isdir(path) and os.path.commonpath([real, inside]) == real:
        raise UsageError(f"target '{target}' lies inside the folder '{path}'; put it elsewhere")


def _verify(file: BinaryIO, digest: str, options: _Options) -> None:
    """Decode the archive that was written. Raises MultumError when it is not the source."""
    walker = Walker(file)
    coder = options.coder
    for _ in decode_stream(walker, options.threads, options.memory_limit, program=coder.program, base=coder.base):
        pass  # decode_stream compares with the digest in the archive
    if walker.end is None or walker.end.digest.hex() != digest:
        raise MultumError("the archive that was written holds other data; please report this")


def _pack_to_stream(content: Content, target: BinaryIO, name: str | None, options: _Options) -> PackReport:
    """Pack to a stream. name: the target's path, for the report."""
    reads_back = options.verify and name is not None and target.readable()
    writer = ArchiveWriter(
        target,
        options.coder,
        threads=options.threads,
        metadata=content.metadata() if options.metadata else None,
        tar=content.is_folder,
        memory_limit=options.memory_limit,
        # what a network coded is never taken on trust
        verify=not reads_back and (options.verify or options.record is not None),
        record=options.record,
        progress=options.progress,
        total_bytes=content.total_bytes() if options.progress else None,
        grids=options.grids,
    )
    try:
        skipped = content.write_to(writer, target)
        written = writer.finish()
    finally:
        writer.close()
    target.flush()
    return PackReport(
        source=content.name,
        target=name,
        raw_bytes=written.raw_bytes,
        archive_bytes=written.archive_bytes,
        coded_bytes=written.coded_bytes,
        program_bytes=written.program_bytes,
        container_bytes=written.archive_bytes - written.coded_bytes - written.program_bytes,
        bpb=bits_per_byte(written.archive_bytes, written.raw_bytes),
        level=options.coder.level,
        program=None if options.record is None else list_program(options.record),
        base=None if options.coder.base is None else list_base(options.coder.base.record),
        blocks=written.blocks,
        methods=written.methods,
        digest=written.digest.hex(),
        skipped=tuple(skipped),
    )
