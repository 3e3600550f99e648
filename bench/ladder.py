"""Does a ladder of half an hour on two cores foretell a larger program, as it was trained and at few bits a weight?

Run as `python -m bench.ladder [--runs DIR]`; stopped, it goes on with the same folder. Every size from 11,568 to
492,384 weights with every amount of data from 2 to 8 MB of dickens, and one run that is larger than all of them, of a
million weights. The laws are fitted to all runs but that one, and predict it: chinchilla's its bits per byte as
trained, that with precision also those at 8, 6, 4 and 3 bits a weight. Which run and which forms was written here
before any was made.
Writes bench/results/ladder.json and the tables in docs/ladder.md.
"""

import argparse
import hashlib
import itertools
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import multum
from bench.corpus import ROOT, find_corpus
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.ladders.reports import Cost, LadderReport, Moment, Point
from multum.laws.fitting import fit_law
from multum.laws.law import Law
from multum.laws.points import read_points
from multum.laws.predicting import predict_rows

RESULTS = ROOT / "bench" / "results" / "ladder.json"
PAGE = ROOT / "docs" / "ladder.md"
# Sizes whose width suits their depth. Below 500 steps, which are 2 MB, programs learn by another law than later on, and
# all of dickens is 10 MB, so that nothing is repeated.
SIZES, AMOUNTS = (11_568, 40_096, 107_856, 183_744, 343_760, 492_384), (2e6, 4e6, 8e6)
LARGEST = (1_009_024, 8e6)
FORM, PRECISE_FORM = "chinchilla", "precision"
BITS = (8, 6, 4, 3)
Row = dict[str, Any]


def main() -> int:
    """Measure, print, write."""
    asked = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="multum-bench-") as folder:
        report, costs = climb(asked.data, asked.runs or Path(folder) / "runs")
    found = {
        "question": "does a ladder of half an hour on two cores foretell a larger program, at any precision",
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "data": {"name": asked.data.name, "sha256": hashlib.sha256(asked.data.read_bytes()).hexdigest()},
        "sessions": list_sessions(costs, report),
        "flops": report.flops,
        "points": [point.as_dict() for point in report.points],
        "failed": list(report.failed),
        "law": None if report.law is None else report.law.as_dict(),
        "plan": None if report.plan is None else report.plan.as_dict(),
    } | foretell(report.points)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_tables(found)), "utf-8")
    print(show_tables(found))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.ladder", description=__doc__)
    parser.add_argument("--data", type=Path, default=find_corpus() / "text" / "dickens", metavar="FILE")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="keep the runs here, and go on with them")
    return parser.parse_args()


def climb(data: Path, runs: Path) -> tuple[LadderReport, list[Row]]:
    """Return the ladder, and what it was said to cost before it started."""
    costs = []

    def announce(cost: Cost) -> None:
        costs.append({"runs": cost.runs, "finished": cost.finished, "time_s": round(cost.time_s), "flops": cost.flops})
        print(costs[-1], flush=True)

    def progress(moment: Moment) -> None:
        if moment.note is not None:
            print(f"{moment.spent_s:.0f} s, {moment.done}/{moment.runs}: {moment.name}: {moment.note}", flush=True)

    rows = [*itertools.product(SIZES, AMOUNTS), LARGEST]
    grid = {"params": [size for size, _ in rows], "bytes": [amount for _, amount in rows]}
    return multum.ladder(data, runs, grid=grid, bits=BITS, announce=announce, progress=progress), costs


def list_sessions(costs: list[Row], report: LadderReport) -> list[Row]:
    """Return what each session of the ladder was said to cost, and took; earlier ones are those of earlier results."""
    earlier = json.loads(RESULTS.read_text("utf-8"))["sessions"] if costs[0]["finished"] and RESULTS.is_file() else []
    return [*earlier, *({**cost, "took_s": round(report.time_s)} for cost in costs if cost["runs"])]


def foretell(points: Sequence[Point]) -> Row:
    """Return what the law of all runs but the largest says of that one, and of rounding."""
    seen = [point for point in points if point.parameters < LARGEST[0]]
    unseen = [point for point in points if point.parameters == LARGEST[0]]
    trained = [point for point in seen if point.post_training_bits == 32]
    plain, rounded = _fit(trained, FORM), _fit(seen, PRECISE_FORM)
    fitted = _predict(rounded, seen)
    return {
        "seen": {
            "runs": len(trained),
            "most_parameters": max(point.parameters for point in trained),
            "most_flops": max(point.flops for point in trained),
        },
        "law_of_trained": plain.as_dict(),
        "law_of_all": rounded.as_dict(),
        "largest_trained": _predict(plain, [point for point in unseen if point.post_training_bits == 32]),
        "largest": _predict(rounded, unseen),
        "fitted_error": {
            f"{bits:g}": float(np.mean([abs(row["error"]) for row in fitted if row["bits"] == bits]))
            for bits in (32, *BITS)
        },
    }


