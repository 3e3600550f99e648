"""The structures that ship with Multum: by family and tier, and by number.

Archives name a structure by its place in STRUCTURES: one is never edited or removed,
only added to the end.
"""

from multum.mixing.families import (
    BINARY,
    BINARY_ALL,
    CJK,
    CJK_ALL,
    FAST,
    FAST_LINES,
    FAST_RECORD,
    FAST_TEXT,
    GENOME,
    GENOME_ALL,
    LINES,
    LINES_ALL,
    RECORD,
    RECORD_ALL,
    TEXT,
    TEXT_ALL,
)
from multum.mixing.guided import BINARY_GUIDED, TEXT_GUIDED, TEXT_GUIDED_LEAN

# Tiers of each family, fast to thorough.
TIERS = {
    "text": (FAST_TEXT, TEXT, TEXT_ALL),
    "lines": (FAST_LINES, LINES, LINES_ALL),
    "cjk": (FAST, CJK, CJK_ALL),
    "record": (FAST_RECORD, RECORD, RECORD_ALL),
    "genome": (FAST, GENOME, GENOME_ALL),
    "binary": (FAST, BINARY, BINARY_ALL),
}
# The same for data that a trained network forecasts: lean, and all that pays.
GUIDED_TIERS = {
    **dict.fromkeys(("text", "lines", "cjk"), (TEXT_GUIDED_LEAN, TEXT_GUIDED)),
    **dict.fromkeys(("record", "genome", "binary"), (BINARY_GUIDED, BINARY_GUIDED)),
}
STRUCTURES = (
    FAST,
    FAST_TEXT,
    FAST_LINES,
    FAST_RECORD,
    TEXT,
    LINES,
    CJK,
    RECORD,
    GENOME,
    BINARY,
    TEXT_ALL,
    LINES_ALL,
    CJK_ALL,
    RECORD_ALL,
    GENOME_ALL,
    BINARY_ALL,
    TEXT_GUIDED_LEAN,
    TEXT_GUIDED,
    BINARY_GUIDED,
)
