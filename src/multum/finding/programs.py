"""Trained programs as candidates: carried inside the archive at several precisions, mixed with the best recipe."""

import io
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from multum.archive.contents import PathLike
from multum.archive.frames import MAGIC
from multum.archive.packing import pack
from multum.archive.programs import HeldProgram, read_program
from multum.archive.recipes import KeptRecipe, read_recipe
from multum.archive.walking import Walker
from multum.finding.candidates import Account
from multum.finding.samples import draw_sample
from multum.finding.starting import Named
from multum.neural.sources import find_source

# Bits a weight to try, of small programs and of large ones, which take minutes to round with feedback.
PRECISIONS = (4.0, 3.0, 2.0)
LARGE_PRECISIONS = (None, 4.0)
_SMALL_BYTES = 1 << 26
# A sample is so long, or a share of the data, up to a limit.
_SAMPLE_BYTES, _SAMPLE_SHARE, _LARGEST_SAMPLE = 1 << 14, 64, 1 << 18
_LEVEL = 9


@dataclass(frozen=True, eq=False)
class ProgramCandidate:
    """A trained program at one precision; kept: the recipe of the network beside it, None for the level's choice."""

    name: str
    program: HeldProgram
    kept: KeptRecipe | None = None

    def options(self) -> dict[str, Any]:
        """Return what `pack` is called with."""
        beside: dict[str, Any] = {"level": _LEVEL} if self.kept is None else {"recipe": self.kept}
        return {"program": self.program, **beside}


def sort_candidates(paths: Iterable[PathLike]) -> tuple[list[Named], list[str]]:
    """Return (recipes by their paths, names of trained programs). Raises FormatError, UsageError, OSError.

    A file is a recipe file or an archive, which stands for its program if it carries one and else for its recipe;
    .gguf files, directories and other names are trained programs.
    """
    recipes: list[Named] = []
    programs: list[str] = []
    for path in [os.fspath(one) for one in paths]:
        if not os.path.isfile(path) or path.endswith(".gguf") or _carries_program(path):
            programs.append(path)
        else:
            recipes.append((path, read_recipe(path)))
    return recipes, programs


def _carries_program(path: str) -> bool:
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return False
        file.seek(0)
        return Walker(file).header.program


def open_program(
    name: str, shown: str | None = None, precisions: tuple[float, ...] | None = None
) -> Iterator[ProgramCandidate]:
    """Yield the program of that name at these precisions, or at every one it can have. shown: what to call it.

    Raises as read_program.
    """
    for bits in precisions or _list_precisions(name):
        called = (shown or name) if bits is None else f"{shown or name} at {bits:g} bits"
        yield ProgramCandidate(called, read_program(name, bits))


def _list_precisions(name: str) -> tuple[float | None, ...]:
    """Return the bits a weight to try: None for 8-bit integers, rounded to nearest, which takes no time."""
    if os.path.isfile(name) and not name.endswith(".gguf"):
        return (None,)  # its weights are integers already
    return PRECISIONS if find_source(name).size_bytes <= _SMALL_BYTES else LARGE_PRECISIONS


def estimate_program(candidate: ProgramCandidate, data: bytes) -> tuple[Account, float]:
    """Return (what the candidate comes to for all of `data`, the seconds that its archive takes), from a sample."""
    size = min(max(_SAMPLE_BYTES, len(data) // _SAMPLE_SHARE), _LARGEST_SAMPLE)
    sample = draw_sample(data, size).data
    start_s = time.monotonic()
    report = pack(io.BytesIO(sample), io.BytesIO(), **candidate.options())
    times = len(data) / max(len(sample), 1)
    program_bits, code_bits = 8 * report.program_bytes, 8 * report.coded_bytes * times
    account = Account(candidate.name, program_bits, code_bits, program_bits + code_bits, measured=False)
    return account, (time.monotonic() - start_s) * times
