"""Small changes of a recipe, from which the search makes its next candidates.

A change names what it touches by value, not by place, so that changes that each helped can be made together.
Invariant: a changed recipe passes Recipe.validate, or the change gives None.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from multum.archive.recipes import KeptRecipe
from multum.errors import FormatError
from multum.finding.vocabulary import Vocabulary
from multum.mixing.features import ORDER, STRANDS
from multum.mixing.mixer import BY_PARTIAL
from multum.mixing.primers import PRIMERS
from multum.mixing.recipe import MAX_CONTEXTS, MAX_MATCHES, MAX_SETS, Context, Recipe, Structure

Change = Callable[[Recipe], Recipe]

# What each scalar may become.
_SCALARS: dict[str, tuple[int, ...]] = {
    "rate": (5, 10, 20, 30, 45, 60, 80, 100, 130, 170, 220, 300),
    "rate_start": (200, 400, 700, 1000, 1500, 2000),
    "rate_half_bits": (11, 12, 13, 14, 15, 16, 17, 18),
    "final_rate": (5, 10, 20, 40, 60, 90, 130),
    "refine_shift": (5, 6, 7, 8),
    "refine_bits": (12, 14, 16, 18),
    "map_limit": (30, 60, 127, 255, 400, 510),
    "direct_limit": (20, 40, 80, 127, 255, 400, 510),
    "skip": (0, 15, 30, 60, 120, 250),
    "inputs_each": (1, 2),
    "head_bits": (18, 20, 22),
}
_MATCH_LENGTHS = (3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32)
_FAR = frozenset([*range(ORDER + 9, ORDER + 33), *range(STRANDS + 1, STRANDS + 8)])
# Contexts, and with them time, grow no further than this.
_MOST_CONTEXTS = min(MAX_CONTEXTS, 40)
_MOST_SETS = min(MAX_SETS, 16)


@dataclass(frozen=True)
class Move:
    """A change of a recipe or of its transforms, and a name for its kind."""

    kind: str
    change: Change
    transforms: bytes | None = None

    def apply(self, kept: KeptRecipe) -> KeptRecipe | None:
        """Return the changed recipe, or None when nothing changes or the result is not allowed."""
        transforms = kept.transforms if self.transforms is None else self.transforms
        changed = KeptRecipe(transforms, self.change(kept.recipe))
        try:
            changed.recipe.validate()
        except FormatError:
            return None
        return None if changed == kept else changed


def draw_move(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary, kind: str) -> Move:
    """Return a move of `kind`, one of KINDS, that may suit the recipe."""
    return KINDS[kind](rng, kept, vocabulary)


def restructured(recipe: Recipe, **changes: Any) -> Recipe:
    """Return the recipe with a changed structure, the first layer's weights shared out among its inputs anew."""
    structure = replace(recipe.structure, **changes)
    changed = replace(recipe, structure=structure)
    weight = recipe.first_weight * recipe.input_count() // changed.input_count()
    return replace(changed, first_weight=min(weight, 65535))


