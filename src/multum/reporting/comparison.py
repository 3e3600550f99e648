"""Run compressors side by side on the same data and show what each made of it.

Invariant: a row exists only for a file that was unpacked again; `verified` tells whether it came back equal.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from multum.reporting.peers import Codec, Skipped
from multum.reporting.specimens import Specimen

TOTAL = "all together"


@dataclass(frozen=True)
class Row:
    """One compressor on one file. Sizes are of the whole packed file; seconds are of CPU, all threads together."""

    file: str
    raw_bytes: int
    codec: str
    packed_bytes: int
    pack_cpu_s: float
    unpack_cpu_s: float
    verified: bool

    @property
    def rate_bpb(self) -> float:
        """Bits of the packed file per byte of data; 0 for no data."""
        return 8 * self.packed_bytes / self.raw_bytes if self.raw_bytes else 0.0

    @property
    def ratio(self) -> float:
        """How many times smaller the packed file is."""
        return self.raw_bytes / self.packed_bytes if self.packed_bytes else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the row with its derived figures, ready for JSON."""
        return asdict(self) | {"bpb": round(self.rate_bpb, 4), "ratio": round(self.ratio, 4)}


def measure_codec(codec: Codec, specimen: Specimen) -> Row:
    """Return the row of `codec` on `specimen`: packed, unpacked and compared in this process."""
    start = time.process_time()
    code = codec.pack(specimen.data)
    packed = time.process_time()
    back = codec.unpack(code)
    unpacked = time.process_time()
    return Row(
        file=specimen.name,
        raw_bytes=len(specimen.data),
        codec=codec.name,
        packed_bytes=len(code),
        pack_cpu_s=round(packed - start, 3),
        unpack_cpu_s=round(unpacked - packed, 3),
        verified=back == specimen.data,
    )


def compare(specimens: Iterable[Specimen], codecs: list[Codec], announce: Callable[[str, str], None]) -> Iterator[Row]:
    """Yield a row for each codec on each specimen; `announce` hears (file, codec) before each one starts."""
    for specimen in specimens:
        for codec in codecs:
            announce(specimen.name, codec.name)
            yield measure_codec(codec, specimen)


def sum_rows(rows: list[Row]) -> list[Row]:
    """Return one row a codec over all files, in the order in which the codecs first appear."""
    sums = []
    for codec in dict.fromkeys(row.codec for row in rows):
        mine = [row for row in rows if row.codec == codec]
        sums.append(
            Row(
                file=TOTAL,
                raw_bytes=sum(row.raw_bytes for row in mine),
                codec=codec,
                packed_bytes=sum(row.packed_bytes for row in mine),
                pack_cpu_s=round(sum(row.pack_cpu_s for row in mine), 3),
                unpack_cpu_s=round(sum(row.unpack_cpu_s for row in mine), 3),
                verified=all(row.verified for row in mine),
            )
        )
    return sums


def to_json(rows: list[Row], skipped: list[Skipped]) -> dict[str, Any]:
    """Return everything the table shows, and exact numbers, for machines."""
    return {
        "rows": [row.to_dict() for row in rows],
        "totals": [row.to_dict() for row in sum_rows(rows)],
        "skipped": [asdict(one) for one in skipped],
    }


def make_table(rows: list[Row]) -> Table:
    """Return the comparison as one table: a section a file, its smallest result in bold, and the totals last."""
    table = Table(caption="Every row was unpacked again and compared. CPU seconds of one core, in this run.")
    for heading in ("file", "codec"):
        table.add_column(heading, overflow="fold")
    for heading in ("bytes", "bits per byte", "ratio", "pack s", "unpack s"):
        table.add_column(heading, justify="right", no_wrap=heading != "bits per byte")
    files = list(dict.fromkeys(row.file for row in rows))
    for file in files:
        _add_section(table, [row for row in rows if row.file == file])
    if len(files) > 1:
        _add_section(table, sum_rows(rows))
    return table


def _add_section(table: Table, rows: list[Row]) -> None:
    least = min(row.packed_bytes for row in rows)
    table.add_row(rows[0].file, "(as it is)", f"{rows[0].raw_bytes:,}", "8.000", "1.00", "", "", style="dim")
    for row in rows:
        table.add_row(
            "",
            row.codec if row.verified else f"{row.codec}: CAME BACK DIFFERENT",
            f"{row.packed_bytes:,}",
            f"{row.rate_bpb:.3f}",
            f"{row.ratio:.2f}",
            f"{row.pack_cpu_s:.2f}",
            f"{row.unpack_cpu_s:.2f}",
            style="bold" if row.packed_bytes == least else None,
        )
    table.add_section()
