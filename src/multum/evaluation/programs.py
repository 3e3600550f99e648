"""Programs by name: a level, an archive, a directory, a GGUF file, a hub model.

All of them do the same things, so that a rate or a sample never asks which kind it has.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from multum.bits.lengths import CodeLength
from multum.errors import UsageError

ARCHIVE = ".mtm"
_LEVEL = re.compile(r"level:(.*)", re.DOTALL)


class Program(Protocol):
    """Anything that gives data a probability and has a size."""

    @property
    def name(self) -> str:
        """How the program was asked for."""

    @property
    def size_bits(self) -> int:
        """Bits to write the program down: of its weight files; 0 for what learns from nothing."""

    def measure_code(
        self, data: bytes, *, per_byte: bool = False, progress: Callable[[int, int | None], None] | None = None
    ) -> CodeLength:
        """Return how many bits `data` takes, with per_byte also how many each byte does. Raises UsageError."""

    def condense(self, data: bytes, prompt: bytes = b"") -> bytes:
        """Return the shortest code of `data` after `prompt`. Raises UsageError."""

    def expand(self, code: bytes, size_bytes: int | None = None, prompt: bytes = b"") -> bytes:
        """Return what any `code` decodes to after `prompt`: as much as uses it up, or `size_bytes` bytes.

        What uses it up has `code` as its shortest code, but for zeros at its end. Raises UsageError.
        """

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield `size_bytes` new bytes, in pieces, that go on after `prompt`. Raises UsageError."""


def open_program(
    spec: "str | os.PathLike[str]",
    device: str = "auto",
    window: int | None = None,
    overlap: int | None = None,
    batch: int | None = None,
    weight_bits: int | None = None,
) -> Program:
    """Return the program that `spec` names.

    spec: "level:1" … "level:9" (what `pack` does), an archive ending in .mtm (the model it holds, the
    program it carries, or the recipe of its first mixed block), a directory that `fit` or `transformers`
    wrote, a .gguf file, or a hub name. device, window, overlap, batch: of trained programs, see
    neural.windows; a program that learns while it codes has none, and refuses window and overlap. weight_bits: 4 or
    8 for weights of a trained program that stay integers in memory, see reduction.weight_only; None for float32.
    Raises UsageError, FormatError, MissingExtra, OSError.
    """
    name = os.fspath(spec)
    level = _LEVEL.fullmatch(name)
    if level is None and not (name.endswith(ARCHIVE) and os.path.isfile(name)):
        return _open_trained(name, device, window, overlap, batch, weight_bits)
    if level is None:
        from multum.archive.models import holds_model, model_folder

        if holds_model(name):
            with model_folder(name) as folder:
                return _open_trained(folder, device, window, overlap, batch, weight_bits, archive=name)
    if window is not None or overlap is not None:
        raise UsageError(f"'{name}' learns while it codes and has no window; leave window and overlap out")
    if weight_bits is not None:
        raise UsageError(f"'{name}' is no network in floating point; leave the weight bits out")
    if level is not None:
        from multum.evaluation.online import open_level  # loads the engine

        return open_level(name, _read_level(level[1]))
    from multum.evaluation.carried import open_archived

    return open_archived(name)


def _read_level(text: str) -> int:
    """Return the level. Raises UsageError for what is no number."""
    if not re.fullmatch(r"-?\d{1,4}", text):
        raise UsageError(f"level '{text}' is not a number; levels go from level:1 (fast) to level:9 (small)")
    return int(text)


def _open_trained(
    name: str,
    device: str,
    window: int | None,
    overlap: int | None,
    batch: int | None,
    weight_bits: int | None,
    archive: str | None = None,
) -> Program:
    """Return a trained program. Raises UsageError for one that predicts other things than data.

    archive: what its folder was unpacked from; the program has that name and size.
    """
    from multum.neural.programs import open_neural
    from multum.neural.sources import find_source

    source = find_source(name)
    if archive is not None:
        source = replace(source, name=archive, archive=Path(archive))
    if source.task not in ("bytes", "tokens"):
        raise UsageError(f"'{source.name}' is a program for {source.task}; here one for bytes or tokens is needed")
    if weight_bits is None:
        return open_neural(source, device, window, overlap, batch)
    from multum.reduction.weight_only import make_weight_only

    program = open_neural(source, "cpu" if device == "auto" else device, window, overlap, batch)
    make_weight_only(program.loaded.model, weight_bits)
    return program
