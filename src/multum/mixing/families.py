"""The structures of each family of data: what is looked up, and how it is mixed.

Archives name them by number (multum.mixing.structures): one is never edited or removed.
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
from multum.mixing.mixer import (
    BY_FEATURE,
    BY_FEATURE_BIT,
    BY_HITS,
    BY_MATCH,
    BY_MATCH_PARTIAL,
    BY_PARTIAL,
)
from multum.mixing.recipe import Context, Structure

LAST, SECOND, THIRD, FOURTH = BYTE + 1, BYTE + 2, BYTE + 3, BYTE + 4

Features = tuple[int, ...] | int


def list_contexts(*groups: Features, keep: str = "") -> tuple[Context, ...]:
    """Return the contexts; `keep` holds "d" when all have direct probabilities, "r" when all remember runs."""
    return tuple(Context(g if isinstance(g, tuple) else (g,), "d" in keep, "r" in keep) for g in groups)


_COMMON_SELECTORS = ((BY_MATCH_PARTIAL, 0), (BY_FEATURE, LAST), (BY_HITS, 0))
_TWO_FINALS = ((BY_PARTIAL, 0), (BY_FEATURE, LAST))

# --- levels 1 and 2: three or four contexts, one layer

FAST = Structure(
    contexts=list_contexts(1, 2, 4, 6),
    selectors=((BY_MATCH_PARTIAL, 0),),
    finals=(),
    refiners=((LAST, 0),),
    matches=(6,),
)
FAST_TEXT = Structure(
    contexts=list_contexts(2, 4, WORD),
    selectors=((BY_MATCH_PARTIAL, 0),),
    finals=(),
    refiners=((LAST, 0),),
    matches=(6,),
)
FAST_LINES = Structure(
    contexts=list_contexts(2, 5, (FIELD_ABOVE, LAST)),
    selectors=((BY_MATCH_PARTIAL, 0),),
    finals=(),
    refiners=((LAST, 0),),
    matches=(6,),
)
FAST_RECORD = Structure(
    contexts=list_contexts(4, (UP, LAST), (PHASE, PLANE_VALUE)),
    selectors=((BY_MATCH_PARTIAL, 0),),
    finals=(),
    refiners=((UP, 0),),
    matches=(6,),
)

# --- levels 3 to 6: about ten contexts, two layers

TEXT = Structure(
    contexts=list_contexts(1, 2, 3, 4, 6, WORD, (WORD, WORD1), (WORD, WORD2), CLASSES, (SHAPE, WORD)),
    selectors=((BY_MATCH_PARTIAL, 0), (BY_HITS, 0)),
    finals=((BY_PARTIAL, 0),),
    refiners=((LAST, SECOND),),
    matches=(6,),
)
LINES = Structure(
    contexts=list_contexts(
        2,
        3,
        4,
        6,
        (WORD, FIELD),
        (FIELD, FIELD_TEXT),
        (FIELD_ABOVE, LAST),
        (FIELD_ABOVE, FIELD, FIELD_TEXT),
    ),
    selectors=((BY_MATCH_PARTIAL, 0), (BY_HITS, 0), (BY_FEATURE_BIT, FIELD)),
    finals=((BY_PARTIAL, 0),),
    refiners=((LAST, FIELD),),
    matches=(6,),
)
CJK = Structure(
    contexts=list_contexts(1, 2, 3, 4, 6, CHARACTER1, CHARACTER2, CHARACTER3),
    selectors=((BY_MATCH_PARTIAL, 0), (BY_HITS, 0), (BY_FEATURE, SECOND)),
    finals=((BY_PARTIAL, 0),),
    refiners=((CHARACTER1, 0),),
    matches=(6,),
)
RECORD = Structure(
    contexts=list_contexts(
        4,
        6,
        (RECORD_COLUMN, LAST),
        (UP, LAST),
        (UP, UP2),
        (UP, UP_LEFT, LAST),
        (PHASE, PLANE_VALUE),
        (PHASE, MEAN_VALUE),
        (PHASE, UP_SLOPE_VALUE),
    ),
    selectors=((BY_MATCH_PARTIAL, 0), (BY_HITS, 0), (BY_FEATURE_BIT, PHASE)),
    finals=((BY_PARTIAL, 0),),
    refiners=((PHASE, PLANE_VALUE),),
    matches=(6,),
)
GENOME = Structure(
    contexts=(*list_contexts(2, 4, 8), *list_contexts(11, 12, 16, keep="d")),
    selectors=((BY_MATCH, 0), (BY_FEATURE, LAST)),
    finals=((BY_PARTIAL, 0),),
    refiners=((2, 0),),
    matches=(20,),
)
BINARY = Structure(
    contexts=list_contexts(0, 1, 2, 3, 4, 6, (SECOND, THIRD), (LAST, THIRD), (HIGH_NIBBLES, THIRD), (FOLLOWERS1, LAST)),
    selectors=(*_COMMON_SELECTORS, (BY_FEATURE, SECOND)),
    finals=((BY_PARTIAL, 0),),
    refiners=((0, 0), (LAST, SECOND)),
    matches=(6,),
)

# --- levels 7 to 9: all that pays

TEXT_ALL = Structure(
    contexts=list_contexts(
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        (WORD, WORD1),
        CLASSES,
        (EXPECTED, LAST),
        (SHAPE, WORD),
        (WORD1, LAST),
        (WORD, WORD2),
        (LAST, LINE_START),
        HIGH_BITS,
        (WORD, LAST),
        (WORD, WORD1, WORD2),
        (LAST, COLUMN),
        (CLASSES, SHAPE),
        (WORD, FIRST_WORD),
        (TAG, WORD),
        keep="dr",
    ),
    selectors=(
        *_COMMON_SELECTORS,
        (BY_FEATURE, SECOND),
        (BY_PARTIAL, 0),
        (BY_FEATURE, CLASSES),
        (BY_FEATURE, WORD),
        (BY_FEATURE, SHAPE),
    ),
    finals=(*_TWO_FINALS, (BY_HITS, 0)),
    refiners=((0, 0), (LAST, 0), (2, 0), (WORD, LAST)),
    matches=(5, 8),
)
LINES_ALL = Structure(
    contexts=list_contexts(
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        (WORD, FIELD),
        (WORD, WORD1),
        (FIELD, FIELD_TEXT),
        (FIELD_ABOVE, LAST),
        (FIELD_ABOVE, FIELD, FIELD_TEXT),
        (ABOVE, LAST, COLUMN),
        (ABOVE, ABOVE_RIGHT, LAST),
        (FIELD, FIRST_WORD, LAST),
        (EXPECTED, LAST),
        (CLASSES, FIELD),
        (FOLLOWERS1, LAST),
        (LAST, THIRD),
        8,
        keep="dr",
    ),
    selectors=(
        *_COMMON_SELECTORS,
        (BY_FEATURE, SECOND),
        (BY_PARTIAL, 0),
        (BY_FEATURE_BIT, FIELD),
        (BY_FEATURE, ABOVE),
        (BY_FEATURE_BIT, COLUMN),
    ),
    finals=(*_TWO_FINALS, (BY_FEATURE, FIELD)),
    refiners=((0, 0), (LAST, FIELD), (2, 0), (FIELD, FIELD_TEXT)),
    matches=(5, 8, 16),
)
CJK_ALL = Structure(
    contexts=list_contexts(
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        8,
        CHARACTER1,
        CHARACTER2,
        CHARACTER3,
        CHARACTER_SKIP,
        (CHARACTER1, FIELD),
        (WORD, LAST),
        (EXPECTED, CHARACTER1),
        (CLASSES, LAST),
        (FOLLOWERS2, LAST),
        keep="dr",
    ),
    selectors=(
        *_COMMON_SELECTORS,
        (BY_FEATURE, SECOND),
        (BY_FEATURE, THIRD),
        (BY_PARTIAL, 0),
        (BY_FEATURE, CHARACTER1),
        (BY_FEATURE, CLASSES),
    ),
    finals=(*_TWO_FINALS, (BY_HITS, 0)),
    refiners=((0, 0), (CHARACTER1, 0), (2, 0), (CHARACTER2, 0)),
    matches=(5, 9),
)
RECORD_ALL = Structure(
    contexts=list_contexts(
        0,
        1,
        2,
        3,
        4,
        6,
        (SECOND, THIRD),
        THIRD,
        FOURTH,
        (RECORD_COLUMN, LAST),
        (UP, LAST),
        (UP, UP2),
        (UP, UP_LEFT, LAST),
        (PHASE, PLANE_VALUE),
        (PHASE, MEAN_VALUE),
        (PHASE, MEAN_VALUE, PLANE_VALUE),
        (UP_VALUE, LEFT_VALUE),
        (PHASE, SLOPE_VALUE),
        (PHASE, UP_SLOPE_VALUE),
        (EXPECTED, LAST),
        keep="dr",
    ),
    selectors=(
        *_COMMON_SELECTORS,
        (BY_FEATURE, UP),
        (BY_PARTIAL, 0),
        (BY_FEATURE_BIT, PHASE),
        (BY_FEATURE, RECORD_COLUMN),
    ),
    finals=((BY_PARTIAL, 0), (BY_FEATURE_BIT, PHASE)),
    refiners=((0, 0), (LAST, 0), (UP, PHASE), (PHASE, PLANE_VALUE)),
    matches=(5, 10),
)
GENOME_ALL = Structure(
    contexts=(*list_contexts(1, 2, 3, 4, 6, 8), *list_contexts(9, 10, 11, 12, 13, 14, 16, 18, 20, 24, keep="d")),
    selectors=((BY_MATCH, 0), (BY_FEATURE, LAST), (BY_PARTIAL, 0), (BY_FEATURE, SECOND)),
    finals=((BY_PARTIAL, 0), (BY_MATCH, 0)),
    refiners=((2, 0), (4, 0), (11, 0)),
    matches=(12, 16, 20, 32),
)
BINARY_ALL = Structure(
    contexts=list_contexts(
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        (SECOND, THIRD),
        (LAST, THIRD),
        (THIRD, FOURTH),
        (SECOND, THIRD, FOURTH),
        (LAST, FOURTH),
        FOURTH,
        (HIGH_NIBBLES, THIRD),
        HIGH_BITS,
        (FOLLOWERS1, LAST),
        (FOLLOWERS2, LAST),
        (EXPECTED, LAST),
        (WORD, LAST),
        8,
        keep="dr",
    ),
    selectors=(
        *_COMMON_SELECTORS,
        (BY_FEATURE, SECOND),
        (BY_PARTIAL, 0),
        (BY_FEATURE, THIRD),
        (BY_FEATURE, EXPECTED),
    ),
    finals=(*_TWO_FINALS, (BY_HITS, 0)),
    refiners=((0, 0), (LAST, 0), (2, 0), (EXPECTED, 0)),
    matches=(4, 7, 12),
)
