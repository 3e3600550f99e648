"""Recipes: the passes of a shrink in one line, such as "prune=surgeon:0.5 | code".

Light: nothing here loads torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from multum.errors import UsageError
from multum.reduction.choices import read_pruning, read_rounding
from multum.reduction.dimensions import read_projection
from multum.reduction.shapes import read_lowrank, read_structure
from multum.training.retraining.choices import read_distil, read_gradual, read_qat

CODE, PRUNE, QUANTIZE, LOWRANK, STRUCTURE = "code", "prune", "quantize", "lowrank", "structure"
FEATURES = "features"
DISTIL, GRADUAL, QAT = "distil", "gradual", "qat"
USUAL = CODE
# What passes make that others could undo.
ZEROS, INTEGERS, HALVES = "zeros", "integers", "halves of layers"


@dataclass(frozen=True)
class Kind:
    """What recipes know of a pass. read: makes its choice of the words behind its name. makes: one of what passes make.

    undoes: what of earlier passes would be lost by it. learns: whether the model that came teaches it. tries: words
    behind the name that a search for the best recipe tries.
    """

    read: Callable[[Sequence[str]], Any]
    makes: str = ""
    undoes: frozenset[str] = frozenset()
    learns: bool = False
    tries: tuple[str, ...] = ()


KINDS = {
    STRUCTURE: Kind(
        read_structure,
        undoes=frozenset({ZEROS, INTEGERS, HALVES}),
        tries=("neurons:0.25", "heads:0.25", "channels:0.25"),
    ),
    LOWRANK: Kind(read_lowrank, makes=HALVES, undoes=frozenset({ZEROS, INTEGERS}), tries=("0.9", "0.7")),
    PRUNE: Kind(read_pruning, makes=ZEROS, undoes=frozenset({INTEGERS}), tries=("surgeon:0.3", "surgeon:0.5")),
    QUANTIZE: Kind(read_rounding, makes=INTEGERS, undoes=frozenset({INTEGERS}), tries=("rtn:8", "gptq:4:64")),
    FEATURES: Kind(read_projection, undoes=frozenset({INTEGERS}), tries=("64",)),
    DISTIL: Kind(read_distil, undoes=frozenset({INTEGERS}), learns=True, tries=("0.5",)),
    GRADUAL: Kind(read_gradual, makes=ZEROS, undoes=frozenset({INTEGERS}), learns=True, tries=("0.5", "0.9")),
    QAT: Kind(read_qat, makes=INTEGERS, undoes=frozenset({INTEGERS}), learns=True, tries=("4", "3")),
}


@dataclass(frozen=True)
class Step:
    """One pass of a recipe. name: what it does. choice: how, as its room says it; None for `code`."""

    name: str
    choice: Any = None

    @property
    def size_bytes(self) -> int | None:
        """How long the file may be, where the pass is to see to that."""
        return self.choice.size_bytes if self.name == PRUNE else None

    def __str__(self) -> str:
        return self.name if self.choice is None else f"{self.name}={self.choice}"


@dataclass(frozen=True)
class Recipe:
    """The passes of a shrink, in order. Raises UsageError for passes that cannot follow each other."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        for earlier, later in combinations(self.steps, 2):
            if earlier.name == CODE:
                raise UsageError(f"{later} cannot follow code, whose integers it would change; put code last")
            if earlier.size_bytes is not None and later.name != CODE:
                raise UsageError(f"{later} cannot follow {earlier}, which has to see what is written; put it before")
            made = KINDS[earlier.name].makes
            if later.name != CODE and made in KINDS[later.name].undoes:
                raise UsageError(f"{later} cannot follow {earlier}, whose {made} it would change; put it before")

    @property
    def codes(self) -> bool:
        """Whether weights become integers at the end; else they are stored as they are."""
        return self.steps[-1].name == CODE

    @property
    def quantizes(self) -> bool:
        """Whether weights are integers before they are coded."""
        return any(KINDS[step.name].makes == INTEGERS for step in self.before_code)

    @property
    def learns(self) -> bool:
        """Whether a pass learns from the model as it came."""
        return any(KINDS[step.name].learns for step in self.before_code)

    @property
    def size_bytes(self) -> int | None:
        """How long the file may be, where a pass of the recipe sees to that."""
        return self.before_code[-1].size_bytes if self.before_code else None

    @property
    def before_code(self) -> tuple[Step, ...]:
        """The passes that are made once, whatever size is tried."""
        return self.steps[:-1] if self.codes else self.steps

    def __str__(self) -> str:
        return " | ".join(map(str, self.steps))


def read_recipe(text: str) -> Recipe:
    """Return the recipe that `text` tells: passes with | between them, each NAME or NAME=WORD:WORD.

    Raises UsageError that says where.
    """
    steps, place = [], 0
    for number, part in enumerate(text.split("|"), 1):
        try:
            steps.append(_read_step(part.strip()))
        except UsageError as error:
            column = place + len(part) - len(part.lstrip()) + 1
            raise UsageError(f"pass {number} of the recipe, at character {column}: {error}") from error
        place += len(part) + 1
    return Recipe(tuple(steps))


def _read_step(part: str) -> Step:
    """Return the pass of `part`."""
    name, equals, words = part.partition("=")
    name = name.strip()
    if name == CODE:
        if equals:
            raise UsageError("code takes no words; its size is given by --target-bytes and its like")
        return Step(CODE)
    if name not in KINDS:
        known = ", ".join(sorted([CODE, *KINDS]))
        raise UsageError(f"'{name}' is no pass; passes are {known}" if name else f"a pass is missing; give {known}")
    return Step(name, KINDS[name].read([word.strip() for word in words.split(":")]))
