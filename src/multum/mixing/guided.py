"""The structures that mix beside a trained network, which forecasts every byte.

What contexts can add to a forecast is what this data repeats and the network's data did not: names, phrases,
habits. Archives name them by number (multum.mixing.structures): one is never edited or removed.
"""

from multum.mixing.families import BINARY_ALL, LAST, SECOND, TEXT_ALL, list_contexts
from multum.mixing.features import CLASSES, FORECAST, SHAPE, WORD, WORD1, WORD2, WORD3
from multum.mixing.mixer import (
    BY_FEATURE,
    BY_FORECAST,
    BY_FORECAST_BYTE,
    BY_FORECAST_HITS,
    BY_FORECAST_MATCH,
    BY_HITS,
    BY_PARTIAL,
)
from multum.mixing.recipe import Structure

_SELECTORS = ((BY_FORECAST, 0), (BY_FORECAST_MATCH, 0), (BY_FORECAST_BYTE, 0), (BY_FORECAST_HITS, 0))
_FINALS = ((BY_PARTIAL, 0), (BY_FORECAST_BYTE, 0), (BY_FORECAST_MATCH, 0))

TEXT_GUIDED_LEAN = Structure(
    contexts=list_contexts(1, 2, 3, 4, 6, WORD, (WORD, WORD1), (WORD, WORD2), CLASSES, (SHAPE, WORD), keep="dr"),
    selectors=((BY_PARTIAL, 0), (BY_FEATURE, LAST), (BY_HITS, 0), *_SELECTORS),
    finals=((BY_PARTIAL, 0), (BY_FORECAST_BYTE, 0)),
    refiners=((0, 0), (LAST, 0), (FORECAST, 0), (FORECAST, LAST)),
    matches=(5, 8),
    guided=True,
)
TEXT_GUIDED = Structure(
    contexts=(
        *TEXT_ALL.contexts,
        *list_contexts((WORD1, WORD2), (WORD, WORD2, WORD3), (WORD1, SECOND), (2, WORD1), 8, keep="dr"),
    ),
    selectors=(*TEXT_ALL.selectors, *_SELECTORS),
    finals=_FINALS,
    refiners=((0, 0), (1, 0), (2, 0), (3, 0), (FORECAST, 0), (FORECAST, LAST), (FORECAST, 2), (WORD, LAST)),
    matches=(4, 6, 12),
    guided=True,
)
BINARY_GUIDED = Structure(
    contexts=BINARY_ALL.contexts,
    selectors=(*BINARY_ALL.selectors, *_SELECTORS),
    finals=_FINALS,
    refiners=((0, 0), (1, 0), (2, 0), (FORECAST, 0), (FORECAST, LAST)),
    matches=(4, 7, 12),
    guided=True,
)
