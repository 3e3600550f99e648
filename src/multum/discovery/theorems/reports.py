"""Theorems about a table, for people and machines."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Theorem:
    """A law that holds in every row.

    kind: constant, sequence, copy, conversion, formula or dependency. target: the column that it gives; inputs: from
    these. text: what it says. rows: that it was checked on; confirmed: of these the ones that it was not made from.
    saved_bits: of the target, the law's own bits subtracted.
    """

    kind: str
    target: str
    inputs: tuple[str, ...]
    text: str
    rows: int
    confirmed: int
    saved_bits: float

    def __str__(self) -> str:
        """Return it on one line."""
        checked = f"{self.rows:,} rows, {self.confirmed:,} confirm it"
        return f"{self.text}  ({self.kind}; {checked}; saves {self.saved_bits:,.0f} bits)"


@dataclass(frozen=True)
class LawsReport:
    """What holds in a table.

    theorems: the most saving first; each column is the target of at most one, and none is needed to derive itself.
    raw_bits: of all columns alone; bits: with the theorems.
    """

    source: str
    rows: int
    columns: int
    theorems: tuple[Theorem, ...]
    raw_bits: float
    bits: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return dict(vars(self)) | {"theorems": [vars(one) for one in self.theorems]}

    def __str__(self) -> str:
        """Return a line a theorem, and the account."""
        lines = [str(one) for one in self.theorems] or ["no law holds in every row"]
        share = f", {self.bits / self.raw_bits:.0%}" if self.raw_bits else ""
        return "\n".join(
            [*lines, f"{self.raw_bits:,.0f} bits of columns alone; with these laws {self.bits:,.0f}{share}"]
        )
