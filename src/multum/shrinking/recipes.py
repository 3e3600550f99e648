"""Recipes: the passes of a shrink in one line, such as "prune=surgeon:0.5 | code".

Light: nothing here loads torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from multum.errors import UsageError
from multum.reduction.choices import read_pruning, read_rounding

CODE, PRUNE, QUANTIZE = "code", "prune", "quantize"
USUAL = CODE


@dataclass(frozen=True)
class Step:
    """One pass of a recipe. name: what it does. choice: how, as its room says it; None for `code`."""

    name: str
    choice: Any = None

    def __str__(self) -> str:
        return self.name if self.choice is None else f"{self.name}={self.choice}"


@dataclass(frozen=True)
class Recipe:
    """The passes of a shrink, in order. Raises UsageError for passes that cannot follow each other."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        for earlier, later in zip(self.steps, self.steps[1:], strict=False):
            if earlier.name == CODE:
                raise UsageError(f"{later} cannot follow code, whose integers it would change; put code last")
            if earlier.name == QUANTIZE and later.name != CODE:
                raise UsageError(f"{later} cannot follow {earlier}, whose integers it would change; put it before")

    @property
    def codes(self) -> bool:
        """Whether weights become integers at the end; else they are stored as they are."""
        return self.steps[-1].name == CODE

    @property
    def quantizes(self) -> bool:
        """Whether weights are integers before they are coded."""
        return any(step.name == QUANTIZE for step in self.steps)

    @property
    def before_code(self) -> tuple[Step, ...]:
        """The passes that are made once, whatever size is tried."""
        return self.steps[:-1] if self.codes else self.steps

    def __str__(self) -> str:
        return " | ".join(map(str, self.steps))


# What reads the words behind a name.
_READERS: dict[str, Callable[[Sequence[str]], Any]] = {PRUNE: read_pruning, QUANTIZE: read_rounding}


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
    if name not in _READERS:
        known = ", ".join(sorted([CODE, *_READERS]))
        raise UsageError(f"'{name}' is no pass; passes are {known}" if name else f"a pass is missing; give {known}")
    return Step(name, _READERS[name]([word.strip() for word in words.split(":")]))
