"""The structures that ship with Multum, by number.

Archives name a structure by its place in STRUCTURES: one is never edited or removed,
only added to the end.
"""

from multum.mixing.features import (
    ABOVE,
    ABOVE_RIGHT,
    BYTE,
    CHARACTER1,
    CHARACTER2,
    CHARACTER3,
    CHARACTER_SKIP,
    CLASSES,
    COLUMN,
    EXPECTED,
    FIELD,
    FIELD_ABOVE,
    FIELD_TEXT,
    FIRST_WORD,
    FOLLOWERS1,
    FOLLOWERS2,
    HIGH_BITS,
    HIGH_NIBBLES,
    LEFT_VALUE,
    LINE_START,
    MEAN_VALUE,
    PHASE,
    PLANE_VALUE,
    RECORD_COLUMN,
    SHAPE,
    SLOPE_VALUE,
    TAG,
    UP,
    UP2,
    UP_LEFT,
    UP_SLOPE_VALUE,
    UP_VALUE,
    WORD,
    WORD1,
    WORD2,
)
from multum.mixing.mixer import BY_FEATURE, BY_FEATURE_BIT, BY_HITS, BY_MATCH, BY_MATCH_PARTIAL, BY_PARTIAL
from multum.mixing.recipe import Context, Structure

LAST, SECOND, THIRD = BYTE + 1, BYTE + 2, BYTE + 3


def _contexts(*groups: tuple[int, ...] | int, direct: bool = False, run: bool = False) -> tuple[Context, ...]:
    return tuple(Context(g if isinstance(g, tuple) else (g,), direct, run) for g in groups)


_FAST = Structure(
    contexts=_contexts(1, 2, 4, 6),
    selectors=((BY_MATCH_PARTIAL, 0),),
    finals=(),
    refiners=((LAST, 0),),
    matches=(6,),
)
STRUCTURES = (_FAST,)
