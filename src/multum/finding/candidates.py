"""What may win: a level, a recipe. A candidate is estimated until its archive was written and decoded back."""

import io
from dataclasses import dataclass
from typing import Any, Protocol

from multum.archive.contents import Source
from multum.archive.listing import list_archive
from multum.archive.packing import pack
from multum.archive.recipes import KeptRecipe


@dataclass(frozen=True)
class Account:
    """What a candidate costs, in bits; measured: whether of an archive that was written and decoded back.

    total_bits is at least the sum of the others: an archive also has names and checksums.
    """

    name: str
    program_bits: float
    code_bits: float
    total_bits: float
    measured: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the account as plain values; measured bits are whole numbers."""
        bits = {name: round(getattr(self, name)) for name in ("program_bits", "code_bits", "total_bits")}
        return {"name": self.name, **bits, "measured": self.measured}


@dataclass(frozen=True)
class Measured:
    """An account and the archive it is of."""

    account: Account
    archive: bytes


class Candidate(Protocol):
    """A program that can make an archive of the data."""

    @property
    def name(self) -> str:
        """How the ledger calls it."""

    def options(self) -> dict[str, Any]:
        """Return what `pack` is called with."""


@dataclass(frozen=True)
class LevelCandidate:
    """What `pack` does at a level."""

    level: int

    @property
    def name(self) -> str:
        """How the ledger calls it."""
        return f"level {self.level}"

    def options(self) -> dict[str, Any]:
        """Return what `pack` is called with."""
        return {"level": self.level}


@dataclass(frozen=True)
class RecipeCandidate:
    """A mixing recipe."""

    name: str
    kept: KeptRecipe

    def options(self) -> dict[str, Any]:
        """Return what `pack` is called with."""
        return {"recipe": self.kept}


def measure_candidate(candidate: Candidate, source: Source, threads: int) -> Measured:
    """Return the archive of `source` that the candidate makes, decoded again and compared, and what it costs."""
    target = io.BytesIO()
    pack(source, target, threads=threads, verify=True, **candidate.options())
    archive = target.getvalue()
    listing = list_archive(io.BytesIO(archive))
    program_bits = 8 * (listing.recipe_bytes + listing.program_bytes)
    account = Account(candidate.name, program_bits, 8 * listing.coded_bytes, 8 * listing.archive_bytes, measured=True)
    return Measured(account, archive)
