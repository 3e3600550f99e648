"""What does each way to make a model smaller cost?

Run as `python -m bench.compress --reference DIR --program DIR`: DIR of the reference is what tools/smollm2_reference.py
built, that of the program what `multum fit` made of nine million bytes of Dickens. Every row is a recipe on one of the
two, in a process of its own on one thread. Bytes are those of the file that was written, losses those of the network
that was loaded back from it, on text that nothing was tuned on. Writes bench/results/compress.json, row by row, and the
table of each model in docs/choosing.md; without a model the tables only.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.measure import Cost, run_command
from bench.shrink import CALIBRATION, HELD_OUT, SHARED
from bench.tables import make_table, replace_marked

RESULTS = ROOT / "bench" / "results" / "compress.json"
PAGE = ROOT / "docs" / "choosing.md"
DICKENS = SHARED / "data" / "text" / "dickens"
# The program was fitted to what comes before its last part; the first million calibrates.
_FITTED, _CALIBRATES = 9_000_000, 1_000_000
REFERENCE, PROGRAM = "reference", "program"
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A row. model: REFERENCE or PROGRAM. target: an option of size and its value, or nothing."""

    model: str
    recipe: str
    target: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What --only calls it."""
        return " ".join([self.model, self.recipe, *self.target])


_BITS = ("--target-bits", "4")
_SMALL = ("--target-bytes", "60000000")
CASES = (
    Case(PROGRAM, "code", _BITS),
    *(Case(PROGRAM, f"prune={way}:0.5 | code", _BITS) for way in ("magnitude", "wanda", "sparsegpt", "surgeon")),
    Case(PROGRAM, "prune=sparsegpt:2:4 | code", _BITS),
    Case(PROGRAM, "prune=surgeon:2:4 | code", _BITS),
    Case(PROGRAM, "prune=surgeon:0.5"),
    Case(PROGRAM, "prune=surgeon:0.5 | code", ("--target-bits", "2")),
    Case(PROGRAM, "code", ("--target-bits", "2")),
    Case(PROGRAM, "code", ("--target-bytes", "328000")),
    Case(PROGRAM, "prune=surgeon:bytes=400000 | code", _BITS),
    *(Case(PROGRAM, f"quantize={way} | code") for way in ("rtn:8", "rtn:4:64", "gptq:4:64", "gptq:3:64")),
    Case(PROGRAM, "prune=surgeon:0.5 | quantize=gptq:4:64 | code"),
    *(Case(PROGRAM, f"quantize={way} | code") for way in ("hqq:4:64", "rtn:4", "awq:4", "gptq:4")),
    *(Case(PROGRAM, f"quantize=gptq:{way} | code") for way in ("2", "2:32", "2:rank=8", "3", "3:rank=8")),
    *(Case(PROGRAM, f"lowrank={share} | code", _BITS) for share in (0.9, 0.7, "0.9:svd")),
    *(Case(PROGRAM, f"structure={part} | code", _BITS) for part in ("neurons:0.25", "neurons:0.5", "layers:1")),
    Case(REFERENCE, "quantize=rtn:8"),
    *(Case(REFERENCE, f"prune={way}:0.5") for way in ("sparsegpt", "surgeon")),
    *(Case(REFERENCE, f"prune=surgeon:{share} | code", _SMALL) for share in ("0.5", "2:4")),
    Case(REFERENCE, "structure=neurons:0.25 | code", _SMALL),
)


def main() -> int:
    """Run what the command line asks for."""
    asked = parse_arguments()
    for case in CASES:
        model = {REFERENCE: asked.reference, PROGRAM: asked.program}[case.model]
        if model is None or (asked.only and case.name not in asked.only):
            continue
        row = {"row": case.name, "commit": describe_commit(), "date": tell_date()} | measure_case(case, model)
        keep_row(row, asked.out)
        print(json.dumps(row), flush=True)
    for model in (PROGRAM, REFERENCE):
        table = show_table([row for row in read_rows(asked.out) if row["model"] == model])
        print(table)
        if asked.out == RESULTS:
            PAGE.write_text(replace_marked(PAGE, table, f"compress-{model}"), "utf-8")
    return 0


def read_rows(path: Path) -> list[Row]:
    """Return the rows that were measured, in the order of CASES."""
    rows: list[Row] = json.loads(path.read_text("utf-8"))["rows"] if path.is_file() else []
    order = [case.name for case in CASES]
    return sorted(rows, key=lambda row: order.index(row["row"]))


def keep_row(row: Row, path: Path) -> None:
    """Write `row` in place of the one of its name; rows that another run has written meanwhile stay."""
    rows = [old for old in read_rows(path) if old["row"] != row["row"]] + [row]
    path.write_text(json.dumps({"rows": rows, "machine": describe_machine()}, indent=1) + "\n", "utf-8")


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.compress", description=__doc__)
    parser.add_argument("--reference", type=Path, metavar="DIR", help="the reference model")
    parser.add_argument("--program", type=Path, metavar="DIR", help="a program fitted to Dickens")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="not all of them", choices=[c.name for c in CASES])
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def measure_case(case: Case, model: Path) -> Row:
    """Return what one recipe gave."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        folder = Path(name)
        data, held_out = (CALIBRATION, HELD_OUT) if case.model == REFERENCE else _cut_dickens(folder)
        command = ["shrink", str(model.resolve()), "-o", "small.mtm", "--json", "-q", "-T", "1"]
        given = ["--data", str(data), "--eval", str(held_out), "--recipe", case.recipe, *case.target]
        report, cost = _run([*command, *given], folder)
    return {
        "model": case.model,
        "recipe": case.recipe,
        "bytes": report["bytes_after"],
        "share": round(report["share"], 4),
        "bits_per_byte_before": round(report["loss_before"]["value"], 4),
        "bits_per_byte": round(report["loss_after"]["value"], 4),
        "bits_per_byte_int8": round(report["loss_int8"]["value"], 4),
        "ms": {kind: round(1000 * report[f"running_{kind}"]["seconds"], 1) for kind in ("before", "after", "int8")},
        "passes": [_tell_pass(line) for line in report["passes"]],
        "cpu_s": round(cost.cpu_s, 1),
        "rss_bytes": cost.rss_bytes,
    }


def _cut_dickens(folder: Path) -> tuple[Path, Path]:
    """Return files of (what calibrates, what is measured on)."""
    text = DICKENS.read_bytes()
    paths = folder / "calibration", folder / "held-out"
    paths[0].write_bytes(text[:_CALIBRATES])
    paths[1].write_bytes(text[_FITTED:])
    return paths


def _run(arguments: list[str], folder: Path) -> tuple[Row, Cost]:
    """Return (what `multum` printed, what it took), on one thread."""
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    cost = run_command((sys.executable, "-m", "multum", *arguments), folder, folder / "printed")
    return json.loads((folder / "printed").read_text("utf-8")), cost


def _tell_pass(line: Row) -> Row:
    """Return what one pass did."""
    after = line["loss_after"]
    return {"name": line["name"], "told": line["told"], "bits_per_byte": round(after["value"], 4)}


def show_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [["recipe", "bytes", "bits per byte", "before coding"]]
    for row in rows:
        earlier = [one for one in row["passes"] if one["name"] != "code"]
        between = f"{earlier[-1]['bits_per_byte']:.4f}" if earlier else ""
        recipe = row["recipe"].replace("|", "\\|")  # which would end a cell
        lines.append([f"`{recipe}`", f"{row['bytes']:,}", f"{row['bits_per_byte']:.4f}", between])
    return make_table(lines)


if __name__ == "__main__":
    raise SystemExit(main())