def _fit(points: Sequence[Point], form: str) -> Law:
    """Return the law of points, of which those of one run are known to be that."""
    return fit_law(read_points([_list_columns(points, form == PRECISE_FORM)]), form)


def _list_columns(points: Sequence[Point], bits: bool) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "run": [point.run for point in points],
        "N": [float(point.parameters) for point in points],
        "bytes": [float(point.bytes) for point in points],
        "bpb": [point.bpb for point in points],
    }
    return columns | ({"Q": [point.post_training_bits or 32.0 for point in points]} if bits else {})


def _predict(law: Law, points: Sequence[Point]) -> list[Row]:
    """Return what a law says of points beside what they are."""
    columns = {
        "N": np.array([point.parameters for point in points], np.float64),
        "D": np.array([point.bytes for point in points], np.float64),
        "Q": np.array([point.post_training_bits for point in points], np.float64),
    }
    measured = np.array([point.bpb for point in points])
    return [
        {
            "run": point.run,
            "bits": point.post_training_bits,
            "measured": point.bpb,
            "predicted": row.predicted,
            "low": row.low,
            "high": row.high,
            "error": row.predicted / point.bpb - 1,
        }
        for point, row in zip(points, predict_rows(law, columns, measured, anyway=True), strict=True)
    ]


def show_tables(found: Row) -> str:
    """Return the tables of docs/ladder.md."""
    return "\n\n".join([_show_runs(found), _show_foretold(found), _tell_origin(found)])


def _show_runs(found: Row) -> str:
    lines = [["parameters", "bytes", "FLOPs", "as trained", *(f"{bits} bits" for bits in BITS)]]
    for run in dict.fromkeys(point["run"] for point in found["points"]):
        ours = [point for point in found["points"] if point["run"] == run]
        first, rates = ours[0], {point["post_training_bits"]: point["bpb"] for point in ours}
        told = [f"{first['parameters']:,}", f"{first['bytes']:,}", f"{first['flops']:.3g}"]
        lines.append([*told, *(f"{rates[bits]:.4f}" for bits in (32, *BITS))])
    return make_table(lines)


def _show_foretold(found: Row) -> str:
    lines = [
        ["unseen by the law, bits per byte", "predicted", "80 % interval", "measured", "error", "error where seen"]
    ]
    (trained,) = found["largest_trained"]
    law, joint = found["law_of_trained"]["form"], found["law_of_all"]["form"]
    lines.append([f"{LARGEST[0]:,} weights as trained, by {law}, of trained programs", *_show_row(trained), ""])
    for row in found["largest"]:
        name = "as trained" if row["bits"] == 32 else f"at {row['bits']:g} bits"
        fitted = f"{found['fitted_error'][format(row['bits'], 'g')]:.2%}"
        lines.append([f"{LARGEST[0]:,} weights {name}, by {joint}, of all", *_show_row(row), fitted])
    return make_table(lines)


def _show_row(row: Row) -> list[str]:
    interval = f"{row['low']:.4f} to {row['high']:.4f}"
    return [f"{row['predicted']:.4f}", interval, f"{row['measured']:.4f}", f"{row['error']:+.2%}"]


def _tell_origin(found: Row) -> str:
    """Return what stands below the tables: cost, reach, and where the figures come from."""
    seen, machine = found["seen"], found["machine"]
    largest = found["largest_trained"][0]["run"]
    reach = next(point["flops"] for point in found["points"] if point["run"] == largest) / seen["most_flops"]
    told = "; ".join(
        f"{one['took_s'] / 60:.0f} minutes for {one['runs']} of the runs, {one['time_s'] / 60:.0f} told before"
        for one in found["sessions"]
    )
    return (
        f"{told}; {found['flops']:.3g} FLOPs on {found['data']['name']}. {LARGEST[0]:,} weights had {reach:.1f} times"
        f" the compute of the largest of the {seen['runs']} that were seen, and"
        f" {LARGEST[0] / seen['most_parameters']:.1f} times the weights. Commit {found['commit']}, {found['date']},"
        f" {machine['processor']}, {machine['cores']} cores."
    )


if __name__ == "__main__":
    sys.exit(main())
