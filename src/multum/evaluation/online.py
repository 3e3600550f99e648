"""Mixing programs: a level, or the recipe of an archive. They learn the data while they code it.

They have no size of their own: the network begins untrained and its recipe is part of the
container. Their code lengths are measured: the code is made.
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.archive.coding import block_bytes, choose_recipe
from multum.archive.frames import MIXED
from multum.archive.packing import pack
from multum.archive.walking import Walker
from multum.bits.lengths import CodeLength
from multum.errors import UsageError
from multum.formats.detection import Family
from multum.formats.transforms import apply_transforms, undoable
from multum.mixing import Recipe, check_level, encode, generate, measure, preset
from multum.mixing.expanding import condense, expand

Progress = Callable[[int, int | None], None]
# What is decoded from given bits: tables are as large as for so much, and more than the other is not made.
_EXPANDED_BYTES = 1 << 20
_LARGEST_EXPANDED = 1 << 26


class Sink(io.RawIOBase):
    """Where an archive goes that only its length is wanted of."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object, /) -> int:
        """Take all of `data` and keep nothing."""
        return len(memoryview(data))  # type: ignore[arg-type]


def _measure_bytes(data: bytes, chosen: tuple[bytes, Recipe] | None) -> NDArray[np.float32]:
    """Return float32[n], the bits of each byte of a block under (transforms, recipe); 8 each when it is stored."""
    if chosen is not None:
        bits = measure(apply_transforms(chosen[0], data), chosen[1])
        if bits.sum() < 8 * len(data):
            return bits.astype(np.float32)
    return np.full(len(data), 8, np.float32)


@dataclass(frozen=True)
class LevelProgram:
    """What `pack` does at a level: it looks what the data is and learns it while coding."""

    name: str
    level: int
    size_bits: int = 0

    def measure_code(self, data: bytes, *, per_byte: bool = False, progress: Progress | None = None) -> CodeLength:
        """Return the length of the payload of an archive of `data` at this level, which is made and dropped.

        What bytes took adds up to that within a few bits a block. Raises LimitExceeded.
        """
        report = pack(io.BytesIO(data), io.BufferedWriter(Sink()), self.level, metadata=False, progress=progress)
        blocks = _cut(data, block_bytes(self.level)) if per_byte else []
        parts = [_measure_bytes(raw, choose_recipe(raw, self.level)) for raw in blocks]
        return CodeLength(8 * report.coded_bytes, len(data), np.concatenate(parts) if parts else None)

    def condense(self, data: bytes, prompt: bytes = b"") -> bytes:
        """Return the shortest code of `data` under the network that `pack` makes for `prompt`, which it has learnt."""
        return condense(data, _open_network(prompt, self.level), prompt)

    def expand(self, code: bytes, size_bytes: int | None = None, prompt: bytes = b"") -> bytes:
        """Return what `code` decodes to under that network. Raises UsageError."""
        recipe = _open_network(prompt, self.level)
        return expand(code, recipe, prompt, size_bytes=size_bytes, most_bytes=_LARGEST_EXPANDED)

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield new bytes as the network expects them that `pack` makes for `prompt`, once it has learnt that."""
        chosen = choose_recipe(prompt, self.level)
        recipe = preset(self.level, str(Family.TEXT)) if chosen is None else chosen[1]
        yield _draw(self.name, recipe, size_bytes, prompt, temperature, top_p, seed)


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

        What bytes took adds up to that within a few bits a block.
        """
        code_bytes, done, parts = 0, 0, []
        for raw in _cut(data, self.block_bytes):
            transforms = undoable(self.transforms, raw)
            code = encode(apply_transforms(transforms, raw), self.recipe)
            code_bytes += len(raw if code is None else code)
            done += len(raw)
            if per_byte:
                parts.append(_measure_bytes(raw, (transforms, self.recipe)))
            if progress is not None:
                progress(done, len(data))
        return CodeLength(8 * code_bytes, len(data), np.concatenate(parts) if parts else None)

    def condense(self, data: bytes, prompt: bytes = b"") -> bytes:
        """Return the shortest code of `data` under the network once it has learnt `prompt`, no transforms applied."""
        return condense(data, self.recipe, prompt)

    def expand(self, code: bytes, size_bytes: int | None = None, prompt: bytes = b"") -> bytes:
        """Return what `code` decodes to under the network once it has learnt `prompt`. Raises UsageError."""
        return expand(code, self.recipe, prompt, size_bytes=size_bytes, most_bytes=_LARGEST_EXPANDED)

    def sample(
        self, size_bytes: int, prompt: bytes = b"", *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[bytes]:
        """Yield new bytes as the network expects them once it has learnt `prompt`."""
        yield _draw(self.name, self.recipe, size_bytes, prompt, temperature, top_p, seed)


def _open_network(prompt: bytes, level: int) -> Recipe:
    """Return the recipe of the network that reads `prompt` first, with tables of a fixed size."""
    chosen = choose_recipe(prompt, level)
    recipe = preset(level, str(Family.TEXT)) if chosen is None else chosen[1]
    return recipe.scaled(len(prompt) + _EXPANDED_BYTES)


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


def _cut(data: bytes, size_bytes: int) -> list[bytes]:
    return [data[at : at + size_bytes] for at in range(0, len(data), size_bytes)]


def _draw(
    name: str, recipe: Recipe, size_bytes: int, prompt: bytes, temperature: float, top_p: float, seed: int
) -> bytes:
    """Return `size_bytes` bytes that the network of `recipe` decodes from random bits after it has read `prompt`.

    Raises UsageError for a top_p under 1: the network predicts bits, and a bit has no unlikely tail.
    """
    if top_p != 1:
        raise UsageError(
            f"'{name}' is a mixing program, which predicts bits and has no top-p, here {top_p:g}; use --temperature,"
            " or give a trained program"
        )
    return generate(prompt, size_bytes, recipe.scaled(len(prompt) + size_bytes), seed, temperature)
