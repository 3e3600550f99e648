"""Mixing programs: a level, or the recipe of an archive. They learn the data while they code it.

They have no size of their own: the network begins untrained and its recipe is part of the
container. Their code lengths are measured: the code is made.
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from multum.archive.coding import MIXED
from multum.archive.packing import pack
from multum.archive.walking import Walker
from multum.bits.kernels import wrapping
from multum.bits.lengths import CodeLength
from multum.errors import UsageError
from multum.formats.detection import Family, detect
from multum.formats.transforms import apply_transforms, invert_transforms
from multum.mixing import Meter, Recipe, check_level, encode, engine, preset, primers_for
from multum.mixing.network import allocate
from multum.mixing.primers import read_primer

Progress = Callable[[int, int | None], None]


class _Sink(io.RawIOBase):
    """Where an archive goes that only its length is wanted of."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object, /) -> int:
        """Take all of `data` and keep nothing."""
        return len(memoryview(data))  # type: ignore[arg-type]


def _refuse_per_byte(name: str) -> None:
    raise UsageError(
        f"'{name}' does not tell what each byte takes; leave --per-byte out, or give a trained program (a directory,"
        " a .gguf file, a hub model)"
    )


@dataclass(frozen=True)
class LevelProgram:
    """What `pack` does at a level: it looks what the data is and learns it while coding."""

    name: str
    level: int
    size_bits: int = 0

    def measure_code(self, data: bytes, *, per_byte: bool = False, progress: Progress | None = None) -> CodeLength:
        """Return the length of the payload of an archive of `data` at this level, which is made and dropped.

        Raises UsageError for per_byte, LimitExceeded.
        """
        if per_byte:
            _refuse_per_byte(self.name)
        report = pack(io.BytesIO(data), io.BufferedWriter(_Sink()), self.level, metadata=False, progress=progress)
        return CodeLength(8 * report.coded_bytes, len(data))

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield new bytes as the network expects them that `pack` makes for `prompt`, once it has learnt that."""
        yield _draw(self.name, self._recipe(prompt), size_bytes, prompt, temperature, top_p, seed)

    def _recipe(self, prompt: bytes) -> Recipe:
        """Return the recipe for what the prompt is; for text when there is nothing to tell it from."""
        found = detect(prompt)
        family = found.family if prompt and found.family is not Family.RANDOM else Family.TEXT
        record = (found.record_bytes, found.stride, found.width, int(found.big))
        primers = primers_for(str(family), found.markup, found.code)
        return preset(self.level, str(family), separator=found.separator, record=record, primers=primers)


@dataclass(frozen=True)
class RecipeProgram:
    """The network that an archive's first mixed block was coded by, untrained again.

    block_bytes: data longer than this is coded in independent blocks, as the archive was.
    """

    name: str
    recipe: Recipe
    transforms: bytes
    block_bytes: int
    size_bits: int = 0

    def measure_code(self, data: bytes, *, per_byte: bool = False, progress: Progress | None = None) -> CodeLength:
        """Return the length of the code of `data`; a block that would grow counts as stored.

        Raises UsageError for per_byte.
        """
        if per_byte:
            _refuse_per_byte(self.name)
        code_bytes = 0
        for at in range(0, len(data), self.block_bytes):
            raw = data[at : at + self.block_bytes]
            code = encode(self._transform(raw), self.recipe)
            code_bytes += len(raw if code is None else code)
            if progress is not None:
                progress(at + len(raw), len(data))
        return CodeLength(8 * code_bytes, len(data))

    def _transform(self, raw: bytes) -> bytes:
        """Return `raw` transformed as the block was, where that can be undone."""
        plain = apply_transforms(self.transforms, raw)
        return plain if invert_transforms(self.transforms, plain) == raw else raw

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield new bytes as the network expects them once it has learnt `prompt`."""
        yield _draw(self.name, self.recipe, size_bytes, prompt, temperature, top_p, seed)


def open_level(name: str, level: int) -> LevelProgram:
    """Return the program of `pack` at `level`. Raises UsageError unless it is 1 to 9."""
    return LevelProgram(name, check_level(level))


def open_recipe(path: str) -> RecipeProgram:
    """Return the program of the archive at `path`. Raises UsageError when it has none, FormatError, OSError."""
    with open(path, "rb") as stream:
        walker = Walker(stream)
        for block in walker.blocks():
            if block.method == MIXED:
                recipe = Recipe.from_bytes(walker.recipe_of(block))
                return RecipeProgram(os.fspath(path), recipe, block.transforms, walker.header.block_bytes)
    raise UsageError(f"'{path}' holds stored data only and so no program; name a level, such as level:5")


def _draw(
    name: str, recipe: Recipe, size_bytes: int, prompt: bytes, temperature: float, top_p: float, seed: int
) -> bytes:
    """Return `size_bytes` bytes that the network of `recipe` decodes from random bits after it has read `prompt`.

    Each bit is one with exactly the probability that the network gives it.
    Raises UsageError for settings other than temperature 1 and top_p 1.
    """
    if temperature != 1 or top_p != 1:
        raise UsageError(
            f"'{name}' is a mixing program and samples at temperature 1 and top-p 1 only, not {temperature:g} and"
            f" {top_p:g}; leave both out, or give a trained program"
        )
    scaled = recipe.scaled(len(prompt) + size_bytes)
    known = b"".join(map(read_primer, scaled.primers)) + prompt
    buf = np.zeros(len(known) + size_bytes, np.uint8)
    buf[: len(known)] = np.frombuffer(known, np.uint8)
    # A sample whose code takes k bits more than 8 a byte has a chance of 2**-k at most, so the margin is enough.
    code = np.frombuffer(np.random.default_rng(seed).bytes(size_bytes + engine.MARGIN), np.uint8).copy()
    net = allocate(scaled)
    with wrapping():
        engine.code_block(True, buf, len(known), code, net, engine.make_scratch(net, Meter().cell))
    return buf[len(known) :].tobytes()
