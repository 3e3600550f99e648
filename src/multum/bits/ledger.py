"""The account that everything is paid from: bits, by part.

    total = bits to write the program down + bits of the data given the program + bits of the container

Invariant: a ledger is either measured (every number is a length in a file that was
written) or estimated (a number was computed or predicted), and the two never add up.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from multum.errors import UsageError

MEASURED = "measured"
ESTIMATED = "estimated"

_BITS = ("program_bits", "code_bits", "container_bits", "raw_bits")
# Column heads of the table; a column is as wide as its widest entry.
_HEADS = ("program", "code", "container", "total", "raw", "bpb")


@dataclass(frozen=True)
class Part:
    """The bits of one named thing.

    program_bits: to write its program down; 0 for a program that learns while it codes.
    code_bits: of the data given the program. container_bits: names, checksums, recipes.
    raw_bits: of the plain data, which nobody pays.
    """

    name: str
    program_bits: float = 0
    code_bits: float = 0
    container_bits: float = 0
    raw_bits: float = 0

    @property
    def total_bits(self) -> float:
        """What is paid: program, code and container."""
        return self.program_bits + self.code_bits + self.container_bits

    @property
    def rate_bpb(self) -> float | None:
        """Total bits a byte of raw data, None when there is no raw data."""
        return 8 * self.total_bits / self.raw_bits if self.raw_bits else None

    def _plus(self, other: "Part") -> "Part":
        return Part(self.name, *(getattr(self, bits) + getattr(other, bits) for bits in _BITS))


@dataclass(frozen=True)
class Ledger:
    """Bits by part, all measured or all estimated; made by Ledger.measured and Ledger.estimated.

    Ledgers add up: `a + b`, `sum(ledgers)`. Parts of the same name become one.
    `str` is a table, `to_json` is for machines.
    """

    basis: str
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if self.basis not in (MEASURED, ESTIMATED):
            raise UsageError(f"a ledger is {MEASURED!r} or {ESTIMATED!r}, not {self.basis!r}")
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names) or not all(names):
            raise UsageError(f"parts of a ledger need names of their own, not {names}")
        for part in self.parts:
            for bits in _BITS:
                self._check(part.name, bits, getattr(part, bits))

    def _check(self, name: str, what: str, value: float) -> None:
        if not isfinite(value) or value < 0:
            raise UsageError(f"part {name!r} has {value} {what}; bits are finite and not negative")
        if self.basis == MEASURED and not isinstance(value, int):
            raise UsageError(
                f"part {name!r} has {value!r} {what}; measured bits are whole numbers, the length of something"
                " that was written: use Ledger.estimated for what was computed"
            )

    @classmethod
    def measured(
        cls, name: str, *, program_bits: int = 0, code_bits: int = 0, container_bits: int = 0, raw_bits: int = 0
    ) -> "Ledger":
        """Return the ledger of one part that was written to a file. Raises UsageError for fractions of a bit."""
        return cls(MEASURED, (Part(name, program_bits, code_bits, container_bits, raw_bits),))

    @classmethod
    def estimated(
        cls,
        name: str,
        *,
        program_bits: float = 0,
        code_bits: float = 0,
        container_bits: float = 0,
        raw_bits: float = 0,
    ) -> "Ledger":
        """Return the ledger of one part that was computed or predicted. Raises UsageError for negative bits."""
        return cls(ESTIMATED, (Part(name, program_bits, code_bits, container_bits, raw_bits),))

    @property
    def whole(self) -> Part:
        """The sum of all parts, named "total"."""
        columns = ([getattr(part, bits) for part in self.parts] for bits in _BITS)
        return Part("total", *map(sum, columns))

    @property
    def program_bits(self) -> float:
        """Bits to write the programs down."""
        return self.whole.program_bits

    @property
    def code_bits(self) -> float:
        """Bits of the data given the programs."""
        return self.whole.code_bits

    @property
    def container_bits(self) -> float:
        """Bits of names, checksums, recipes."""
        return self.whole.container_bits

    @property
    def raw_bits(self) -> float:
        """Bits of the plain data."""
        return self.whole.raw_bits

    @property
    def total_bits(self) -> float:
        """What is paid: program, code and container."""
        return self.whole.total_bits

    @property
    def rate_bpb(self) -> float | None:
        """Total bits a byte of raw data, None when there is no raw data."""
        return self.whole.rate_bpb

    def __add__(self, other: object) -> "Ledger":
        """Return both accounts in one. Raises UsageError when one is measured and the other estimated."""
        if not isinstance(other, Ledger):
            return NotImplemented
        if self.basis != other.basis:
            article = {MEASURED: "a", ESTIMATED: "an"}
            both = " and ".join(f"{article[one.basis]} {one.basis}" for one in (self, other))
            raise UsageError(f"{both} ledger do not add up; show them side by side")
        parts = {part.name: part for part in self.parts}
        for part in other.parts:
            parts[part.name] = parts[part.name]._plus(part) if part.name in parts else part
        return Ledger(self.basis, tuple(parts.values()))

    def __radd__(self, other: object) -> "Ledger":
        """Return self added to the 0 that `sum` starts from."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def as_dict(self) -> dict[str, Any]:
        """Return totals, basis and parts as plain values."""
        return {"basis": self.basis} | _as_dict(self.whole) | {"parts": [_as_dict(part) for part in self.parts]}

    def to_json(self) -> str:
        """Return `as_dict` as one line of JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False)

    def __str__(self) -> str:
        """Return a table with a row a part and, for several, a total; bits, and bits a byte."""
        rows = [*self.parts, self.whole] if len(self.parts) != 1 else [*self.parts]
        cells = [(f"{self.basis} bits", *_HEADS), *map(_cells, rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(_line(row, widths) for row in cells)


def _as_dict(part: Part) -> dict[str, Any]:
    return asdict(part) | {"total_bits": part.total_bits, "rate_bpb": part.rate_bpb}


def _cells(part: Part) -> tuple[str, ...]:
    numbers = (part.program_bits, part.code_bits, part.container_bits, part.total_bits, part.raw_bits)
    rate = "-" if part.rate_bpb is None else f"{part.rate_bpb:.3f}"
    return (part.name, *(f"{round(number):,}" for number in numbers), rate)


def _line(row: Iterable[str], widths: list[int]) -> str:
    name, *numbers = row
    return "  ".join([name.ljust(widths[0]), *(n.rjust(w) for n, w in zip(numbers, widths[1:], strict=True))])
