"""What `pack` leaves out for speed and `find` adds: contexts that some kinds of data have much use for, most none."""

from dataclasses import replace

from multum.finding.columns import Parents
from multum.finding.moves import restructured
from multum.mixing import Recipe
from multum.mixing import features as f
from multum.mixing.mixer import BY_FEATURE, BY_FEATURE_BIT
from multum.mixing.recipe import Context

Features = tuple[int, ...]
Pair = tuple[int, int]
_LAST = f.BYTE + 1

_FIELDS: tuple[Features, ...] = (
    (f.LEARNT_VALUE,),
    (f.LEARNT_FINE,),
    (f.LEARNT_VALUE, f.ACTIVITY),
    (f.LEARNT_VALUE, f.LEFT_VALUE),
)
_TABLES: tuple[Features, ...] = (
    (f.FIELDS_SAME, f.WIDE_FIELD, f.WIDE_ABOVE),
    (f.WIDE_ABOVE, _LAST),
    (f.FIELD_NEXT, _LAST),
)
_NUMBERS: tuple[Features, ...] = (
    (f.COLUMN_NEXT, f.STEP_LEFT),
    (f.COLUMN_NEXT, f.STEP_ABOVE),
    (f.COLUMN_NEXT, f.STEP_LEFT, f.STEP_ABOVE),
    (f.COLUMN_NEXT, f.COLUMN),
)
_STRANDS: tuple[Features, ...] = tuple((f.STRANDS + k,) for k in (1, 2, 3, 4, 6))


def enrich(recipe: Recipe, parents: tuple[Parents, ...] = ()) -> dict[str, Recipe]:
    """Return richer recipes by the name of what they add.

    parents: columns of a table that tell others, see columns.find_parents.
    """
    columns = tuple((*(f.FIELD_TEXTS + 1 + k for k in key), f.WIDE_FIELD, f.FIELD_TEXT) for key in parents)
    found = {
        "learnt values": _with(recipe, _FIELDS, (BY_FEATURE, f.ACTIVITY), (f.LEARNT_FINE, 0)),
        "tables": _with(recipe, (*_TABLES, *columns), (BY_FEATURE_BIT, f.WIDE_FIELD), (f.WIDE_ABOVE, f.FIELDS_SAME)),
        "numbers": _with(recipe, _NUMBERS, None, (f.COLUMN_NEXT, 0)),
        "strands": _with(recipe, _STRANDS, None, (f.STRANDS + 2, 0)),
    }
    return found | {"tables and numbers": _with(found["tables"], _NUMBERS, None, (f.COLUMN_NEXT, 0))}


def _with(recipe: Recipe, contexts: tuple[Features, ...], selector: Pair | None, refiner: Pair) -> Recipe:
    """Return the recipe with more contexts, of the kind that it has, a weight set and a final adjustment."""
    s = recipe.structure
    run = sum(c.run for c in s.contexts) * 2 > len(s.contexts)
    added = tuple(Context(features, True, run) for features in contexts)
    selectors = s.selectors if selector is None else (*s.selectors, selector)
    structure = replace(s, selectors=selectors, refiners=(*s.refiners, refiner))
    return restructured(replace(recipe, structure=structure), contexts=(*s.contexts, *added))
