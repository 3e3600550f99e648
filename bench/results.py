"""The results file: rows that can be added to, merged when they belong together, and summed.

Invariant: every row of a file was measured on one machine with one version of each peer; a row that does not fit
is dropped, with the reason, rather than kept beside figures it cannot be compared with.
"""

import json
import os
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.codecs import REFERENCE
from bench.corpus import CorpusFile, hash_file
from bench.measure import Measurement

Results = dict[str, Any]
Row = dict[str, Any]


def start_row(codec: str, version: str, file: CorpusFile, first: Measurement, **origin: str) -> Row:
    """Return a row that holds one measurement; `origin` is the date and commit it was made at."""
    row = {
        "codec": codec,
        "version": version,
        "file": file.name,
        "file_hash": hash_file(file),
        "in_totals": file.in_totals,
        "raw_bytes": first.raw_bytes,
        "packed_bytes": first.packed_bytes,
        "verified": True,
        "runs": [],
    }
    return row | origin | add_run(row, first)


def add_run(row: Row, measured: Measurement) -> Row:
    """Add one more measurement to `row` and return it, with best and median brought up to date."""
    row["runs"].append({side: vars(getattr(measured, side)) for side in ("pack", "unpack")})
    # The same input must give the same bytes each time, and come back each time.
    row["verified"] &= measured.verified and measured.packed_bytes == row["packed_bytes"]
    for side in ("pack", "unpack"):
        costs = [run[side] for run in row["runs"]]
        row[f"{side}_cpu_s"] = round(min(cost["cpu_s"] for cost in costs), 4)
        row[f"{side}_cpu_median_s"] = round(statistics.median(cost["cpu_s"] for cost in costs), 4)
        row[f"{side}_wall_s"] = round(min(cost["wall_s"] for cost in costs), 4)
        row[f"{side}_rss_bytes"] = max(cost["rss_bytes"] for cost in costs)
    return row


def keep_rows(old: Results, new: Results) -> tuple[list[Row], list[str]]:
    """Return the rows of `old` that may stand beside those of `new`, and why others may not."""
    if not old:
        return [], []
    if old["machine"] != new["machine"]:
        return [], ["another machine or other versions of Python's packages: none of the old rows is kept"]
    if old["corpus_hash"] != new["corpus_hash"]:
        return [], ["another corpus: none of the old rows is kept"]
    changed = [name for name, was in old["versions"].items() if new["versions"].get(name, was) != was]
    reasons = [f"another version of {name}: its old rows are dropped" for name in changed]
    return [row for row in old["rows"] if row["codec"] not in changed], reasons


def summarise(rows: Iterable[Row], startup: dict[str, float]) -> list[Row]:
    """Return one line a codec over the files that count: totals, and ratios to zpaq -m5 on the same files.

    startup: CPU seconds that a codec takes for ten bytes, which is what it pays once a file whatever the size.
    """
    counted = [row for row in rows if row["in_totals"]]
    codecs = list(dict.fromkeys(row["codec"] for row in counted))
    files = {row["file"] for row in counted}
    reference = {row["file"]: row for row in counted if row["codec"] == REFERENCE}
    lines = []
    for codec in codecs:
        mine = [row for row in counted if row["codec"] == codec]
        line = _sum_codec(codec, mine) | {"complete": {row["file"] for row in mine} == files}
        if all(row["file"] in reference for row in mine):
            line |= _compare_codec(mine, reference, startup.get(codec, 0.0), startup.get(REFERENCE, 0.0))
        lines.append(line)
    return lines


def _sum_codec(codec: str, rows: list[Row]) -> Row:
    raw, packed = (sum(row[key] for row in rows) for key in ("raw_bytes", "packed_bytes"))
    return {
        "codec": codec,
        "files": len(rows),
        "raw_bytes": raw,
        "packed_bytes": packed,
        "bpb": round(8 * packed / raw, 4) if raw else 0.0,
        "pack_cpu_s": round(sum(row["pack_cpu_s"] for row in rows), 3),
        "unpack_cpu_s": round(sum(row["unpack_cpu_s"] for row in rows), 3),
        "pack_cpu_median_s": round(sum(row["pack_cpu_median_s"] for row in rows), 3),
        "unpack_cpu_median_s": round(sum(row["unpack_cpu_median_s"] for row in rows), 3),
        "pack_rss_bytes": max(row["pack_rss_bytes"] for row in rows),
        "unpack_rss_bytes": max(row["unpack_rss_bytes"] for row in rows),
        "verified": all(row["verified"] for row in rows),
    }


def _compare_codec(rows: list[Row], reference: dict[str, Row], startup_s: float, reference_startup_s: float) -> Row:
    """Return the ratios of `rows` to the reference on the same files; below 1 is better than the reference."""
    theirs = [reference[row["file"]] for row in rows]
    worst = max(rows, key=lambda row: row["packed_bytes"] / reference[row["file"]]["packed_bytes"])
    pack_s, unpack_s = (sum(row[key] for row in rows) for key in ("pack_cpu_s", "unpack_cpu_s"))
    ref_pack_s, ref_unpack_s = (sum(row[key] for row in theirs) for key in ("pack_cpu_s", "unpack_cpu_s"))
    net_s, ref_net_s = pack_s - startup_s * len(rows), ref_pack_s - reference_startup_s * len(rows)
    return {
        "bytes_to_reference": _divide(sum(r["packed_bytes"] for r in rows), sum(r["packed_bytes"] for r in theirs)),
        "pack_cpu_to_reference": _divide(pack_s, ref_pack_s),
        "unpack_cpu_to_reference": _divide(unpack_s, ref_unpack_s),
        "pack_cpu_to_reference_without_startup": _divide(net_s, ref_net_s),
        "unpack_to_pack_cpu": _divide(unpack_s, pack_s),
        "worst_file": worst["file"],
        "worst_file_to_reference": _divide(worst["packed_bytes"], reference[worst["file"]]["packed_bytes"]),
    }


def _divide(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole > 0 else None


def read_results(path: Path) -> Results:
    """Return the results in `path`, {} when there are none yet."""
    found: Results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def write_results(path: Path, results: Results) -> None:
    """Write `results` to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    os.replace(unfinished, path)
