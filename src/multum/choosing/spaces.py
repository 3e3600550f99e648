"""What a search may try: the passes that recipes know, each with the words that are worth trying.

Light: nothing here loads torch. Invariant: all that is tried is a recipe that a user could have written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from multum.errors import UsageError
from multum.shrinking.recipes import CODE, DISTIL, GRADUAL, INTEGERS, KINDS, PRUNE, QAT, QUANTIZE, read_recipe

# Bits a weight of a file: below, nothing is left of a model; above, nothing is gained.
LEAST_BITS, MOST_BITS = 0.8, 8.0
# Sizes of the single passes that a search begins with, where no size is asked for.
_BEGINNINGS = (4.0, 2.5, 6.0)
# Around a size that is asked for; a little below it, as a file ends just below what it is given.
_AROUND = (0.6, 1.3)
# What goes well together: passes that teach, each what the one before it took away, and zeros before integers.
_TOGETHER = (
    {PRUNE: "surgeon:0.5", QUANTIZE: "gptq:4:64"},
    {GRADUAL: "0.9", QAT: "3"},
    {DISTIL: "0.5", GRADUAL: "0.9", QAT: "3"},
)


@dataclass(frozen=True)
class Space:
    """What may be tried. least, most: bits a weight. asked: those of the target in bytes, None without one."""

    least: float
    most: float
    asked: float | None

    @classmethod
    def around(cls, target_bytes: int | None, weights: int) -> "Space":
        """Return the space for a model of so many weights."""
        if target_bytes is None:
            return cls(LEAST_BITS, MOST_BITS, None)
        asked = 8 * target_bytes / weights
        return cls(_AROUND[0] * asked, _AROUND[1] * asked, asked)

    def list_singles(self) -> Iterator[tuple[str, float]]:
        """Yield (recipe, bits) of each single pass, coded: what the search has to be as good as.

        Coding alone comes first: what it finds about weights is kept, for all further sizes.
        """
        sizes = _BEGINNINGS if self.asked is None else (self.asked,)
        for bits in sizes:
            yield CODE, bits
        for name, kind in sorted(KINDS.items(), key=lambda known: known[1].learns):  # what learns takes longest
            for words in kind.tries:
                yield f"{name}={words} | {CODE}", sizes[0]

    def list_combinations(self) -> Iterator[tuple[str, float]]:
        """Yield (recipe, bits) of combinations that are tried before any is proposed."""
        choices = list_choices()
        for together in _TOGETHER:
            recipe = join_passes(together)
            if recipe is not None and all(words in choices.get(name, ()) for name, words in together.items()):
                yield recipe, _BEGINNINGS[0] if self.asked is None else self.asked


def list_choices() -> dict[str, tuple[str, ...]]:
    """Return what each pass may be, by its name: "" for not there at all."""
    return {name: ("", *kind.tries) for name, kind in KINDS.items() if kind.tries}


def join_passes(chosen: Mapping[str, str]) -> str | None:
    """Return the recipe of `chosen`, words by the names of passes; None where they cannot follow each other."""
    # integers come last: nearly all other passes would undo them
    names = sorted((name for name in chosen if chosen[name]), key=lambda name: KINDS[name].makes == INTEGERS)
    recipe = " | ".join([*(f"{name}={chosen[name]}" for name in names), CODE])
    try:
        return str(read_recipe(recipe)) and recipe
    except UsageError:
        return None