def _add_context(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:
    added = Context(vocabulary.draw_context(rng), *_most_keep(kept.recipe.structure))

    def change(recipe: Recipe) -> Recipe:
        contexts = recipe.structure.contexts
        if len(contexts) >= _MOST_CONTEXTS or _has(contexts, added):
            return recipe
        return restructured(recipe, contexts=(*contexts, added))

    return Move("add context", change)


def _most_keep(structure: Structure) -> tuple[bool, bool]:
    """Return (direct, run) as most contexts have them."""
    half = len(structure.contexts) / 2
    return sum(c.direct for c in structure.contexts) > half, sum(c.run for c in structure.contexts) > half


def _has(contexts: tuple[Context, ...], wanted: Context) -> bool:
    return any(sorted(c.features) == sorted(wanted.features) for c in contexts)


def _pick_context(rng: random.Random, recipe: Recipe) -> Context:
    """Return a context that may go: one whose worth a sample shows, unless there is no such one.

    Long ones are for repeats, most of which lie outside a sample.
    """
    contexts = recipe.structure.contexts
    near = [context for context in contexts if not _FAR.intersection(context.features)]
    return rng.choice(near or contexts)


def _drop_context(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001 - a kind's shape
    dropped = _pick_context(rng, kept.recipe)
    return Move("drop context", lambda recipe: _with_contexts(recipe, dropped, ()))


def _swap_context(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:
    old = _pick_context(rng, kept.recipe)
    new = Context(vocabulary.draw_context(rng), old.direct, old.run)
    if rng.random() < 0.5:  # only one of its features
        parts = [*old.features]
        parts[rng.randrange(len(parts))] = vocabulary.draw_context(rng)[0]
        new = Context(tuple(dict.fromkeys(parts)), old.direct, old.run)
    return Move(
        "swap context",
        lambda recipe: recipe if _has(recipe.structure.contexts, new) else _with_contexts(recipe, old, (new,)),
    )


def _keep_context(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    """Change what else is kept for a context: direct probabilities, runs."""
    old = rng.choice(kept.recipe.structure.contexts)
    direct, run = rng.choice([(d, r) for d in (False, True) for r in (False, True) if (d, r) != (old.direct, old.run)])
    return Move("keep context", lambda recipe: _with_contexts(recipe, old, (Context(old.features, direct, run),)))


def _with_contexts(recipe: Recipe, old: Context, new: tuple[Context, ...]) -> Recipe:
    """Return the recipe with `new` in the place of the context `old`."""
    contexts = recipe.structure.contexts
    if old not in contexts or len(contexts) + len(new) < 2:
        return recipe
    at = contexts.index(old)
    return restructured(recipe, contexts=(*contexts[:at], *new, *contexts[at + 1 :]))


def _change_selector(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:
    old, new = _edit(rng, kept.recipe.structure.selectors, vocabulary.draw_selector(rng))

    def change(recipe: Recipe) -> Recipe:
        selectors = _edited(recipe.structure.selectors, old, new, _MOST_SETS)
        if not selectors:
            return recipe
        finals = recipe.structure.finals or ((BY_PARTIAL, 0),)
        return restructured(recipe, selectors=selectors, finals=finals if len(selectors) > 1 else ())

    return Move("selector", change)


def _change_final(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:
    old, new = _edit(rng, kept.recipe.structure.finals, vocabulary.draw_selector(rng))
    return Move(
        "final", lambda recipe: restructured(recipe, finals=_edited(recipe.structure.finals, old, new, _MOST_SETS))
    )


def _change_refiner(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:
    old, new = _edit(rng, kept.recipe.structure.refiners, vocabulary.draw_refiner(rng))
    return Move(
        "refiner",
        lambda recipe: restructured(recipe, refiners=_edited(recipe.structure.refiners, old, new, _MOST_SETS)),
    )


Pair = tuple[int, int]


def _edit(rng: random.Random, pairs: tuple[Pair, ...], drawn: Pair) -> tuple[Pair | None, Pair | None]:
    """Return (what goes, what comes); one of them may be None."""
    old = rng.choice(pairs) if pairs and rng.random() < 0.6 else None
    return old, drawn if old is None or rng.random() < 0.6 else None


def _edited(pairs: tuple[Pair, ...], old: Pair | None, new: Pair | None, most: int) -> tuple[Pair, ...]:
    """Return pairs with `new` in the place of `old`, or at the end."""
    if new in pairs or (old is not None and old not in pairs):
        return pairs
    if old is None:
        return pairs if len(pairs) >= most or new is None else (*pairs, new)
    at = pairs.index(old)
    return (*pairs[:at], *(() if new is None else (new,)), *pairs[at + 1 :])


def _change_match(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    lengths = kept.recipe.structure.matches
    old = rng.choice(lengths) if lengths and rng.random() < 0.7 else None
    new = rng.choice(_MATCH_LENGTHS) if old is None or rng.random() < 0.7 else None

    def change(recipe: Recipe) -> Recipe:
        left = set(recipe.structure.matches) - {old}
        matches = tuple(sorted(left | ({new} if new else set())))
        return recipe if len(matches) > MAX_MATCHES else restructured(recipe, matches=matches)

    return Move("match", change)


def _change_scalar(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    name = rng.choice(list(_SCALARS))
    values, now = _SCALARS[name], getattr(kept.recipe, name)
    # a neighbour in the list of values: effects are smooth
    at = min(range(len(values)), key=lambda i: abs(values[i] - now))
    value = values[min(max(at + rng.choice((-2, -1, 1, 2)), 0), len(values) - 1)]
    changes: dict[str, Any] = {name: value}
    return Move(name, lambda recipe: replace(recipe, **changes))


def _change_first_weight(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    factor = rng.choice((0.5, 0.7, 1.4, 2.0))
    return Move(
        "first_weight", lambda recipe: replace(recipe, first_weight=min(round(recipe.first_weight * factor), 65535))
    )


def _change_shape(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    record, stride, width, big = rng.choice(vocabulary.shapes or ((1, 1, 1, 0),))
    return Move("shape", lambda recipe: replace(recipe, record_bytes=record, stride=stride, width=width, big=big))


def _change_separator(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    separator = rng.choice(vocabulary.separators or (32,))
    return Move("separator", lambda recipe: replace(recipe, separator=separator))


def _change_primers(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    primers = rng.choice(((), *((number,) for number in range(len(PRIMERS)))))
    return Move("primers", lambda recipe: replace(recipe, primers=primers))


def _change_transforms(rng: random.Random, kept: KeptRecipe, vocabulary: Vocabulary) -> Move:  # noqa: ARG001
    return Move("transforms", lambda recipe: recipe, rng.choice(vocabulary.transforms))


# Kind of move -> what draws one.
KINDS: dict[str, Callable[[random.Random, KeptRecipe, Vocabulary], Move]] = {
    "add context": _add_context,
    "drop context": _drop_context,
    "swap context": _swap_context,
    "keep context": _keep_context,
    "selector": _change_selector,
    "final": _change_final,
    "refiner": _change_refiner,
    "match": _change_match,
    "scalar": _change_scalar,
    "first_weight": _change_first_weight,
    "shape": _change_shape,
    "separator": _change_separator,
    "primers": _change_primers,
    "transforms": _change_transforms,
}
