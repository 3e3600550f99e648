"""What `explain` found, for people and for machines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.evaluation.columns import align_columns
from multum.explaining.evidence import Attribution

# Pieces that are shown of a text, those that weigh most.
_SHOWN = 8


@dataclass(frozen=True)
class Example:
    """One input: what was told of it, and why.

    number: its place in the data, from 1. label: the right class. chosen, rival: the bits are for one rather than the
    other. probability: of the class that was told. image: uint8[channels, height, width], None for texts.
    """

    number: int
    label: str
    told: str
    probability: float
    chosen: str
    rival: str
    attribution: Attribution
    image: NDArray[np.uint8] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, scores to a ten-thousandth of a bit."""
        found = self.attribution
        names = ("number", "label", "told", "probability", "chosen", "rival")
        facts = {name: getattr(self, name) for name in names}
        figures = {name: round(getattr(found, name), 4) for name in ("value", "base", "gap")}
        image = None if self.image is None else self.image.tolist()
        return (
            facts | figures | {"pieces": list(found.pieces), "scores": found.scores.round(4).tolist(), "image": image}
        )

    def __str__(self) -> str:
        found = self.attribution
        wrong = "" if self.told == self.label else f", which is wrong: it is {self.label}"
        head = f"{self.number}: told {self.told} with {self.probability:.1%}{wrong}"
        sums = (
            f"  {found.value:+.2f} bits for {self.chosen} rather than {self.rival}: {found.base:+.2f} before anything"
            f" is seen, {float(found.scores.sum()):+.2f} from what is, {found.gap:+.2f} left over"
        )
        if not found.pieces:
            return f"{head}\n{sums}"
        order = np.argsort(-abs(found.scores), kind="stable")[:_SHOWN]
        most = ", ".join(f"{found.pieces[place].strip()} {found.scores[place]:+.2f}" for place in order)
        return f"{head}\n{sums}\n  {most}"


@dataclass(frozen=True)
class Part:
    """A part of a recipe. earned: bits more that the data take without it; below 0 where it does harm."""

    name: str
    kind: str
    earned: float


@dataclass(frozen=True)
class Earnings:
    """What each part of a network earned on some data. recipe: its name. bits: of the data, all parts there."""

    data: str
    recipe: str
    raw_bytes: int
    bits: float
    parts: tuple[Part, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, bits to a hundredth."""
        parts = [vars(part) | {"earned": round(part.earned, 2)} for part in self.parts]
        return vars(self) | {"bits": round(self.bits, 2), "parts": parts}

    def __str__(self) -> str:
        head = f"{self.data}: {self.raw_bytes:,} bytes as {self.recipe}, {self.bits:,.0f} bits"
        rows = [
            (f"  {part.name}", part.kind, f"{part.earned:+,.0f}", f"{part.earned / self.bits:+.2%}")
            for part in self.parts
        ]
        return "\n".join([head, *align_columns([("  without it", "", "bits more", "share"), *rows])])


@dataclass(frozen=True)
class ExplainReport:
    """What `explain` found. examples: of a classifier; earnings: of a mixing network, one for each of the data."""

    program: str
    method: str
    examples: tuple[Example, ...]
    earnings: tuple[Earnings, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return vars(self) | {
            "examples": [one.as_dict() for one in self.examples],
            "earnings": [one.as_dict() for one in self.earnings],
        }

    def __str__(self) -> str:
        return "\n\n".join(map(str, (*self.examples, *self.earnings)))
