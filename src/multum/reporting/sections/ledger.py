"""Where the bits go: program and code of every candidate of a search, and of every archive."""

from dataclasses import dataclass

from multum.reporting.accounts import Account, stack_accounts, tabulate_accounts
from multum.reporting.content import Figure, Material, Section
from multum.reporting.documents import Document, Kind, read_number

KINDS = (Kind("search", frozenset({"candidates", "winner", "archive_bytes", "raw_bytes"}), printed_by="find"),)


@dataclass(frozen=True)
class Ledger:
    """The accounts of one search. raw_bytes: of the data. winner: the name of the least."""

    name: str
    raw_bytes: float
    winner: str
    archive_bytes: float
    accounts: tuple[Account, ...]


def show(material: Material) -> Section | None:
    """Return a figure for each search, and one for all archives."""
    ledgers = [document.read(_read_search) for document in material.take("search")]
    archives = [document.read(_read_archive) for document in material.take("archive")]
    figures = [_draw_search(ledger, number) for number, ledger in enumerate(ledgers, 1)]
    if archives:
        figures.append(_draw_archives(archives))
    if not figures:
        return None
    lead = " ".join(map(_tell, ledgers)) or "What each archive is made of: its program, the code of the data, the rest."
    return Section("ledger", "Where the bits go", lead, tuple(figures))


def _read_search(document: Document) -> Ledger:
    """Return the ledger that `find` printed."""
    fields = document.fields
    accounts = []
    for one in fields["candidates"]:
        program, code, total = (read_number(one[name]) / 8 for name in ("program_bits", "code_bits", "total_bits"))
        rest = max(0.0, total - program - code)
        accounts.append(Account(str(one["name"]), program, code, rest, one["measured"] is True))
    return Ledger(
        name=str(fields.get("source") or document.name),
        raw_bytes=read_number(fields["raw_bytes"]),
        winner=str(fields["winner"]),
        archive_bytes=read_number(fields["archive_bytes"]),
        accounts=tuple(accounts),
    )


def _read_archive(document: Document) -> Account:
    """Return the account of an archive that was listed."""
    parts = ("program_bytes", "coded_bytes", "container_bytes")
    program, code, container = (read_number(document.fields[name]) for name in parts)
    return Account(document.name, program, code, container, measured=True)


def _tell(ledger: Ledger) -> str:
    """Return in a sentence what came of a search."""
    share = f", {ledger.archive_bytes / ledger.raw_bytes:.1%} of it" if ledger.raw_bytes else ""
    return (
        f"{ledger.name}: {ledger.raw_bytes:,.0f} bytes became {ledger.archive_bytes:,.0f}{share}, program and all, by"
        f" {ledger.winner}, out of {len(ledger.accounts)} candidates."
    )


def _draw_search(ledger: Ledger, number: int) -> Figure:
    """Return the bars of a search, in its order: measured ones first."""
    told = (
        f"Program and code of the candidates for {ledger.name}, in bytes. The least that was measured is"
        f" {ledger.winner}, {ledger.archive_bytes:,.0f} bytes. Pale bars are estimated."
    )
    title = f"Candidates for {ledger.name}"
    return Figure(f"ledger-{number}", title, told, stack_accounts(ledger.accounts), tabulate_accounts(ledger.accounts))


def _draw_archives(archives: list[Account]) -> Figure:
    least = min(archives, key=lambda one: one.total)
    told = f"Bytes of {len(archives)} archives, by part; {least.name} is the smallest."
    return Figure("archives", "Archives", told, stack_accounts(archives), tabulate_accounts(archives))
