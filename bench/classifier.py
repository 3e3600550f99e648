"""What does making a classifier of texts smaller or faster cost it?

Run as `python -m bench.classifier --model DIR`, where DIR is all-MiniLM-L6-v2, fine-tuned on sst2 by `multum fit --task
labels`. Every row is a process of its own on one thread. Calibrated and taught on the training file, measured on the
test file, which nothing else saw. Rows:
  float32, int8 dynamic, int8 static   graphs in ONNX Runtime
  recipes                              archives of `multum shrink`, 4 bits a weight for what no pass rounded
  auto                                 `multum shrink --auto` at a tenth of the bytes, searched on the held-out file
Latency is that of 128 tokens: of a graph in ONNX Runtime, of an archive in torch, the faster of dense layers and those
in 8-bit products. Writes bench/results/classifier.json, row by row, and prints a table of it.
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
from bench.measure import CommandFailed, Cost, run_command
from bench.shrink import LABELS

RESULTS = ROOT / "bench" / "results" / "classifier.json"
TRAINING, HELD_OUT, TEST = (LABELS / f"sst2_{name}.tsv" for name in ("train", "dev", "test"))
_SHARE = 0.1
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A row. options: of `multum export --to onnx`, or of `multum shrink`. auto: whether it is a search."""

    name: str
    verb: str
    options: tuple[str, ...]
    auto: bool = False


def _shrink(recipe: str) -> Case:
    return Case(recipe, "shrink", ("--data", str(TRAINING), "--recipe", recipe, "--target-bits", "4"))


CASES = (
    Case("float32", "export", ()),
    Case("int8 dynamic", "export", ("--int8", "dynamic")),
    Case("int8 static", "export", ("--int8", "static", "--data", str(TRAINING))),
    _shrink("code"),
    _shrink("quantize=gptq:4:64 | code"),
    _shrink("prune=surgeon:0.5 | code"),
    _shrink("prune=surgeon:0.8 | code"),
    _shrink("structure=neurons:0.5 | code"),
    _shrink("lowrank=0.8 | code"),
    _shrink("qat=4:a8 | code"),
    _shrink("distil=0.5 | code"),
    Case("auto", "shrink", ("--auto", "--data", str(TRAINING), "--trials", "3"), auto=True),
)


def main() -> int:
    """Run what the command line asks for."""
    asked = parse_arguments()
    for case in CASES:
        if asked.only and case.name not in asked.only:
            continue
        row = {"row": case.name, "commit": describe_commit(), "date": tell_date()} | measure_case(case, asked.model)
        keep_row(row, asked.out)
        print(json.dumps(row), flush=True)
    print(make_table(read_rows(asked.out)))
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
    parser = argparse.ArgumentParser(prog="python -m bench.classifier", description=__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", required=True, help="the fine-tuned encoder")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="not all of them", choices=[c.name for c in CASES])
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def measure_case(case: Case, model: Path) -> Row:
    """Return what one row shows; or why it was skipped."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        folder = Path(name)
        try:
            if case.verb == "export":
                return measure_graph(case, model, folder)
            return measure_search(case, model, folder) if case.auto else measure_archive(case, model, folder)
        except CommandFailed as error:
            return {"skipped": str(error)}


def measure_graph(case: Case, model: Path, folder: Path) -> Row:
    """Return the row of a graph in ONNX Runtime."""
    told, cost = _run(["export", str(model.resolve()), "--to", "onnx", "-o", "graph", *case.options], folder)
    exact = told["running_float"] or told["running_after"]
    return _tell(told["size_bytes"], told["loss_after"], told["running_after"], cost) | {
        "ms_float32": round(1000 * exact["seconds"], 1),  # in the same minute
        "ms_torch": round(1000 * told["running_before"]["seconds"], 1),
        "difference": told["comparison"]["difference"],
        "tolerance": told["comparison"]["tolerance"],
    }


def measure_archive(case: Case, model: Path, folder: Path) -> Row:
    """Return the row of an archive."""
    told, cost = _run(["shrink", str(model.resolve()), "-o", "small.mtm", *case.options], folder)
    runs = [told[name] for name in ("running_after", "running_int8") if told[name] is not None]
    return _tell(told["bytes_after"], told["loss_after"], min(runs, key=lambda run: run["seconds"]), cost)


def measure_search(case: Case, model: Path, folder: Path) -> Row:
    """Return the row of a search, its file measured on the test file, which the search did not see."""
    plain_bytes = sum(file.stat().st_size for file in model.glob("model*.safetensors"))
    target = ["--target-bytes", str(int(_SHARE * plain_bytes))]
    command = ["shrink", str(model.resolve()), "-o", "small.mtm", *case.options, *target]
    told, cost = _run(command, folder, evaluation=HELD_OUT)
    rated, _ = _run(["bits", "small.mtm", str(TEST)], folder, evaluation=None)
    loss = {"accuracy": rated["accuracy"], "macro_f1": rated["macro_f1"], "value": rated["bits_per_label"]}
    running = {"seconds": told["chosen"]["seconds"]}
    return _tell(told["chosen"]["size_bytes"], loss, running, cost) | {
        "recipe": told["chosen"]["recipe"],
        "tried": [{name: point[name] for name in ("recipe", "size_bytes", "loss", "why")} for point in told["points"]],
    }


def _run(arguments: list[str], folder: Path, evaluation: Path | None = TEST) -> tuple[Row, Cost]:
    """Return (what `multum` printed, what it took), on one thread."""
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    measured = [] if evaluation is None else ["--eval", str(evaluation)]
    threads = [] if arguments[0] == "bits" else ["-T", "1"]  # it has no such option
    command = (sys.executable, "-m", "multum", *arguments, *measured, *threads, "--json", "-q")
    cost = run_command(command, folder, folder / "printed")
    return json.loads((folder / "printed").read_text("utf-8").splitlines()[-1]), cost


def _tell(size_bytes: int, loss: Row, running: Row, cost: Cost) -> Row:
    return {
        "bytes": size_bytes,
        "accuracy": round(loss["accuracy"], 4),
        "macro_f1": round(loss["macro_f1"], 4),
        "bits_per_label": round(loss["value"], 4),
        "ms": round(1000 * running["seconds"], 1),
        "cpu_s": round(cost.cpu_s, 1),
        "rss_bytes": cost.rss_bytes,
    }


def make_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    heads = ("accuracy", "macro_f1", "bits_per_label")
    lines = ["| row | bytes | accuracy | macro F1 | bits per label | ms for 128 tokens |", "| --- |" + " ---: |" * 5]
    for row in rows:
        name = row["row"].replace("|", "\\|")  # which would end a cell
        if "skipped" in row:
            lines.append(f"| {name} | skipped: {row['skipped']} | | | | |")
            continue
        scores = " | ".join(f"{row[head]:.4f}" for head in heads)
        lines.append(f"| {name} | {row['bytes']:,} | {scores} | {row['ms']:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
