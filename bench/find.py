"""How much smaller than level 9 does `find` make seven files, and does what it found hold for more data of the kind?

Run as `python -m bench.find`. Each file is searched for five minutes on all cores; the ledger is kept as `find` gives
it, every archive decoded back. With --halves a recipe is also found on the first half alone, and the second half
packed with it and at level 9. Writes bench/results/find.json after each file and skips those that are there already,
so that it can be stopped and started again; --again measures anew. At the end the table in docs/find.md.
"""

import argparse
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import multum
from bench.corpus import ROOT, CorpusFile, find_corpus, hash_file, list_files
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked

RESULTS = ROOT / "bench" / "results" / "find.json"
PAGE = ROOT / "docs" / "find.md"
FILES = ("mr", "nci8m", "kennedy.xls", "era5_ints.bin", "geo", "census.csv", "ecoli536.acgt")
BUDGET_S = 300.0
LEVEL = 9
Row = dict[str, Any]


def main() -> int:
    """Search, write, print."""
    asked = parse_arguments()
    old = json.loads(asked.out.read_text("utf-8")) if asked.out.is_file() and not asked.again else {}
    rows: dict[str, Row] = {row["file"]: row for row in old.get("rows", [])}
    for file in list_files(find_corpus(), asked.files):
        known = rows.get(file.name, {"file": file.name, "file_hash": hash_file(file)})
        row = known if "archive_bytes" in known else known | measure_file(file, asked.budget)
        if asked.halves and "halves" not in row:
            row = row | {"halves": measure_halves(file, asked.budget)}
        if row is not known:
            rows[file.name] = row
            write(asked.out, asked.budget, list(rows.values()))
    table = show_table(list(rows.values()))
    print(table)
    if asked.out == RESULTS:
        PAGE.write_text(replace_marked(PAGE, table), "utf-8")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.find", description=__doc__)
    add = parser.add_argument
    add("files", nargs="*", default=FILES, help="names or patterns (default: the seven)")
    add("--budget", type=float, default=BUDGET_S, metavar="SECONDS", help="for each search (default 300)")
    add("--halves", action="store_true", help="also find on the first half and pack the second")
    add("--again", action="store_true", help="measure files anew that are in the results")
    add("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def measure_file(file: CorpusFile, budget_s: float) -> Row:
    """Return the ledger of a search on all of a file."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        report = multum.find(file.path, Path(folder) / "found.mtm", time_s=budget_s)
        multum.test(Path(folder) / "found.mtm")
    level = next(one for one in report.candidates if one.name == f"level {LEVEL}")
    found = report.as_dict() | {"level_bytes": round(level.total_bits) // 8, "date": tell_date()}
    print(f"{file.name}: {found['level_bytes']:,} -> {report.archive_bytes:,}, {report.trials} trials", file=sys.stderr)
    return {name: value for name, value in found.items() if name not in ("source", "target", "recipe")}


def measure_halves(file: CorpusFile, budget_s: float) -> Row:
    """Return what a recipe found on the first half makes of the second, beside level 9."""
    data = file.path.read_bytes()
    first, second = data[: len(data) // 2], data[len(data) // 2 :]
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        half, recipe = Path(folder) / "half", Path(folder) / "recipe.json"
        half.write_bytes(first)
        report = multum.find(half, time_s=budget_s, save_recipe=recipe)
        level = next(one for one in report.candidates if one.name == f"level {LEVEL}")
        sizes = {
            "level_bytes": pack_verified(second, level=LEVEL),
            "recipe_bytes": pack_verified(second, recipe=recipe),
        }
    first_half = {"level_bytes": round(level.total_bits) // 8, "recipe_bytes": report.archive_bytes}
    print(f"{file.name}: halves {first_half}, {sizes}", file=sys.stderr)
    return {"first": first_half, "second": sizes}


def pack_verified(data: bytes, **options: Any) -> int:
    """Return the length of the archive of `data`, decoded again and compared."""
    target = io.BytesIO()
    multum.pack(io.BytesIO(data), target, verify=True, **options)
    return len(target.getvalue())


def write(path: Path, budget_s: float, rows: list[Row]) -> None:
    """Write the results so far."""
    found = {
        "question": "bytes of find beside level 9, on all of a file and on a second half that it has not seen",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "budget_s": budget_s,
        "rows": rows,
    }
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def show_table(rows: list[Row]) -> str:
    """Return the figures for people, in Markdown, with their sums where every file has them."""
    lines = [
        ["file", "bytes", "level 9", "found", "saved", "of it the recipe", "trials", "saved on a half it has not seen"]
    ]
    for row in rows:
        winner = next(one for one in row["candidates"] if one["name"] == row["winner"])
        lines.append(
            [
                row["file"],
                f"{row['raw_bytes']:,}",
                f"{row['level_bytes']:,}",
                f"{row['archive_bytes']:,}",
                show_saving([(row["level_bytes"], row["archive_bytes"])]),
                f"{winner['program_bits'] // 8:,}",
                f"{row['trials']:,}",
                show_saving(list_halves([row])),
            ]
        )
    sums = [f"{sum(row[name] for row in rows):,}" for name in ("raw_bytes", "level_bytes", "archive_bytes")]
    saved = show_saving([(row["level_bytes"], row["archive_bytes"]) for row in rows])
    held = show_saving(list_halves(rows)) if all("halves" in row for row in rows) else ""
    return make_table([*lines, ["together", *sums, saved, "", "", held]])


def list_halves(rows: list[Row]) -> list[tuple[int, int]]:
    """Return the bytes of second halves at level 9 and with what was found on the first, where that was measured."""
    seconds = [row["halves"]["second"] for row in rows if "halves" in row]
    return [(second["level_bytes"], second["recipe_bytes"]) for second in seconds]


def show_saving(pairs: list[tuple[int, int]]) -> str:
    """Return how much smaller the second numbers are than the first, all together; "" for no pairs."""
    if not pairs:
        return ""
    before, after = (sum(side) for side in zip(*pairs, strict=True))
    return f"{1 - after / before:.1%}"


if __name__ == "__main__":
    sys.exit(main())
