"""Where a search begins: what `pack` would choose, the presets of every family, and recipes that were given."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from multum.archive.coding import block_bytes, choose_recipe
from multum.archive.contents import PathLike
from multum.archive.recipes import KeptRecipe, grown, read_recipe
from multum.finding.shapes import find_separators, find_shapes
from multum.finding.vocabulary import Vocabulary, family_of
from multum.mixing import preset
from multum.mixing.recipe import FAMILIES

Named = tuple[str, KeptRecipe]


@dataclass(frozen=True)
class Start:
    """Recipes to try first, that of the level at their head, and what others are made of."""

    named: tuple[Named, ...]
    vocabulary: Vocabulary


def choose_start(data: bytes, level: int, given: Iterable[Named] = ()) -> Start:
    """Return where to begin on `data`, which is not empty."""
    chosen = choose_recipe(data[: block_bytes(level)], level)
    transforms, first = (b"", preset(level, "binary")) if chosen is None else chosen
    shape = (first.record_bytes, first.stride, first.width, first.big)
    shapes, separators = find_shapes(data, shape), find_separators(data)
    named = [(f"{first.name} (level {level})", KeptRecipe(transforms, grown(first)))]
    for family in FAMILIES:
        separator = first.separator if family == family_of(first) else (*separators, 32)[0]
        recipe = preset(level, family, separator=separator, record=shapes[min(1, len(shapes) - 1)])
        if family != family_of(first):
            named.append((recipe.name, KeptRecipe(transforms, recipe)))
    every = tuple(dict.fromkeys((b"", transforms)))
    return Start((*named, *given), Vocabulary(family_of(first), shapes, separators, every))


def open_candidates(paths: Iterable[PathLike]) -> list[Named]:
    """Return the recipes in recipe files and archives, by their paths. Raises FormatError, UsageError, OSError."""
    return [(os.fspath(path), read_recipe(path)) for path in paths]
