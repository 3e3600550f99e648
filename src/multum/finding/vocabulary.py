"""What recipes can be made of: contexts, selectors, refinements and shapes that may suit a kind of data."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from multum.mixing import features as f
from multum.mixing.mixer import (
    BY_FEATURE,
    BY_FEATURE_BIT,
    BY_FEATURE_PARTIAL,
    BY_HITS,
    BY_MATCH,
    BY_MATCH_PARTIAL,
    BY_PARTIAL,
)
from multum.mixing.recipe import FAMILIES, Recipe
from multum.mixing.structures import STRUCTURES

Features = tuple[int, ...]

_LOW_ORDERS = range(f.ORDER + 1, f.ORDER + 9)
_HIGH_ORDERS = range(f.ORDER + 9, f.ORDER + 25)
_BYTES = range(f.BYTE + 1, f.BYTE + 9)
_TEXT = (*range(f.CLASSES, f.RECORD_COLUMN), f.LINE_LENGTH)
_RECORD = (*range(f.RECORD_COLUMN, f.FOLLOWERS1), *range(f.PHASE, f.LINE_LENGTH), f.LEARNT_VALUE, f.ACTIVITY)
_TABLE = range(f.WIDE_FIELD, f.STEP_ABOVE + 1)
_STRANDS = range(f.STRANDS + 1, f.STRANDS + 8)
_FOLLOWERS = (f.FOLLOWERS1, f.FOLLOWERS2, f.EXPECTED, f.HIGH_NIBBLES, f.HIGH_BITS)
_CHARACTERS = (f.CHARACTER1, f.CHARACTER2, f.CHARACTER3, f.CHARACTER_SKIP)

# What contexts of a family are made of, in groups; a feature is drawn from a group drawn first.
_GROUPS: dict[str, tuple[Sequence[int], ...]] = {
    "text": (_LOW_ORDERS, _BYTES, _TEXT, _TEXT, _TABLE, _FOLLOWERS),
    "lines": (_LOW_ORDERS, _BYTES, _TEXT, _TEXT, _TABLE, _TABLE, _FOLLOWERS),
    "cjk": (_LOW_ORDERS, _BYTES, _TEXT, _CHARACTERS, _CHARACTERS, _FOLLOWERS),
    "record": (_LOW_ORDERS, _BYTES, _RECORD, _RECORD, _RECORD, _FOLLOWERS),
    "genome": (_LOW_ORDERS, _HIGH_ORDERS, _STRANDS),
    "binary": (_LOW_ORDERS, _BYTES, _BYTES, _FOLLOWERS, _RECORD, _TEXT),
}
# Features whose low bits say something on their own, so that they can select a weight set.
_SELECTING = (
    *range(f.BYTE + 1, f.BYTE + 5),
    *(f.COLUMN, f.ABOVE, f.ABOVE_RIGHT, f.FIELD, f.CLASSES, f.SHAPE, f.EXPECTED),
    *(f.RECORD_COLUMN, f.UP, f.UP2, f.UP_LEFT, f.UP_RIGHT, f.PHASE, f.HIGH_NIBBLES),
    *(f.LEFT_VALUE, f.UP_VALUE, f.PLANE_VALUE, f.MEAN_VALUE, f.SLOPE_VALUE, f.LINE_LENGTH),
    *(f.LEARNT_VALUE, f.ACTIVITY, f.WIDE_FIELD, f.FIELDS_SAME, f.STRANDS + 2, f.STRANDS + 4),
)
_PLAIN_MODES = (BY_PARTIAL, BY_MATCH, BY_HITS, BY_MATCH_PARTIAL)
_FEATURE_MODES = (BY_FEATURE, BY_FEATURE_BIT, BY_FEATURE_PARTIAL)


@dataclass(frozen=True)
class Vocabulary:
    """What the recipes for one piece of data are made of.

    shapes: (record_bytes, stride, width, big) worth trying. separators: bytes that may end fields.
    transforms: names of transforms worth trying, alone or none. columns: of a table in text, 0 for none.
    """

    family: str
    shapes: tuple[tuple[int, int, int, int], ...] = ()
    separators: tuple[int, ...] = ()
    transforms: tuple[bytes, ...] = (b"",)
    columns: int = 0

    def draw_context(self, rng: random.Random) -> Features:
        """Return the features of a context: one that a preset of any family has, or a new one of one to three."""
        if self.columns and rng.random() < 0.15:
            # what a column before this one tells about it
            return f.FIELD_TEXTS + 1 + rng.randrange(self.columns), f.WIDE_FIELD, f.FIELD_TEXT
        if rng.random() < 0.3:
            return rng.choice(_PRESET_CONTEXTS)
        chosen = {self._draw_feature(rng) for _ in range(rng.choice((1, 2, 2, 2, 3, 3)))}
        # of several orders only the longest says anything
        orders = sorted(one for one in chosen if one <= f.ORDER + 32)
        return tuple(sorted(chosen - set(orders[:-1])))

    def _draw_feature(self, rng: random.Random) -> int:
        groups = _GROUPS[self.family] if rng.random() < 0.9 else rng.choice(list(_GROUPS.values()))
        feature: int = rng.choice(rng.choice(groups))
        return feature

    def draw_selector(self, rng: random.Random) -> tuple[int, int]:
        """Return (mode, feature) of a weight set."""
        if rng.random() < 0.25:
            return rng.choice(_PLAIN_MODES), 0
        return rng.choice(_FEATURE_MODES), rng.choice(_SELECTING)

    def draw_refiner(self, rng: random.Random) -> tuple[int, int]:
        """Return two features of a final adjustment, the second often none."""
        return self._draw_feature(rng), rng.choice((0, self._draw_feature(rng)))


_PRESET_CONTEXTS: tuple[Features, ...] = tuple(
    sorted({context.features for structure in STRUCTURES for context in structure.contexts})
)


def family_of(recipe: Recipe) -> str:
    """Return the family that a recipe is of."""
    return FAMILIES[recipe.family]
