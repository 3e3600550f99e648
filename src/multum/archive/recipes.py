"""Recipes that are kept for more data of a kind: in a file of their own, or in an archive that was made with one.

A recipe file is JSON that people can read: where the recipe comes from, and the recipe as the archive has it.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from multum.archive.frames import MAGIC
from multum.archive.targets import whole_file
from multum.archive.walking import Walker
from multum.errors import FormatError, UsageError
from multum.formats.transforms import check_transforms, undoable
from multum.mixing import LEVELS, Recipe, preset
from multum.mixing.recipe import FAMILIES

FORMAT = "multum recipe 1"
LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class KeptRecipe:
    """A recipe with tables for blocks of any length, and the transforms that go before it."""

    transforms: bytes
    recipe: Recipe

    @property
    def level(self) -> int:
        """The level whose tables the recipe has, which is the level of archives made with it."""
        return min(max(self.recipe.level, LEVELS[0]), LEVELS[-1])

    def suit(self, raw: bytes) -> tuple[bytes, Recipe]:
        """Return (the transforms, if they can be undone on `raw`; the recipe with tables for its length)."""
        return undoable(self.transforms, raw), self.recipe.scaled(len(raw))


def write_recipe(path: str | Path, kept: KeptRecipe, about: dict[str, Any], *, force: bool = False) -> None:
    """Write a recipe file, whole or not at all. about: plain values that tell where the recipe comes from.

    Raises UsageError when the file exists and `force` is false, OSError.
    """
    fields = {
        "format": FORMAT,
        "name": kept.recipe.name,
        "about": about,
        "transforms": kept.transforms.hex(),
        "recipe": kept.recipe.to_bytes().hex(),
    }
    with whole_file(str(path), force, None) as file:
        file.write(json.dumps(fields, indent=1, ensure_ascii=False).encode() + b"\n")


def read_recipe(path: str | Path) -> KeptRecipe:
    """Return the recipe in a recipe file, or the first one of an archive, with tables of its level's full size.

    Raises FormatError saying what the file is not, UsageError for an archive without a recipe, OSError.
    """
    with open(path, "rb") as file:
        start = file.read(len(MAGIC))
        if start != MAGIC:
            return _read_json(path, start + file.read(LARGEST_FILE))
        file.seek(0)
        walker = Walker(file)
        for block in walker.blocks():
            if block.recipe:
                return KeptRecipe(block.transforms, grown(Recipe.from_bytes(walker.recipe_of(block))))
    raise UsageError(f"'{path}' holds stored data only and so no recipe; give another archive, or a recipe file")


def _read_json(path: str | Path, data: bytes) -> KeptRecipe:
    try:
        fields = json.loads(data)
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise FormatError(f"its format is not '{FORMAT}'")
        transforms = bytes.fromhex(fields["transforms"])
        check_transforms(transforms)
        return KeptRecipe(transforms, Recipe.from_bytes(bytes.fromhex(fields["recipe"])))
    except (KeyError, TypeError, ValueError) as error:
        # json's and hex's own errors are ValueErrors, as FormatError is
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise FormatError(
            f"'{path}' is no recipe file: {reason}; give what `multum find --save-recipe` wrote, or an archive"
        ) from error


def grown(recipe: Recipe) -> Recipe:
    """Return a recipe whose tables were made for one block with those of its level."""
    full = preset(min(max(recipe.level, LEVELS[0]), LEVELS[-1]), FAMILIES[recipe.family])
    sizes = ("slot_bits", "direct_bits", "run_bits", "refine_bits", "head_bits")
    return replace(recipe, **{name: max(getattr(recipe, name), getattr(full, name)) for name in sizes})
