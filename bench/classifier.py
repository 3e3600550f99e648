"""What does making a classifier of texts smaller or faster cost it, and does it generalise as before?

Run as `python -m bench.classifier --model DIR`, where DIR is all-MiniLM-L6-v2, fine-tuned on sst2 by `multum fit --task
labels`. Every run is a process of its own on one thread. Calibrated and taught on the training file, measured on the
test file, which nothing else saw, as it is and damaged (`multum eval --robust`). Rows:
  float32, int8 dynamic, int8 static   graphs in ONNX Runtime
  recipes                              archives of `multum shrink`, 4 bits a weight for what no pass rounded
  auto                                 `multum shrink --auto` at a tenth of the bytes, searched on the held-out file
A seed draws what calibrates, the order of examples and the damage; rows show the mean and the range of their seeds.
Latency is that of bench.classifier_latency. After the search at a tenth, three more with other goals go on from what it
tried.
Writes bench/results/classifier.json, run by run, and the table of it in docs/choosing.md.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpus import ROOT
from bench.machine import describe_commit, describe_machine, tell_date
from bench.measure import CommandFailed, Cost, run_command
from bench.shrink import LABELS
from bench.tables import make_table, replace_marked

RESULTS = ROOT / "bench" / "results" / "classifier.json"
LATENCY = ROOT / "bench" / "results" / "classifier_latency.json"
PAGE = ROOT / "docs" / "choosing.md"
TRAINING, HELD_OUT, TEST = (LABELS / f"sst2_{name}.tsv" for name in ("train", "dev", "test"))
AUTO = "auto"
# In the latencies: what is left of a network whose passes only change values.
WHOLE = "whole"
_SHARE = 0.1
# Further goals, as shares of the bytes or of what the model as it came is right at.
_GOALS = (("--target-bytes", 0.06), ("--target-bytes", 0.2), ("--target-accuracy", 0.99))
_MORE = "5m"
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A row. options: of `multum export --to onnx`, or of `multum shrink`."""

    name: str
    verb: str
    options: tuple[str, ...]


def _shrink(recipe: str) -> Case:
    return Case(recipe, "shrink", ("--data", str(TRAINING), "--recipe", recipe, "--target-bits", "4"))


CASES = (
    Case("float32", "export", ()),
    Case("int8 dynamic", "export", ("--int8", "dynamic")),
    Case("int8 static", "export", ("--int8", "static", "--data", str(TRAINING))),
    _shrink("code"),
    _shrink("quantize=gptq:4:64 | code"),
    _shrink("qat=4:a4:2 | code"),
    _shrink("prune=surgeon:0.5 | code"),
    _shrink("prune=surgeon:0.8 | code"),
    _shrink("gradual=0.8:2 | code"),
    _shrink("structure=neurons:0.5 | code"),
    _shrink("structure=neurons:0.8 | distil=1:2 | code"),
    _shrink("lowrank=0.8 | code"),
    _shrink("features=64 | code"),
    _shrink("features=16 | code"),
    _shrink("distil=0.5:2 | code"),
    Case(AUTO, "shrink", ("--auto", "--data", str(TRAINING))),
)


def main() -> int:
    """Run what the command line asks for."""
    asked = parse_arguments()
    for seed in asked.seeds:
        for case in CASES:
            if asked.only and case.name not in asked.only:
                continue
            row = {"row": case.name, "seed": seed, "commit": describe_commit(), "date": tell_date()}
            row |= measure_case(case, asked, seed)
            keep_row(row, asked.out)
            print(json.dumps(row), flush=True)
    if asked.out == RESULTS:
        write_table(read_rows(asked.out))
    return 0


def write_table(rows: list[Row]) -> None:
    """Write the table of `rows` into the page."""
    PAGE.write_text(replace_marked(PAGE, show_table(rows), "classifier"), "utf-8")


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.classifier", description=__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", required=True, help="the fine-tuned encoder")
    parser.add_argument("--only", nargs="*", metavar="ROW", help="not all of them", choices=[c.name for c in CASES])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2], help="none to make the table only")
    parser.add_argument("--budget", default="40m", help="of the search (default 40m)")
    parser.add_argument("--search", type=Path, metavar="DIR", help="where the search of auto stays, to go on")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    return parser.parse_args()


