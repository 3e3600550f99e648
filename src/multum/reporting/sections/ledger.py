"""Where the bits go: program and code of every candidate of a search, and of every archive."""

from dataclasses import dataclass

from multum.reporting.charts import Spec, bars, draw, hover, layer, names
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

KINDS = (Kind("search", frozenset({"candidates", "winner", "archive_bytes", "raw_bytes"}), printed_by="find"),)
# More bars are no longer read at a glance; the table has all.
_MOST_BARS = 20
_BAR_HEIGHT = 26


@dataclass(frozen=True)
class Account:
    """One account, in bytes. container: what is neither program nor code. measured: of a file that was written."""

    name: str
    program: float
    code: float
    container: float
    measured: bool

    @property
    def total(self) -> float:
        """All that is paid."""
        return self.program + self.code + self.container

    @property
    def basis(self) -> str:
        """How it is known."""
        return "measured" if self.measured else "estimated"


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
    ledgers = [document.read(_read_find) for document in material.take("search")]
    archives = tuple(document.read(_read_archive) for document in material.take("archive"))
    figures = [_draw_find(ledger, number) for number, ledger in enumerate(ledgers, 1)]
    if archives:
        told = f"Bytes of {len(archives)} archives, by part; {_name_least(archives)} is the smallest."
        figures.append(Figure("archives", "Archives", told, _stack(archives), _tabulate(archives)))
    if not figures:
        return None
    lead = " ".join(map(_tell, ledgers)) or "What each archive is made of: its program, the code of the data, the rest."
    return Section("ledger", "Where the bits go", lead, tuple(figures))


def _read_find(document: Document) -> Ledger:
    """Return the ledger that `find` printed."""
    fields = document.fields
    accounts = []
    for one in fields["candidates"]:
        program, code, total = (read_number(one[name]) / 8 for name in ("program_bits", "code_bits", "total_bits"))
        accounts.append(
            Account(str(one["name"]), program, code, max(0.0, total - program - code), one["measured"] is True)
        )
    source = str(fields.get("source") or document.name)
    raw, archive = (read_number(fields[name]) for name in ("raw_bytes", "archive_bytes"))
    return Ledger(source, raw, str(fields["winner"]), archive, tuple(accounts))


def _read_archive(document: Document) -> Account:
    """Return the account of an archive that was listed."""
    names = ("program_bytes", "coded_bytes", "container_bytes")
    program, code, container = (read_number(document.fields[name]) for name in names)
    return Account(document.name, program, code, container, measured=True)


def _tell(ledger: Ledger) -> str:
    """Return in a sentence what came of a search."""
    share = f", {ledger.archive_bytes / ledger.raw_bytes:.1%} of it" if ledger.raw_bytes else ""
    return (
        f"{ledger.name}: {ledger.raw_bytes:,.0f} bytes became {ledger.archive_bytes:,.0f}{share}, program and all, by"
        f" {ledger.winner}, out of {len(ledger.accounts)} candidates."
    )


def _draw_find(ledger: Ledger, number: int) -> Figure:
    """Return the bars of a search, measured ones first."""
    told = (
        f"Program and code of the candidates for {ledger.name}, in bytes. The least that was measured is"
        f" {ledger.winner}, {ledger.archive_bytes:,.0f} bytes. Pale bars are estimated."
    )
    title = f"Candidates for {ledger.name}"
    return Figure(f"ledger-{number}", title, told, _stack(ledger.accounts[:_MOST_BARS]), _tabulate(ledger.accounts))


def _name_least(accounts: tuple[Account, ...]) -> str:
    return min(accounts, key=lambda one: one.total).name


def _stack(accounts: tuple[Account, ...]) -> Spec:
    """Return stacked bars, a line each, with the total at their end; estimated ones are pale."""
    rows = [
        {"bar": one.name, "part": part, "bytes": getattr(one, part), "place": place, "basis": one.basis}
        for one in accounts
        for place, part in enumerate(("program", "code", "container"))
    ]
    totals = [{"bar": one.name, "total": one.total} for one in accounts]
    y = names("bar", [account.name for account in accounts])
    parts = {
        "field": "part",
        "type": "nominal",
        "sort": ["code", "program", "container"],
        "title": None,
        "legend": {"orient": "top"},
    }
    x = bars("total", totals, "bytes")
    pale = {"condition": {"test": "datum.basis == 'measured'", "value": 1}, "value": 0.5}
    return layer(
        draw(
            {"type": "bar", "height": {"band": 0.72}},
            rows,
            x=x | {"field": "bytes"},
            y=y,
            color=parts,
            order={"field": "place", "type": "quantitative"},
            opacity=pale,
            tooltip=hover(
                ("bar", "candidate", None), ("part", "part", None), ("bytes", "bytes", ",.0f"), ("basis", "how", None)
            ),
        ),
        draw(
            {"type": "text", "align": "left", "dx": 5},
            totals,
            x=x,
            y=y,
            text={"field": "total", "type": "quantitative", "format": ",.0f"},
        ),
        height=_BAR_HEIGHT * len(accounts) + 8,
    )


def _tabulate(accounts: tuple[Account, ...]) -> Table:
    rows = tuple(
        (one.name, round(one.program), round(one.code), round(one.container), round(one.total), one.basis)
        for one in accounts
    )
    return Table(("candidate", "program", "code", "container", "total, bytes", "how it is known"), rows)
