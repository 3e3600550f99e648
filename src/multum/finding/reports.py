"""What `find` tells: every candidate's account, estimated and measured apart, and the winner."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from multum.finding.candidates import Account


@dataclass(frozen=True)
class FindReport:
    """What `find` found. source, target: paths, None for a stream. Sizes in bytes.

    candidates: the account of each, measured ones first, the least total first among these. winner: the name of the
    measured one whose archive is at `target`. trials: recipes tried on samples. note: why no more was tried, or None.
    """

    source: str | None
    target: str
    raw_bytes: int
    archive_bytes: int
    winner: str
    candidates: tuple[Account, ...]
    recipe: str | None
    trials: int
    time_s: float
    note: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the ledger as plain values."""
        return {
            "source": self.source,
            "target": self.target,
            "candidates": [account.as_dict() for account in self.candidates],
            "winner": self.winner,
            "archive_bytes": self.archive_bytes,
            "raw_bytes": self.raw_bytes,
            "recipe": self.recipe,
            "trials": self.trials,
            "time_s": round(self.time_s, 3),
            "note": self.note,
        }

    def __str__(self) -> str:
        """Return the ledger as a table in bytes; a total stands in one of two columns, never in both."""
        head = ("candidate", "program", "code", "estimated total", "measured total")
        rows = [head, *(_row(account) for account in self.candidates)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(_line(row, widths) for row in rows)


def order_accounts(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """Return measured accounts before estimated ones, the least total first among each."""
    return tuple(sorted(accounts, key=lambda one: (not one.measured, one.total_bits)))


def _row(account: Account) -> tuple[str, ...]:
    def show(bits: float) -> str:
        return f"{-(-round(bits) // 8):,}"

    total = show(account.total_bits)
    both = ("", total) if account.measured else (total, "")
    return (account.name, show(account.program_bits), show(account.code_bits), *both)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers = row
    cells = [name.ljust(widths[0]), *(n.rjust(w) for n, w in zip(numbers, widths[1:], strict=True))]
    return "  ".join(cells).rstrip()