def read_rows(path: Path) -> list[Row]:
    """Return the runs that were measured, in the order of CASES."""
    rows: list[Row] = json.loads(path.read_text("utf-8"))["rows"] if path.is_file() else []
    order = [case.name for case in CASES]
    return sorted(rows, key=lambda row: (order.index(row["row"]), row["seed"]))


def keep_row(row: Row, path: Path) -> None:
    """Write `row` in place of the one of its name and seed; rows that another run has written meanwhile stay."""
    rows = [old for old in read_rows(path) if (old["row"], old["seed"]) != (row["row"], row["seed"])] + [row]
    path.write_text(json.dumps({"rows": rows, "machine": describe_machine()}, indent=1) + "\n", "utf-8")


def measure_case(case: Case, asked: argparse.Namespace, seed: int) -> Row:
    """Return what one run shows; or why it was skipped."""
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as name:
        folder, model = Path(name), asked.model.resolve()
        try:
            if case.verb == "export":
                return measure_graph(case, model, folder, seed)
            if case.name == AUTO:
                return measure_search(case, asked, folder, seed)
            return measure_archive(case, model, folder, seed)
        except CommandFailed as error:
            return {"skipped": str(error)}


def measure_graph(case: Case, model: Path, folder: Path, seed: int) -> Row:
    """Return the row of a graph in ONNX Runtime; the one of float32 is that of the model as it came."""
    command = ["export", str(model), "--to", "onnx", "-o", "graph", *case.options, "--eval", str(TEST)]
    told, cost = _run(command, folder)
    exact = told["running_float"] or told["running_after"]
    row = _tell(told["size_bytes"], told["loss_after"], told["running_after"], cost) | {
        "ms_float32": round(1000 * exact["seconds"], 1),  # in the same minute
        "ms_torch": round(1000 * told["running_before"]["seconds"], 1),
        "difference": told["comparison"]["difference"],
        "tolerance": told["comparison"]["tolerance"],
    }
    return row if case.options else row | _judge(str(model), folder, seed)


def measure_archive(case: Case, model: Path, folder: Path, seed: int) -> Row:
    """Return the row of an archive."""
    command = ["shrink", str(model), "-o", "small.mtm", *case.options, "--eval", str(TEST), "--seed", str(seed)]
    told, cost = _run(command, folder)
    runs = [told[name] for name in ("running_after", "running_int8") if told[name] is not None]
    row = _tell(told["bytes_after"], told["loss_after"], min(runs, key=lambda run: run["seconds"]), cost)
    return row | _judge("small.mtm", folder, seed)


def measure_search(case: Case, asked: argparse.Namespace, folder: Path, seed: int) -> Row:
    """Return the row of a search, its file measured on the test file, which the search did not see."""
    model, search = asked.model.resolve(), (asked.search or folder / "search").resolve()
    plain_bytes = sum(file.stat().st_size for file in model.glob("model*.safetensors"))
    command = ["shrink", str(model), *case.options, "--eval", str(HELD_OUT), "--search", str(search)]
    command += ["--seed", str(seed)]
    goal = ["--target-bytes", str(int(_SHARE * plain_bytes)), "--budget", asked.budget]
    told, cost = _run([*command, "-o", "small.mtm", *goal], folder)
    others = []
    for number, (option, share) in enumerate(_GOALS):
        wanted = int(share * plain_bytes) if option == "--target-bytes" else share * told["accuracy_before"]
        goal = [option, str(wanted), "--budget", _MORE]
        other, _ = _run([*command, "-o", f"{number}.mtm", *goal], folder)
        others.append({"goal": f"{option} {wanted}"} | _tell_search(other))
    rated, _ = _run(["bits", "small.mtm", str(TEST)], folder)
    loss = {"accuracy": rated["accuracy"], "macro_f1": rated["macro_f1"], "value": rated["bits_per_label"]}
    row = _tell(told["chosen"]["size_bytes"], loss, {"seconds": told["chosen"]["seconds"]}, cost)
    points = [{name: point[name] for name in _POINT} for point in told["points"]]
    return row | _tell_search(told) | {"tried": points, "others": others} | _judge("small.mtm", folder, seed)


