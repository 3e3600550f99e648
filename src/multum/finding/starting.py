"""Where a search begins: what `pack` would choose, the presets of every family, and recipes that were given."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from multum.archive.coding import block_bytes, choose_recipe
from multum.archive.recipes import KeptRecipe, grown
from multum.finding.columns import count_columns, find_parents
from multum.finding.enriching import enrich
from multum.finding.shapes import Shape, find_separators, find_shapes
from multum.finding.vocabulary import Vocabulary, family_of
from multum.mixing import preset
from multum.mixing.recipe import FAMILIES

Named = tuple[str, KeptRecipe]


@dataclass(frozen=True)
class Start:
    """Recipes to try first, and what others are made of."""

    named: tuple[Named, ...]
    vocabulary: Vocabulary


def choose_start(data: bytes, level: int, given: Iterable[Named] = ()) -> Start:
    """Return where to begin on `data`, which is not empty."""
    chosen = choose_recipe(data[: block_bytes(level)], level)
    transforms, first = (b"", preset(level, "binary")) if chosen is None else chosen
    first = grown(first)
    shapes = find_shapes(data, (first.record_bytes, first.stride, first.width, first.big))
    separators = find_separators(data)
    named = [(f"{first.name} (level {level})", KeptRecipe(transforms, first))]
    for family in FAMILIES:
        if family != family_of(first):
            other = preset(level, family, separator=(*separators, 32)[0], record=shapes[min(1, len(shapes) - 1)])
            named.append((other.name, KeptRecipe(transforms, other)))
    rich = enrich(first, find_parents(data, first.separator))
    if family_of(first) == "genome":
        # repeats lie too far apart for samples to show what they are worth: all recipes count them
        return Start(
            ((f"{first.name} with strands", KeptRecipe(transforms, rich["strands"])), *given), Vocabulary("genome")
        )
    named += [(f"{first.name} with {what}", KeptRecipe(transforms, recipe)) for what, recipe in rich.items()]
    named += _reshape(KeptRecipe(transforms, rich["learnt values"]), shapes)
    transformed = tuple(dict.fromkeys((b"", transforms)))
    columns = count_columns(data, first.separator)
    return Start((*named, *given), Vocabulary(family_of(first), shapes, separators, transformed, columns))


def _reshape(kept: KeptRecipe, shapes: Sequence[Shape]) -> Iterator[Named]:
    """Yield the recipe for rows of other lengths, a length each."""
    known = {kept.recipe.record_bytes}
    for record, stride, width, big in shapes:
        if record not in known and stride < record:
            known.add(record)
            recipe = replace(kept.recipe, record_bytes=record, stride=stride, width=width, big=big)
            yield f"{recipe.name} with rows of {record}", KeptRecipe(kept.transforms, recipe)
