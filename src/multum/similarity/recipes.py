"""Which network compares data: a lean one for short texts, or what `pack` would take for the kind of data."""

from dataclasses import replace

from multum.formats.detection import Family, detect
from multum.mixing import Recipe, check_level, preset, primers_for
from multum.mixing.families import list_contexts
from multum.mixing.features import BYTE, WORD, WORD1
from multum.mixing.mixer import BY_MATCH_PARTIAL
from multum.mixing.recipe import Structure

# Few contexts, which tell what words and pairs of words a class has: small tables are quickly gone back to. On public
# classification sets in two languages it was as accurate as ten contexts, in two thirds of the time; see docs/LOG.md.
_WORDS = Structure(
    contexts=list_contexts(1, 3, 5, WORD, (WORD, WORD1)),
    selectors=((BY_MATCH_PARTIAL, 0),),
    finals=(),
    refiners=((BYTE + 1, 0),),
    matches=(6,),
)
_LEAN_LEVEL = 2


def lean_recipe(size_bytes: int) -> Recipe:
    """Return a small network for short texts, with tables for `size_bytes` of them."""
    # one bit for a whole byte says little about how surprising it was
    return replace(preset(_LEAN_LEVEL, str(Family.TEXT)), structure=_WORDS, sure_length=0, primers=()).scaled(
        size_bytes
    )


def suited_recipe(sample: bytes, level: int, size_bytes: int) -> Recipe:
    """Return the network of `level` for data like `sample`, with tables for `size_bytes`. Raises UsageError.

    What looks random has one too: data are compared as they are, even when nothing can be learnt from them.
    """
    check_level(level)
    finding = detect(sample)
    family = Family.BINARY if finding.family is Family.RANDOM else finding.family
    chosen = preset(
        level,
        str(family),
        separator=finding.separator,
        record=(finding.record_bytes, finding.stride, finding.width, int(finding.big)),
        primers=primers_for(str(family), finding.markup, finding.code),
    )
    return replace(chosen, sure_length=0).scaled(size_bytes)