_POINT = ("recipe", "bits", "size_bytes", "loss", "accuracy", "seconds", "cost_s", "why")


def _tell_search(told: Row) -> Row:
    """Return what a search chose, how long it took, and single passes that its frontier does not reach: none."""
    made = [point for point in told["points"] if point["size_bytes"] is not None]
    return {
        "recipe": told["chosen"]["recipe"],
        "chosen": {name: told["chosen"][name] for name in _POINT},
        "trials": len(told["points"]),
        "seconds": round(told["cost_s"], 1),
        "unmatched": [
            point["recipe"]
            for point in made
            if point["single"] and not any(_matches(better, point) for better in told["frontier"])
        ],
    }


def _matches(one: Row, other: Row) -> bool:
    """Return whether `one` is nowhere worse than `other`."""
    return bool(
        one["size_bytes"] <= other["size_bytes"]
        and one["loss"] <= other["loss"]
        and one["accuracy"] >= other["accuracy"]
    )


def _judge(program: str, folder: Path, seed: int) -> Row:
    """Return the accuracy of `program` on the test file, damaged, by kind and strength."""
    told, _ = _run(["eval", program, str(TEST), "--robust", "--seed", str(seed)], folder)
    return {"damaged": {f"{one['damage']} {one['share']:g}": round(one["accuracy"], 4) for one in told["robust"]}}


def _run(arguments: list[str], folder: Path) -> tuple[Row, Cost]:
    """Return (what `multum` printed, what it took), on one thread."""
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    threads = [] if arguments[0] == "bits" else ["-T", "1"]  # it has no such option
    command = (sys.executable, "-m", "multum", *arguments, *threads, "--json", "-q")
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


def show_table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown, seeds together: means, and ranges of accuracies."""
    lines = [["row", "bytes", "accuracy", "macro F1", "bits per label", "5 % typos", "half cut off", "ms", "seeds"]]
    for name in dict.fromkeys(row["row"] for row in rows):
        runs = [row for row in rows if row["row"] == name and "skipped" not in row]
        told = f"`{name}`".replace("|", "\\|") if "=" in name or name == "code" else name  # a bar would end a cell
        if not runs:
            lines.append([told, "skipped", *[""] * 7])
            continue
        lines.append(
            [
                told,
                f"{statistics.mean(row['bytes'] for row in runs):,.0f}",
                _show_range(runs, lambda row: row["accuracy"]),
                f"{statistics.mean(row['macro_f1'] for row in runs):.4f}",
                f"{statistics.mean(row['bits_per_label'] for row in runs):.4f}",
                _show_range(runs, lambda row: row.get("damaged", {}).get("typos 0.05")),
                _show_range(runs, lambda row: row.get("damaged", {}).get("truncation 0.5")),
                _show_latency(name),
                str(len(runs)),
            ]
        )
    return make_table(lines)


def _show_latency(name: str) -> str:
    """Return the milliseconds of a row; "" where they were not measured."""
    if not LATENCY.is_file():
        return ""
    found = json.loads(LATENCY.read_text("utf-8"))["ms"]
    return f"{min(found[name] if name in found else found[WHOLE]):.1f}"


def _show_range(runs: list[Row], read: Callable[[Row], float | None]) -> str:
    """Return the mean of what `read` finds, and its range where there are several that differ; "" for none."""
    found = [value for value in map(read, runs) if value is not None]
    if not found:
        return ""
    mean, low, high = statistics.mean(found), min(found), max(found)
    return f"{mean:.4f}" if low == high else f"{mean:.4f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    raise SystemExit(main())
